// tests/ops/test_the_tester.cpp -- deliberately wrong ops, which the generated tests must find out.
#include <doctest/doctest.h>

#include "kernels/cpu/arithmetic.h"
#include "ops/elements.h"

using ct::Call;
using ct::NoAttrs;
using ct::Op;
using ct::OpKind;
using ct::SampleSink;
using ct::Saved;
using ct::Tensor;
using ct::X;
using ct::Y;
using op_check::Check;

namespace {

std::vector<std::string> found(const Op& op, Check* check) {
  op_check::Report r;
  op_check::run(op, check, r);
  CHECK(r.samples > 0);
  return r.failures;
}
bool finds(const Op& op, Check* check, const char* what) {
  for (const std::string& f : found(op, check))
    if (f.find(what) != std::string::npos) return true;
  return false;
}

// y = x^2, of which copies are then spoilt.
constexpr Op square_op{
    .name = "test_square",
    .node = "TestSquareBackward0",
    .kind = OpKind::other,
    .formula = "dx = 2 * g * x",
    .forward = [](const Call& c) { return c.x(0) * c.x(0); },
    .vjp = [](const Tensor& g, const Saved& s, int) { return g * (s.x(0) * 2.0); },
    .save = {X(0)},
    .samples = [](SampleSink& call) { call({call.uniform({3, 3})}); },
};
constexpr Op with_vjp(Op op, Tensor (*vjp)(const Tensor&, const Saved&, int)) {
  op.vjp = vjp;
  return op;
}

// y = x0 x1, elementwise: the right one, for its in-place form.
constexpr Op product_op{
    .name = "test_product",
    .node = "TestProductBackward0",
    .kind = OpKind::elementwise,
    .formula = "dx0 = g * x1; dx1 = g * x0",
    .kernel = [] () -> const ct::kernels::Kernel& { return ct::kernels::arithmetic().mul; },
    .deriv = [](const Saved& s, int arg) { return s.x(1 - arg); },
    .save = {X(1), X(0)},
};

}  // namespace

TEST_CASE("right ops pass every check") {
  for (const Op* op : {&square_op, &product_op})
    for (Check* check : {op_check::derivatives, op_check::layouts, op_check::dtypes, op_check::in_place, op_check::saving, op_check::views,
                         op_check::undefined_inputs})
      for (const std::string& f : found(*op, check)) FAIL_CHECK(f);
}

TEST_CASE("wrong first derivatives are found") {
  static constexpr Op slightly = with_vjp(square_op, [](const Tensor& g, const Saved& s, int) { return g * (s.x(0) * 2.001); });
  static constexpr Op sign = with_vjp(square_op, [](const Tensor& g, const Saved& s, int) { return -(g * (s.x(0) * 2.0)); });
  static constexpr Op factor = with_vjp(square_op, [](const Tensor& g, const Saved& s, int) { return g * s.x(0); });
  static constexpr Op transposed = with_vjp(square_op, [](const Tensor& g, const Saved& s, int) {
    return g * (ct::as_strided(s.x(0), {3, 3}, {1, 3}).clone() * 2.0);
  });
  static constexpr Op no_cotangent = with_vjp(square_op, [](const Tensor&, const Saved& s, int) { return s.x(0) * 2.0; });
  static constexpr Op one_entry = with_vjp(square_op, [](const Tensor& g, const Saved& s, int) {
    Tensor dx = g * (s.x(0) * 2.0);
    ct::NoGradGuard off;
    dx.detach().data_ptr<double>()[4] *= 1.0005;
    return dx;
  });
  for (const Op* op : {&slightly, &sign, &factor, &transposed, &no_cotangent, &one_entry})
    CHECK(finds(*op, op_check::derivatives, "gradient of input 0"));
  static constexpr Op none = with_vjp(square_op, [](const Tensor&, const Saved&, int) { return Tensor(); });
  CHECK(finds(none, op_check::derivatives, "gradient of input 0"));
}

TEST_CASE("the wrong argument's derivative is found") {
  static constexpr Op swapped = [] {
    Op op = product_op;
    op.deriv = [](const Saved& s, int arg) { return s.x(arg); };
    op.save[0] = X(0), op.save[1] = X(1);
    return op;
  }();
  CHECK(finds(swapped, op_check::derivatives, "gradient of input 0"));
  CHECK(finds(swapped, op_check::derivatives, "gradient of input 1"));
}

