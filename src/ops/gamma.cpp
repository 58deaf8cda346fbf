// ops/gamma.cpp -- gamma and Dirichlet numbers, differentiable by their parameters.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cotangent/ops/gamma.h"
#include "kernels/cpu/gamma.h"
#include "ops/op_list.h"
#include "ops/random.h"

namespace ct {

namespace {

using MaybeGenerator = std::optional<Generator>;
struct DrawAttrs { const MaybeGenerator* generator; };  // looked at during the call only

// Calls draw(concentration, stream) for each element of c.x(0), in the order of indices.
template <class T, class Each>
void for_each_gamma(const Tensor& concentration, const MaybeGenerator& generator, const Each& each) {
  detail::GeneratorImpl& g = (generator ? *generator : default_generator()).impl();
  const auto* a = detail::data<T>(concentration);
  std::lock_guard lock(g.mutex);
  for (std::int64_t i = 0; i < concentration.numel(); ++i) each(i, kernels::standard_gamma<T>(a[i], g));
}

Tensor checked(const char* op, const char* kernel, const Tensor& x) {
  CT_CHECK_TYPE(x.scalar_type() == kFloat || x.scalar_type() == kDouble, op, ": \"", kernel, "\" not implemented for '", x.scalar_type(), "'");
  const Tensor dense = x.detach().contiguous();
  detail::check_range(op, "expected all concentrations >= 0", dense, 0, std::numeric_limits<double>::infinity());
  return dense;
}

template <class T>
T at_least_tiny(double v) { return std::max(std::numeric_limits<T>::min(), static_cast<T>(v)); }

template <class T>
void fill_gamma(const Tensor& out, const Tensor& a, const MaybeGenerator& g) {
  auto* y = detail::data<T>(out);
  for_each_gamma<T>(a, g, [&](std::int64_t i, double v) { y[i] = at_least_tiny<T>(v); });
}
// Gamma numbers, divided by the sum of their row.
template <class T>
void fill_dirichlet(const Tensor& out, const Tensor& a, const MaybeGenerator& g) {
  std::vector<double> gamma(static_cast<std::size_t>(a.numel()));
  for_each_gamma<T>(a, g, [&](std::int64_t i, double v) { gamma[static_cast<std::size_t>(i)] = v; });
  const std::int64_t k = a.size(-1);
  auto* y = detail::data<T>(out);
  const T below_one = std::nextafter(T(1), T(0));
  for (std::size_t row = 0; row < gamma.size(); row += static_cast<std::size_t>(k)) {
    double sum = 0;
    for (std::int64_t i = 0; i < k; ++i) sum += gamma[row + static_cast<std::size_t>(i)];
    for (std::int64_t i = 0; i < k; ++i) *y++ = std::min(below_one, at_least_tiny<T>(gamma[row + static_cast<std::size_t>(i)] / sum));
  }
}

Tensor no_second(const char* name) {
  CT_THROW(not_implemented, name, ": the derivative for '", name, "' is not implemented\n  Samples can be differentiated once.");
}

constexpr const char* drawn = "random: tests/distributions/gamma.cpp compares streams and gradients";
constexpr const char* once = "not to be differentiated: tests/distributions/gamma.cpp compares values";

constexpr Op standard_gamma_op{
    .name = "_standard_gamma",
    .node = "StandardGammaBackward0",
    .formula = "da = g * _standard_gamma_grad(a, y)",
    .forward = [](const Call& c) {
      const Tensor a = checked("_standard_gamma", "_s_gamma_cpu", c.x(0));
      const Tensor out = empty(a.sizes(), a.scalar_type());
      (a.scalar_type() == kFloat ? fill_gamma<float> : fill_gamma<double>)(out, a, *c.attrs<DrawAttrs>().generator);
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int) { return g * _standard_gamma_grad(s.x(0), s.y()); },
    .save = {X(0) | Y()},
    .random = true,
    .untested = drawn,
    .second_order = false,
};
constexpr Op standard_gamma_grad_op{
    .name = "_standard_gamma_grad",
    .node = "StandardGammaGradBackward0",
    .kind = OpKind::elementwise,
    .formula = "not implemented",
    .kernel = kernels::gamma_slope,
    .vjp = [](const Tensor&, const Saved&, int) { return no_second("_standard_gamma_grad"); },
    .save = {0, 0},
    .dtypes = Dtypes::floating,
    .arity = 2,
    .untested = once,
    .second_order = false,
};

constexpr Op sample_dirichlet_op{
    .name = "_sample_dirichlet",
    .node = "SampleDirichletBackward0",
    .formula = "da = g' (g - sum(y g)), g' = _dirichlet_grad(y, a, sum(a))",
    .forward = [](const Call& c) {
      CT_CHECK(c.x(0).dim() > 0, "_sample_dirichlet: `concentration` parameter must be at least one-dimensional.");
      const Tensor a = checked("_sample_dirichlet", "dirichlet", c.x(0));
      const Tensor out = empty(a.sizes(), a.scalar_type());
      (a.scalar_type() == kFloat ? fill_dirichlet<float> : fill_dirichlet<double>)(out, a, *c.attrs<DrawAttrs>().generator);
      return out;
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const Tensor &a = s.x(0), &y = s.y();
      return _dirichlet_grad(y, a, sum(a, -1, true).expand(a.sizes())) * (g - sum(y * g, -1, true));
    },
    .save = {X(0) | Y()},
    .random = true,
    .untested = drawn,
    .second_order = false,
};
constexpr Op dirichlet_grad_op{
    .name = "_dirichlet_grad",
    .node = "DirichletGradBackward0",
    .kind = OpKind::elementwise,
    .formula = "not implemented",
    .kernel = kernels::beta_slope,
    .vjp = [](const Tensor&, const Saved&, int) { return no_second("_dirichlet_grad"); },
    .save = {0, 0, 0},
    .dtypes = Dtypes::floating,
    .arity = 3,
    .untested = once,
    .second_order = false,
};

}  // namespace

std::span<const Op* const> gamma_ops() {
  static constexpr const Op* ops[] = {&standard_gamma_op, &standard_gamma_grad_op, &sample_dirichlet_op, &dirichlet_grad_op};
  return ops;
}

Tensor _standard_gamma(const Tensor& self, MaybeGenerator g) { return apply_with(standard_gamma_op, DrawAttrs{&g}, self); }
Tensor _standard_gamma_grad(const Tensor& self, const Tensor& output) { return apply(standard_gamma_grad_op, self, output); }
Tensor _sample_dirichlet(const Tensor& self, MaybeGenerator g) { return apply_with(sample_dirichlet_op, DrawAttrs{&g}, self); }
Tensor _dirichlet_grad(const Tensor& x, const Tensor& alpha, const Tensor& total) { return apply(dirichlet_grad_op, x, alpha, total); }

}  // namespace ct
