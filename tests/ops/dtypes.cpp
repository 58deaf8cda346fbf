// tests/ops/dtypes.cpp -- generated tests of every dtype that an op claims.
#include <doctest/doctest.h>

#include "kernels/kernel.h"
#include "ops/elements.h"

namespace op_check {

namespace {

// A sample in another dtype; for integers rounded after spreading, so that domains that avoid zero still do.
Tensors in_dtype(const Tensors& in, ct::ScalarType t) {
  Tensors out;
  for (const Tensor& x : in) {
    if (!x.defined() || !x.is_floating_point()) {
      out.push_back(x);
      continue;
    }
    Values v = values(x);
    for (double& e : v) {
      if (t == ct::kBool) e = e > 0;
      else if (ct::isIntegralType(t, false)) e = std::round(3 * (t == ct::kByte ? std::abs(e) : e));
    }
    out.push_back(make(x.sizes(), t));
    set_values(out.back(), v);
  }
  return out;
}
// The same numbers in another dtype; a condition stays one.
Tensors recast(const Op& op, const Tensors& in, ct::ScalarType t) {
  Tensors out;
  for (std::size_t i = 0; i < in.size(); ++i)
    out.push_back(!in[i].defined() || (i == 0 && op.promote == ct::Promote::condition) ? in[i] : contiguous_copy(in[i], t));
  return out;
}

bool claimed(const Op& op, ct::ScalarType t) {
  if (t == ct::kBool) return op.dtypes == ct::Dtypes::all || op.dtypes == ct::Dtypes::integral;
  if (ct::isFloatingType(t)) return op.dtypes != ct::Dtypes::integral;
  return op.dtypes != ct::Dtypes::floating;
}

// Parameters of elementwise ops are Scalars.
bool fractional_parameters(const Sample& s) {
  const auto* p = static_cast<const ct::Scalar*>(s.attrs_data());
  for (std::size_t i = 0; i < s.attrs_size / sizeof(ct::Scalar); ++i)
    if (p[i].isFloatingPoint() && p[i].toDouble() != std::trunc(p[i].toDouble())) return true;
  return false;
}

}  // namespace

void dtypes(const Op& op, const Sample& s, const std::string& where, Report& r) {
  if (std::none_of(s.in.begin(), s.in.end(), [](const Tensor& t) { return t.defined() && t.is_floating_point(); })) return;
  auto outputs = [&](const Tensors& in, const char* what) {
    Tensors y;
    try {
      y = op_samples::run(op, s, in);
    } catch (const ct::Error& e) {
      r.expect(false, where + what + ": " + e.what());
    }
    return y;
  };
  if (claimed(op, ct::kFloat)) {
    const Tensors y = outputs(in_dtype(s.in, ct::kFloat), "Float"), wide = outputs(s.in, "Double");
    for (std::size_t k = 0; k < y.size() && k < wide.size(); ++k)
      r.expect(all_close(values(y[k]), values(wide[k]), 2e-4),
               where + "Float: output " + std::to_string(k) + " is " + list(values(y[k])) + ", in float64 " + list(values(wide[k])));
  }
  if (!is_elementwise(op)) return;
  for (ct::ScalarType t : {ct::kHalf, ct::kBFloat16}) {
    if (!claimed(op, t)) continue;
    const Tensors in = in_dtype(s.in, t), y = outputs(in, ct::toString(t)), expected = outputs(recast(op, in, ct::kFloat), "Float");
    if (y.empty() || expected.empty()) continue;
    r.expect(y[0].scalar_type() == (op.promote == ct::Promote::compare ? ct::kBool : t),
             where + ct::toString(t) + ": the result is " + ct::toString(y[0].scalar_type()));
    const Values a = values(y[0]), b = values(expected[0]);
    bool ok = a.size() == b.size();  // within one unit in the last place
    for (std::size_t i = 0; ok && i < a.size(); ++i) ok = close(a[i], b[i], (t == ct::kHalf ? 0x1p-10 : 0x1p-7) * std::abs(b[i]) + 1e-7);
    r.expect(ok, where + ct::toString(t) + ": " + list(a) + ", in float32 " + list(b));
  }
  for (ct::ScalarType t : {ct::kLong, ct::kInt, ct::kShort, ct::kChar, ct::kByte, ct::kBool}) {
    const Tensors in = in_dtype(s.in, t);
    const bool runs = claimed(op, t) && (op.promote == ct::Promote::to_float || op.kernel()[t]);
    if (!runs) {  // a clear error, no crash; or more than was claimed
      try {
        op_samples::run(op, s, in);
      } catch (const ct::Error&) {
      }
      continue;
    }
    const Tensors y = outputs(in, ct::toString(t));
    if (fractional_parameters(s)) continue;  // refused by the op's function, which knows their meaning
    if (y.empty() || t == ct::kBool || !claimed(op, ct::kDouble)) continue;  // the algebra of bools is tested against libtorch
    const Tensors expected = outputs(recast(op, in, ct::kDouble), "Double");
    if (expected.empty()) continue;
    const double modulus = std::ldexp(1.0, static_cast<int>(8 * ct::elementSize(t)));
    const Values a = values(y[0]), b = values(expected[0]);
    bool ok = a.size() == b.size();
    for (std::size_t i = 0; ok && i < a.size(); ++i) {
      if (!ct::isIntegralType(y[0].scalar_type(), false)) ok = close(a[i], b[i], 2e-4 * std::max(std::abs(b[i]), 1e-2));
      else if (std::abs(b[i]) < 1e15) ok = std::remainder(a[i] - std::trunc(b[i]), modulus) == 0;  // integers wrap around
    }
    r.expect(ok, where + ct::toString(t) + ": " + list(a) + ", in float64 " + list(b));
  }
}

}  // namespace op_check

TEST_CASE("every dtype that an op claims computes what float64 does") { op_check::on_all_ops(op_check::dtypes); }
