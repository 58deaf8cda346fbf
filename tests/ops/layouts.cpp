// tests/ops/layouts.cpp -- generated tests of transposed, strided, offset and expanded inputs.
#include <doctest/doctest.h>

#include "ops/elements.h"

namespace op_check {

namespace {

// Values and gradients of one call, or its error.
struct Result {
  std::vector<Values> y, g;
  std::vector<std::vector<std::int64_t>> shapes;
  std::string error;
};
Result evaluate(const Op& op, const Sample& s, const Tensors& in) {
  Result result;
  Tensors x = in;
  std::vector<std::size_t> tracked;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!is_tracked_input(op, s, i)) continue;
    x[i] = in[i].detach();
    x[i].requires_grad_();
    tracked.push_back(i);
  }
  try {
    const Tensors y = op_samples::run(op, s, x);
    for (const Tensor& t : y) {
      result.y.push_back(values(t));
      result.shapes.push_back(t.defined() ? t.sizes().vec() : std::vector<std::int64_t>{-1});
    }
    const Roots roots(y);
    if (!roots.y.empty() && !tracked.empty()) {
      const Tensors wanted = pick(x, tracked);
      result.g = as_values(gradients(roots.y, wanted, roots.w), wanted);
    }
  } catch (const ct::Error& e) {
    result.error = e.what();
  }
  return result;
}

}  // namespace

void layouts(const Op& op, const Sample& s, const std::string& where, Report& r) {
  if (layout_bound(op)) return;
  Tensors plain;
  for (const Tensor& t : s.in) plain.push_back(t.defined() ? contiguous_copy(t) : t);
  auto compare = [&](const Tensors& from, const Tensors& to, const std::string& name) {
    const Result a = evaluate(op, s, from), b = evaluate(op, s, to);
    if (b.error.find("view size is not compatible") != std::string::npos) return;  // a view's right to refuse
    r.expect(a.error.empty() == b.error.empty(),
             where + name + " inputs: " + (b.error.empty() ? "no error, but contiguous ones throw " + a.error : b.error));
    if (!a.error.empty() || !b.error.empty()) return;
    for (std::size_t k = 0; k < a.y.size(); ++k)
      r.expect(a.shapes[k] == b.shapes[k] && all_close(b.y[k], a.y[k], 1e-11),
               where + name + " inputs: output " + std::to_string(k) + " is " + list(b.y[k]) + ", with contiguous ones " + list(a.y[k]));
    for (std::size_t k = 0; k < a.g.size(); ++k)
      r.expect(all_close(b.g[k], a.g[k], 1e-10),
               where + name + " inputs: gradient " + std::to_string(k) + " is " + list(b.g[k]) + ", with contiguous ones " + list(a.g[k]));
  };
  for (Layout layout : {Layout::column_major, Layout::strided, Layout::offset}) {
    Tensors in;
    for (const Tensor& t : s.in) in.push_back(relaid(t, layout));
    compare(plain, in, layout_names[static_cast<int>(layout)]);
  }
  for (std::size_t i = 0; i < s.in.size() && s.in.size() > 1; ++i) {  // one input differs from the others
    const Layout layout = i % 2 ? Layout::strided : Layout::column_major;
    Tensors in = plain;
    in[i] = relaid(s.in[i], layout);
    compare(plain, in, std::string("one ") + layout_names[static_cast<int>(layout)]);
  }
  // Expanded: constant along the first dimension that allows it. Decompositions and sorts are degenerate there.
  if (op.kind == OpKind::other) return;
  for (std::size_t i = 0; i < s.in.size(); ++i) {
    const Tensor& x = s.in[i];
    if (!x.defined() || x.numel() == 0) continue;
    for (std::size_t d = 0; d < x.sizes().size(); ++d) {
      if (x.sizes()[d] < 2) continue;
      std::vector<std::int64_t> strides(x.sizes().size());
      std::int64_t step = 1;
      for (std::size_t k = strides.size(); k-- > 0;) {
        strides[k] = k == d ? 0 : step;
        if (k != d) step *= x.sizes()[k];
      }
      Tensors expanded = plain, dense = plain;
      expanded[i] = make(x.sizes(), x.scalar_type(), &strides, 1);
      set_values(expanded[i], values(x));  // the last one written stays
      dense[i] = contiguous_copy(expanded[i]);
      compare(dense, expanded, "expanded");
      break;
    }
  }
}

}  // namespace op_check

TEST_CASE("the layout of inputs in memory changes nothing") { op_check::on_all_ops(op_check::layouts); }
