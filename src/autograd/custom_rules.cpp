// autograd/custom_rules.cpp -- backward, jvp and vmap of custom functions: what they get and what they may return.
#include <algorithm>

#include "autograd/custom_node.h"
#include "core/thread_state.h"

namespace ct::autograd {

using ct::detail::GradModeScope;
using ct::detail::HideLevel;
using ct::detail::impl;
using ct::detail::LayerGradMode;
using ct::detail::LevelKind;
using ct::detail::LevelScope;

namespace {

// The shape of one entry of what had a batch dimension in these frames.
std::vector<std::int64_t> entry_sizes(const CustomShape& s, const CustomFrames* frames, std::size_t k, bool input) {
  std::size_t skip = 0;
  if (frames)
    for (const CustomFrame& f : frames->list) skip += input ? f.in[k] : f.out[k];
  return {s.sizes.begin() + static_cast<std::ptrdiff_t>(skip), s.sizes.end()};
}

Tensor repeated(const Tensor& t, std::int64_t size) {
  std::vector<std::int64_t> sizes = t.sizes().vec();
  sizes.insert(sizes.begin(), size);
  return t.unsqueeze(0).expand(sizes);
}

}  // namespace

// ---- frames --------------------------------------------------------------------------------------------------

variable_list CustomApply::in_frames(AutogradContext& ctx, std::size_t fresh, variable_list args, FunctionRef<const std::vector<bool>&(const CustomFrame&)> batched,
                                     FunctionRef<variable_list(variable_list)> rule, FunctionRef<Tensor(const CustomFrame&, std::size_t, Tensor, bool)> finish) {
  // Tensors kept by name are given their history and their batch dimension for as long as the rule runs.
  struct Restore {
    AutogradContext& ctx;
    std::vector<std::pair<std::string, Value>> before;
    ~Restore() {
      for (auto& [name, v] : before)
        if (ctx.saved_data.contains(name)) ctx.saved_data[name] = std::move(v);
      if (ctx.frames_) ctx.frames_->active.clear();
    }
  } restore{ctx, {}};
  if (ctx.node_)
    for (const CustomNode::KeptData& k : ctx.node_->kept_data) {
      const Value* v = ctx.saved_data.find(k.name);
      if (!v || !v->isTensor() || !v->toTensor().defined()) continue;
      restore.before.emplace_back(k.name, *v);
      ctx.saved_data[k.name] = ctx.node_->with_history(v->toTensor(), k.output);
    }
  CustomFrames* frames = ctx.frames_;
  if (!frames) return rule(std::move(args));
  frames->active.assign(frames->list.size(), nullptr);
  auto wrap_data = [&](std::size_t f) {
    for (const std::string& name : frames->list[f].data) {
      const Value* v = ctx.saved_data.find(name);
      if (!v || !v->isTensor()) continue;
      restore.before.emplace(restore.before.begin(), name, *v);
      ctx.saved_data[name] = ct::detail::wrap_batch(v->toTensor(), *frames->active[f], true);
    }
  };
  for (std::size_t f = frames->list.size(); f-- > fresh;) {
    frames->active[f] = ct::detail::find_level(frames->list[f].level);
    if (frames->active[f]) wrap_data(f);
  }
  auto enter = [&](auto& self, std::size_t depth, variable_list list) -> variable_list {
    if (depth == 0) return rule(std::move(list));
    const CustomFrame& f = frames->list[depth - 1];
    variable_list out;
    std::vector<bool> had;
    {
      LevelScope level(LevelKind::batch);
      level.size = f.size;
      level.randomness = f.randomness;
      frames->active[depth - 1] = &level;
      wrap_data(depth - 1);
      const std::vector<bool>& flags = batched(f);
      for (std::size_t k = 0; k < list.size(); ++k)
        if (flags[k] && list[k].defined()) list[k] = ct::detail::wrap_batch(list[k], level, true);
      out = self(self, depth - 1, std::move(list));
      for (Tensor& t : out) {
        bool b = false;
        if (t.defined()) t = ct::detail::unwrap_batch(t, level, b);
        had.push_back(b);
      }
    }
    for (std::size_t k = 0; k < out.size(); ++k)
      if (out[k].defined()) out[k] = finish(f, k, std::move(out[k]), had[k]);
    return out;
  };
  return enter(enter, fresh, std::move(args));
}

variable_list CustomApply::backward(const CustomOps& ops, const char* name, AutogradContext& ctx, const std::vector<bool>& is_tensor,
                                    const std::vector<CustomShape>& in, const std::vector<CustomShape>& out, variable_list grads, std::size_t fresh) {
  for (std::size_t i = 0; i < grads.size(); ++i)
    if (!grads[i].defined() && ctx.materialize_grads_ && out[i].defined) grads[i] = zeros(out[i].sizes, out[i].dtype);
  auto rule = [&](variable_list g) {
    variable_list result = ops.backward(&ctx, std::move(g));
    const std::size_t expected = is_tensor.size();
    // More than expected is fine as long as the rest is undefined.
    while (result.size() > expected && !result.back().defined()) result.pop_back();
    CT_CHECK(result.size() == expected, "function ", name, " returned an incorrect number of gradients (expected ", expected, ", got ", result.size(),
             ")\n  backward returns one gradient for each argument of forward, undefined (ct::Tensor()) where it is no tensor.");
    variable_list kept;
    for (std::size_t i = 0; i < expected; ++i) {
      if (!is_tensor[i]) {
        CT_CHECK(!result[i].defined(), "function ", name, " returned a gradient different that is defined at position ", i + 1,
                 ", but the corresponding forward input was not a Variable\n  Return ct::Tensor() there.");
        continue;
      }
      const std::size_t k = kept.size();
      if (result[i].defined() && in[k].defined && isFloatingType(in[k].dtype))
        ct::detail::fit_gradient(result[i], {in[k].dtype, entry_sizes(in[k], ctx.frames_, k, true)}, ct::detail::join({"Function ", name}),
                                 static_cast<std::uint32_t>(k));
      kept.push_back(std::move(result[i]));
    }
    return kept;
  };
  return in_frames(ctx, fresh, std::move(grads), [](const CustomFrame& f) -> const std::vector<bool>& { return f.out; }, rule,
                   [](const CustomFrame& f, std::size_t k, Tensor g, bool batched) {
                     if (f.in[k]) return batched ? g : repeated(g, f.size);
                     return batched ? g.sum(0) : g;  // one argument for all entries
                   });
}

// ---- vmap -----------------------------------------------------------------------------------------------------

// The call on the values of wrappers. See Note [Custom functions under vmap].
struct VmappedCall final : CustomCall {
  CustomCall& call;
  CustomFrame frame;

