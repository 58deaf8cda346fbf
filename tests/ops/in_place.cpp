// tests/ops/in_place.cpp -- generated tests of in-place forms and of writing through views.
#include <doctest/doctest.h>

#include <functional>

#include "ops/elements.h"

namespace op_check {

namespace {

// dy/dx for the cotangent w, and the gradient of its sum.
struct Gradients { std::vector<Values> first, second; };
Gradients gradients_twice(const Op& op, const Tensor& y, const Tensors& x, const Tensor& w) {
  const Tensors g = gradients({y}, x, {w}, op.second_order, true);
  Tensors tracked, ones;
  for (const Tensor& t : g)
    if (t.defined() && t.requires_grad()) {
      tracked.push_back(t);
      ones.push_back(make(t.sizes(), t.scalar_type()));
      set_values(ones.back(), Values(static_cast<std::size_t>(t.numel()), 1.0));
    }
  return {as_values(g, x), as_values(tracked.empty() ? Tensors(x.size()) : gradients(tracked, x, ones), x)};
}

}  // namespace

void in_place(const Op& op, const Sample& s, const std::string& where, Report& r) {
  if (!(is_elementwise(op) || op.inplace) || op.promote == ct::Promote::condition || s.in.empty()) return;
  auto write = [&](const Tensors& in) {
    std::vector<const Tensor*> p;
    for (const Tensor& t : in) p.push_back(&t);
    ct::detail::apply_inplace(op, p.data(), static_cast<int>(p.size()), s.attrs_data(), s.attrs_size);
  };
  std::vector<std::size_t> tracked;
  const Tensors plain = leaves(op, s, &tracked);
  const Tensor y = op_samples::run(op, s, plain)[0];
  if (!(y.sizes() == plain[0].sizes())) {  // it would have to grow
    Tensors in = leaves(op, s);
    in[0] = ct::clone(in[0]);
    const Values before = values(in[0]);
    const ct::NodePtr node = in[0].grad_fn();
    bool thrown = false;
    try {
      write(in);
    } catch (const ct::Error&) {
      thrown = true;
    }
    r.expect(thrown && values(in[0]) == before && in[0]._version() == 0 && in[0].grad_fn() == node,
             where + "in place: a result of another shape must be refused and leave the tensor as it was");
    return;
  }
  if (y.scalar_type() != plain[0].scalar_type()) return;
  const Roots w({y});
  const Gradients expected = w.y.empty() ? Gradients() : gradients_twice(op, y, pick(plain, tracked), w.w[0]);
  // `into`: how the written tensor is made from the leaf.
  auto check = [&](const char* how, const std::function<Tensor(const Tensor&)>& into, bool view) {
    Tensors in = leaves(op, s);
    const Tensor leaf = in[0];
    in[0] = into(leaf);
    const Tensor target = in[0];
    const auto version = target._version();
    write(in);
    r.expect(all_close(values(target), values(y), 0), where + how + ": " + list(values(target)) + ", out of place " + list(values(y)));
    r.expect(target._version() == version + 1, where + how + ": the version went up by " + std::to_string(target._version() - version));
    if (!y.requires_grad() || !target.requires_grad()) return;
    const std::string node = view ? target._base().grad_fn()->name() : target.grad_fn()->name();
    r.expect(node == (view ? "CopySlices" : op.node), where + how + ": the node is " + node);
    Tensors x = pick(in, tracked);
    if (!tracked.empty() && tracked[0] == 0) x[0] = leaf;
    const Gradients got = gradients_twice(op, target, x, w.w[0]);
    for (std::size_t i = 0; i < x.size(); ++i) {
      r.expect(all_close(got.first[i], expected.first[i], 1e-12), where + how + ": gradient of input " + std::to_string(tracked[i]) + " is " +
                                                                    list(got.first[i]) + ", out of place " + list(expected.first[i]));
      r.expect(all_close(got.second[i], expected.second[i], 1e-12), where + how + ": second derivative by input " + std::to_string(tracked[i]) + " is " +
                                                                      list(got.second[i]) + ", out of place " + list(expected.second[i]));
    }
  };
  check("in place", [](const Tensor& leaf) { return ct::clone(leaf); }, false);
  check("in place through a view", [](const Tensor& leaf) {
    const Tensor base = ct::clone(leaf);
    return ct::as_strided(base, base.sizes(), base.strides());
  }, true);
  {
    Tensors in = s.in;
    in[0] = relaid(in[0], Layout::strided);
    write(in);
    r.expect(all_close(values(in[0]), values(y), 0), where + "in place into strided memory: " + list(values(in[0])) + ", out of place " + list(values(y)));
  }
  if (s.in.size() == 2 && s.in[1].defined() && s.in[1].sizes() == s.in[0].sizes() && s.in[1].scalar_type() == s.in[0].scalar_type()) {
    const Tensor both = contiguous_copy(s.in[0]);
    const Values expected = values(op_samples::run(op, s, {contiguous_copy(both), contiguous_copy(both)})[0]);
    write({both, both});
    r.expect(all_close(values(both), expected, 0), where + "in place with itself: " + list(values(both)) + ", with a copy " + list(expected));
  }
}

void views(const Op& op, const Sample& s, const std::string& where, Report& r) {
  if (op.kind != OpKind::view) return;
  Tensors in = s.in;
  const Tensor x = in[0] = contiguous_copy(s.in[0]);
  for (const Tensor& y : op_samples::run(op, s, in)) {
    if (y.is_same(x)) continue;
    r.expect(y.is_alias_of(x) && y.is_view() && y._base().is_same(x), where + "a view must share memory with its base");
    x.zero_();
    r.expect(y._version() == x._version(), where + "a view shares its base's version");
    set_values(x, values(s.in[0]));
  }
  // z = leaf; a view of z is multiplied by 3. The gradient is 3 w where the view looks, w elsewhere.
  const Tensor leaf = contiguous_copy(s.in[0]);
  if (!leaf.is_floating_point()) return;
  leaf.requires_grad_();
  const Tensor z = in[0] = ct::clone(leaf);
  const Tensors ys = op_samples::run(op, s, in);
  if (ys.empty() || ys.back().numel() == 0) return;
  const Tensor y = ys.back();
  const Values before = values(z);
  try {
    y.mul_(3);
  } catch (const ct::Error& e) {
    const std::string message = e.what();
    const bool several = op.multi_view && message.find("is the output of a function that returns multiple views") != std::string::npos;
    const bool overlap = message.find("more than one element of the written-to tensor refers to a single memory location") != std::string::npos;
    r.expect((several || overlap) && values(z) == before, where + "writing through the view: " + message);
    return;
  }
  r.expect(!op.multi_view, where + "writing into one of several views must be refused");
  const Values after = values(z);
  Random random(5);
  const Values w = random_values(random, z.numel());
  Values expected = w;
  bool any = false;
  for (std::size_t i = 0; i < w.size(); ++i)
    if (after[i] != before[i]) expected[i] *= 3, any = true;
  Tensor cotangent = make(z.sizes(), z.scalar_type());
  set_values(cotangent, w);
  const Tensors g = gradients({z}, {leaf}, {cotangent});
  r.expect(any && g[0].defined() && all_close(values(g[0]), expected, 1e-12),
           where + "writing through the view: gradient " + list(values(g[0])) + ", expected " + list(expected));
}

}  // namespace op_check

TEST_CASE("in-place forms equal the others in value, gradient and node") { op_check::on_all_ops(op_check::in_place); }
TEST_CASE("views share memory, and writing through them is differentiable") { op_check::on_all_ops(op_check::views); }
