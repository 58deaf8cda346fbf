// cotangent/gradcheck.h -- derivatives against differences of values, and what a mistake looks like.
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cotangent/callable.h"
#include "cotangent/custom_function.h"

namespace ct::autograd {

/// PyTorch's options, under their names.
struct GradcheckOptions {
  double eps = 1e-6;                  // step of the central difference (f(x + eps) - f(x - eps)) / (2 eps)
  double atol = 1e-5, rtol = 1e-3;    // |analytical - numerical| <= atol + rtol |numerical|
  bool raise_exception = true;        // throw GradcheckError instead of returning false
  double nondet_tol = 0;              // how far two backwards of the same graph may differ
  bool check_undefined_grad = true;   // that undefined and zero output gradients are handled
  bool check_grad_dtypes = false;     // that gradients have the dtypes of the inputs
  bool check_batched_grad = false;    // backward under vmap against backward in a loop
  bool check_batched_forward_grad = false;
  bool check_forward_ad = false;      // forward mode too
  bool check_backward_ad = true;
  bool fast_mode = false;             // one random projection v^T J u instead of every entry

  // gradgradcheck only
  bool gen_non_contig_grad_outputs = false;
  bool check_fwd_over_rev = false;
  bool check_rev_over_rev = true;
};

/// One thing that is wrong.
struct GradcheckFailure {
  std::string check;        // "backward", "forward", "undefined", "dtype", "nondeterministic", "batched", "input"
  int output = -1, input = -1;
  /// The worst entry: d output[output_entry] / d input[input_entry], flat indices.
  std::int64_t output_entry = -1, input_entry = -1;
  double numerical = 0, analytical = 0;
  std::int64_t wrong = 0, entries = 0;  // so many entries of the Jacobian differ, of so many
  std::string diagnosis;    // what this kind of mistake usually is; empty if there is no pattern
  std::string message;      // all of it in words
};

/// What gradcheck found; ok if nothing.
struct GradcheckReport {
  std::vector<GradcheckFailure> failures;
  std::vector<std::string> warnings;
  std::int64_t entries = 0;       // of all Jacobians that were compared
  double largest_error = 0;       // |analytical - numerical| of the entries that agree
  bool ok() const { return failures.empty(); }
  /// All failures and warnings, as printed by GradcheckError.
  std::string text() const;
};

/// The error of gradcheck and gradgradcheck.
class CT_API GradcheckError : public Error {
 public:
  explicit GradcheckError(GradcheckReport report);
  ~GradcheckError() override;
  const GradcheckReport& report() const { return report_; }

 private:
  GradcheckReport report_;
};

using ListFunction = FunctionRef<variable_list(const variable_list&)>;

/// The check itself, for a function from a list of tensors to a list of tensors. Never throws for a wrong derivative; throws
/// ct::ValueError if no input requires a gradient, and what f throws.
CT_API GradcheckReport gradcheck_report(ListFunction f, TensorList inputs, const GradcheckOptions& options = {});
/// The same for the derivatives of the gradients. grad_outputs: cotangents, random unless given.
CT_API GradcheckReport gradgradcheck_report(ListFunction f, TensorList inputs, TensorList grad_outputs = {}, const GradcheckOptions& options = {});

}  // namespace ct::autograd

namespace ct::detail {

CT_API bool gradcheck_result(autograd::GradcheckReport report, bool raise);
[[noreturn]] CT_API void gradcheck_arity(std::size_t n);

template <class F, class... Ts>
autograd::variable_list call_with(F& f, const autograd::variable_list& x) {
  // A generic lambda is tried with tensors only; a body that is no good for them is an error of its own.
  if constexpr (std::is_invocable_v<F&, const Ts&...>) {
    if (x.size() == sizeof...(Ts))
      return [&]<std::size_t... I>(std::index_sequence<I...>) { return custom::to_list(f(x[I]...)); }(std::index_sequence_for<Ts...>{});
  }
  if constexpr (sizeof...(Ts) < 8) return call_with<F, Ts..., Tensor>(f, x);
  else gradcheck_arity(x.size());
}

// f(list), f(x), f(x, y), ..: as f takes them.
template <class F>
autograd::variable_list call_on_list(F& f, const autograd::variable_list& x) {
  constexpr bool plain = std::is_pointer_v<F> || std::is_function_v<F> || requires { &F::operator(); };
  if constexpr (plain && std::is_invocable_v<F&, const autograd::variable_list&>) return custom::to_list(f(x));
  else return call_with<F>(f, x);
}

}  // namespace ct::detail

namespace ct::autograd {

/// Whether the gradients of f at `inputs` (which require them, in float64) are those that differences of f's values give.
///
///   J[i, j] = (f_j(x + eps e_i) - f_j(x - eps e_i)) / (2 eps)
///
/// f takes a list of tensors, or as many tensors as there are inputs, and returns a tensor, a list or a tuple. The elements
/// of the inputs are changed for a moment and put back.
/// Errors: GradcheckError (unless options.raise_exception is off, then false): "Jacobian mismatch for output 0 with respect to
/// input 0" with the worst entry, its two values and a diagnosis, such as a factor, a sign or a transposed matrix.
template <class F>
bool gradcheck(F&& f, TensorList inputs, const GradcheckOptions& options = {}) {
  auto call = [&f](const variable_list& x) { return ct::detail::call_on_list(f, x); };
  return ct::detail::gradcheck_result(gradcheck_report(call, inputs, options), options.raise_exception);
}
/// Whether the gradients of the gradients are right, in the same way; the cotangents are random unless given.
template <class F>
bool gradgradcheck(F&& f, TensorList inputs, TensorList grad_outputs = {}, const GradcheckOptions& options = {}) {
  auto call = [&f](const variable_list& x) { return ct::detail::call_on_list(f, x); };
  return ct::detail::gradcheck_result(gradgradcheck_report(call, inputs, grad_outputs, options), options.raise_exception);
}

}  // namespace ct::autograd
