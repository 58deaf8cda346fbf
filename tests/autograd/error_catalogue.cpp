// tests/autograd/error_catalogue.cpp -- the mistakes that users make, in one table: what is said, and that nothing was changed.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cotangent/autograd.h"

using ct::kDouble;
using ct::kFloat;
using ct::kLong;
using ct::Tensor;

namespace {

Tensor leaf(const std::vector<float>& v) { return ct::tensor(v, ct::requires_grad()); }
Tensor leaf() { return leaf({1, 2}); }
Tensor two_by_three() { return ct::ones({2, 3}); }

// What an error must not change.
struct Snapshot {
  std::vector<double> elements;
  std::vector<std::int64_t> sizes;
  std::int64_t version;
  bool requires_grad, is_leaf;
  ct::NodePtr node;

  explicit Snapshot(const Tensor& t)
      : sizes(t.sizes().vec()), version(t._version()), requires_grad(t.requires_grad()), is_leaf(t.is_leaf()), node(t.grad_fn()) {
    const Tensor d = t.detach().to(kDouble).contiguous();
    elements.assign(d.data_ptr<double>(), d.data_ptr<double>() + d.numel());
  }
  bool operator==(const Snapshot& o) const {
    return elements == o.elements && sizes == o.sizes && version == o.version && requires_grad == o.requires_grad && is_leaf == o.is_leaf &&
           node == o.node;
  }
};

struct Case {
  const char* id;
  const char* phrase;
  void (*run)(std::vector<Tensor>& x);          // throws
  std::vector<Tensor> (*make)() = nullptr;      // the tensors it uses, which must come out unchanged
};

std::vector<Tensor> one_leaf() { return {leaf()}; }

// A chain y = x^2 whose first backward has been run.
std::vector<Tensor> spent() {
  const Tensor x = leaf(), y = (x * x).sum();
  y.backward();
  return {y, x};
}
// z = y y with y = 2 x changed afterwards.
std::vector<Tensor> changed_input() {
  const Tensor x = leaf(), y = x * 2.0, z = (y * y).sum();
  y.add_(1);
  return {z, y, x};
}
std::vector<Tensor> changed_output() {
  const Tensor x = leaf(), y = x.exp();
  y.add_(1);
  return {y.sum(), y, x};
}
std::vector<Tensor> changed_leaf() {
  const Tensor x = leaf(), y = (x * x).sum();
  ct::NoGradGuard off;
  x.mul_(0.5);
  return {y, x};
}
std::vector<Tensor> inference_tensor() {
  ct::InferenceMode on;
  return {ct::ones({2})};
}
std::vector<Tensor> inference_and_leaf() { return {inference_tensor()[0], leaf(), leaf() * 1.0}; }
std::vector<Tensor> quiet_view() {
  const Tensor y = leaf() * 2.0;
  ct::NoGradGuard off;
  return {y.view({2, 1}), y};
}
std::vector<Tensor> parts() {
  const Tensor y = leaf() * 2.0;
  std::vector<Tensor> out = y.unbind(0);
  out.push_back(y);
  return out;
}

const Case catalogue[] = {
    {"A-1", "element 0 of tensors does not require grad and does not have a grad_fn", [](auto& x) { x[0].sum().backward(); },
     [] { return std::vector<Tensor>{ct::ones({2})}; }},
    {"A-1", "element 1 of tensors does not require grad and does not have a grad_fn",
     [](auto& x) { ct::autograd::backward({x[0].sum(), x[1].sum()}); }, [] { return std::vector<Tensor>{leaf(), ct::ones({2})}; }},
    {"A-1", "does not require grad and does not have a grad_fn",  // a gradient made without create_graph
     [](auto& x) { ct::autograd::grad({ct::autograd::grad({(x[0] * x[0]).sum()}, {x[0]})[0].sum()}, {x[0]}); }, one_leaf},
    {"A-2", "Trying to backward through the graph a second time", [](auto& x) { x[0].backward(); }, spent},
    {"A-2", "retain_graph=true", [](auto& x) { ct::autograd::grad({x[0]}, {x[1]}); }, spent},
    {"A-2", "second time", [](auto& x) { x[0].grad_fn()->next_edge(0).function->saved_tensors(); }, spent},
    {"A-3", "a leaf Variable that requires grad is being used in an in-place operation", [](auto& x) { x[0].add_(1); }, one_leaf},
    {"A-3", "mul: a leaf Variable", [](auto& x) { x[0].mul_(2); }, one_leaf},
    {"A-3", "a leaf Variable that requires grad", [](auto& x) { x[0].zero_(); }, one_leaf},
    {"A-3", "a leaf Variable that requires grad", [](auto& x) { x[0].eq_(1); }, one_leaf},
    {"A-3", "a leaf Variable that requires grad", [](auto& x) { x[0].normal_(); }, one_leaf},
    {"A-3", "a leaf Variable that requires grad", [](auto& x) { x[0].floor_(); }, one_leaf},
    {"A-3", "a view of a leaf Variable that requires grad is being used in an in-place operation", [](auto& x) { x[0][0] = 5.0; }, one_leaf},
    {"A-3", "a view of a leaf Variable that requires grad", [](auto& x) { x[0].view({2, 1}).mul_(2); }, one_leaf},
    {"A-4", "one of the variables needed for gradient computation has been modified by an inplace operation: [FloatTensor [2]], which is output 0 of "
            "AddBackward0, is at version 1; expected version 0 instead", [](auto& x) { x[0].backward(); }, changed_input},
    {"A-4", "which is output 0 of ExpBackward0, is at version 1; expected version 0 instead", [](auto& x) { x[0].backward(); }, changed_output},
    {"A-5", "[FloatTensor [2]] is at version 1; expected version 0 instead", [](auto& x) { x[0].backward(); }, changed_leaf},
    {"A-6", "grad can be implicitly created only for scalar outputs", [](auto& x) { (x[0] * x[0]).backward(); }, one_leaf},
    {"A-6", "grad can be implicitly created only for scalar outputs", [](auto& x) { ct::autograd::grad({x[0] * 2.0}, {x[0]}); }, one_leaf},
    {"A-7", "Mismatch in shape: grad_output[0] has a shape of [3] and output[0] has a shape of [2]",
     [](auto& x) { (x[0] * x[0]).backward(ct::ones({3})); }, one_leaf},
    {"A-7", "invalid gradient at index 0 - got [2, 2] but expected shape compatible with [2]",
     [](auto& x) { ct::autograd::grad({x[0] * x[0]}, {x[0]}, {ct::ones({2, 2})}); }, one_leaf},
    {"A-8", "a Tensor with 2 elements cannot be converted to Scalar", [](auto& x) { x[0].item(); }, one_leaf},
    {"A-9", "Boolean value of Tensor with more than one value is ambiguous", [](auto& x) { x[0].is_nonzero(); }, one_leaf},
    {"A-9", "Boolean value of Tensor with no values is ambiguous", [](auto&) { ct::empty({0}).is_nonzero(); }},
    {"A-10", "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", [](auto& x) { ct::mm(x[0], x[0]); },
     [] { return std::vector<Tensor>{two_by_three()}; }},
    {"A-10", "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", [](auto& x) { ct::matmul(x[0], x[0]); },
     [] { return std::vector<Tensor>{two_by_three()}; }},
    {"A-10", "size mismatch, got 2, 2x3,2", [](auto& x) { ct::mv(x[0], ct::ones({2})); }, [] { return std::vector<Tensor>{two_by_three()}; }},
    {"A-10", "inconsistent tensor size", [](auto& x) { ct::dot(x[0], ct::ones({3})); }, one_leaf},
    {"A-10", "Expected size for first two dimensions of batch2", [](auto&) { ct::bmm(ct::ones({2, 3, 4}), ct::ones({2, 3, 4})); }},
    {"A-11", "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0", [](auto& x) { x[0] + ct::ones({3}); }, one_leaf},
    {"A-11", "output with shape [3] doesn't match the broadcast shape [2, 3]", [](auto& x) { x[0].add_(two_by_three()); },
     [] { return std::vector<Tensor>{ct::ones({3})}; }},
    {"A-12", "Sizes of tensors must match except in dimension 1", [](auto&) { ct::cat({two_by_three(), ct::ones({3, 3})}, 1); }},
    {"A-12", "stack expects each tensor to be equal size", [](auto& x) { ct::stack({x[0], ct::ones({3})}); }, one_leaf},
    {"A-13", "shape '[2, 2]' is invalid for input of size 6", [](auto&) { two_by_three().view({2, 2}); }},
    {"A-13", "shape '[2, 2]' is invalid for input of size 6", [](auto&) { two_by_three().reshape({2, 2}); }},
    {"A-13", "view size is not compatible with input tensor's size and stride", [](auto&) { two_by_three().t().view({6}); }},
    {"A-13", "index 5 is out of bounds for dimension 0 with size 2", [](auto& x) { x[0][5]; }, one_leaf},
    {"A-13", "Dimension out of range (expected to be in range of [-1, 0], but got 2)", [](auto& x) { x[0].sum({2}); }, one_leaf},
    {"A-14", "One of the differentiated Tensors appears to not have been used in the graph",
     [](auto& x) { ct::autograd::grad({(x[0] * 2.0).sum()}, {x[1]}); }, [] { return std::vector<Tensor>{leaf(), leaf()}; }},
    {"A-14", "One of the differentiated Tensors does not require grad", [](auto& x) { ct::autograd::grad({(x[0] * 2.0).sum()}, {x[1]}); },
     [] { return std::vector<Tensor>{leaf(), ct::ones({2})}; }},
    {"A-14", "One of the differentiated Tensors does not require grad",
     [](auto& x) { (x[0] * 2.0).sum().backward({}, false, false, {{x[1]}}); }, [] { return std::vector<Tensor>{leaf(), ct::ones({2})}; }},
    {"A-14", "'inputs' argument to backward() cannot be empty", [](auto& x) { (x[0] * 2.0).sum().backward({}, false, false, ct::TensorList()); }, one_leaf},
    {"A-16", "expected scalar type Float but found Double", [](auto&) { ct::mm(two_by_three(), ct::ones({3, 2}, kDouble)); }},
    {"A-16", "expected scalar type Double but found Float", [](auto& x) { x[0].template data_ptr<double>(); }, one_leaf},
    {"A-19", "Only Tensors of floating point and complex dtype can require gradients", [](auto& x) { x[0].requires_grad_(); },
     [] { return std::vector<Tensor>{ct::ones({2}, kLong)}; }},
    {"A-19", "Only Tensors of floating point and complex dtype can require gradients", [](auto&) { ct::ones({2}, ct::dtype(kLong).requires_grad(true)); }},
    {"A-20", "can't retain_grad on Tensor that has requires_grad=False", [](auto& x) { x[0].retain_grad(); },
     [] { return std::vector<Tensor>{ct::ones({2})}; }},
    {"A-21", "you can only change requires_grad flags of leaf variables", [](auto& x) { x[0].requires_grad_(false); },
     [] { return std::vector<Tensor>{leaf() * 2.0}; }},
    {"A-22", "Can't detach views in-place. Use detach() instead", [](auto& x) { x[0].detach_(); },
     [] { const Tensor y = leaf() * 2.0; return std::vector<Tensor>{y.view({2, 1}), y}; }},
    {"A-24", "Inference tensors cannot be saved for backward", [](auto& x) { x[0] * x[1]; }, inference_and_leaf},
    {"A-24", "Inference tensors cannot be saved for backward", [](auto& x) { x[2].mul_(x[0]); }, inference_and_leaf},
    {"A-24", "Inplace update to inference tensor outside InferenceMode is not allowed", [](auto& x) { x[0].add_(1); }, inference_tensor},
    {"A-24", "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed", [](auto& x) { x[0].requires_grad_(); }, inference_tensor},
    {"A-25", "A view was created in no_grad mode and is being modified inplace with grad mode enabled", [](auto& x) { x[0].mul_(2); }, quiet_view},
    {"A-26", "This view is the output of a function that returns multiple views", [](auto& x) { x[0].mul_(2); }, parts},
    {"A-27", "linalg.inv: The diagonal element 2 is zero, the inversion could not be completed because the input matrix is singular",
     [](auto&) { ct::inverse(ct::tensor({{1.0, 2.0}, {2.0, 4.0}})); }},
    {"A-27", "the leading minor of order 2 is not positive-definite", [](auto&) { ct::linalg_cholesky(ct::tensor({{1.0, 2.0}, {2.0, 1.0}})); }},
    {"A-27", "The solver failed because the input matrix is singular",
     [](auto&) { ct::linalg_solve(ct::tensor({{1.0, 2.0}, {2.0, 4.0}}), ct::ones({2})); }},
    {"A-28", "not implemented for 'Long'", [](auto& x) { x[0].normal_(); }, [] { return std::vector<Tensor>{ct::ones({2}, kLong)}; }},
    {"A-28", "not implemented for 'Long'", [](auto& x) { x[0].uniform_(); }, [] { return std::vector<Tensor>{ct::ones({2}, kLong)}; }},
    {"A-28", "bernoulli_ expects p to be in [0, 1], but got p=1.3", [](auto& x) { x[0].bernoulli_(1.3); }, [] { return std::vector<Tensor>{ct::ones({2})}; }},
    {"A-28", "normal expects std >= 0.0", [](auto& x) { x[0].normal_(0, -1); }, [] { return std::vector<Tensor>{ct::ones({2})}; }},
    {"A-28", "uniform_ expects to return a [from, to) range", [](auto& x) { x[0].uniform_(2, 1); }, [] { return std::vector<Tensor>{ct::ones({2})}; }},
    {"A-29", "result type Float can't be cast to the desired output type Long", [](auto& x) { x[0].mul_(0.5); },
     [] { return std::vector<Tensor>{ct::ones({2}, kLong)}; }},
    {"A-29", "could not infer output dtype", [](auto& x) { x[0].mean(); }, [] { return std::vector<Tensor>{ct::ones({2}, kLong)}; }},
    {"A-32", "assigned grad has data of a different size", [](auto& x) { x[0].set_grad(ct::ones({3})); }, one_leaf},
    {"A-32", "assigned grad has data of a different type", [](auto& x) { x[0].set_grad(ct::ones({2}, kDouble)); }, one_leaf},
    {"A-34", "unsupported operation: more than one element of the written-to tensor refers to a single memory location",
     [](auto& x) { x[0].expand({3}).add_(1); }, [] { return std::vector<Tensor>{ct::ones({1})}; }},
    {"A-37", "Trying to create tensor with negative dimension -1", [](auto&) { ct::ones({2, -1}); }},
    {"A-37", "number of steps must be non-negative", [](auto&) { ct::linspace(0, 1, -1); }},
    {"A-37", "t() expects a tensor with <= 2 dimensions, but self is 3D", [](auto&) { ct::ones({1, 2, 3}).t(); }},
    {"A-37", "where expected condition to be a boolean tensor", [](auto& x) { ct::where(x[0], x[0], x[0]); }, one_leaf},
    {"A-37", "Subtraction, the `-` operator, with two bool tensors is not supported",
     [](auto&) { const Tensor b = ct::ones({2}, ct::kBool); (void)(b - b); }},
    {"A-37", "For integral input tensors, argument alpha must not be a floating point number",
     [](auto& x) { x[0].add_(x[0], 0.5); }, [] { return std::vector<Tensor>{ct::ones({2}, kLong)}; }},
};

}  // namespace

