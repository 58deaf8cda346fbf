// autograd/layers.cpp -- levels, wrappers and tangents: making them, finding them, taking them off. See Note [Levels].
#include "autograd/layers.h"

#include <algorithm>
#include <atomic>
#include <string_view>

#include "autograd/node.h"
#include "cotangent/autograd.h"

namespace ct::detail {

void delete_layers(Layers* layers) { delete layers; }

// ---- levels ---------------------------------------------------------------------------------------------------------

LevelScope::LevelScope(LevelKind k) : outer(thread_state.levels), kind(k), outer_grad_mode(thread_state.grad_mode) {
  static std::atomic<std::uint64_t> last{0};
  id = ++last;
  thread_state.levels = this;
}
LevelScope::~LevelScope() {
  thread_state.levels = outer;
  for (const Tensor& t : tied) drop_tangent(t, id);
}

LevelScope* find_level(std::uint64_t id) {
  LevelScope* s = thread_state.levels;
  while (s && s->id != id) s = s->outer;
  return s;
}

LevelScope* innermost_batch(LevelScope* s) {
  while (s && (s->hidden || s->kind != LevelKind::batch)) s = s->outer;
  return s;
}

bool& LayerGradMode::slot(std::uint64_t level) {
  // The vmap right above the layer keeps its mode; of the innermost layer it is the thread's.
  bool* mode = &thread_state.grad_mode;
  for (LevelScope* s = thread_state.levels; s && s->id > level; s = s->outer)
    if (s->kind == LevelKind::batch && !s->hidden) mode = &s->outer_grad_mode;
  return *mode;
}
LayerGradMode::LayerGradMode(std::uint64_t level, bool enabled) : mode_(slot(level)), before_(mode_) { mode_ = enabled; }

LevelScope* innermost_level(const char* op, const Tensor* const* in, int n) {
  LevelScope* top = nullptr;
  const auto consider = [&top](const Layers& l) {
    for (std::size_t k = l.tangents.size(); k-- > 0 && l.tangents[k].first > (top ? top->id : 0);) {
      LevelScope* s = find_level(l.tangents[k].first);
      if (s && !s->hidden) top = s;
    }
  };
  for (int i = 0; i < n; ++i) {
    const Layers* l = layers(*in[i]);
    if (const Tensor* base = followed_base(impl(*in[i]))) consider(*layers(*base));
    if (!l) continue;
    const std::uint64_t least = top ? top->id : 0;
    if (l->level > least) {
      top = find_level(l->level);
      CT_CHECK(top, op, ": a tensor of a vmap that has ended is used outside of it\n  Return it from the mapped function instead of storing it in "
               "an outer variable.");
    }
    consider(*l);
  }
  return top;
}

void refuse_batched(const char* op, const Tensor& x, const char* fix) {
  const std::string_view name = op;
  const bool reads_one = name == "item" || name == "data_ptr";
  for (const Layers* l = layers(x); l && l->level; l = layers(l->value)) {
    if (!l->batched) continue;
    CT_CHECK(!reads_one, "vmap: It looks like you're calling .", op, "() on a Tensor. We don't support vmap over calling .", op, "() on a Tensor, please try to "
             "rewrite what you're doing with other operations\n  There is one value for each entry of the batch. Use where() in place of an if, or read it "
             "outside of vmap.");
    CT_THROW(error, "vmap: data-dependent: ", op, " reads the elements of a mapped tensor, which differ between the entries of the batch\n  ",
             fix ? fix : "Call it outside of vmap, or on a tensor that is not mapped", ".");
  }
}

void refuse_layered_out(const char* op, std::initializer_list<const Tensor*> tensors) {
  for (const Tensor* x : tensors) {
    if (!is_layered(*x)) continue;
    const NoGradGuard off;
    CT_CHECK(!batch_level(*x), "vmap: ", op, ": Batching rule not implemented for out=... functions; the fallback path doesn't work on them"
             "\n  Use the function that returns its result.");
    CT_CHECK(is_constant(*x), op, "(): functions with out=... arguments don't support automatic differentiation, but one of the arguments has a tangent."
             "\n  Use the function that returns its result.");
  }
}

// ---- wrappers ---------------------------------------------------------------------------------------------------------

namespace {
Layers& need_layers(TensorImpl* t) {
  AutogradMeta& meta = t->need_meta();
  if (!meta.layers) meta.layers = new Layers;
  t->layered = true;
  return *meta.layers;
}
}  // namespace

Tensor wrap_batch(Tensor value, const LevelScope& s, bool batched) {
  const TensorImpl* v = impl(value);
  const std::size_t skip = batched ? 1 : 0;
  v->storage->refs.inc();
  Tensor out = Tensor::wrap(new_impl(v->storage, v->data, v->dtype, {v->sizes() + skip, v->ndim - skip}, {v->strides() + skip, v->ndim - skip}));
  TensorImpl* t = impl(out);
  t->wrapped_number = v->wrapped_number;
  t->inference = v->inference;
  Layers& l = need_layers(t);
  l.level = s.id;
  l.batched = batched;
  l.value = std::move(value);
  return out;
}

Tensor lift(const Tensor& x, const LevelScope& s) {
  const Layers* l = layers(x);
  const bool inner_tangents = l && !l->tangents.empty() && l->tangents.back().first > s.id;
  if (!inner_tangents) return wrap_batch(x, s, false);
  // The value must not carry what is treated before the vmap is.
  Tensor value = same_alias(x);
  impl(value)->grad_fn = x.grad_fn().release();
  impl(value)->output_nr = impl(x)->output_nr;
  impl(value)->requires_grad = impl(x)->requires_grad;
  std::erase_if(layers(value)->tangents, [&](const auto& t) { return t.first > s.id; });
  Tensor out = wrap_batch(value, s, false);
  for (const auto& t : l->tangents)
    if (t.first > s.id) layers(out)->tangents.push_back(t);
  return out;
}

Tensor made_inside(Tensor x) {
  const LevelScope* s = innermost_batch();
  return !s || batch_level(x) == s->id ? x : wrap_batch(std::move(x), *s, false);
}

Tensor unwrap_batch(const Tensor& x, const LevelScope& s, bool& batched) {
  const Layers* l = layers(x);
  batched = l && l->level == s.id && l->batched;
  return l && l->level == s.id ? l->value : x;
}

Tensor take_batch(const Tensor& x, const LevelScope& s) {
  bool batched = false;
  const Tensor value = unwrap_batch(x, s, batched);
  if (batched) return value;
  std::vector<std::int64_t> sizes{s.size};
  sizes.insert(sizes.end(), value.sizes().begin(), value.sizes().end());
  return value.unsqueeze(0).expand(sizes);
}

// ---- tangents -----------------------------------------------------------------------------------------------------------

namespace {
void put_tangent(TensorImpl* x, std::uint64_t level, const Tensor& t) {
  auto& list = need_layers(x).tangents;
  auto at = list.end();
  while (at != list.begin() && (at - 1)->first > level) --at;
  if (at != list.begin() && (at - 1)->first == level) (at - 1)->second = t;
  else list.emplace(at, level, t);
}
Tensor own_tangent(const Tensor& x, std::uint64_t level) {
  if (const Layers* l = layers(x))
    for (const auto& [id, t] : l->tangents)
      if (id == level) return t;
  return {};
}
}  // namespace

Tensor show_base_tangent(const Tensor& x, std::uint64_t level, const Tensor& whole) {
  const TensorImpl *view = impl(x), *base = impl(view->meta->base);
  const StridedAttrs a{geometry_of(view, base), geometry_of(base, base)};
  set_tangent(x, level, apply_with(strided_view_op, a, whole));
  return own_tangent(x, level);
}

Tensor tangent(const Tensor& x, std::uint64_t level) {
  const Tensor t = own_tangent(x, level);
  const Tensor* followed = t.defined() ? nullptr : followed_base(impl(x));
  if (followed && own_tangent(*followed, level).defined()) {  // the base was written after the view was made
    const Tensor whole = tangent_laid_out_as(*followed, level);
    return show_base_tangent(x, level, whole);
  }
  if (!t.defined() || !impl(x)->is_view()) return t;
  const Tensor base = impl(x)->meta->base;
  const Layers* l = layers(base);
  if (!l || l->former.empty()) return t;
  for (const auto& [id, before] : l->former) {
    if (id != level || impl(before)->storage != impl(t)->storage) continue;
    const Tensor whole = own_tangent(base, level);
    if (!whole.defined()) return t;
    return show_base_tangent(x, level, whole);
  }
  return t;
}

void forget_base_tangents(const Tensor& x) { need_layers(impl(x)).without_base = true; }

void replace_tangent(const Tensor& x, std::uint64_t level, Tensor t) {
  if (Tensor before = own_tangent(x, level); before.defined()) need_layers(impl(x)).former.emplace_back(level, std::move(before));
  set_tangent(x, level, std::move(t));
}

namespace {
// Whether t has a history, on whatever level.
bool recorded(const Tensor& t) {
  if (tracks(t)) return true;
  const Layers* l = layers(t);
  if (!l) return false;
  if (l->level && recorded(l->value)) return true;
  for (const auto& [level, inner] : l->tangents)
    if (recorded(inner)) return true;
  return false;
}
}  // namespace

void set_tangent(const Tensor& x, std::uint64_t level, Tensor t) {
  put_tangent(impl(x), level, t);
  // What its producer saved of it is an alias, which the derivative must find with the tangent: forward over reverse.
  TensorImpl* saved = impl(x)->grad_fn ? saved_output(impl(x)->grad_fn, impl(x)->output_nr) : nullptr;
  if (saved) put_tangent(saved, level, t);
  // A recorded tangent leads back to x and its producer, which would own themselves: until the level ends.
  LevelScope* s = recorded(t) ? find_level(level) : nullptr;
  if (!s) return;
  s->tied.push_back(x);
  if (!saved) return;
  saved->refs.inc();
  s->tied.push_back(Tensor::wrap(saved));
}

void drop_tangent(const Tensor& x, std::uint64_t level) {
  Layers* l = layers(x);
  if (!l) return;
  const auto of_level = [&](const auto& t) { return t.first == level; };
  std::erase_if(l->tangents, of_level);
  std::erase_if(l->former, of_level);
}

Tensor same_alias(const Tensor& x) {
  Tensor out = alias(x, x.sizes(), x.strides(), 0);
  impl(out)->wrapped_number = impl(x)->wrapped_number;
  if (const Layers* l = layers(x)) need_layers(impl(out)) = *l;
  return out;
}

Tensor on_value(const Tensor& wrapper, FunctionRef<Tensor(const Tensor&)> f) {
  const Layers& l = *layers(wrapper);
  LevelScope* s = find_level(l.level);
  CT_CHECK(s, "vmap: a tensor of a vmap that has ended is used outside of it\n  Return it from the mapped function instead of storing it in an outer variable.");
  return wrap_batch(f(l.value), *s, l.batched);
}

Tensor fresh_input(const Tensor& x, const LevelScope* s) {
  Tensor out;
  if (s && batch_level(x) != s->id) {
    out = lift(x, *s);
  } else if (tracks(x)) {
    LayerGradMode on(batch_level(x), true);
    return view_identity(x);
  } else {
    out = same_alias(x);
    impl(out)->wrapped_number = false;
  }
  impl(out)->requires_grad = true;
  return out;
}

Tensor empty_strided_as(const Tensor& x, IntArrayRef sizes, IntArrayRef strides, ScalarType dtype) {
  const Layers* l = layers(x);
  if (!l || !l->level) {
    const WithoutLevels none;
    return empty_strided(sizes, strides, TensorOptions(dtype));
  }
  LevelScope* s = find_level(l->level);
  CT_ASSERT(s, "a batched tensor outlived its vmap");
  if (!l->batched) return wrap_batch(empty_strided_as(l->value, sizes, strides, dtype), *s, false);
  std::vector<std::int64_t> all_sizes{s->size}, all_strides{1};  // entries lie behind each other
  all_sizes.insert(all_sizes.end(), sizes.begin(), sizes.end());
  for (std::size_t d = 0; d < sizes.size(); ++d) all_strides[0] += std::max<std::int64_t>(0, sizes[d] - 1) * strides[d];
  all_strides.insert(all_strides.end(), strides.begin(), strides.end());
  return wrap_batch(empty_strided_as(l->value, all_sizes, all_strides, dtype), *s, true);
}

void check_randomness(const char* op, const LevelScope& s) {
  CT_CHECK(s.randomness != Randomness::error, "vmap: called random operation while in randomness error mode: ", op,
           "\n  Say what is meant: vmap(f, in_dims, out_dims, \"different\") draws anew for each entry, \"same\" shares one draw.");
}

Tensor empty_for_random(const char* op, IntArrayRef sizes, const TensorOptions& options) {
  LevelScope* s = innermost_batch();
  if (!s) return empty(sizes, options);
  check_randomness(op, *s);
  const bool different = s->randomness == Randomness::different;
  std::vector<std::int64_t> all(sizes.begin(), sizes.end());
  if (different) all.insert(all.begin(), s->size);
  Tensor t;
  {
    const HideLevel hide(*s);
    t = empty_for_random(op, all, options);
  }
  return wrap_batch(std::move(t), *s, different);
}

Tensor innermost_value(Tensor x) {
  for (const Layers* l = layers(x); l && l->level; l = layers(x)) x = Tensor(l->value);
  return x;
}

bool is_constant(const Tensor& x) {
  if (!x.defined()) return true;
  if (tracks(x) && LayerGradMode::get(batch_level(x))) return false;
  const Layers* l = layers(x);
  if (!l) return true;
  for (const auto& t : l->tangents)
    if (const LevelScope* s = find_level(t.first); s && !s->hidden) return false;
  return !l->level || is_constant(l->value);
}

int LiveCall::n_edges() const { return edge_count(op, n_in); }

}  // namespace ct::detail
