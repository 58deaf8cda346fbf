// tests/autograd/engine_options.cpp -- what backward and grad do with roots, inputs, unused inputs, versions, modes and warnings.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "cotangent/cotangent.h"
#include "values.h"

using ct::Tensor;
using ct::autograd::backward;
using ct::autograd::grad;
using V = std::vector<double>;

namespace {

Tensor leaf(const V& v) { return ct::tensor(v, ct::dtype(ct::kDouble).requires_grad(true)); }
Tensor number(const V& v) { return ct::tensor(v, ct::kDouble); }

}  // namespace

// ---- grad -----------------------------------------------------------------------------------------------

TEST_CASE("unused inputs of grad: refused, undefined, or zeros") {
  const Tensor x = leaf({1, 2}), unused = leaf({1, 2, 3}), y = (x * x).sum();
  const std::string refused = error_of([&] { (void)grad({y}, {x, unused}, {}, true); });
  CHECK(has(refused, "One of the differentiated Tensors appears to not have been used in the graph: input 1 of shape [3]"));
  CHECK(has(error_of([&] { (void)grad({y}, {x, unused}, {}, true, false, false); }), "appears to not have been used in the graph"));
  const auto allowed = grad({y}, {x, unused}, {}, true, false, true);
  CHECK_VALUES(allowed[0], V{2, 4});
  CHECK_FALSE(allowed[1].defined());

  const auto zeros = grad({y}, {unused, x}, {}, true, false, std::nullopt, false, true);
  CHECK_VALUES(zeros[0], V{0, 0, 0});
  CHECK(zeros[0].scalar_type() == ct::kDouble);
  CHECK_FALSE(zeros[0].requires_grad());
  CHECK_VALUES(zeros[1], V{2, 4});
  CHECK_VALUES(grad({y}, {unused}, {}, true, false, true, false, true)[0], V{0, 0, 0});
  CHECK(grad({y}, {unused}, {}, true, true, std::nullopt, false, true)[0].requires_grad());  // may be differentiated on
  CHECK(has(error_of<ct::ValueError>([&] { (void)grad({y}, {x}, {}, true, false, false, false, true); }),
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."));
  y.backward();  // nothing of the above freed the graph
}

TEST_CASE("an input that is used, but not on the way from these outputs") {
  const Tensor x = leaf({1}), w = leaf({2}), y = x * 2.0, z = x * w;
  CHECK_FALSE(grad({y}, {w}, {}, true, false, true)[0].defined());
  CHECK_FALSE(grad({y}, {z}, {}, true, false, true)[0].defined());  // later than the output
  CHECK_VALUES(grad({y}, {y}, {}, true)[0], V{1});
  CHECK_VALUES(grad({y, z}, {x}, {}, true)[0], V{4});
}

TEST_CASE("duplicates among inputs and outputs") {
  const Tensor x = leaf({1, 2}), y = x * x;
  const auto g = grad({y.sum()}, {x, x, y, y}, {}, true);
  CHECK_VALUES(g[0], V{2, 4});
  CHECK_VALUES(g[1], V{2, 4});
  CHECK_VALUES(g[2], V{1, 1});
  CHECK_VALUES(g[3], V{1, 1});
  CHECK_VALUES(grad({y, y}, {x}, {number({1, 1}), number({0, 2})}, true)[0], V{2, 12});
  backward({y, y}, {number({1, 1}), number({0, 2})}, true, false, {x, x});
  CHECK_VALUES(x.grad(), V{2, 12});
}

TEST_CASE("a leaf as root, with and without other roots") {
  const Tensor x = leaf({3}), y = x * x;
  x.backward();
  CHECK_VALUES(x.grad(), V{1});
  backward({x, y}, {number({10}), Tensor()}, true);
  CHECK_VALUES(x.grad(), V{1 + 10 + 6});
  CHECK_VALUES(grad({x, y}, {x}, {}, true)[0], V{7});
  CHECK_VALUES(grad({x}, {x, y}, {number({4})}, true, false, true)[0], V{4});
  backward({x}, {}, {}, false, {x});
  CHECK_VALUES(x.grad(), V{18});
}

TEST_CASE("backward into inputs: leaves, results, both, one beyond the other") {
  const Tensor x = leaf({2}), w = leaf({5}), y = x * w, z = y * y;
  backward({z}, {}, true, false, {y});
  CHECK_VALUES(y.grad(), V{20});
  CHECK_FALSE(x.grad().defined());
  backward({z}, {}, true, false, {y, x});
  CHECK_VALUES(y.grad(), V{40});
  CHECK_VALUES(x.grad(), V{100});
  CHECK_FALSE(w.grad().defined());
  CHECK(has(error_of([&] { z.backward({}, true, false, ct::TensorList()); }), "'inputs' argument to backward() cannot be empty"));
  CHECK(has(error_of([&] { backward({z}, {}, true, false, {number({1})}); }), "One of the differentiated Tensors does not require grad"));
  const Tensor elsewhere = leaf({1});
  backward({z}, {}, true, false, {elsewhere});  // nothing arrives, as in PyTorch
  CHECK_FALSE(elsewhere.grad().defined());
  CHECK_VALUES(x.grad(), V{100});
}

TEST_CASE("only what leads to the inputs is run and freed") {
  const Tensor x = leaf({2}), w = leaf({5}), y = x * x, z = y * w;
  (void)grad({z}, {y});  // z's node is spent, y's is not
  CHECK(has(error_of([&] { z.backward(); }), "Trying to backward through the graph a second time"));
  y.backward();
  CHECK_VALUES(x.grad(), V{4});
}

TEST_CASE("is_grads_batched has its place in the signature") {
  const Tensor x = leaf({2}), y = x * x;
  (void)static_cast<ct::autograd::variable_list (*)(ct::TensorList, ct::TensorList, ct::TensorList, std::optional<bool>, bool, std::optional<bool>, bool,
                                                     bool)>(&ct::autograd::grad);
  CHECK_VALUES(grad({y}, {x}, {}, true, false, false, false, false)[0], V{4});
}

// ---- versions -------------------------------------------------------------------------------------------

TEST_CASE("increment_version tells of writes that the library does not see") {
  namespace graph = ct::autograd::graph;
  const Tensor x = leaf({1, 2}), y = x * 1.0, alias = y.detach(), z = (y * y).sum();
  const auto version = y._version();
  y.data_ptr<double>()[0] = 7;
  graph::increment_version(y);
  CHECK(y._version() == version + 1);
  CHECK(alias._version() == version + 1);
  CHECK(has(error_of([&] { z.backward(); }), "modified by an inplace operation"));
  graph::increment_version({y, x});
  CHECK(y._version() == version + 2);
  CHECK(has(error_of([&] { graph::increment_version(Tensor()); }), "undefined"));
  Tensor frozen;
  {
    const ct::InferenceMode on;
    frozen = number({1});
  }
  CHECK(has(error_of([&] { graph::increment_version(frozen); }), "Inference tensors do not track version counter"));
  const auto before = y._version();
  CHECK(has(error_of([&] { graph::increment_version({y, frozen}); }), "Inference tensors"));
  CHECK(y._version() == before);
}

// ---- modes ------------------------------------------------------------------------------------------------

TEST_CASE("modes come back after exceptions, wherever these come from") {
  const Tensor x = leaf({1, 2}), y = x * x;
  for (const bool enabled : {true, false}) {
    const ct::AutoGradMode mode(enabled);
    CHECK_THROWS_AS((void)x.view({7}), ct::Error);                                     // forward
    CHECK(ct::GradMode::is_enabled() == enabled);
    CHECK_THROWS_AS(y.backward(number({1, 2, 3})), ct::Error);                         // the arguments of backward
    CHECK(ct::GradMode::is_enabled() == enabled);
    ct::RemovableHandle h = y.register_hook([](const Tensor&) -> Tensor {              // inside backward, in an odd mode
      ct::GradMode::set_enabled(true);
      throw std::runtime_error("a hook fails");
    });
    CHECK_THROWS_AS(y.backward(number({1, 1}), true), std::runtime_error);
    CHECK(ct::GradMode::is_enabled() == enabled);
    h.remove();
    try {
      const ct::NoGradGuard a;
      const ct::EnableGradGuard b;
      const ct::InferenceMode c;
      throw 1;
    } catch (int) {
    }
    CHECK(ct::GradMode::is_enabled() == enabled);
    CHECK_FALSE(ct::InferenceMode::is_enabled());
  }
  CHECK(ct::GradMode::is_enabled());
}

TEST_CASE("set_enabled in a hook does not outlive the backward it runs in") {
  const Tensor x = leaf({1}), y = x * x;
  y.register_hook([](const Tensor&) { ct::set_grad_enabled(true); });
  const ct::NoGradGuard off;
  y.backward({}, true);
  CHECK_FALSE(ct::is_grad_enabled());
  x.mutable_grad().reset();  // recorded: a cycle with its leaf
}

// ---- warnings ---------------------------------------------------------------------------------------------

namespace {
std::vector<std::string>* heard = nullptr;
struct Listener {
  std::vector<std::string> messages;
  ct::WarningHandler before;
  Listener() : before(ct::set_warning_handler([](std::string_view m) { heard->emplace_back(m); })) { heard = &messages; }
  ~Listener() {
    ct::set_warning_handler(before);
    heard = nullptr;
  }
};
}  // namespace

TEST_CASE("warnings go through one handler: .grad of a non-leaf, and the cycle of create_graph") {
  Listener listener;
  const Tensor x = leaf({1, 2}), y = x * x, kept = x * 2.0;
  kept.retain_grad();
  (void)x.grad();
  (void)kept.grad();
  CHECK(listener.messages.empty());
  (void)y.grad();
  REQUIRE(listener.messages.size() == 1);
  CHECK(has(listener.messages[0], "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed"));
  y.sum().backward({}, true);
  CHECK(listener.messages.size() == 1);
  y.sum().backward({}, true, true);
  REQUIRE(listener.messages.size() == 2);
  CHECK(has(listener.messages[1], "create_graph=true will create a reference cycle"));
  y.sum().backward({}, true, true);
  CHECK(listener.messages.size() == 2);  // once is enough
  (void)grad({y.sum()}, {x}, {}, true, true);
  CHECK(listener.messages.size() == 2);  // makes no cycle
  backward({y.sum()}, {}, true, false, {y});
  (void)y.grad();
  CHECK(listener.messages.size() == 2);
  x.mutable_grad().reset();
}

TEST_CASE("a warning handler that throws turns warnings into errors, and changes nothing else") {
  const Tensor x = leaf({1}), y = x * x;
  const ct::WarningHandler before = ct::set_warning_handler([](std::string_view m) { throw ct::Error(std::string(m)); });
  CHECK(has(error_of([&] { (void)y.grad(); }), "not a leaf"));
  CHECK(has(error_of([&] { y.backward({}, true, true); }), "reference cycle"));
  ct::set_warning_handler(before);
  y.backward();
  CHECK_VALUES(x.grad(), V{2});
}
