// tests/oracle/nn_oracle.cpp -- modules beside libtorch's: initial values for a seed, names, outputs, gradients, training.
#include <torch/nn.h>

#include "oracle/oracle.h"

#include <limits>

#include "cotangent/cotangent.h"
#include "cotangent/nn.h"

namespace tn = torch::nn;
namespace cn = ct::nn;

namespace {

at::Tensor theirs(const ct::Tensor& t) {
  const ct::Tensor c = t.detach().contiguous();
  const at::ScalarType type = c.scalar_type() == ct::kDouble ? at::kDouble : c.scalar_type() == ct::kLong ? at::kLong : at::kFloat;
  return at::from_blob(c.data_ptr(), {c.sizes().begin(), c.sizes().end()}, type).clone();
}
void same(const char* what, const ct::Tensor& a, const at::Tensor& b) {
  CAPTURE(std::string(what));
  REQUIRE(a.defined() == b.defined());
  if (!a.defined()) return;
  const at::Tensor x = theirs(a);
  REQUIRE(x.sizes() == b.sizes());
  CHECK(at::equal(x, b.detach()));
}
void near(const char* what, const ct::Tensor& a, const at::Tensor& b, double tolerance = 1e-6) {
  CAPTURE(std::string(what));
  REQUIRE(a.defined() == b.defined());
  if (!a.defined()) return;
  const at::Tensor x = theirs(a);
  REQUIRE(x.sizes() == b.sizes());
  CHECK(at::allclose(x, b.detach(), tolerance, tolerance));
}

// Names and values of all parameters.
void same_parameters(const cn::Module& a, const tn::Module& b) {
  const auto p = a.named_parameters();
  const auto q = b.named_parameters();
  REQUIRE(p.keys() == q.keys());
  for (std::size_t i = 0; i < p.size(); ++i) same(p[i].key().c_str(), p[i].value(), q[i].value());
}

void seed(std::uint64_t s) {
  ct::manual_seed(s);
  torch::manual_seed(s);
}

// The same values from the same seed; then output and gradients for an input of the given shape, in both modes.
template <class A, class B>
void compare(const char* name, A& a, B& b, std::vector<std::int64_t> shape) {
  CAPTURE(std::string(name));
  same_parameters(*a, *b);
  seed(7);
  const ct::Tensor x = ct::randn(shape).requires_grad_();
  const at::Tensor y = torch::randn(shape).requires_grad_();
  for (bool on : {true, false}) {
    a->train(on);
    b->train(on);
    const ct::Tensor p = a(x);
    const at::Tensor q = b(y);
    near("output", p, q);
    p.sin().sum().backward();
    q.sin().sum().backward();
    near("gradient of input", x.grad(), y.grad());
    const auto pa = a->named_parameters();
    const auto pb = b->named_parameters();
    for (std::size_t i = 0; i < pa.size(); ++i) near(pa[i].key().c_str(), pa[i]->grad(), pb[i]->grad(), 1e-5);
  }
}

using Shape = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("layers: initial values, outputs and gradients") {
  seed(1);
  {
    cn::Linear a(5, 3);
    tn::Linear b(5, 3);
    compare("Linear", a, b, {4, 5});
    compare("Linear of a batch of batches", a, b, {2, 4, 5});
  }
  {
    cn::Linear a(cn::LinearOptions(5, 3).bias(false));
    tn::Linear b(tn::LinearOptions(5, 3).bias(false));
    compare("Linear without bias", a, b, {4, 5});
  }
  {
    cn::LayerNorm a(Shape{4, 6});
    tn::LayerNorm b(tn::LayerNormOptions({4, 6}));
    compare("LayerNorm", a, b, {3, 4, 6});
  }
  {
    cn::LayerNorm a(cn::LayerNormOptions({6}).elementwise_affine(false).eps(0.1));
    tn::LayerNorm b(tn::LayerNormOptions({6}).elementwise_affine(false).eps(0.1));
    compare("LayerNorm without affine", a, b, {3, 4, 6});
  }
  {
    cn::Flatten a(cn::FlattenOptions().start_dim(0).end_dim(1));
    tn::Flatten b(tn::FlattenOptions().start_dim(0).end_dim(1));
    compare("Flatten", a, b, {3, 4, 6});
  }
  {
    cn::Unflatten a(1, Shape{2, -1});
    tn::Unflatten b(tn::UnflattenOptions(1, {2, -1}));
    compare("Unflatten", a, b, {3, 6});
  }
  for (double p : {0.0, 0.3, 1.0}) {
    cn::Dropout a(p);
    tn::Dropout b(p);
    compare("Dropout", a, b, {6, 7});
  }
  {
    cn::PReLU a(cn::PReLUOptions().num_parameters(4).init(0.1));
    tn::PReLU b(tn::PReLUOptions().num_parameters(4).init(0.1));
    compare("PReLU", a, b, {3, 4, 2});
  }
}

TEST_CASE("dropout draws libtorch's numbers") {
  for (double p : {0.3, 1.0}) {
#define DROPOUT(Name, ...)                 \
  do {                                     \
    cn::Name a(p);                         \
    tn::Name b(p);                         \
    compare(#Name, a, b, __VA_ARGS__);     \
  } while (0)
    DROPOUT(Dropout, {6, 7, 2});
    DROPOUT(Dropout2d, {6, 7, 2, 3});
    DROPOUT(Dropout3d, {6, 7, 2, 3, 2});
    DROPOUT(Dropout3d, {7, 2, 3, 2});
    DROPOUT(AlphaDropout, {6, 7, 2});
    DROPOUT(FeatureAlphaDropout, {6, 7, 2});
  }
}

TEST_CASE("Bilinear") {
  seed(2);
  cn::Bilinear a(3, 4, 5);
  tn::Bilinear b(3, 4, 5);
  same_parameters(*a, *b);
  seed(3);
  const ct::Tensor x = ct::randn({6, 3}), y = ct::randn({6, 4});
  const at::Tensor out = b(theirs(x), theirs(y));
  const ct::Tensor ours = a(x, y);
  near("output", ours, out);
  ours.sum().backward();
  out.sum().backward();
  near("weight", a->weight.grad(), b->weight.grad(), 1e-5);
  near("bias", a->bias.grad(), b->bias.grad(), 1e-5);
}

TEST_CASE("Embedding") {
  for (int variant = 0; variant < 3; ++variant) {
    CAPTURE(variant);
    cn::EmbeddingOptions p(7, 3);
    tn::EmbeddingOptions q(7, 3);
    if (variant == 1) p.padding_idx(-2), q.padding_idx(-2);
    if (variant == 2) p.max_norm(0.9), q.max_norm(0.9);
    seed(4);
    cn::Embedding a(p);
    tn::Embedding b(q);
    same_parameters(*a, *b);
    const ct::Tensor index = ct::tensor({{0, 5}, {5, 6}, {1, 1}});
    const ct::Tensor ours = a(index);
    const at::Tensor out = b(theirs(index));
    near("output", ours, out);
    ours.sin().sum().backward();
    out.sin().sum().backward();
    near("gradient", a->weight.grad(), b->weight.grad());
    near("weight afterwards", a->weight, b->weight);
  }
}

TEST_CASE("activations") {
#define ACTIVATION(Name, ...)                                   \
  do {                                                          \
    auto a = cn::Name(__VA_ARGS__);                                   \
    auto b = tn::Name(__VA_ARGS__);                                   \
    compare(#Name, a, b, {4, 6});                               \
  } while (0)
#define WITH_OPTIONS(Name, options)                             \
  do {                                                          \
    auto a = cn::Name(cn::Name##Options() options);                    \
    auto b = tn::Name(tn::Name##Options() options);                    \
    compare(#Name, a, b, {4, 6});                               \
  } while (0)
  ACTIVATION(ReLU);
  ACTIVATION(ReLU6);
  ACTIVATION(SELU);
  ACTIVATION(SiLU);
  ACTIVATION(Mish);
  ACTIVATION(ELU);
  ACTIVATION(CELU);
  ACTIVATION(LeakyReLU);
  ACTIVATION(Hardtanh);
  ACTIVATION(Hardshrink);
  ACTIVATION(Softshrink);
  ACTIVATION(Softplus);
  ACTIVATION(GLU);
  ACTIVATION(GELU);
  ACTIVATION(Sigmoid);
  ACTIVATION(Tanh);
  ACTIVATION(LogSigmoid);
  ACTIVATION(Softsign);
  ACTIVATION(Tanhshrink);
  ACTIVATION(PReLU);
  ACTIVATION(RReLU);
  ACTIVATION(Softmax, 1);
  ACTIVATION(LogSoftmax, 0);
  ACTIVATION(Softmin, 1);
  ACTIVATION(Threshold, 0.1, 20);
  ACTIVATION(Hardshrink, 0.2);
  ACTIVATION(GLU, 0);
  WITH_OPTIONS(ELU, .alpha(0.5));
  WITH_OPTIONS(CELU, .alpha(0.5));
  WITH_OPTIONS(LeakyReLU, .negative_slope(0.3));
  WITH_OPTIONS(Hardtanh, .min_val(-0.5).max_val(0.2));
  WITH_OPTIONS(Softplus, .beta(3).threshold(1));
  WITH_OPTIONS(GELU, .approximate("tanh"));
  cn::Softmax2d a;
  tn::Softmax2d b;
  compare("Softmax2d", a, b, {2, 3, 4, 5});
}

TEST_CASE("in-place activations give the same values and gradients") {
  const auto check = [](auto layer, auto in_place) {
    seed(5);
    const ct::Tensor x = ct::randn({20}).requires_grad_(), y = x.detach().clone().requires_grad_();
    const ct::Tensor p = layer(x * 1), changed = y * 1, q = in_place(changed);
    CHECK(q.is_same(changed));
    CHECK(ct::allclose(p, q));
    p.sin().sum().backward();
    q.sin().sum().backward();
    CHECK(ct::allclose(x.grad(), y.grad()));
  };
  check(cn::ReLU(), cn::ReLU(true));
  check(cn::ReLU6(), cn::ReLU6(true));
  check(cn::SELU(), cn::SELU(true));
  check(cn::ELU(), cn::ELU(cn::ELUOptions().inplace(true)));
  check(cn::CELU(cn::CELUOptions().alpha(0.7)), cn::CELU(cn::CELUOptions().alpha(0.7).inplace(true)));
  check(cn::LeakyReLU(), cn::LeakyReLU(cn::LeakyReLUOptions().inplace(true)));
  check(cn::Hardtanh(), cn::Hardtanh(cn::HardtanhOptions().inplace(true)));
  check(cn::Threshold(0.1, 2), cn::Threshold(cn::ThresholdOptions(0.1, 2).inplace(true)));
}

TEST_CASE("init draws libtorch's numbers") {
  const auto check = [](const char* name, Shape shape, auto ours, auto other, bool exact = true) {
    CAPTURE(std::string(name));
    seed(9);
    const ct::Tensor a = ct::empty(shape);
    const at::Tensor b = torch::empty(shape);
    ours(a);
    other(b);
    if (exact) same(name, a, b);
    else near(name, a, b, 1e-5);
  };
#define INIT(shape, call) check(#call, shape, [](const ct::Tensor& t) { using namespace ct::nn::init; using namespace ct; call; }, \
                                [](const at::Tensor& t) { using namespace torch::nn::init; using namespace torch; call; })
  const Shape flat{5, 7}, wide{3, 30}, kernel{4, 3, 3, 5};
  INIT(flat, nn::init::uniform_(t, -2, 3));
  INIT(flat, nn::init::normal_(t, 1, 2));
  INIT(flat, nn::init::constant_(t, 3));
  INIT(flat, nn::init::eye_(t));
  INIT(kernel, nn::init::dirac_(t));
  INIT(wide, nn::init::xavier_uniform_(t, 1.5));
  INIT(kernel, nn::init::xavier_normal_(t));
  INIT(wide, nn::init::kaiming_uniform_(t));
  INIT(kernel, nn::init::kaiming_uniform_(t, 0.3, kFanOut, kLeakyReLU));
  INIT(kernel, nn::init::kaiming_normal_(t, 0, kFanIn, kReLU));
  INIT(wide, nn::init::kaiming_normal_(t, 0, kFanOut, kTanh));
  check("orthogonal, wide", wide, [](const ct::Tensor& t) { cn::init::orthogonal_(t, 2); }, [](const at::Tensor& t) { tn::init::orthogonal_(t, 2); }, false);
  check("orthogonal, tall", kernel, [](const ct::Tensor& t) { cn::init::orthogonal_(t); }, [](const at::Tensor& t) { tn::init::orthogonal_(t); }, false);
  CHECK(cn::init::calculate_gain(ct::kTanh) == tn::init::calculate_gain(torch::kTanh));
  CHECK(cn::init::calculate_gain(ct::kLeakyReLU, 0.2) == tn::init::calculate_gain(torch::kLeakyReLU, 0.2));
}

TEST_CASE("clipping") {
  for (double type : {2.0, 1.0, 3.0, 0.0, std::numeric_limits<double>::infinity()}) {
    CAPTURE(type);
    seed(6);
    cn::Linear a(5, 3);
    tn::Linear b(5, 3);
    seed(8);
    a(ct::randn({4, 5})).square().sum().backward();
    seed(8);
    b(torch::randn({4, 5})).square().sum().backward();
    CHECK(cn::utils::clip_grad_norm_(a->parameters(), 0.5, type) == doctest::Approx(tn::utils::clip_grad_norm_(b->parameters(), 0.5, type)).epsilon(1e-6));
    near("clipped", a->weight.grad(), b->weight.grad());
    cn::utils::clip_grad_value_(a->parameters(), 0.01);
    tn::utils::clip_grad_value_(b->parameters(), 0.01);
    near("clamped", a->weight.grad(), b->weight.grad());
    near("vector", cn::utils::parameters_to_vector(a->parameters()), tn::utils::parameters_to_vector(b->parameters()));
  }
}

TEST_CASE("a hundred steps of gradient descent are libtorch's") {
  seed(0);
  cn::Sequential a(cn::Linear(1, 16), cn::Tanh(), cn::Linear(16, 1));
  seed(0);
  tn::Sequential b(tn::Linear(1, 16), tn::Tanh(), tn::Linear(16, 1));
  same_parameters(*a, *b);
  const ct::Tensor x = ct::linspace(-1, 1, 32).unsqueeze(1), y = x.square();
  const at::Tensor u = torch::linspace(-1, 1, 32).unsqueeze(1), v = u.square();
  double first = 0, last = 0;
  for (int step = 0; step < 100; ++step) {
    const ct::Tensor loss = (a(x) - y).square().mean();
    const at::Tensor other = (b->forward(u) - v).square().mean();
    CHECK(loss.item<double>() == doctest::Approx(other.item<double>()).epsilon(1e-4));
    if (step == 0) first = loss.item<double>();
    last = loss.item<double>();
    loss.backward();
    other.backward();
    {
      const ct::NoGradGuard guard;
      for (const ct::Tensor& p : a->parameters()) p.sub_(p.grad(), 0.1);
    }
    {
      const torch::NoGradGuard guard;
      for (at::Tensor& p : b->parameters()) p.sub_(p.grad(), 0.1);
    }
    a->zero_grad();
    b->zero_grad();
  }
  CHECK(last < 0.7 * first);
  const auto p = a->named_parameters();
  const auto q = b->named_parameters();
  for (std::size_t i = 0; i < p.size(); ++i) near(p[i].key().c_str(), *p[i], *q[i], 1e-4);
}
