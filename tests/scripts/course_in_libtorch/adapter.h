// adapter.h -- makes `ct` another name of libtorch 1.13, for lessons of the course: the same source, another library.
//
// Values are libtorch's; only their texts are Cotangent's (texts.cpp), so that the two programs print alike. What Python has
// and libtorch's C++ interface does not is made of libtorch's own parts here, where that is a few lines.
#pragma once

#include <torch/torch.h>

// Lessons stand in namespaces here, so that the standard headers have to be there before them.
#include <algorithm>
#include <array>
#include <c10/util/Logging.h>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <numbers>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cotangent/callable.h"  // these headers have nothing of tensors ..
#include "cotangent/data.h"
#define Tensor NotThisTensor  // .. or, of ours, only a name
#include "cotangent/plot.h"
#undef Tensor
#include "texts.h"

namespace at {

// Figures find these for libtorch's tensors.
inline std::vector<double> plot_values(const Tensor& t) {
  const Tensor flat = t.detach().to(kDouble).contiguous().flatten();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}
inline ct::plot::Grid plot_grid(const Tensor& t) { return ct::plot::Grid(t.size(0), t.size(1), plot_values(t)); }

// A number beside a tensor becomes a tensor, as in Python and in Cotangent: the node is MulBackward0 with two edges.
// libtorch's own operators take it as a number: MulBackward1 with one edge.
template <class T>
concept PlainNumber = std::is_arithmetic_v<T>;
template <PlainNumber T> Tensor operator+(const Tensor& x, T v) { return x.add(native::wrapped_scalar_tensor(v)); }
template <PlainNumber T> Tensor operator+(T v, const Tensor& x) { return x.add(native::wrapped_scalar_tensor(v)); }
template <PlainNumber T> Tensor operator*(const Tensor& x, T v) { return x.mul(native::wrapped_scalar_tensor(v)); }
template <PlainNumber T> Tensor operator*(T v, const Tensor& x) { return x.mul(native::wrapped_scalar_tensor(v)); }
template <PlainNumber T> Tensor operator-(const Tensor& x, T v) { return x.sub(native::wrapped_scalar_tensor(v)); }
template <PlainNumber T> Tensor operator-(T v, const Tensor& x) { return rsub(x, v); }
template <PlainNumber T> Tensor operator/(const Tensor& x, T v) { return x.div(native::wrapped_scalar_tensor(v)); }
template <PlainNumber T> Tensor operator/(T v, const Tensor& x) { return x.reciprocal().mul(native::wrapped_scalar_tensor(v)); }

}  // namespace at