  VmappedCall(CustomCall& c, const LevelScope& s) : call(c), frame{s.id, s.size, s.randomness, {}, {}, {}, {}, {}} {}

  variable_list forward(AutogradContext* ctx, const variable_list& values) override {
    LevelScope level(LevelKind::batch);
    level.size = frame.size;
    level.randomness = frame.randomness;
    variable_list entries = values;
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (frame.in[i]) entries[i] = ct::detail::wrap_batch(entries[i], level, true);
    variable_list out = call.forward(ctx, entries);
    auto take_off = [&](variable_list& list, std::vector<bool>* batched) {
      for (Tensor& t : list) {
        bool b = false;
        if (t.defined()) t = ct::detail::unwrap_batch(t, level, b);
        if (batched) batched->push_back(b);
      }
    };
    frame.out.clear();
    take_off(out, &frame.out);
    take_off(ctx->to_save_, &frame.saved);
    take_off(ctx->for_forward_, &frame.forward);
    take_off(ctx->dirty_, nullptr);
    take_off(ctx->non_differentiable_, nullptr);
    std::vector<std::pair<std::string, Tensor>> data;
    for (const SavedData::Item& item : ctx->saved_data) {
      if (!item.second.isTensor() || ct::detail::batch_level(item.second.toTensor()) != level.id) continue;
      bool b = false;
      data.emplace_back(item.first, ct::detail::unwrap_batch(item.second.toTensor(), level, b));
      if (b) frame.data.push_back(item.first);
    }
    for (auto& [name, value] : data) ctx->saved_data[name] = std::move(value);
    if (!ctx->frames_) ctx->frames_ = new CustomFrames;
    ctx->frames_->list.push_back(frame);
    return out;
  }
  std::pair<variable_list, BatchDims> vmap(const VmapInfo&, const BatchDims&, const variable_list&) override { ct::detail::custom::no_vmap_rule(); }
};

variable_list CustomApply::on_wrappers(const CustomOps& ops, CustomCall& call, const CustomInputs& in, LevelScope& s, CustomMade* made) {
  bool tracked = false;
  for (const Tensor& t : in.tensors) tracked |= ct::detail::batch_level(t) == s.id && ct::detail::tracks(t);
  if (tracked && ct::detail::thread_state.grad_mode) {
    CustomInputs lifted = in;
    for (Tensor& t : lifted.tensors)
      if (t.defined() && ct::detail::batch_level(t) != s.id) t = ct::detail::lift(t, s);
    struct Lifted final : CustomCall {
      CustomCall& call;
      LevelScope& level;
      Lifted(CustomCall& c, LevelScope& l) : call(c), level(l) {}
      variable_list forward(AutogradContext* ctx, const variable_list& x) override {
        variable_list out = call.forward(ctx, x);
        for (Tensor& t : out)
          if (t.defined() && ct::detail::batch_level(t) != level.id) t = ct::detail::lift(t, level);
        return out;
      }
      std::pair<variable_list, BatchDims> vmap(const VmapInfo&, const BatchDims&, const variable_list&) override { ct::detail::custom::no_vmap_rule(); }
    } on_level(call, s);
    return plain(ops, on_level, lifted, made);
  }

  const GradModeScope mode(s.outer_grad_mode);
  const HideLevel hide(s);
  CustomInputs values = in;
  VmappedCall mapped(call, s);
  for (Tensor& t : values.tensors) {
    bool b = false;
    if (t.defined()) t = ct::detail::unwrap_batch(t, s, b);
    mapped.frame.in.push_back(b);
  }
  variable_list out;
  if (ops.has_vmap && !dynamic_cast<VmappedCall*>(&call)) {
    static constexpr const char* const policies[] = {"error", "different", "same"};
    BatchDims dims;
    std::size_t k = 0;
    for (const bool is_tensor : in.is_tensor) dims.push_back(is_tensor && mapped.frame.in[k] ? std::optional<std::int64_t>(0) : std::nullopt), k += is_tensor;
    auto [y, out_dims] = call.vmap({s.size, policies[static_cast<int>(s.randomness)]}, dims, values.tensors);
    CT_CHECK(out_dims.size() == y.size(), "vmap: the vmap rule of ", custom_node_name(ops), " returned ", y.size(), " outputs and ", out_dims.size(), " dimensions");
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (!y[i].defined()) continue;
      const bool b = out_dims[i].has_value();
      if (b) {
        y[i] = y[i].movedim(*out_dims[i], 0);
        CT_CHECK(y[i].size(0) == s.size, "vmap: the vmap rule of ", custom_node_name(ops), " returned output ", i, " with ", y[i].size(0), " entries for a batch of ", s.size);
      }
      y[i] = ct::detail::wrap_batch(y[i], s, b);
    }
    return y;
  }
  out = run(ops, mapped, values, made);
  for (std::size_t i = 0; i < out.size(); ++i)
    if (out[i].defined()) out[i] = ct::detail::wrap_batch(out[i], s, mapped.frame.out[i]);
  // What was changed in place is the same object still.
  for (std::size_t i = 0; i < out.size(); ++i)
    for (const Tensor& t : in.tensors)
      if (out[i].defined() && ct::detail::batch_level(t) == s.id && ct::detail::layers(t)->value.is_same(ct::detail::layers(out[i])->value)) out[i] = t;
  return out;
}

