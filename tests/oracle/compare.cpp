// tests/oracle/compare.cpp -- the comparison of every sample of every op with libtorch, and that none is left out.
#include "oracle/oracle.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <set>

#include "op_samples.h"

namespace oracle {

at::Scalar number(const ct::Scalar& s) {
  if (s.isBoolean()) return at::Scalar(s.toBool());
  if (s.isFloatingPoint()) return at::Scalar(s.toDouble());
  return at::Scalar(s.toLong());
}

at::ScalarType type_of(ct::ScalarType t) {
  switch (t) {
    case ct::kBool: return at::kBool;
    case ct::kByte: return at::kByte;
    case ct::kChar: return at::kChar;
    case ct::kShort: return at::kShort;
    case ct::kInt: return at::kInt;
    case ct::kLong: return at::kLong;
    case ct::kHalf: return at::kHalf;
    case ct::kBFloat16: return at::kBFloat16;
    case ct::kFloat: return at::kFloat;
    default: return at::kDouble;
  }
}

namespace {

ct::ScalarType type_of(at::ScalarType t) {
  for (int i = 0; i < ct::num_dtypes; ++i)
    if (oracle::type_of(static_cast<ct::ScalarType>(i)) == t) return static_cast<ct::ScalarType>(i);
  return ct::ScalarType::Undefined;
}

// Number of elements from the first to the last.
template <class Tensor>
std::int64_t extent(const Tensor& t) {
  std::int64_t n = t.numel() ? 1 : 0;
  for (std::int64_t d = 0; n && d < t.dim(); ++d) n += (t.size(d) - 1) * t.stride(d);
  return n;
}

}  // namespace

at::Tensor to_at(const ct::Tensor& t) {
  if (!t.defined()) return {};
  at::Tensor memory = at::empty({extent(t)}, type_of(t.scalar_type()));
  if (memory.numel()) std::memcpy(memory.data_ptr(), t.data_ptr(), memory.nbytes());
  return at::as_strided(memory, sizes(t.sizes()), sizes(t.strides()));
}

ct::Tensor to_ct(const at::Tensor& t) {
  if (!t.defined()) return {};
  const std::int64_t n = extent(t);
  ct::Tensor memory = ct::empty({n}, type_of(t.scalar_type()));
  if (n) std::memcpy(memory.data_ptr(), t.data_ptr(), memory.nbytes());
  return ct::as_strided(memory, {t.sizes().data(), t.sizes().size()}, {t.strides().data(), t.strides().size()});
}

namespace {

std::vector<Table (*)()>& table_list() {
  static std::vector<Table (*)()> list;
  return list;
}

// All elements in row-major order, as doubles.
std::vector<double> values(const at::Tensor& t) {
  const at::Tensor d = t.detach().to(at::kDouble).contiguous();
  return {d.data_ptr<double>(), d.data_ptr<double>() + d.numel()};
}

double tolerance(const Tolerance& t, ct::ScalarType dtype) {
  switch (dtype) {
    case ct::kHalf: return t.half;
    case ct::kBFloat16: return t.bfloat16;
    case ct::kFloat: return t.f32;
    default: return t.f64;
  }
}

// An explanation if ours is not theirs.
std::optional<std::string> difference(const ct::Tensor& ours, const at::Tensor& theirs, double rtol) {
  if (ours.defined() != theirs.defined()) return ours.defined() ? "libtorch's is undefined" : "ours is undefined";
  if (!ours.defined()) return std::nullopt;
  const at::Tensor mine = to_at(ours.detach());
  if (mine.scalar_type() != theirs.scalar_type())
    return std::string("dtype ") + at::toString(mine.scalar_type()) + ", libtorch's is " + at::toString(theirs.scalar_type());
  if (mine.sizes() != theirs.sizes()) return "shape " + c10::str(mine.sizes()) + ", libtorch's is " + c10::str(theirs.sizes());
  const std::vector<double> a = values(mine), b = values(theirs);
  double scale = 0;
  for (double v : b)
    if (std::isfinite(v)) scale = std::max(scale, std::abs(v));
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])) ||
                      std::abs(a[i] - b[i]) <= rtol * (std::abs(b[i]) + 1e-3 * scale);
    if (same) continue;
    char text[200];
    std::snprintf(text, sizeof text, "element %zu is %.17g, libtorch's is %.17g (relative difference %.2g)", i, a[i], b[i],
                  std::abs(a[i] - b[i]) / std::max(std::abs(b[i]), 1e-300));
    return text;
  }
  return std::nullopt;
}

struct Counts {
  int values = 0, gradients = 0, not_in_libtorch = 0;
};