namespace ct {

using namespace torch;

using Error = std::exception;  // in a few places libtorch throws a std::runtime_error
using c10::IndexError;
using c10::TypeError;
using c10::ValueError;
using torch::autograd::AutoGradMode;
using torch::autograd::Edge;
using torch::autograd::Node;
using NodePtr = std::shared_ptr<torch::autograd::Node>;
using EnableGradGuard = at::AutoGradMode;

// ---- tensors ------------------------------------------------------------------------------------------------------------------

using torch::tensor;
template <class T>
  requires std::is_arithmetic_v<T>
Tensor tensor(std::initializer_list<T> list, const TensorOptions& options = {}) {
  return torch::tensor(at::ArrayRef<T>(list.begin(), list.size()), options);
}

template <std::same_as<std::span<const double>> T>
Tensor tensor(const T& numbers, const TensorOptions& options = {}) {
  return torch::tensor(at::ArrayRef<double>(numbers.data(), numbers.size()), options);
}

inline void set_default_dtype(at::ScalarType t) { torch::set_default_dtype(c10::scalarTypeToTypeMeta(t)); }

// ---- texts --------------------------------------------------------------------------------------------------------------------

std::string fixed(double v, int digits);       // the library's own
std::string scientific(double v, int digits);

inline std::string to_string(const Tensor& t) {
  if (!t.defined()) return "None";
  NoGradGuard quiet;
  const Tensor d = t.detach();
  return texts::tensor({d.data_ptr(), d.sizes().vec(), d.strides().vec(), c10::toString(d.scalar_type()), t.requires_grad(),
                        t.grad_fn() ? t.grad_fn()->name() : ""});
}
inline std::string to_string(IntArrayRef sizes) { return texts::sizes(sizes.vec()); }
inline std::string to_string(at::ScalarType t) { return texts::dtype(c10::toString(t)); }
inline std::string to_string(caffe2::TypeMeta t) { return to_string(t.toScalarType()); }
inline std::string to_string(const at::Device& d) { return d.str(); }
inline std::string to_string(const NodePtr& n) { return n ? "<" + n->name() + ">" : "None"; }
inline std::string to_string(const std::string& s) { return s; }
inline std::string to_string(std::string_view s) { return std::string(s); }
inline std::string to_string(const char* s) { return s ? s : "None"; }
inline std::string to_string(bool b) { return b ? "True" : "False"; }
inline std::string to_string(char c) { return std::string(1, c); }
inline std::string to_string(double v) { return texts::number(v); }
inline std::string to_string(float v) { return texts::number(v); }
template <std::integral T>
std::string to_string(T v) { return std::to_string(v); }
template <class T>
std::string to_string(const std::vector<T>& list) {
  std::string out = "[";
  for (const T& x : list) out += (out.size() > 1 ? ", " : "") + to_string(x);
  return out + "]";
}
inline std::string to_string(const at::Scalar& s) {
  return s.isBoolean() ? to_string(s.to<bool>()) : s.isIntegral(false) ? to_string(s.to<std::int64_t>()) : to_string(s.to<double>());
}
inline std::string size_string(IntArrayRef sizes) { return "torch.Size(" + to_string(sizes) + ")"; }

template <class... Ts>
void print(const Ts&... xs) {
  std::string line;
  ((line += (line.empty() ? "" : " "), line += to_string(xs)), ...);
  texts::print(line);
}

// Figures and graphs are written as files here, never shown.
namespace detail {
enum class Shown { display, result };
inline void show_picture(FunctionRef<std::vector<std::string>(const std::string&)> save, const std::string& name, Shown) {
  const char* set = std::getenv("COTANGENT_RESULTS");
  const std::string folder = set && *set ? set : "results";
  std::filesystem::create_directories(folder);
  for (const std::string& path : save(std::filesystem::absolute(folder).lexically_normal().string() + "/" + name)) print("figure:", path);
}
}  // namespace detail

// A node's name as Python has it: AccumulateGrad. compare.py writes node->name()->*ct::as_in_python for node->name().
struct AsInPython {};
inline constexpr AsInPython as_in_python;
inline std::string operator->*(const std::string& name, AsInPython) {
  const std::size_t colons = name.rfind("::");
  return colons == std::string::npos ? name : name.substr(colons + 2);
}

// ---- warnings -----------------------------------------------------------------------------------------------------------------

using WarningHandler = void (*)(std::string_view message);
inline WarningHandler set_warning_handler(WarningHandler handler) {
  struct Bridge : c10::WarningHandler {
    ct::WarningHandler handler = nullptr;
    void process(const c10::SourceLocation&, const std::string& message, const bool) override {
      if (handler) handler(message);
      else std::fprintf(stderr, "warning: %s\n", message.c_str());
    }
  };
  static Bridge bridge;
  c10::Warning::set_warning_handler(&bridge);
  return std::exchange(bridge.handler, handler);
}

// ---- what libtorch has in Python only, by loops --------------------------------------------------------------------------------

namespace autograd {
using namespace torch::autograd;
namespace functional {

/// One backward for each output.
template <class F>
Tensor jacobian(const F& f, const Tensor& at) {
  const Tensor x = at.detach().clone().requires_grad_();
  const Tensor y = f(x), outputs = y.reshape({-1});
  std::vector<Tensor> rows;
  for (std::int64_t i = 0; i < outputs.numel(); ++i) {
    const Tensor g = torch::autograd::grad({outputs[i]}, {x}, {}, true, false, true)[0];
    rows.push_back(g.defined() ? g : torch::zeros_like(x));
  }
  std::vector<std::int64_t> sizes = y.sizes().vec();
  sizes.insert(sizes.end(), x.sizes().begin(), x.sizes().end());
  return torch::stack(rows).reshape(sizes);
}
/// v^T J is linear in v, so its derivative by v, applied to u, is J u.
template <class F>
std::pair<Tensor, Tensor> jvp(const F& f, const Tensor& at, const Tensor& u) {
  const Tensor x = at.detach().clone().requires_grad_();
  const Tensor y = f(x), v = torch::zeros_like(y).requires_grad_();
  const Tensor pulled = torch::autograd::grad({y}, {x}, {v}, true, true)[0];
  return {y.detach(), torch::autograd::grad({pulled}, {v}, {u})[0].detach()};
}
template <class F>
std::pair<Tensor, Tensor> vjp(const F& f, const Tensor& at, const Tensor& v) {
  const Tensor x = at.detach().clone().requires_grad_();
  const Tensor y = f(x);
  return {y.detach(), torch::autograd::grad({y}, {x}, {v})[0]};
}
template <class F>
Tensor hessian(const F& f, const Tensor& at) {
  return jacobian([&](const Tensor& x) { return torch::autograd::grad({f(x)}, {x}, {}, true, true)[0]; }, at);
}

}  // namespace functional
}  // namespace autograd

namespace func {

struct Dims {
  Dims(int) {}
  Dims(std::initializer_list<c10::optional<std::int64_t>> each_) : each(each_) {}
  bool mapped(std::size_t i) const { return each.empty() || each[i].has_value(); }
  std::vector<c10::optional<std::int64_t>> each;  // 0 or nothing: the first dimension of all
};
/// A loop over the first dimension.
template <class F>
auto vmap(F f, Dims dims = 0) {
  return [f, dims](const auto&... args) {
    std::int64_t n = 0;
    std::size_t at = 0;
    ((n = dims.mapped(at++) ? args.size(0) : n), ...);
    std::vector<Tensor> out;
    for (std::int64_t i = 0; i < n; ++i) {
      std::size_t k = 0;
      const std::array<Tensor, sizeof...(args)> one{(dims.mapped(k++) ? args[i] : args)...};  // braces: from left to right
      out.push_back(std::apply(f, one));
    }
    return torch::stack(out);
  };
}
/// The gradient by the first argument.
template <class F>
auto grad(F f) {
  return [f](const Tensor& at, const auto&... rest) {
    const Tensor x = at.detach().clone().requires_grad_();
    return torch::autograd::grad({f(x, rest...)}, {x})[0];
  };
}
template <class F>
auto jacrev(F f) { return [f](const Tensor& x) { return autograd::functional::jacobian(f, x); }; }
template <class F>
auto jacfwd(F f) { return jacrev(f); }
template <class F>
auto hessian(F f) { return [f](const Tensor& x) { return autograd::functional::hessian(f, x); }; }

}  // namespace func

namespace data { using namespace torch::data; }

namespace optim {

using namespace torch::optim;

/// zero_grad() as Python's is since 2.0: gradients become none unless it is asked to keep zeros.
template <class Optimizer>
class Zeroing : public Optimizer {
 public:
  using Optimizer::Optimizer;
  void zero_grad(bool set_to_none = true) {
    if (!set_to_none) return Optimizer::zero_grad();
    for (auto& group : this->param_groups())
      for (Tensor& p : group.params()) p.mutable_grad().reset();
  }
};
using SGD = Zeroing<torch::optim::SGD>;
using Adam = Zeroing<torch::optim::Adam>;
using AdamW = Zeroing<torch::optim::AdamW>;
using Adagrad = Zeroing<torch::optim::Adagrad>;
using RMSprop = Zeroing<torch::optim::RMSprop>;

}  // namespace optim

namespace nn {

using namespace torch::nn;

/// With a forward that is no template, so that it can be called and stand in another Sequential as other modules can.
class SequentialImpl : public torch::nn::SequentialImpl {
 public:
  using torch::nn::SequentialImpl::SequentialImpl;
  Tensor forward(Tensor x) { return torch::nn::SequentialImpl::forward(x); }
};
class Sequential : public torch::nn::ModuleHolder<SequentialImpl> {
 public:
  using torch::nn::ModuleHolder<SequentialImpl>::ModuleHolder;
  Sequential() : ModuleHolder() {}
  Sequential(std::initializer_list<NamedAnyModule> layers) : ModuleHolder(std::make_shared<SequentialImpl>(std::move(layers))) {}
  Sequential(torch::OrderedDict<std::string, AnyModule>& layers)
      : ModuleHolder(std::make_shared<SequentialImpl>(torch::OrderedDict<std::string, AnyModule>(layers))) {}
};

/// Python's text of a module, of those kinds that lessons print.
inline std::string to_string(const torch::nn::Module& m, const std::string& indent = "") {
  if (auto* linear = m.as<torch::nn::Linear>()) {
    const auto& o = linear->options;
    return "Linear(in_features=" + ct::to_string(o.in_features()) + ", out_features=" + ct::to_string(o.out_features()) +
           ", bias=" + ct::to_string(o.bias()) + ")";
  }
  std::string name = m.name();  // torch::nn::ReLUImpl
  name = name.substr(name.rfind(':') + 1);
  if (name.size() > 4 && name.substr(name.size() - 4) == "Impl") name.resize(name.size() - 4);
  std::string inside;
  for (const auto& child : m.named_children())
    inside += "\n" + indent + "  (" + child.key() + "): " + to_string(*child.value(), indent + "  ");
  return name + "(" + inside + (inside.empty() ? "" : "\n" + indent) + ")";
}

}  // namespace nn

}  // namespace ct

#include "graph.h"
