// tests/oracle/graph_semantics.cpp -- programs on the graph run in libtorch and here; what can be observed must be the same.
#include "oracle/oracle.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>

#include <algorithm>
#include <sstream>

#include "cotangent/autograd.h"

namespace {

// The kinds of errors that users search for; other texts count as "other".
std::string kind_of(const std::string& message) {
  static const char* const phrases[] = {
      "does not require grad and does not have a grad_fn", "Trying to backward through the graph a second time",
      "a view of a leaf Variable that requires grad is being used in an in-place operation",
      "a leaf Variable that requires grad is being used in an in-place operation", "modified by an inplace operation",
      "grad can be implicitly created only for scalar outputs", "invalid gradient at index", "appears to not have been used in the graph",
      "One of the differentiated Tensors does not require grad", "can't retain_grad on Tensor that has requires_grad=False",
      "requires_grad flags of leaf variables", "Can't detach views in-place", "Inference tensors cannot be saved for backward",
      "Inplace update to inference tensor", "Setting requires_grad=True on inference tensor", "A view was created in no_grad mode",
      "returns multiple views", "more than one element of the written-to tensor", "can't be cast to the desired output type",
      "Only Tensors of floating point", "cannot register a hook on a", "has changed the size of value",
      "has changed the type of value", "Invalid index, no hook at position"};
  if (message.empty()) return "none";
  for (const char* p : phrases)
    if (message.find(p) != std::string::npos) return p;
  return "other";
}
template <class F>
std::string failure(const F& f) {
  try {
    f();
  } catch (const std::exception& e) {
    const std::string kind = kind_of(e.what());
    // Versions and shapes of a changed value are part of the message.
    const std::string text = e.what();
    const std::size_t at = text.find(" is at version "), end = text.find(" instead", at);
    return at == std::string::npos ? kind : kind + text.substr(at, end - at);
  }
  return "none";
}
// Python's name of a node: without a namespace; C++ overloads for numbers have numbers of their own.
std::string short_name(const std::string& name) {
  const std::size_t colon = name.rfind(':');
  const std::string plain = colon == std::string::npos ? name : name.substr(colon + 1);
  for (const char* four : {"AddBackward", "SubBackward", "MulBackward", "DivBackward"})
    if (plain.rfind(four, 0) == 0) return std::string(four) + "0";
  return plain;
}

namespace theirs {
using at::Tensor;
constexpr auto absent = c10::nullopt;
Tensor plain(const std::vector<double>& v) { return at::tensor(v, at::kDouble); }
Tensor single(const std::vector<double>& v) { return at::tensor(v, at::kFloat); }
Tensor whole(const std::vector<double>& v) { return at::tensor(v, at::kLong); }
Tensor leaf(const std::vector<double>& v) { return plain(v).requires_grad_(); }
std::vector<double> values(const Tensor& t) {
  const Tensor d = t.detach().to(at::kDouble).contiguous();
  return {d.data_ptr<double>(), d.data_ptr<double>() + d.numel()};
}
std::string node(const Tensor& t) { return t.grad_fn() ? short_name(t.grad_fn()->name()) : "None"; }
std::string edges(const Tensor& t) {
  std::string out;
  for (const auto& e : t.grad_fn()->next_edges()) out += (e.function ? short_name(e.function->name()) : "None") + ":" + std::to_string(e.input_nr) + " ";
  return out;
}
const void* node_of_edge(const Tensor& t, std::size_t i) { return t.grad_fn()->next_edge(i).function.get(); }
using NoGrad = at::NoGradGuard;
struct EnableGrad : at::AutoGradMode { EnableGrad() : AutoGradMode(true) {} };
using Inference = c10::InferenceMode;
std::vector<Tensor> grad(const std::vector<Tensor>& y, const std::vector<Tensor>& x, const std::vector<Tensor>& v = {}, c10::optional<bool> retain = absent,
                         bool create = false, bool unused = false) {
  return torch::autograd::grad(y, x, v, retain, create, unused);
}
void backward_many(const std::vector<Tensor>& y, const std::vector<Tensor>& v, bool retain) { torch::autograd::backward(y, v, retain); }
#include "oracle/scenarios.inc"
}  // namespace theirs

namespace ours {
using ct::Tensor;
constexpr auto absent = std::nullopt;
Tensor plain(const std::vector<double>& v) { return ct::tensor(v, ct::kDouble); }
Tensor single(const std::vector<double>& v) { return ct::tensor(v, ct::kFloat); }
Tensor whole(const std::vector<double>& v) { return ct::tensor(v, ct::kLong); }
Tensor leaf(const std::vector<double>& v) {
  Tensor t = plain(v);
  t.requires_grad_();
  return t;
}
std::vector<double> values(const Tensor& t) { return theirs::values(oracle::to_at(t.detach())); }
std::string node(const Tensor& t) { return t.grad_fn() ? t.grad_fn()->name() : "None"; }
std::string edges(const Tensor& t) {
  std::string out;
  for (const auto& e : t.grad_fn()->next_edges()) out += (e.function ? e.function->name() : "None") + ":" + std::to_string(e.input_nr) + " ";
  return out;
}
const void* node_of_edge(const Tensor& t, std::size_t i) { return t.grad_fn()->next_edge(i).function.get(); }
using NoGrad = ct::NoGradGuard;
using EnableGrad = ct::EnableGradGuard;
using Inference = ct::InferenceMode;
std::vector<Tensor> grad(const std::vector<Tensor>& y, const std::vector<Tensor>& x, const std::vector<Tensor>& v = {}, std::optional<bool> retain = absent,
                         bool create = false, bool unused = false) {
  return ct::autograd::grad(y, x, v, retain, create, unused);
}
void backward_many(const std::vector<Tensor>& y, const std::vector<Tensor>& v, bool retain) { ct::autograd::backward(y, v, retain); }
#include "oracle/scenarios.inc"
}  // namespace ours

// Lines where we mean to differ: Python's rules, which libtorch's C++ front end does not follow, and PyTorch 2's.
struct Difference { const char* scenario; const char* line; const char* why; };
constexpr Difference intended[] = {
    {"inputs_of_backward", "untracked", "the message speaks of what was asked for, not of retain_grad"},
    {"wrong_cotangents", "one", "Python refuses a cotangent of another shape"},
};

}  // namespace