// The inputs of a sample in another dtype: floating ones converted, for integers after spreading them a little.
std::vector<ct::Tensor> converted(const std::vector<ct::Tensor>& in, ct::ScalarType dtype) {
  std::vector<ct::Tensor> out;
  for (const ct::Tensor& x : in) {
    if (!x.defined() || !x.is_floating_point() || dtype == ct::kDouble) {
      out.push_back(x);
      continue;
    }
    ct::Tensor y = ct::empty(x.sizes(), ct::kDouble);
    const std::vector<double> v = values(to_at(x));
    for (std::size_t i = 0; i < v.size(); ++i) {
      double& e = y.data_ptr<double>()[i];
      e = v[i];
      if (ct::isIntegralType(dtype, true)) e = dtype == ct::kBool ? v[i] > 0 : std::round(3 * (dtype == ct::kByte ? std::abs(v[i]) : v[i]));
    }
    out.push_back(y.to(dtype));
  }
  return out;
}

// Python's name of the producer: libtorch writes some with their namespace.
std::string node_name(const at::Tensor& t) {
  const std::string name = t.grad_fn()->name();
  const std::size_t colon = name.rfind(':');
  return colon == std::string::npos ? name : name.substr(colon + 1);
}

template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return {};
}

// Runs one sample in one dtype in both libraries.
void compare_sample(const ct::Op& op, const Entry& entry, const op_samples::Sample& sample, ct::ScalarType dtype, bool gradients,
                    op_samples::Random& random, Counts& counts) {
  std::vector<ct::Tensor> in;
  Inputs at_in;
  std::vector<std::size_t> tracked;
  for (const ct::Tensor& x : converted(sample.in, dtype)) {
    const std::size_t i = in.size();
    in.push_back(x);
    at_in.push_back(to_at(x));
    if (!gradients || !x.defined() || !x.is_floating_point() || (i < 32 && (op.nondiff >> i & 1))) continue;
    in.back() = x.detach();
    in.back().requires_grad_();
    at_in.back().requires_grad_();
    tracked.push_back(i);
  }
  Outputs theirs;
  bool refused = false;
  try {
    theirs = entry.run(at_in, sample.attrs_data());
  } catch (const c10::Error&) {  // not implemented for this dtype
    refused = true;
  }
  if (refused) {
    ++counts.not_in_libtorch;
    DOCTEST_CHECK_MESSAGE(dtype != ct::kDouble, "libtorch refuses this sample in float64");
    return;
  }
  const std::vector<ct::Tensor> ours = op_samples::run(op, sample, in);
  DOCTEST_REQUIRE_EQ(ours.size(), theirs.size());
  const double rtol = tolerance(entry.tolerance, dtype);
  for (std::size_t k = 0; k < ours.size(); ++k) {
    // Integers that became floating numbers are as exact as those.
    const double loosest = ours[k].defined() ? std::max(rtol, tolerance(entry.tolerance, ours[k].scalar_type())) : rtol;
    const auto why = difference(ours[k], theirs[k], loosest);
    DOCTEST_CHECK_MESSAGE(!why, "output ", k, ": ", why.value_or(""));
    ++counts.values;
    if (why && ours[k].sizes() != ct::IntArrayRef(theirs[k].sizes().data(), theirs[k].sizes().size())) return;
  }
  if (tracked.empty()) return;

  std::vector<ct::Tensor> roots, grads, wanted;
  Outputs at_roots, at_grads, at_wanted;
  for (std::size_t k = 0; k < ours.size(); ++k) {
    if (!ours[k].defined() || !theirs[k].defined()) continue;
    DOCTEST_CHECK_MESSAGE(ours[k].requires_grad() == theirs[k].requires_grad(), "output ", k, ": requires_grad is ", ours[k].requires_grad(),
                          ", libtorch's is ", theirs[k].requires_grad());
    if (!ours[k].requires_grad() || !theirs[k].requires_grad()) continue;
    const ct::Tensor g = op_samples::uniform(random, ours[k].sizes(), -1, 1).to(ours[k].scalar_type());
    roots.push_back(ours[k]), grads.push_back(g);
    at_roots.push_back(theirs[k]), at_grads.push_back(to_at(g));
  }
  if (roots.empty()) return;
  for (std::size_t i : tracked) wanted.push_back(in[i]), at_wanted.push_back(at_in[i]);
  if (!entry.other_graph && op.kind != ct::OpKind::composite)
    for (std::size_t k = 0; k < roots.size(); ++k)
      DOCTEST_CHECK_EQ(roots[k].grad_fn()->name(), node_name(at_roots[k]));
  const auto ours_g = ct::autograd::grad(roots, wanted, grads, std::nullopt, false, true);
  const auto theirs_g = torch::autograd::grad(at_roots, at_wanted, at_grads, c10::nullopt, false, true);
  if (!entry.other_graph) {  // the same values are saved, as far as a user can tell
    const std::string again = message([&] { ct::autograd::grad(roots, wanted, grads, std::nullopt, false, true); });
    const std::string at_again = message([&] { torch::autograd::grad(at_roots, at_wanted, at_grads, c10::nullopt, false, true); });
    DOCTEST_CHECK_MESSAGE(again.empty() == at_again.empty(), "a second backward ", again.empty() ? "works" : "throws", ", and libtorch's ",
                          at_again.empty() ? "works" : "throws");
  }
  for (std::size_t i = 0; i < tracked.size(); ++i) {
    // Undefined and zero mean the same; which of the two differs between the libraries.
    at::Tensor expected = theirs_g[i].defined() ? theirs_g[i] : at::zeros_like(at_wanted[i]);
    ct::Tensor got = ours_g[i].defined() ? ours_g[i] : ct::zeros_like(wanted[i]);
    const auto why = difference(got, expected, rtol);
    DOCTEST_CHECK_MESSAGE(!why, "gradient of input ", tracked[i], ": ", why.value_or(""));
    ++counts.gradients;
  }
}

