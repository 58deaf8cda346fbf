// autograd/tangent.cpp -- forward mode: the tangents of an op's outputs, from its one derivative. See Note [Levels].
#include <algorithm>

#include "autograd/layers.h"
#include "autograd/node.h"

namespace ct::detail {

namespace {

// A tangent has the shape and dtype of its primal.
Tensor fit(Tensor t, const Tensor& y) {
  if (!t.defined()) return t;
  if (t.scalar_type() != y.scalar_type()) t = t.to(y.scalar_type());
  return t.sizes() == y.sizes() ? t : t.expand(y.sizes());
}

void add_term(Tensor& sum, Tensor term) {
  if (!term.defined()) return;
  sum = sum.defined() ? add(sum, term) : std::move(term);
}

// y_i depends on x_i alone, so that the derivative of one is the same in both directions.
Tensor elementwise_tangent(const LiveCall& c) {
  const Tensor& y = c.out[0];
  Tensor sum;
  for (int i = 0; i < c.n_edges(); ++i) {
    if (!c.tangents[i].defined()) continue;
    if (c.op.deriv) {
      add_term(sum, LiveCall::run_rule(c, nullptr, [&](const Saved& s) { return mul(c.tangents[i], c.op.deriv(s, i)); }));
    } else {
      const Tensor g = fit(c.tangents[i], y);
      add_term(sum, LiveCall::run_rule(c, &g, [&](const Saved& s) { return c.op.vjp(g, s, i); }));
    }
  }
  return fit(std::move(sum), y);
}

// The op itself, on tangents in place of inputs.
std::vector<Tensor> applied_to_tangents(const LiveCall& c, std::uint32_t attrs_size, int only) {
  std::vector<Tensor> zeros(static_cast<std::size_t>(c.n_in));
  std::vector<const Tensor*> in(c.in, c.in + c.n_in);
  for (int i = 0; i < c.n_in; ++i) {
    if (!c.in[i]->defined() || !differentiable_input(c.op, i) || (only >= 0 && i != only)) continue;
    if (c.tangents[i].defined()) in[static_cast<std::size_t>(i)] = &c.tangents[i];
    else in[static_cast<std::size_t>(i)] = &(zeros[static_cast<std::size_t>(i)] = zeros_like(*c.in[i]));
  }
  return apply_all(c.op, in.data(), c.n_in, c.attrs, attrs_size);
}

std::vector<Tensor> multilinear_tangents(const LiveCall& c, std::uint32_t attrs_size) {
  std::vector<Tensor> sum;
  for (int i = 0; i < c.n_edges(); ++i) {
    if (!c.tangents[i].defined()) continue;
    std::vector<Tensor> term = applied_to_tangents(c, attrs_size, i);
    if (sum.empty()) sum = std::move(term);
    else for (std::size_t k = 0; k < sum.size(); ++k) add_term(sum[k], term[k]);
  }
  return sum;
}

// J t from the rule for v^T J alone: v^T J is linear in v, and its derivative in direction t is J t.
std::vector<Tensor> tangents_by_two_vjps(const LiveCall& c, int n_out, LevelScope& scope) {
  CT_CHECK(c.op.second_order, c.op.name, ": forward mode is not implemented for this operation: its derivative cannot be differentiated again");
  const LevelScope* vmap = innermost_batch(scope.outer);
  const std::uint64_t layer = vmap ? vmap->id : 0;
  std::vector<Tensor> v(static_cast<std::size_t>(n_out)), variables, from, by;
  for (int k = 0; k < n_out; ++k)
    if (c.out[k].defined() && c.out[k].is_floating_point())
      variables.push_back(v[static_cast<std::size_t>(k)] = fresh_input(zeros_like(c.out[k]), vmap));
  {
    LayerGradMode on(layer, true);
    LiveCall::run_rule(c, v.data(), [&](const Saved& s) {
      for (int i = 0; i < c.n_edges(); ++i) {
        if (!c.tangents[i].defined()) continue;
        Tensor g = c.op.vjp(v[0], s, i);
        if (!g.defined() || !tracks(g)) continue;
        const Tensor& x = *c.in[i];
        if (!(g.sizes() == x.sizes()) || g.scalar_type() != x.scalar_type()) fit_gradient(g, {x.scalar_type(), x.sizes()}, c.op.name, static_cast<std::uint32_t>(i));
        from.push_back(g);
        by.push_back(c.tangents[i]);
      }
      return 0;
    });
  }
  const std::vector<Tensor> found = layer_gradients(from, variables, by, false);
  std::vector<Tensor> out(static_cast<std::size_t>(n_out));
  for (std::size_t k = 0, j = 0; k < out.size(); ++k)
    if (v[k].defined()) out[k] = found[j++];
  return out;
}

bool shares_memory(const Tensor& a, const Tensor& b) { return a.defined() && b.defined() && impl(a)->storage == impl(b)->storage; }

}  // namespace

std::vector<Tensor> output_tangents(const LiveCall& c, int n_out, std::uint32_t attrs_size, LevelScope& scope) {
  std::vector<Tensor> out(static_cast<std::size_t>(n_out));
  if (c.op.jvp) {
    out[0] = fit(LiveCall::run_rule(c, nullptr, [&](const Saved& s) { return c.op.jvp(c.tangents, s); }), c.out[0]);
  } else {
    switch (c.op.kind) {
      case OpKind::elementwise: out[0] = elementwise_tangent(c); break;
      case OpKind::view: return applied_to_tangents(c, attrs_size, -1);  // views of the tangent
      case OpKind::linear: out = applied_to_tangents(c, attrs_size, -1); break;
      case OpKind::multilinear: out = multilinear_tangents(c, attrs_size); break;
      default: out = tangents_by_two_vjps(c, n_out, scope);
    }
  }
  if (c.op.kind == OpKind::view) return out;
  // What is written later into an output must not reach the tangents of the inputs.
  for (Tensor& t : out)
    for (int i = 0; i < c.n_in; ++i)
      if (shares_memory(t, c.tangents[i])) t = t.clone();
  return out;
}

// ---- writing in place --------------------------------------------------------------------------------------------------

namespace {

bool has_geometry_of(const Tensor& t, const Tensor& x) { return t.sizes() == x.sizes() && t.strides() == x.strides(); }

// Whether `into` has a place for every entry of every batch of `from`.
bool has_batches_of(const Tensor& into, const Tensor& from) {
  for (const Layers* f = layers(from); f && f->level; f = layers(f->value)) {
    if (!f->batched) continue;
    const Layers* l = layers(into);
    while (l && l->level && l->level != f->level) l = layers(l->value);
    if (!l || !l->level || !l->batched) return false;
  }
  return true;
}

// The tangent of x, in memory of its own that a view of x looks into as it does into x, and that `coming` can be written to.
Tensor writable_tangent(const Tensor& x, std::uint64_t level, const Tensor& coming) {
  const Tensor t = tangent(x, level);
  if (t.defined() && has_geometry_of(t, x) && has_batches_of(t, coming)) return t;
  const AutogradMeta* meta = impl(x)->meta;
  if (meta && meta->base.defined() && (!t.defined() || shares_memory(t, tangent(meta->base, level)))) {
    return show_base_tangent(x, level, writable_tangent(Tensor(meta->base), level, coming));
  }
  Tensor all = x.new_zeros({}) + coming.new_zeros({});  // has the batches of all
  if (t.defined()) all = all + t.new_zeros({});
  const Tensor fresh = empty_strided_as(all, x.sizes(), x.strides());
  if (t.defined()) assign_layered(fresh, t);
  else fresh.zero_();
  replace_tangent(x, level, fresh);
  return fresh;
}

}  // namespace

Tensor tangent_laid_out_as(const Tensor& x, std::uint64_t level) {
  const Tensor t = tangent(x, level);
  return t.defined() && !has_geometry_of(t, x) ? writable_tangent(x, level, t) : t;
}

void assign_tangent(const Tensor& self, const Tensor& src, LevelScope& s) {
  Tensor t = tangent(src, s.id);
  const bool had = tangent(self, s.id).defined();
  HideLevel hide(s);
  assign_layered(self, src);
  if (!self.is_floating_point() || (!t.defined() && !had)) return;
  if (!t.defined()) t = zeros_like(self);
  const Tensor into = writable_tangent(self, s.id, t);
  assign_layered(into, t);
  set_tangent(self, s.id, into);  // once more, for the new producer
}

}  // namespace ct::detail
