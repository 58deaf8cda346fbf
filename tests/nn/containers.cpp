// tests/nn/containers.cpp -- Sequential, lists and dictionaries; initial values and parameters as vectors.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "cotangent/cotangent.h"
#include "cotangent/nn.h"

using ct::Tensor;
namespace nn = ct::nn;
using Strings = std::vector<std::string>;

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

// Sums its two inputs.
struct AddImpl : nn::Cloneable<AddImpl> {
  void reset() override {}
  Tensor forward(const Tensor& a, const Tensor& b) { return a + b; }
};
CT_MODULE(Add);

}  // namespace

TEST_CASE("the first numbers of Linear(5, 3) with seed 0") {
  ct::manual_seed(0);
  nn::Linear fc(5, 3);
  CHECK(ct::allclose(fc->weight.flatten().slice(0, 0, 3), ct::tensor({-0.0033482, 0.2399049, -0.3680770}).to(ct::kFloat), 1e-4));
  CHECK(ct::allclose(fc->bias, ct::tensor({0.0165664, 0.1767993, 0.2683384}).to(ct::kFloat), 1e-4));
}

TEST_CASE("Sequential") {
  nn::Sequential net(nn::Linear(2, 3), nn::ReLU());
  net->push_back("last", nn::Linear(3, 1));
  CHECK(net->size() == 3);
  CHECK(net->named_parameters().keys() == Strings{"0.weight", "0.bias", "last.weight", "last.bias"});
  CHECK(net[0]->as<nn::Linear>()->options.out_features() == 3);
  CHECK(net->at<nn::LinearImpl>(2).options.out_features() == 1);
  CHECK(error_of([&] { net->at<nn::LinearImpl>(1); }).starts_with("Attempted to cast module of type ct::nn::ReLUImpl"));
  CHECK(error_of([&] { net->ptr(3); }) == "Sequential: Index out of range: 3 of 3");
  const Tensor x = ct::randn({4, 2});
  Tensor y = x;
  for (const nn::AnyModule& m : *net) y = m.forward(y);
  CHECK(ct::equal(net(x), y));
  CHECK(net->forward(x).sizes() == ct::IntArrayRef({4, 1}));
  CHECK(error_of([&] { nn::Sequential()(x); }) == "Cannot call forward() on an empty Sequential");
  auto two = nn::Sequential(Add(), nn::Sequential(nn::Tanh()));
  CHECK(ct::equal(two(x, x), ct::tanh(x + x)));
  CHECK(error_of([&] { two(x); }).find("forward() method expects 2 argument(s), but received 1") != std::string::npos);
  nn::Sequential more;
  more->extend(*net);
  CHECK(ct::equal(more(x), net(x)));
  CHECK(error_of([&] { net->push_back("last", nn::ReLU()); }) == "Submodule 'last' already defined");
  CHECK(net->size() == 3);
}

TEST_CASE("ModuleList and ModuleDict") {
  nn::ModuleList list(nn::Linear(1, 2), nn::Linear(2, 3));
  list->push_back(nn::ReLU());
  list->insert(1, nn::Tanh());
  CHECK(list->size() == 4);
  CHECK(list->named_children().keys() == Strings{"0", "1", "2", "3"});
  CHECK(list[1]->as<nn::Tanh>() != nullptr);
  CHECK(list->children()[2]->as<nn::Linear>()->options.in_features() == 2);
  CHECK(to_string(*list).starts_with("ModuleList(\n  (0): Linear(in_features=1, out_features=2, bias=True)\n  (1): Tanh()\n"));
  CHECK(error_of([&] { list->ptr(4); }) == "ModuleList: Index out of range: 4 of 4");
  CHECK(std::dynamic_pointer_cast<nn::ModuleListImpl>(list->clone())->size() == 4);

  nn::ModuleDict dict;
  dict->insert("b", nn::Linear(1, 1));
  dict->insert("a", nn::ReLU());
  CHECK(dict->keys() == Strings{"b", "a"});
  CHECK(dict->named_parameters().keys() == Strings{"b.weight", "b.bias"});
  dict->insert("a", nn::Tanh());
  CHECK(dict["a"]->as<nn::Tanh>() != nullptr);
  CHECK(dict->children()[1]->as<nn::Tanh>() != nullptr);
  dict->pop("b");
  CHECK(dict->parameters().empty());
  CHECK(error_of([&] { dict->pop("b"); }) == "Module 'b' is not defined");
  CHECK(dict->contains("a"));
  dict->clear();
  CHECK(dict->empty());
}

TEST_CASE("ParameterList and ParameterDict") {
  nn::ParameterList list(ct::ones({2, 3}).requires_grad_(), ct::ones({1}));
  CHECK(list->named_parameters().keys() == Strings{"0", "1"});
  CHECK(list->at(0).requires_grad());
  CHECK(!list->at(1).requires_grad());
  CHECK(to_string(*list) == "ParameterList(\n  (0): Parameter containing: [torch.float32 of size 2x3]\n  (1): Parameter containing: [torch.float32 of size 1]\n)");
  nn::ParameterDict dict;
  dict->insert("w", ct::zeros({2}).requires_grad_());
  CHECK(dict["w"].requires_grad());
  CHECK(dict->contains("w"));
  CHECK(error_of([&] { dict->insert("w", ct::ones({1})); }) == "Parameter 'w' already defined");
  CHECK(std::dynamic_pointer_cast<nn::ParameterDictImpl>(dict->clone())->get("w").requires_grad());
  CHECK(dict->pop("w").numel() == 2);
  CHECK(dict->empty());
}