// Whether the op's own table says that it takes this dtype.
bool claims(const ct::Op& op, ct::ScalarType t) {
  if (t == ct::kBool) return op.dtypes == ct::Dtypes::all || op.dtypes == ct::Dtypes::integral;
  if (ct::isFloatingType(t)) return op.dtypes != ct::Dtypes::integral;
  return op.dtypes != ct::Dtypes::floating;
}

}  // namespace

Registered::Registered(Table (*table)()) { table_list().push_back(table); }
const std::vector<Table (*)()>& tables() { return table_list(); }

void compare(const Table& table) {
  std::map<std::string, const ct::Op*> ops;
  for (const ct::Op* op : ct::all_ops()) ops[op->name] = op;
  Counts counts;
  int compared = 0;
  for (const Entry& entry : table) {
    DOCTEST_INFO("op ", std::string(entry.op));
    const auto it = ops.find(entry.op);
    if (it == ops.end()) {
      DOCTEST_ADD_FAIL_CHECK_AT(__FILE__, __LINE__, "no op of this name is registered");
      continue;
    }
    if (!entry.run) {
      std::printf("  not compared: %s: %s\n", entry.op, entry.reason);
      continue;
    }
    const ct::Op& op = *it->second;
    op_samples::Random random(7);
    std::vector<ct::ScalarType> dtypes;
    if (claims(op, ct::kDouble)) dtypes = {ct::kDouble, ct::kFloat};
    if (op.kind == ct::OpKind::elementwise)
      for (ct::ScalarType t : {ct::kHalf, ct::kBFloat16, ct::kLong, ct::kInt, ct::kShort, ct::kChar, ct::kByte, ct::kBool})
        if (claims(op, t)) dtypes.push_back(t);
    int number = 0;
    for (const op_samples::Sample& sample : op_samples::of(op)) {
      for (ct::ScalarType t : dtypes) {
        DOCTEST_INFO("sample ", number, " as ", std::string(ct::toString(t)));
        const bool gradients = op.node && entry.gradients && (t == ct::kDouble || t == ct::kFloat);
        try {
          compare_sample(op, entry, sample, t, gradients, random, counts);
        } catch (const ct::Error& e) {
          DOCTEST_ADD_FAIL_CHECK_AT(__FILE__, __LINE__, "ours throws: " << std::string(e.what()));
        } catch (const std::exception& e) {
          DOCTEST_ADD_FAIL_CHECK_AT(__FILE__, __LINE__, "libtorch throws: " << std::string(e.what()).substr(0, 300));
        }
      }
      ++number;
    }
    DOCTEST_CHECK_MESSAGE(number > 0, "no samples to compare");
    ++compared;
  }
  std::printf("  %d ops: %d values and %d gradients compared with libtorch; %d calls that libtorch does not implement\n", compared,
              counts.values, counts.gradients, counts.not_in_libtorch);
}

}  // namespace oracle

DOCTEST_TEST_CASE("every op with samples has an entry in exactly one table") {
  std::set<std::string> known;
  for (auto* table : oracle::tables())
    for (const oracle::Entry& e : table()) DOCTEST_CHECK_MESSAGE(known.insert(e.op).second, std::string(e.op), " is in two tables");
  for (const ct::Op* op : ct::all_ops())
    if (op->samples || (op->kind == ct::OpKind::elementwise && !op->untested))
      DOCTEST_CHECK_MESSAGE(known.count(op->name) == 1, std::string(op->name), " has no entry in any table of tests/oracle");
}