DOCTEST_TEST_CASE("programs on the graph behave as in libtorch") {
  ct::set_warning_handler([](std::string_view) {});
  for (std::size_t i = 0; i < std::size(ours::scenarios); ++i) {
    ours::Log a;
    theirs::Log b;
    std::string error_a, error_b;
    try {
      ours::scenarios[i].second(a);
    } catch (const std::exception& e) {
      a.text += std::string("stopped = ") + kind_of(e.what()) + "\n";
      error_a = e.what();
    }
    try {
      theirs::scenarios[i].second(b);
    } catch (const std::exception& e) {
      b.text += std::string("stopped = ") + kind_of(e.what()) + "\n";
      error_b = e.what();
    }
    const std::string name = ours::scenarios[i].first;
    std::istringstream lines_a(a.text), lines_b(b.text);
    for (std::string x, y; ;) {
      const bool more_a = static_cast<bool>(std::getline(lines_a, x)), more_b = static_cast<bool>(std::getline(lines_b, y));
      if (!more_a) x = "(nothing more)";
      if (!more_b) y = "(nothing more)";
      const bool meant = std::any_of(std::begin(intended), std::end(intended), [&](const Difference& d) {
        return name == d.scenario && x.rfind(std::string(d.line) + " = ", 0) == 0;
      });
      DOCTEST_CHECK_MESSAGE((x == y || meant), name, "\n  ours:     ", x, "\n  libtorch: ", y, "\n  ", error_a.substr(0, 300), "\n  ", error_b.substr(0, 300));
      if (!more_a || !more_b) break;
    }
  }
  ct::set_warning_handler(nullptr);
}