TEST_CASE("every mistake of the catalogue is named, and changes nothing") {
  for (const Case& c : catalogue) {
    std::vector<Tensor> x = c.make ? c.make() : std::vector<Tensor>();
    std::vector<Snapshot> before(x.begin(), x.end());
    std::string message;
    try {
      c.run(x);
    } catch (const ct::Error& e) {
      message = e.what();
    }
    const std::string id = c.id, phrase = c.phrase;
    CHECK_MESSAGE(!message.empty(), id, ": no error, expected \"", phrase, "\"");
    if (message.empty()) continue;
    CHECK_MESSAGE(message.find(phrase) != std::string::npos, id, ": expected \"", phrase, "\", got \"", message, "\"");
    CHECK_MESSAGE(message.find("internal error") == std::string::npos, id, ": ", message);
    for (std::size_t i = 0; i < x.size(); ++i) CHECK_MESSAGE(Snapshot(x[i]) == before[i], id, ": \"", phrase, "\" changed tensor ", i);
    CHECK_MESSAGE(ct::GradMode::is_enabled(), id, ": grad mode is off afterwards");
    CHECK_MESSAGE(!ct::InferenceMode::is_enabled(), id, ": inference mode is on afterwards");
  }
}

TEST_CASE("after a mistake the same graph can be used rightly") {
  const Tensor x = leaf(), y = x * x;
  CHECK_THROWS_AS(y.backward(), ct::Error);
  CHECK_THROWS_AS(y.backward(ct::ones({3})), ct::Error);
  y.backward(ct::ones({2}));
  CHECK(x.grad()[1].item<float>() == 4);
  CHECK_THROWS_AS(y.backward(ct::ones({2})), ct::Error);  // A-2, and the first gradient stays
  CHECK(x.grad()[1].item<float>() == 4);
}

