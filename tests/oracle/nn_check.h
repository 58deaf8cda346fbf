// tests/oracle/nn_check.h -- one module written once, built here and in libtorch, and compared.
//
//   CHECK_MODULE("Conv2d(3, 4, 3, padding=1)", Conv2d(Conv2dOptions(3, 4, 3).padding(1)), Randn(2, 3, 8, 8));
//
// builds ct::nn::Conv2d and torch::nn::Conv2d from the same seed and compares: names and initial values of parameters and
// buffers; in training and in evaluation, in float32 and float64, the outputs, the gradients of all inputs and parameters for
// random cotangents, and the buffers afterwards; in bfloat16 outputs wherever libtorch computes them; a clone, and a new module
// that loads the state; and the text that prints the module with the one Python prints for the given expression.
#pragma once

#include <torch/nn.h>
#include <torch/csrc/autograd/autograd.h>

#include "oracle/oracle.h"

#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "cotangent/cotangent.h"
#include "cotangent/nn.h"

namespace oracle {

// All tensors of a result: a tensor, or a tuple of results.
inline void flatten(const ct::Tensor& t, std::vector<ct::Tensor>& out) { out.push_back(t); }
inline void flatten(const at::Tensor& t, std::vector<at::Tensor>& out) { out.push_back(t); }
template <class Out, class... T>
void flatten(const std::tuple<T...>& t, std::vector<Out>& out) {
  std::apply([&](const auto&... part) { (flatten(part, out), ...); }, t);
}
template <class Out, class A, class B>
void flatten(const std::pair<A, B>& t, std::vector<Out>& out) { flatten(t.first, out), flatten(t.second, out); }

// Inputs, the same numbers in both after the same seed: Randn(2, 3) and Rand(2, 3) of that shape; Randint(10, 2, 3) of classes
// below 10; Full(0.5, 2, 3). They serve in options, too.
#define CT_INPUTS(library, Tensor, Long)                                                                                        \
  template <class... Size>                                                                                                      \
  Tensor Randn(Size... size) { return library::randn(std::vector<std::int64_t>{size...}); }                                     \
  template <class... Size>                                                                                                      \
  Tensor Rand(Size... size) { return library::rand(std::vector<std::int64_t>{size...}); }                                       \
  template <class... Size>                                                                                                      \
  Tensor Randint(std::int64_t end, Size... size) { return library::randint(0, end, std::vector<std::int64_t>{size...}, Long); }  \
  template <class... Size>                                                                                                      \
  Tensor Full(double value, Size... size) { return library::full(std::vector<std::int64_t>{size...}, value); }
namespace ours { CT_INPUTS(ct, ct::Tensor, ct::kLong) }
namespace theirs { CT_INPUTS(torch, at::Tensor, at::kLong) }
#undef CT_INPUTS

// A module as the comparison sees it: what has parameters, and a call that takes all inputs.
template <class Module, class Tensor>
struct Built {
  std::shared_ptr<Module> module;
  std::function<std::vector<Tensor>(const std::vector<Tensor>&)> call;
};
using OurModule = Built<ct::nn::Module, ct::Tensor>;
using TheirModule = Built<torch::nn::Module, at::Tensor>;

struct ModuleCase {
  const char* python;
  std::function<OurModule()> ours;
  std::function<TheirModule()> theirs;
  std::function<std::vector<ct::Tensor>()> our_inputs;
  std::function<std::vector<at::Tensor>()> their_inputs;
  bool bfloat16 = true;                          // false: the two round at other places by design; say where
  double tolerance = 1e-5, tolerance64 = 1e-9;   // of float32 and float64, relative and absolute
};
/// The comparison, as doctest checks. An empty `python` leaves out the text.
void check_module(const ModuleCase& c);


template <class B, class Tensor, class Make, class Inputs>
std::function<B()> builder(Make make, Inputs) {
  return [make] {
    auto holder = make();
    return B{holder.ptr(), [holder](const std::vector<Tensor>& in) mutable {
               return [&]<std::size_t... I>(std::index_sequence<I...>) {
                 std::vector<Tensor> out;
                 flatten(holder->forward(in[I]...), out);
                 return out;
               }(std::make_index_sequence<std::tuple_size_v<std::invoke_result_t<Inputs>>>());
             }};
  };
}
template <class Tensor, class Inputs>
std::function<std::vector<Tensor>()> drawer(Inputs inputs) {
  return [inputs] {
    std::vector<Tensor> all;
    flatten(inputs(), all);
    return all;
  };
}
template <class MakeOurs, class MakeTheirs, class OurInputs, class TheirInputs>
ModuleCase module_case(const char* python, MakeOurs ours, MakeTheirs theirs, OurInputs our_inputs, TheirInputs their_inputs) {
  return {python, builder<OurModule, ct::Tensor>(ours, our_inputs), builder<TheirModule, at::Tensor>(theirs, their_inputs),
          drawer<ct::Tensor>(our_inputs), drawer<at::Tensor>(their_inputs)};
}

}  // namespace oracle

// The module's expression is written without namespaces; `...` are its inputs. MODULE_CASE gives the case, so that its
// tolerances can be set before check_module(c).
#define MODULE_CASE(python_text, module_expression, ...)                                                                 \
  oracle::module_case(                                                                                                   \
      python_text,                                                                                                       \
      [] {                                                                                                               \
        using namespace ct;                                                                                              \
        using namespace ct::nn;                                                                                          \
        using namespace oracle::ours;                                                                                    \
        return module_expression;                                                                                        \
      },                                                                                                                 \
      [] {                                                                                                               \
        using namespace torch;                                                                                           \
        using namespace torch::nn;                                                                                       \
        using namespace oracle::theirs;                                                                                  \
        return module_expression;                                                                                        \
      },                                                                                                                 \
      [] {                                                                                                               \
        using namespace oracle::ours;                                                                                    \
        return std::make_tuple(__VA_ARGS__);                                                                             \
      },                                                                                                                 \
      [] {                                                                                                               \
        using namespace oracle::theirs;                                                                                  \
        return std::make_tuple(__VA_ARGS__);                                                                             \
      })
#define CHECK_MODULE(...) oracle::check_module(MODULE_CASE(__VA_ARGS__))
