// tests/nn/module.cpp -- modules: registration, names, printing, modes, copies, saving, hooks, functional calls.
#include "cotangent/nn.h"

#include <doctest/doctest.h>

#include <sstream>
#include <stdexcept>

#include "cotangent/cotangent.h"
#include "cotangent/func.h"

using ct::Tensor;
namespace nn = ct::nn;
using Strings = std::vector<std::string>;

namespace {

struct NetImpl : nn::Cloneable<NetImpl> {
  explicit NetImpl(std::int64_t hidden = 4) : hidden(hidden) { NetImpl::reset(); }
  void reset() override {
    fc1 = register_module("fc1", nn::Linear(2, hidden));
    act = register_module("act", nn::Tanh());
    fc2 = register_module("fc2", nn::Linear(nn::LinearOptions(hidden, 1).bias(false)));
    scale = register_parameter("scale", ct::ones({1}));
    steps = register_buffer("steps", ct::zeros({1}));
  }
  Tensor forward(const Tensor& x) { return fc2(act(fc1(x))) * scale; }
  std::int64_t hidden;
  nn::Linear fc1 = nullptr, fc2 = nullptr;
  nn::Tanh act = nullptr;
  Tensor scale, steps;
};
CT_MODULE(Net);

// Without Cloneable, and without a holder.
struct Plain : nn::Module {
  Plain() { w = register_parameter("w", ct::full({2}, 3.0)); }
  Tensor forward(const Tensor& x) { return (w * x).sum(); }
  Tensor w;
};

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const ct::Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("parameters have names, in the order of registration") {
  Net net;
  CHECK(net->named_parameters().keys() == Strings{"scale", "fc1.weight", "fc1.bias", "fc2.weight"});
  CHECK(net->named_parameters(false).keys() == Strings{"scale"});
  CHECK(net->named_buffers().keys() == Strings{"steps"});
  CHECK(net->parameters().size() == 4);
  CHECK(net->named_children().keys() == Strings{"fc1", "act", "fc2"});
  CHECK(net->named_modules().keys() == Strings{"", "fc1", "act", "fc2"});
  CHECK(net->named_modules("net", false).keys() == Strings{"net.fc1", "net.act", "net.fc2"});
  CHECK(net->parameters()[0].requires_grad());
  CHECK(!net->steps.requires_grad());
  Strings seen;
  net->apply([&](const std::string& name, nn::Module&) { seen.push_back(name); });
  CHECK(seen == Strings{"", "fc1", "act", "fc2"});
  int linear = 0;
  net->apply([&](nn::Module& m) { linear += m.as<nn::Linear>() != nullptr; });
  CHECK(linear == 2);
  CHECK(net->fc1->as<nn::LinearImpl>()->options.in_features() == 2);
  CHECK(net->children()[1]->as<nn::Linear>() == nullptr);
}

TEST_CASE("a module that is registered twice is listed once and saved under both names") {
  struct Tied : nn::Module {
    Tied() : a(register_module("a", nn::Linear(2, 2))), b(register_module("b", a)) {}
    nn::Linear a = nullptr, b = nullptr;
  } tied;
  CHECK(tied.named_parameters().keys() == Strings{"a.weight", "a.bias"});
  CHECK(tied.state_dict().keys() == Strings{"a.weight", "a.bias", "b.weight", "b.bias"});
  CHECK(tied.children().size() == 1);
}

TEST_CASE("modules print as in Python") {
  Net net;
  CHECK(to_string(*net) == "Net(\n  (fc1): Linear(in_features=2, out_features=4, bias=True)\n  (act): Tanh()\n  (fc2): Linear(in_features=4, out_features=1, bias=False)\n)");
  std::ostringstream out;
  out << nn::Sequential(nn::Linear(5, 3), nn::Sequential({{"act", nn::ReLU(nn::ReLUOptions(true))}, {"drop", nn::Dropout(0.25)}}));
  CHECK(out.str() == "Sequential(\n  (0): Linear(in_features=5, out_features=3, bias=True)\n  (1): Sequential(\n    (act): ReLU(inplace=True)\n    (drop): Dropout(p=0.25, inplace=False)\n  )\n)");
  CHECK(to_string(nn::Module("Empty")) == "Empty()");
  CHECK(nn::Linear(1, 1)->name() == "ct::nn::LinearImpl");
}

TEST_CASE("layers print their options as in Python") {
  const auto text = [](const nn::Module& m) { return to_string(m); };
  CHECK(text(*nn::ReLU()) == "ReLU()");
  CHECK(text(*nn::ELU(nn::ELUOptions().alpha(0.5).inplace(true))) == "ELU(alpha=0.5, inplace=True)");
  CHECK(text(*nn::LeakyReLU()) == "LeakyReLU(negative_slope=0.01)");
  CHECK(text(*nn::Hardtanh()) == "Hardtanh(min_val=-1.0, max_val=1.0)");
  CHECK(text(*nn::Softmax(1)) == "Softmax(dim=1)");
  CHECK(text(*nn::GELU()) == "GELU(approximate='none')");
  CHECK(text(*nn::Flatten()) == "Flatten(start_dim=1, end_dim=-1)");
  CHECK(text(*nn::Unflatten(1, std::vector<std::int64_t>{2, 3})) == "Unflatten(dim=1, unflattened_size=(2, 3))");
  CHECK(text(*nn::LayerNorm(std::vector<std::int64_t>{5})) == "LayerNorm((5,), eps=1e-05, elementwise_affine=True)");
  CHECK(text(*nn::Embedding(nn::EmbeddingOptions(10, 3).padding_idx(0))) == "Embedding(10, 3, padding_idx=0)");
  CHECK(text(*nn::Bilinear(2, 3, 4)) == "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)");
  CHECK(text(*nn::PReLU()) == "PReLU(num_parameters=1)");
  CHECK(text(*nn::Identity()) == "Identity()");
}

TEST_CASE("registration refuses what cannot be named") {
  nn::Module m;
  m.register_parameter("w", ct::ones({1}));
  CHECK(error_of([&] { m.register_parameter("w", ct::ones({1})); }) == "Parameter 'w' already defined");
  CHECK(error_of([&] { m.register_parameter("a.b", ct::ones({1})); }).starts_with("Parameter name must not contain a dot (got 'a.b')"));
  CHECK(error_of([&] { m.register_module("", nn::Identity()); }) == "Submodule name must not be empty");
  CHECK(error_of([&] { m.register_module("x", nn::Identity(nullptr)); }).starts_with("Accessing empty ModuleHolder"));
  CHECK(error_of([&] { m.register_module("x", std::shared_ptr<nn::Module>()); }) == "register_module: Submodule 'x' is empty (nullptr)");
  CHECK(error_of([&] { m.register_parameter("n", ct::ones({1}).requires_grad_() * 2); }).starts_with("register_parameter: Cannot assign non-leaf Tensor"));
  CHECK(error_of([&] { m.unregister_module("x"); }) == "No Module with name `x` is registered");
  CHECK(error_of([&] { m.modules(); }).find("not stored in a shared_ptr") != std::string::npos);
  auto a = std::make_shared<nn::Module>(), b = std::make_shared<nn::Module>();
  a->register_module("b", b);
  CHECK(error_of([&] { b->register_module("a", a); }) == "register_module: Submodule 'a' contains the module it would belong to");
  b->register_module("x", nn::Identity());
  b->replace_module("x", nn::ReLU());
  CHECK(b->children()[0]->as<nn::ReLU>() != nullptr);
  b->unregister_module("x");
  CHECK(b->children().empty());
}

TEST_CASE("modes, gradients and dtypes reach every module") {
  Net net;
  net->eval();
  CHECK(!net->act->is_training());
  net->train();
  CHECK(net->fc1->is_training());
  net(ct::ones({3, 2})).sum().backward();
  CHECK(net->fc1->weight.grad().defined());
  net->zero_grad(false);
  CHECK(net->fc1->weight.grad().abs().sum().item<double>() == 0);
  net->zero_grad();
  CHECK(!net->fc1->weight.grad().defined());
  net(ct::ones({3, 2})).sum().backward();
  const Tensor handle = net->fc1->weight;
  const Tensor before = handle.detach().clone(), grad = handle.grad().clone();
  net->to(ct::kDouble);
  CHECK(handle.scalar_type() == ct::kDouble);
  CHECK(handle.is_same(net->fc1->weight));
  CHECK(handle.requires_grad());
  CHECK(ct::equal(handle.detach(), before.to(ct::kDouble)));
  CHECK(ct::equal(handle.grad(), grad.to(ct::kDouble)));
  CHECK(net->steps.scalar_type() == ct::kDouble);
  net->zero_grad();
  net(ct::ones({3, 2}, ct::kDouble)).sum().backward();
  CHECK(handle.grad().scalar_type() == ct::kDouble);
  net->requires_grad_(false);
  CHECK(!net(ct::ones({3, 2}, ct::kDouble)).requires_grad());
  CHECK(error_of([&] { net->to(ct::kLong); }).find("only accepts floating point dtypes") != std::string::npos);
}

TEST_CASE("converting a module between forward and backward is an error, not a wrong gradient") {
  Net net;
  const Tensor y = net(ct::ones({3, 2}).requires_grad_());
  net->to(ct::kDouble);
  CHECK(error_of([&] { y.sum().backward(); }) != "no error");
}

TEST_CASE("clones are independent and draw no random numbers") {
  ct::manual_seed(3);
  Net net;
  net->to(ct::kDouble);
  net->fc1->weight.requires_grad_(false);
  net->fc2->eval();
  const Tensor state = ct::get_rng_state();
  Net copy(std::dynamic_pointer_cast<NetImpl>(net->clone()));
  CHECK(ct::equal(state, ct::get_rng_state()));
  CHECK(!copy->fc1->weight.is_same(net->fc1->weight));
  CHECK(copy->fc1->weight.scalar_type() == ct::kDouble);
  CHECK(!copy->fc1->weight.requires_grad());
  CHECK(!copy->fc2->is_training());
  CHECK(copy->is_training());
  const Tensor x = ct::randn({5, 2}, ct::kDouble);
  CHECK(ct::equal(copy(x), net(x)));
  {
    const ct::NoGradGuard guard;
    copy->fc1->weight.zero_();
  }
  CHECK(!ct::equal(copy(x), net(x)));
  nn::Sequential seq(nn::Linear(2, 3), nn::ReLU());
  nn::Sequential twin(std::dynamic_pointer_cast<nn::SequentialImpl>(seq->clone()));
  CHECK(ct::equal(seq(ct::ones({1, 2})), twin(ct::ones({1, 2}))));
  CHECK(!seq->parameters()[0].is_same(twin->parameters()[0]));
  CHECK(error_of([] { Plain().clone(); }).find("clone() has not been implemented") != std::string::npos);
}

TEST_CASE("state_dict and load_state_dict") {
  ct::manual_seed(0);
  Net a, b;
  const Tensor x = ct::randn({5, 2});
  CHECK(!ct::equal(a(x), b(x)));
  CHECK(a->state_dict().keys() == Strings{"scale", "steps", "fc1.weight", "fc1.bias", "fc2.weight"});
  CHECK(!a->state_dict()["scale"].requires_grad());
  b->load_state_dict(a->state_dict());
  CHECK(ct::equal(a(x), b(x)));
  CHECK(b->scale.requires_grad());

  ct::OrderedDict<std::string, Tensor> wrong = Net(3)->state_dict();
  wrong.erase("scale");
  wrong.insert("extra", ct::ones({1}));
  const Tensor before = b->fc1->bias.detach().clone();
  CHECK(error_of([&] { b->load_state_dict(wrong); }) ==
        "Error(s) in loading state_dict for Net:\n\tMissing key(s) in state_dict: \"scale\". \n\tUnexpected key(s) in state_dict: \"extra\". "
        "\n\tsize mismatch for fc1.weight: copying a param with shape torch.Size([3, 2]) from checkpoint, the shape in current model is torch.Size([4, 2])."
        "\n\tsize mismatch for fc1.bias: copying a param with shape torch.Size([3]) from checkpoint, the shape in current model is torch.Size([4])."
        "\n\tsize mismatch for fc2.weight: copying a param with shape torch.Size([1, 3]) from checkpoint, the shape in current model is torch.Size([1, 4]).");
  CHECK(ct::equal(before, b->fc1->bias));
  const nn::IncompatibleKeys keys = b->load_state_dict({{"fc1.bias", ct::ones({4})}, {"z", ct::ones({1})}}, false);
  CHECK(keys.missing_keys == Strings{"scale", "steps", "fc1.weight", "fc2.weight"});
  CHECK(keys.unexpected_keys == Strings{"z"});
  CHECK(b->fc1->bias.sum().item<double>() == 4);
}

TEST_CASE("hooks run when a module is called, and may replace inputs and outputs") {
  nn::Linear fc(2, 1);
  const Tensor x = ct::ones({1, 2});
  const double y = fc(x).item<double>(), at_zero = fc->bias.item<double>();
  int calls = 0;
  ct::RemovableHandle count = fc->register_forward_hook([&](nn::Module& m, const std::vector<Tensor>& in, const Tensor& out) {
    CHECK(m.as<nn::Linear>() == fc.get());
    CHECK(in.size() == 1);
    CHECK(out.numel() == 1);
    ++calls;
  });
  ct::RemovableHandle twice = fc->register_forward_hook([](nn::Module&, const std::vector<Tensor>&, const Tensor& out) { return out * 2; });
  CHECK(fc(x).item<double>() == 2 * y);
  CHECK(calls == 1);
  CHECK(fc->forward(x).item<double>() == y);
  ct::RemovableHandle zero = fc->register_forward_pre_hook([](nn::Module&, const std::vector<Tensor>& in) { return in[0] * 0; });
  CHECK(fc(x).item<double>() == 2 * at_zero);
  CHECK(nn::Sequential(fc)(x).item<double>() == 2 * at_zero);
  CHECK(nn::call(*fc, x).item<double>() == 2 * at_zero);
  CHECK(calls == 4);
  zero.remove();
  twice.remove();
  count.remove();
  CHECK(fc(x).item<double>() == y);
  CHECK(calls == 4);
  fc->register_forward_hook([](nn::Module&, const std::vector<Tensor>&, const Tensor&) { throw std::runtime_error("mine"); });
  CHECK_THROWS_AS(fc(x), std::runtime_error);
}

TEST_CASE("functional_call uses other parameters for one call") {
  Net net;
  const Tensor x = ct::randn({3, 2});
  const Tensor before = net(x);
  ct::func::Parameters zeros;
  for (const auto& p : net->named_parameters()) zeros.emplace_back(p.key(), ct::zeros_like(*p));
  CHECK(ct::func::functional_call(net, zeros, x).abs().sum().item<double>() == 0);
  CHECK(ct::equal(net(x), before));
  CHECK(net->fc1->weight.is_same(net->named_parameters()["fc1.weight"]));
  // One tensor for two parameters, and only some of them.
  const Tensor w = ct::randn({2, 2});
  nn::Sequential two(nn::Linear(nn::LinearOptions(2, 2).bias(false)), nn::Linear(nn::LinearOptions(2, 2).bias(false)));
  CHECK(ct::allclose(ct::func::functional_call(two, {{"0.weight", w}, {"1.weight", w}}, x), x.matmul(w.t()).matmul(w.t())));
  CHECK(!two->parameters()[0].is_same(two->parameters()[1]));
  Plain plain;
  CHECK(ct::func::functional_call(plain, {{"w", ct::ones({2})}}, ct::ones({2})).item<double>() == 2);
  CHECK(plain.forward(ct::ones({2})).item<double>() == 6);
  CHECK(error_of([&] { ct::func::functional_call(plain, {{"v", ct::ones({2})}}, ct::ones({2})); }).find("no parameter named v") != std::string::npos);
  struct Lost : nn::Module {
    Lost() { register_parameter("w", ct::ones({2})); }
    Tensor forward(const Tensor& t) { return t; }
  } lost;
  CHECK(error_of([&] { ct::func::functional_call(lost, {{"w", ct::ones({2})}}, ct::ones({2})); }).find("is held by no member that could be found") != std::string::npos);
}

TEST_CASE("gradients of samples, through a module") {
  Net net;
  const Tensor x = ct::randn({5, 2});
  const auto names = net->named_parameters();
  const auto per_sample = ct::func::vmap(ct::func::grad([&](const Tensor& w, const Tensor& row) {
    return ct::func::functional_call(net, {{"fc1.weight", w}}, row.unsqueeze(0)).sum();
  }), {std::nullopt, 0})(net->fc1->weight.detach(), x);
  CHECK(per_sample.sizes() == ct::IntArrayRef({5, 4, 2}));
  net(x.slice(0, 2, 3)).sum().backward();
  CHECK(ct::allclose(per_sample[2], net->fc1->weight.grad()));
}

TEST_CASE("holders") {
  nn::Linear empty = nullptr;
  CHECK(!empty);
  CHECK(error_of([&] { empty(ct::ones({1})); }).starts_with("Accessing empty ModuleHolder"));
  nn::Linear fc(2, 3), alias = fc;
  CHECK(alias.get() == fc.get());
  CHECK(alias.ptr().use_count() == 3);  // with the copy that ptr() returns
  const auto shared = std::make_shared<nn::LinearImpl>(2, 3);
  CHECK(nn::Linear(shared).get() == shared.get());
}