TEST_CASE("a silent mistake: edits through data() give a wrong gradient (A-17)") {
  const Tensor w = leaf(), loss = (w * w).sum();
  w.data().sub_(0.5);
  loss.backward();
  CHECK(w.grad()[0].item<float>() == 1);
  CHECK(w.grad()[1].item<float>() == 3);
}

// ---- warnings ---------------------------------------------------------------------------------------------

namespace {
std::vector<std::string>* warnings = nullptr;
struct Warnings : std::vector<std::string> {
  Warnings() {
    warnings = this;
    before = ct::set_warning_handler([](std::string_view m) { warnings->emplace_back(m); });
  }
  ~Warnings() {
    ct::set_warning_handler(before);
    warnings = nullptr;
  }
  ct::WarningHandler before;
};
}  // namespace

TEST_CASE("reading .grad of a non-leaf warns, unless it is retained (A-36)") {
  const Tensor x = leaf(), y = x * 2.0;
  Warnings seen;
  CHECK_FALSE(y.grad().defined());
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].find(".grad attribute of a Tensor that is not a leaf Tensor is being accessed") != std::string::npos);
  x.grad();
  CHECK(seen.size() == 1);
  y.retain_grad();
  y.grad();
  CHECK(seen.size() == 1);
  y.sum().backward();
  y.grad();
  CHECK(seen.size() == 1);
}

TEST_CASE("backward with create_graph warns of the cycle; grad does not (A-36)") {
  const Tensor x = leaf();
  Warnings seen;
  ct::autograd::grad({(x * x).sum()}, {x}, {}, true, true);
  CHECK(seen.empty());
  (x * x).sum().backward({}, true, true);
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].find("create_graph") != std::string::npos);
  x.mutable_grad().reset();  // breaks the cycle, as the warning says
}