// ---- forward mode ----------------------------------------------------------------------------------------------

variable_list CustomApply::with_tangents(const CustomOps& ops, CustomCall& call, const CustomInputs& in, LevelScope& s, CustomMade* outer) {
  const char* name = custom_node_name(ops);
  variable_list tangents;
  for (const Tensor& t : in.tensors) tangents.push_back(t.defined() ? ct::detail::tangent(t, s.id) : Tensor());
  const HideLevel hide(s);
  CustomMade made;
  variable_list out = run(ops, call, in, &made);
  AutogradContext& ctx = made.context();
  // Frames of vmaps that lie inside this level are entered again; those outside are running.
  std::size_t fresh = 0;
  const std::size_t frames = ctx.frames_ ? ctx.frames_->list.size() : 0;
  while (fresh < frames && ctx.frames_->list[fresh].level > s.id) ++fresh;

  // Outputs that were saved must not stay with the context, also not on an exception.
  struct Clear {
    AutogradContext* ctx;
    ~Clear() {
      if (!ctx) return;
      ctx->to_save_.clear();
      ctx->for_forward_.clear();
    }
  } clear{&ctx};
  variable_list found;
  if (ops.jvp) {
    if (ctx.materialize_grads_)
      for (std::size_t i = 0; i < tangents.size(); ++i)
        if (!tangents[i].defined() && in.tensors[i].defined() && in.tensors[i].is_floating_point()) tangents[i] = zeros_like(in.tensors[i]);
    struct InJvp {
      bool& flag;
      explicit InJvp(bool& f) : flag(f) { flag = true; }
      ~InJvp() { flag = false; }
    } const in_jvp(ctx.in_jvp_);
    auto rule = [&](variable_list t) {
      variable_list places;
      std::size_t k = 0;
      for (const bool is_tensor : in.is_tensor) places.push_back(is_tensor ? t[k++] : Tensor());
      variable_list result = ops.jvp(&ctx, std::move(places));
      CT_CHECK(result.size() == out.size(), "function ", name, ": jvp returned an incorrect number of tangents (expected ", out.size(), ", got ", result.size(),
               ")\n  It returns one tangent for each output of forward.");
      return result;
    };
    found = in_frames(ctx, fresh, std::move(tangents), [](const CustomFrame& f) -> const std::vector<bool>& { return f.in; }, rule,
                      [](const CustomFrame& f, std::size_t k, Tensor t, bool batched) { return f.out[k] && !batched ? repeated(t, f.size) : t; });
  } else {
    // J t from backward alone: v^T J is linear in v, and its derivative in direction t is J t.
    CT_CHECK(ops.backward, name, ": You must implement the jvp function for custom autograd.Function to use it with forward mode AD.");
    const LevelScope* vmap = ct::detail::innermost_batch(s.outer);
    variable_list v(out.size()), variables, from, by;
    for (std::size_t k = 0; k < out.size(); ++k)
      if (out[k].defined() && out[k].is_floating_point()) variables.push_back(v[k] = ct::detail::fresh_input(zeros_like(out[k]), vmap));
    {
      const LayerGradMode on(vmap ? vmap->id : 0, true);
      const variable_list g = backward(ops, name, ctx, in.is_tensor, made.in_shapes, made.out_shapes, v, fresh);
      for (std::size_t i = 0; i < g.size(); ++i)
        if (g[i].defined() && tangents[i].defined() && ct::detail::tracks(g[i])) {
          from.push_back(g[i]);
          by.push_back(tangents[i]);
        }
    }
    const variable_list sums = ct::detail::layer_gradients(from, variables, by, false);
    found.resize(out.size());
    for (std::size_t k = 0, j = 0; k < out.size(); ++k)
      if (v[k].defined()) found[k] = sums[j++];
  }
  for (std::size_t k = 0; k < out.size(); ++k) {
    if (!out[k].defined() || !out[k].is_floating_point()) continue;
    const bool is_input = contains(in.tensors, out[k]);
    if (!found[k].defined()) {
      ct::detail::drop_tangent(out[k], s.id);
      continue;
    }
    CT_CHECK(found[k].sizes() == out[k].sizes(), "function ", name, ": jvp returned a tangent of shape ", found[k].sizes(), " for output ", k, " of shape ", out[k].sizes());
    if (found[k].scalar_type() != out[k].scalar_type()) found[k] = found[k].to(out[k].scalar_type());
    if (is_input && !made.dirty[k]) out[k] = ct::detail::same_alias(out[k]);
    ct::detail::set_tangent(out[k], s.id, found[k]);
  }
  if (outer) {
    clear.ctx = nullptr;  // for the next level
    *outer = std::move(made);
  }
  return out;
}

variable_list CustomApply::run(const CustomOps& ops, CustomCall& call, const CustomInputs& in, CustomMade* made) {
  bool layered = false;
  for (const Tensor& t : in.tensors) layered |= ct::detail::is_layered(t);
  if (layered) {
    std::vector<const Tensor*> list;
    for (const Tensor& t : in.tensors) list.push_back(&t);
    if (LevelScope* s = ct::detail::innermost_level(custom_node_name(ops), list.data(), static_cast<int>(list.size())))
      return s->kind == LevelKind::tangent ? with_tangents(ops, call, in, *s, made) : on_wrappers(ops, call, in, *s, made);
  }
  return plain(ops, call, in, made);
}

}  // namespace ct::autograd
