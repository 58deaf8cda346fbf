// tests/nn/backward_hooks.cpp -- hooks of modules in backward: what they see, what they may change.
#include <doctest/doctest.h>

#include <string>

#include "cotangent/cotangent.h"
#include "cotangent/nn.h"

using ct::Tensor;
namespace nn = ct::nn;
using Tensors = std::vector<Tensor>;

namespace {

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const ct::Error& e) {
    return e.what();
  }
  return "no error";
}

struct ProductImpl : nn::Cloneable<ProductImpl> {
  void reset() override {}
  Tensor forward(const Tensor& a, const Tensor& b) { return a * b; }
};
CT_MODULE(Product);

}  // namespace

TEST_CASE("a full backward hook sees the gradients of inputs and outputs") {
  Product product;
  std::vector<std::string> order;
  Tensors inputs, outputs;
  product->register_full_backward_pre_hook([&](nn::Module&, const Tensors& out) { order.push_back("pre " + std::to_string(out.size())); });
  ct::RemovableHandle handle = product->register_full_backward_hook([&](nn::Module& m, const Tensors& in, const Tensors& out) {
    order.push_back("post");
    CHECK(&m == product.get());
    inputs = in;
    outputs = out;
  });
  const Tensor a = ct::tensor({2.0}).requires_grad_(), b = ct::tensor({3.0}), c = ct::tensor({5.0}).requires_grad_();
  const Tensor y = product(a, b);
  CHECK(y.grad_fn()->name() == "BackwardHookFunctionBackward");
  (y * 10).sum().backward();
  CHECK(order == std::vector<std::string>{"pre 1", "post"});
  REQUIRE(inputs.size() == 2);
  CHECK(inputs[0].item<double>() == 30);
  CHECK(!inputs[1].defined());
  CHECK(outputs[0].item<double>() == 10);
  CHECK(a.grad().item<double>() == 30);
  // Twice through one graph, and with both inputs tracked.
  const Tensor z = product(a, c);
  z.sum().backward({}, true);
  (z * 2).sum().backward();
  CHECK(order.size() == 6);
  CHECK(inputs[1].item<double>() == 4);
  handle.remove();
  product(a, b).sum().backward();
  CHECK(order.size() == 7);
  {
    const ct::NoGradGuard guard;
    CHECK(!product(a, b).requires_grad());
  }
}

TEST_CASE("backward hooks change gradients") {
  const Tensor a = ct::tensor({2.0}).requires_grad_(), b = ct::tensor({3.0}).requires_grad_();
  Product product;
  product->register_full_backward_pre_hook([](nn::Module&, const Tensors& out) { return out[0] * 100; });
  product->register_full_backward_hook([](nn::Module&, const Tensors& in, const Tensors&) { return Tensors{in[0] + 1, in[1]}; });
  product->register_full_backward_hook([](nn::Module&, const Tensors& in, const Tensors& out) {
    CHECK(out[0].item<double>() == 100);
    return Tensors{in[0], in[1] * 2};
  });
  product(a, b).sum().backward();
  CHECK(a.grad().item<double>() == 301);
  CHECK(b.grad().item<double>() == 400);
  product->register_full_backward_hook([](nn::Module&, const Tensors& in, const Tensors&) { return in[0]; });
  CHECK(error_of([&] { product(a, b).sum().backward(); }).find("Backward hook returned an invalid number of grad_input, got 1, but expected 2") != std::string::npos);
}

TEST_CASE("a full backward hook without tracked inputs") {
  nn::Linear fc(2, 1);
  int calls = 0;
  Tensor seen;
  fc->register_full_backward_hook([&](nn::Module&, const Tensors& in, const Tensors& out) {
    ++calls;
    CHECK(in.size() == 1);
    CHECK(!in[0].defined());
    seen = out[0];
  });
  const Tensor x = ct::ones({3, 2});
  fc(x).sum().backward();
  CHECK(calls == 1);
  CHECK(seen.sizes() == ct::IntArrayRef({3, 1}));
  CHECK(fc->weight.grad()[0][0].item<double>() == 3);
  fc->register_full_backward_hook([](nn::Module&, const Tensors&, const Tensors& out) { return out; });
  CHECK(error_of([&] { fc(x).sum().backward(); }).find("should always return nothing") != std::string::npos);
}

TEST_CASE("backward hooks in a Sequential, twice differentiated, and what they forbid") {
  nn::Sequential net(nn::Linear(2, 2), nn::Tanh(), nn::Linear(2, 1));
  std::vector<std::string> order;
  for (std::size_t i = 0; i < 3; ++i)
    net->ptr(i)->register_full_backward_hook([&order, i](nn::Module&, const Tensors&, const Tensors&) { order.push_back(std::to_string(i)); });
  const Tensor x = ct::randn({4, 2}).requires_grad_();
  const Tensor g = ct::autograd::grad({net(x).sum()}, {x}, {}, true, true)[0];
  CHECK(order == std::vector<std::string>{"2", "1", "0"});
  // The derivative of the gradient comes to tanh by the output that tanh saved, past the node of the hook, as in PyTorch.
  CHECK(error_of([&] { g.square().sum().backward(); }).find("Module backward hook for grad_input is called before the grad_output one") != std::string::npos);
  nn::Sequential linear(nn::Linear(2, 2), nn::Linear(2, 1));
  auto plain = std::dynamic_pointer_cast<nn::SequentialImpl>(linear->clone());
  int calls = 0;
  linear->ptr(0)->register_full_backward_hook([&](nn::Module&, const Tensors&, const Tensors&) { ++calls; });
  ct::autograd::grad({linear(x).square().sum()}, {x}, {}, true, true)[0].square().sum().backward();
  CHECK(calls == 2);
  const Tensor x2 = x.detach().requires_grad_();
  ct::autograd::grad({plain->forward(x2).square().sum()}, {x2}, {}, true, true)[0].square().sum().backward();
  CHECK(ct::allclose(x.grad(), x2.grad()));
  CHECK(ct::allclose(linear->parameters()[0].grad(), plain->parameters()[0].grad()));
  // An output is a view of the node's: PyTorch refuses to write into it, too.
  nn::Sequential written(nn::Linear(2, 2), nn::ReLU(true));
  written->ptr(0)->register_full_backward_hook([](nn::Module&, const Tensors&, const Tensors&) {});
  CHECK(error_of([&] { written(x); }).find("is a view and is being modified inplace") != std::string::npos);
  // A module that is gone.
  Tensor y;
  {
    nn::LinearImpl local(2, 1);
    local.register_full_backward_hook([](nn::Module&, const Tensors&, const Tensors&) {});
    y = nn::call(local, x);
  }
  CHECK(error_of([&] { y.sum().backward(); }).find("was destroyed before the graph") != std::string::npos);
}