TEST_CASE("OrderedDict finds its entries when they are many, and after some are gone") {
  ct::OrderedDict<std::string, int> d;
  const auto key = [](int i) { return "layers." + std::to_string(i); };
  for (int i = 0; i < 1000; ++i) d.insert(key(i), i);
  for (int i = 0; i < 1000; i += 3) d.erase(key(i));
  d.insert(key(0), 7);
  CHECK(error_of([&] { d.insert(key(1), 1); }) == "Key 'layers.1' already defined");
  bool right = d.size() == 667;
  for (int i = 1; i < 1000; ++i) right = right && (i % 3 == 0 ? !d.contains(key(i)) : d.contains(key(i)) && d[key(i)] == i);
  CHECK(right);
  CHECK(d[0].key() == key(1));
  CHECK(d.back().value() == 7);
  d.clear();
  CHECK(!d.contains(key(1)));
}

TEST_CASE("OrderedDict") {
  ct::OrderedDict<std::string, int> d{{"z", 1}, {"a", 2}};
  d.insert("m", 3);
  CHECK(d.keys() == Strings{"z", "a", "m"});
  CHECK(d["a"] == 2);
  CHECK(d[0].key() == "z");
  CHECK(d.back().value() == 3);
  CHECK(error_of([&] { d["q"]; }) == "Key 'q' is not defined");
  CHECK(error_of([&] { d.insert("a", 9); }) == "Key 'a' already defined");
  CHECK(error_of([&] { d[3]; }) == "OrderedDict: Index 3 is out of bounds: there are 3 items");
  d.erase("a");
  CHECK(d.keys() == Strings{"z", "m"});
  CHECK(d["m"] == 3);
}

TEST_CASE("initial values that libtorch lacks") {
  ct::manual_seed(1);
  const Tensor t = nn::init::trunc_normal_(ct::empty({10000}), 0, 1, -1, 2);
  CHECK(t.min().item<double>() >= -1);
  CHECK(t.max().item<double>() <= 2);
  CHECK(t.mean().item<double>() == doctest::Approx(0.2296).epsilon(0.15));  // of the truncated distribution
  const Tensor s = nn::init::sparse_(ct::empty({10, 6}), 0.25);
  for (std::int64_t c = 0; c < 6; ++c) CHECK((s.select(1, c) == 0).sum().item<std::int64_t>() == 3);
  const Tensor d = nn::init::dirac_(ct::empty({4, 2, 3}), 2);
  CHECK(d.sum().item<double>() == 4);
  CHECK(d[2][0][1].item<double>() == 1);
  CHECK(error_of([] { nn::init::eye_(ct::ones({2})); }).starts_with("eye_: Only tensors with 2 dimensions are supported"));
  CHECK(error_of([] { nn::init::xavier_uniform_(ct::ones({2})); }).starts_with("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"));
  CHECK(error_of([] { nn::init::calculate_gain("tan"); }).starts_with("calculate_gain: Unsupported nonlinearity tan"));
  CHECK(error_of([] { nn::init::kaiming_normal_(ct::ones({2, 2}), 0, "fan"); }).find("Mode fan not supported") != std::string::npos);
}

TEST_CASE("clipping and vectors of parameters") {
  const Tensor p = ct::ones({2}).requires_grad_(), q = ct::ones({2, 2}).requires_grad_(), none = ct::ones({1}).requires_grad_();
  (p.sum() * 3 + q.sum() * 4).backward();
  CHECK(nn::utils::clip_grad_norm_({p, q, none}, 1) == doctest::Approx(std::sqrt(2 * 9 + 4 * 16)));
  CHECK(ct::cat({p.grad(), q.grad().flatten()}).norm().item<double>() == doctest::Approx(1));
  CHECK(nn::utils::clip_grad_norm_(none, 1) == 0);
  p.mutable_grad().fill_(std::numeric_limits<double>::infinity());
  CHECK(error_of([&] { nn::utils::clip_grad_norm_(p, 1, 2, true); }).find("is non-finite, so it cannot be clipped") != std::string::npos);
  const Tensor v = nn::utils::parameters_to_vector({p, q});
  CHECK(v.requires_grad());
  CHECK(v.numel() == 6);
  nn::utils::vector_to_parameters(ct::arange(6.0), {p, q});
  CHECK(q[1][1].item<double>() == 5);
  CHECK(p.requires_grad());
  CHECK(error_of([&] { nn::utils::vector_to_parameters(ct::ones({5}), {p, q}); }).find("the parameters have 6 elements") != std::string::npos);
}

TEST_CASE("layers refuse what does not fit") {
  CHECK(error_of([] { nn::Dropout(1.5); }).find("dropout probability has to be between 0 and 1, but got 1.5") != std::string::npos);
  CHECK(error_of([] { nn::Dropout2d()(ct::ones({3})); }).starts_with("Feature dropout requires at least 2 dimensions"));
  CHECK(error_of([] { nn::RReLU(nn::RReLUOptions().lower(1).upper(0))(ct::ones({3})); }).starts_with("rrelu: Lower bound should be less"));
  CHECK(error_of([] { nn::Linear(-1, 2); }).starts_with("Linear: numbers of features must not be negative"));
  CHECK(error_of([] { nn::LayerNorm(std::vector<std::int64_t>{3})(ct::ones({2, 4})); }).starts_with("layer_norm: Given normalized_shape=[3]"));
  CHECK(error_of([] { nn::Embedding(3, 2)(ct::ones({2})); }).find("Expected tensor for argument #1 'indices'") != std::string::npos);
  CHECK(error_of([] { nn::Embedding(3, 2)(ct::tensor({3})); }) != "no error");
  CHECK(error_of([] { nn::GLU()(ct::ones({3})); }).starts_with("glu: Halving dimension must be even"));
}
