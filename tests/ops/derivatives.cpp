// tests/ops/derivatives.cpp -- generated tests of gradients: central differences in float64, twice.
#include <doctest/doctest.h>

#include "ops/elements.h"

namespace op_check {

namespace {

// One sample as a function of its tracked inputs, moved along directions; evaluated without sharing anything.
struct Function {
  using Directions = std::vector<Values>;  // one for each tracked input; empty: not moved

  const Op& op;
  const Sample& s;
  std::vector<std::size_t> tracked;
  std::vector<std::size_t> roots;  // positions of the differentiable outputs

  Tensors inputs(const Directions& d, double step) const {
    const Tensors in = leaves(op, s);
    for (std::size_t i = 0; i < tracked.size(); ++i) {
      if (d[i].empty()) continue;
      Values v = values(in[tracked[i]]);
      for (std::size_t j = 0; j < v.size(); ++j) v[j] += step * d[i][j];
      set_values(in[tracked[i]], v);
    }
    return in;
  }
  Tensors outputs(const Tensors& in) const {
    const Tensors y = op_samples::run(op, s, in);
    Tensors out;
    for (std::size_t k : roots) out.push_back(y[k]);
    return out;
  }
  // sum_k <w_k, y_k> at x + step d
  double loss(const Directions& d, double step, const std::vector<Values>& w) const {
    ct::NoGradGuard off;
    const Tensors y = outputs(inputs(d, step));
    double sum = 0;
    for (std::size_t k = 0; k < y.size(); ++k) sum += dot(w[k], values(y[k]));
    return sum;
  }
  // sum_i <u_i, dloss/dx_i> at x + step d
  double slope(const Directions& d, double step, const Tensors& w, const Directions& u) const {
    const Tensors in = inputs(d, step), x = pick(in, tracked);
    const auto g = as_values(gradients(outputs(in), x, w), x);
    double sum = 0;
    for (std::size_t i = 0; i < g.size(); ++i) sum += dot(u[i], g[i]);
    return sum;
  }
};

}  // namespace

void derivatives(const Op& op, const Sample& s, const std::string& where, Report& r) {
  constexpr double h = 1e-6;
  Function f{op, s, {}, {}};
  const Tensors in = leaves(op, s, &f.tracked);
  const Tensors out = op_samples::run(op, s, in);
  for (std::size_t k = 0; k < out.size(); ++k)
    if (out[k].defined() && out[k].requires_grad()) f.roots.push_back(k);
  if (!op.node && op.kind != OpKind::composite) {
    r.expect(f.roots.empty(), where + "not differentiable, but an output requires grad");
    return;
  }
  if (f.tracked.empty() || f.roots.empty()) return;
  const Roots roots(out);
  const Tensors x = pick(in, f.tracked);
  std::vector<Values> w;
  for (const Tensor& t : roots.w) w.push_back(values(t));
  double size_y = 0;  // rounding errors of a difference scale with it
  for (std::size_t k = 0; k < w.size(); ++k) size_y += absolute_dot(w[k], values(roots.y[k]));

  // First order, input by input.
  Random random(4711);
  const auto g = as_values(gradients(roots.y, x, roots.w, false, true), x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    Function::Directions d(x.size());
    d[i] = direction(random, x[i], values(x[i]));
    const double expected = (f.loss(d, h, w) - f.loss(d, -h, w)) / (2 * h), got = dot(g[i], d[i]);
    r.expect(close(got, expected, 1e-6 * absolute_dot(g[i], d[i]) + 1e-8 * size_y),
             where + "gradient of input " + std::to_string(f.tracked[i]) + ": <g, d> is " + number(got) + ", central difference " + number(expected));
  }
  if (!op.second_order) return;

  // Second order. With g_i(x, w) the gradients for the cotangents w, and S = sum_i <u_i, g_i>:
  // dS/dx against differences of g, and dS/dw = J u against differences of y.
  const Tensors in2 = leaves(op, s), x2 = pick(in2, f.tracked);
  Tensors w2, wanted = x2, tracked_g, u_of_g;
  for (const Tensor& t : roots.w) {
    w2.push_back(contiguous_copy(t));
    w2.back().requires_grad_();
    wanted.push_back(w2.back());
  }
  const Tensors g2 = gradients(f.outputs(in2), x2, w2, true);
  Function::Directions u;
  double size_g = 0;
  for (std::size_t i = 0; i < x2.size(); ++i) {
    u.push_back(direction(random, x2[i], values(x2[i])));
    if (!g2[i].defined()) continue;
    size_g += absolute_dot(u[i], values(g2[i]));
    if (!g2[i].requires_grad()) continue;
    tracked_g.push_back(g2[i]);
    u_of_g.push_back(make(x2[i].sizes(), x2[i].scalar_type()));
    set_values(u_of_g.back(), u[i]);
  }
  const auto second = as_values(tracked_g.empty() ? Tensors(wanted.size()) : gradients(tracked_g, wanted, u_of_g), wanted);
  for (std::size_t i = 0; i < x2.size(); ++i) {
    Function::Directions d(x2.size());
    d[i] = direction(random, x2[i], values(x2[i]));
    const double expected = (f.slope(d, h, roots.w, u) - f.slope(d, -h, roots.w, u)) / (2 * h), got = dot(second[i], d[i]);
    r.expect(close(got, expected, 2e-6 * absolute_dot(second[i], d[i]) + 1e-8 * (size_g + size_y)),
             where + "second order, input " + std::to_string(f.tracked[i]) + ": u^T H d is " + number(got) + ", difference of gradients " + number(expected));
  }
  double got = 0, size = 0;
  for (std::size_t k = 0; k < w.size(); ++k) {
    got += dot(second[x2.size() + k], w[k]);
    size += absolute_dot(second[x2.size() + k], w[k]);
  }
  const double expected = (f.loss(u, h, w) - f.loss(u, -h, w)) / (2 * h);
  r.expect(close(got, expected, 1e-6 * size + 1e-8 * size_y),
           where + "<w, J u>, the gradient differentiated by its cotangent, is " + number(got) + ", central difference " + number(expected));
}

}  // namespace op_check

TEST_CASE("derivatives of every op agree with central differences, to second order") { op_check::on_all_ops(op_check::derivatives); }