TEST_CASE("derivatives that cannot be differentiated again are found") {
  static constexpr Op cut = with_vjp(square_op, [](const Tensor& g, const Saved& s, int) { return g * (s.x(0).detach() * 2.0); });
  CHECK(found(cut, op_check::derivatives).size() == 1);
  CHECK(finds(cut, op_check::derivatives, "second order"));
  static constexpr Op cut_cotangent = with_vjp(square_op, [](const Tensor& g, const Saved& s, int) { return g.detach() * (s.x(0) * 2.0); });
  CHECK(finds(cut_cotangent, op_check::derivatives, "<w, J u>"));
}

TEST_CASE("an op that ignores strides is found") {
  static constexpr Op blind = [] {
    Op op = square_op;
    op.forward = [](const Call& c) {
      Tensor y = ct::empty(c.x(0).sizes(), c.x(0).scalar_type());
      for (std::int64_t i = 0; i < y.numel() && c.x(0).scalar_type() == ct::kDouble; ++i)
        y.data_ptr<double>()[i] = c.x(0).data_ptr<double>()[i] * c.x(0).data_ptr<double>()[i];
      return y;
    };
    return op;
  }();
  CHECK(found(blind, op_check::derivatives).empty());
  CHECK(finds(blind, op_check::layouts, "column-major inputs: output 0"));
  CHECK(finds(blind, op_check::layouts, "strided inputs: output 0"));
}

TEST_CASE("wrong masks of saved values are found") {
  static constexpr Op unsaved = [] {
    Op op = square_op;
    op.save[0] = Y();
    return op;
  }();
  CHECK(finds(unsaved, op_check::saving, "did not save"));
  static constexpr Op half_saved = [] {  // the gradient of input 1 reads what is only saved for input 0
    Op op = product_op;
    op.save[0] = X(0) | X(1), op.save[1] = X(1);
    op.arity = 2;
    return op;
  }();
  CHECK(finds(half_saved, op_check::saving, "with only input 1 tracked"));
}

TEST_CASE("wrong loops for a dtype are found") {
  static constexpr Op float_loop = [] {
    Op op = product_op;
    op.kernel = [] () -> const ct::kernels::Kernel& {
      static const ct::kernels::Kernel k = [] {
        ct::kernels::Kernel wrong = ct::kernels::arithmetic().mul;
        wrong.loop[static_cast<int>(ct::kFloat)] = ct::kernels::arithmetic().div[ct::kFloat];
        return wrong;
      }();
      return k;
    };
    return op;
  }();
  CHECK(finds(float_loop, op_check::dtypes, "Float: output 0"));
}

TEST_CASE("a view that is a copy, and an op that writes into its input, are found") {
  static constexpr Op copy = [] {
    Op op = square_op;
    op.kind = OpKind::view;
    op.forward = [](const Call& c) { return c.x(0).clone(); };
    op.vjp = [](const Tensor& g, const Saved&, int) { return g; };
    return op;
  }();
  CHECK(finds(copy, op_check::views, "share memory"));
  static constexpr Op spoils = [] {
    Op op = square_op;
    op.node = nullptr;
    op.forward = [](const Call& c) {
      if (c.x(0).numel() && c.x(0).scalar_type() == ct::kDouble) c.x(0).data_ptr<double>()[0] += 1;
      return c.x(0).clone();
    };
    return op;
  }();
  CHECK(finds(spoils, op_check::dtypes, "was changed"));
}

TEST_CASE("incomplete entries are found") {
  op_check::Report r;
  op_check::entry(Op{.name = "no_samples", .forward = square_op.forward}, r);
  op_check::entry(Op{.name = "no_formula", .node = "N", .forward = square_op.forward, .vjp = square_op.vjp, .samples = square_op.samples}, r);
  op_check::entry(Op{.name = "no_rule", .node = "N", .formula = "f", .forward = square_op.forward, .samples = square_op.samples}, r);
  op_check::entry(Op{.name = "no_arity", .kind = OpKind::elementwise, .kernel = product_op.kernel}, r);
  op_check::entry(Op{.name = "said_so", .forward = square_op.forward, .untested = "random"}, r);
  REQUIRE(r.failures.size() == 4);
  CHECK(r.failures[0].find("neither samples nor a reason") != std::string::npos);
  CHECK(r.failures[1].find("no formula") != std::string::npos);
  CHECK(r.failures[2].find("neither deriv nor vjp") != std::string::npos);
  CHECK(r.failures[3].find(".arity") != std::string::npos);
  CHECK(r.skipped.at("random") == std::vector<std::string>{"said_so"});
}
