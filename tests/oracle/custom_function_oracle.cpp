// tests/oracle/custom_function_oracle.cpp -- the same custom functions in libtorch and here: values, gradients, histories, errors.
#include "oracle/oracle.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <sstream>
#include <stdexcept>

#include "cotangent/custom_function.h"

namespace {

// What a reader would search for in the error.
std::string kind_of(const std::string& message) {
  static const char* const phrases[] = {
      "returned an incorrect number of gradients (expected 4, got 1)", "returned an incorrect number of gradients (expected 4, got 0)",
      "returned an incorrect number of gradients (expected 4, got 6)", "returned a gradient different that is defined at position 4",
      "invalid gradient at index 0 - got [3] but expected shape compatible with [2]",
      "invalid gradient at index 0 - got [1] but expected shape compatible with [2]",
      "a leaf Variable that requires grad has been used in an in-place operation",
      "Some elements marked as dirty during the forward method were not returned as output",
      "your Function cannot return more than one Tensor", "is a view and is being modified inplace. This view was created inside a custom Function",
      "is a view and its base or another view of its base has been modified inplace. This view was created inside a custom Function",
      "returns multiple views", "Trying to backward through the graph a second time", "thrown by forward", "thrown by backward",
      "modified by an inplace operation", "does not require grad and does not have a grad_fn"};
  for (const char* p : phrases)
    if (message.find(p) != std::string::npos) return p;
  return "other: " + message.substr(0, 200);
}
template <class F>
std::string failure(const F& f) {
  try {
    f();
  } catch (const std::exception& e) {
    const std::string text = e.what();
    const std::size_t at = text.find(" is at version "), end = text.find(" instead", at);
    return at == std::string::npos ? kind_of(text) : kind_of(text) + text.substr(at, end - at);
  }
  return "none";
}
// The nodes of custom functions are named CppNode<..> there; overloads for numbers have numbers of their own.
std::string short_name(const std::string& name) {
  if (name.find("CppNode") != std::string::npos) return "custom";
  const std::size_t colon = name.rfind(':');
  const std::string plain = colon == std::string::npos ? name : name.substr(colon + 1);
  for (const char* four : {"AddBackward", "SubBackward", "MulBackward", "DivBackward"})
    if (plain.rfind(four, 0) == 0) return std::string(four) + "0";
  for (const char* own : {"MyExp", "Cube", "Affine", "WithOptional", "Returns", "MulInPlace", "MulInPlaceTwoOutputs", "ExpInPlace", "ForgetsDirty", "AsIs",
                          "ViewOut", "TwoViews", "Sorted", "Split", "Asks", "Throws", "Reentrant", "SavesNothing"})
    if (plain == std::string(own) + "Backward") return "custom";
  return plain;
}

namespace theirs {
using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;
using Maybe = c10::optional<Tensor>;
constexpr auto absent = c10::nullopt;
Tensor plain(const std::vector<double>& v) { return at::tensor(v, at::kDouble); }
Tensor whole(const std::vector<double>& v) { return at::tensor(v, at::kLong); }
Tensor leaf(const std::vector<double>& v) { return plain(v).requires_grad_(); }
std::vector<double> values(const Tensor& t) {
  const Tensor d = t.detach().to(at::kDouble).contiguous();
  return {d.data_ptr<double>(), d.data_ptr<double>() + d.numel()};
}
std::string node(const Tensor& t) { return t.grad_fn() ? short_name(t.grad_fn()->name()) : "None"; }
using NoGrad = at::NoGradGuard;
struct EnableGrad : at::AutoGradMode { EnableGrad() : AutoGradMode(true) {} };
std::vector<Tensor> grad(const std::vector<Tensor>& y, const std::vector<Tensor>& x, const std::vector<Tensor>& v = {}, c10::optional<bool> retain = absent,
                         bool create = false) {
  return torch::autograd::grad(y, x, v, retain, create);
}
#include "oracle/custom_functions.inc"
}  // namespace theirs

namespace ours {
using ct::Tensor;
using ct::autograd::AutogradContext;
using ct::autograd::Function;
using ct::autograd::variable_list;
using Maybe = std::optional<Tensor>;
constexpr auto absent = std::nullopt;
Tensor plain(const std::vector<double>& v) { return ct::tensor(v, ct::kDouble); }
Tensor whole(const std::vector<double>& v) { return ct::tensor(v, ct::kLong); }
Tensor leaf(const std::vector<double>& v) { return plain(v).requires_grad_(); }
std::vector<double> values(const Tensor& t) { return theirs::values(oracle::to_at(t.detach())); }
std::string node(const Tensor& t) { return t.grad_fn() ? short_name(t.grad_fn()->name()) : "None"; }
using NoGrad = ct::NoGradGuard;
using EnableGrad = ct::EnableGradGuard;
std::vector<Tensor> grad(const std::vector<Tensor>& y, const std::vector<Tensor>& x, const std::vector<Tensor>& v = {}, std::optional<bool> retain = absent,
                         bool create = false) {
  return ct::autograd::grad(y, x, v, retain, create);
}
#include "oracle/custom_functions.inc"
}  // namespace ours

template <class Log, class Scenario>
std::string log_of(const Scenario& scenario) {
  Log log;
  try {
    scenario(log);
  } catch (const std::exception& e) {
    log.text += "stopped = " + kind_of(e.what()) + "\n";
  }
  return log.text;
}

}  // namespace

DOCTEST_TEST_CASE("custom functions behave as in libtorch") {
  ct::set_warning_handler([](std::string_view) {});
  for (std::size_t i = 0; i < std::size(ours::scenarios); ++i) {
    const std::string a = log_of<ours::Log>(ours::scenarios[i].second), b = log_of<theirs::Log>(theirs::scenarios[i].second);
    std::istringstream lines_a(a), lines_b(b);
    for (std::string x, y; ;) {
      const bool more_a = static_cast<bool>(std::getline(lines_a, x)), more_b = static_cast<bool>(std::getline(lines_b, y));
      if (!more_a) x = "(nothing more)";
      if (!more_b) y = "(nothing more)";
      DOCTEST_CHECK_MESSAGE(x == y, ours::scenarios[i].first, "\n  ours:     ", x, "\n  libtorch: ", y);
      if (!more_a || !more_b) break;
    }
  }
  ct::set_warning_handler(nullptr);
}
