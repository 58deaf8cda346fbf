// ops/dims.cpp -- views that change the order and number of dimensions, and the same in place.
#include "ops/look.h"

#include "autograd/layers.h"
#include "autograd/node.h"
#include "core/thread_state.h"
#include "ops/batching.h"
#include "ops/op_list.h"

namespace ct {

using detail::DimAttrs;
using detail::DimList;
using detail::DimPair;
using detail::impl;
using detail::Look;
using detail::TensorImpl;
using detail::wrap_dim;

DimList detail::wrap_dims(const char* op, const Tensor& x, IntArrayRef dims) {
  DimList out;
  std::uint32_t seen = 0;
  for (std::int64_t d : dims) {
    const std::int64_t w = wrap_dim(d, x.dim());
    CT_CHECK(!(seen >> w & 1), op, ": dim ", w, " appears multiple times in the list of dims ", dims);
    seen |= 1u << w;
    out.v[out.n++] = static_cast<std::int8_t>(w);
  }
  return out;
}

namespace {

Tensor look(const Tensor& x, const DimPair& a) {
  Look v(x);
  if (v.n == 0) return v.at(x);
  std::swap(v.sizes[a.dim0], v.sizes[a.dim1]);
  std::swap(v.strides[a.dim0], v.strides[a.dim1]);
  return v.at(x);
}
constexpr Op transpose_op{
    .name = "transpose",
    .node = "TransposeBackward0",
    .kind = OpKind::view,
    .formula = "dx = g, with the two dims swapped back",
    .forward = [](const Call& c) { return look(c.x(0), c.attrs<DimPair>()); },
    .vjp = [](const Tensor& g, const Saved& s, int) { return transpose(g, s.attrs<DimPair>().dim0, s.attrs<DimPair>().dim1); },
    .batch = [](const Batch& b) {
      const auto& a = b.attrs<DimPair>();
      return b.dim(0) == 0 ? b.value(0).view(b.value(0).sizes()) : transpose(b.value(0), a.dim0 + 1, a.dim1 + 1);
    },
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3})}, DimPair{0, 1});
      call({call.uniform({2, 3, 4})}, DimPair{0, 2});
      call({call.uniform({})}, DimPair{0, 0});
    },
};

// The transpose of a matrix; of a vector the vector itself.
constexpr Op t_op{
    .name = "t",
    .node = "TBackward0",
    .kind = OpKind::view,
    .formula = "dx = g^T",
    .forward = [](const Call& c) { return look(c.x(0), DimPair{0, c.x(0).dim() < 2 ? 0 : 1}); },
    .vjp = [](const Tensor& g, const Saved&, int) { return t(g); },
    .batch = [](const Batch& b) { return b.dim(0) < 2 ? b.value(0).view(b.value(0).sizes()) : transpose(b.value(0), 1, 2); },
    .samples = [](SampleSink& call) {
      for (auto x : {call.uniform({2, 3}), call.uniform({3}), call.uniform({})}) call({x});
    },
};

constexpr Op permute_op{
    .name = "permute",
    .node = "PermuteBackward0",
    .kind = OpKind::view,
    .formula = "dx = g, with the order of dims undone",
    .forward = [](const Call& c) {
      const auto& order = c.attrs<DimList>();
      Look v(c.x(0));
      for (int d = 0; d < order.n; ++d) {
        v.sizes[d] = c.x(0).sizes()[static_cast<std::size_t>(order.v[d])];
        v.strides[d] = c.x(0).strides()[static_cast<std::size_t>(order.v[d])];
      }
      return v.at(c.x(0));
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const auto& order = s.attrs<DimList>();
      std::int64_t back[max_dims] = {};
      for (int d = 0; d < order.n; ++d) back[order.v[d]] = d;
      return permute(g, {back, static_cast<std::size_t>(order.n)});
    },
    .batch = [](const Batch& b) {
      const DimList order = detail::behind_batch(b.attrs<DimList>(), b.size);
      std::int64_t all[max_dims] = {0};
      std::copy(order.v, order.v + order.n, all + 1);
      return permute(b.value(0), {all, static_cast<std::size_t>(order.n) + 1});
    },
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3, 4})}, DimList{3, {2, 0, 1}});
      call({call.uniform({})}, DimList{});
    },
};

constexpr Op unsqueeze_op{
    .name = "unsqueeze",
    .node = "UnsqueezeBackward0",
    .kind = OpKind::view,
    .formula = "dx = g, without the new dim",
    .forward = [](const Call& c) {
      Look v(c.x(0));
      const std::int64_t d = c.attrs<DimAttrs>().dim;
      v.insert(d, 1, d < v.n ? v.sizes[d] * v.strides[d] : 1);
      return v.at(c.x(0));
    },
    .vjp = [](const Tensor& g, const Saved& s, int) { return squeeze(g, s.attrs<DimAttrs>().dim); },
    .batch = detail::batch_behind<DimAttrs>,
    .samples = [](SampleSink& call) {
      call({call.uniform({2, 3})}, DimAttrs{1});
      call({call.uniform({})}, DimAttrs{0});
    },
};

constexpr Op squeeze_op{
    .name = "squeeze",
    .node = "SqueezeBackward0",
    .kind = OpKind::view,
    .formula = "dx = g, in the shape of x",
    .forward = [](const Call& c) {
      Look v(c.x(0));
      for (int d = v.n; d-- > 0;)
        if (v.sizes[d] == 1) v.erase(d);
      return v.at(c.x(0));
    },
    .vjp = [](const Tensor& g, const Saved& s, int) { return reshape(g, s.sizes(0)); },
    .batch = [](const Batch& b) {
      std::vector<std::int64_t> sizes{b.size};
      for (std::int64_t n : b.sizes(0))
        if (n != 1) sizes.push_back(n);
      return b.value(0).view(sizes);
    },
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({1, 3, 1})});
      call({call.uniform({2, 3})});
    },
};

constexpr Op squeeze_dim_op{
    .name = "squeeze.dim",
    .node = "SqueezeBackward1",
    .kind = OpKind::view,
    .formula = squeeze_op.formula,
    .forward = [](const Call& c) {
      Look v(c.x(0));
      const std::int64_t d = c.attrs<DimAttrs>().dim;
      if (v.n && v.sizes[d] == 1) v.erase(d);
      return v.at(c.x(0));
    },
    .vjp = squeeze_op.vjp,
    .batch = [](const Batch& b) {
      return b.dim(0) == 0 ? b.value(0).view(b.value(0).sizes()) : squeeze(b.value(0), b.attrs<DimAttrs>().dim + 1);
    },
    .save_shapes = true,
    .samples = [](SampleSink& call) {
      call({call.uniform({1, 3, 1})}, DimAttrs{2});
      call({call.uniform({2, 3})}, DimAttrs{0});
    },
};

// The same of a tensor that transforms know more about: the value of a batch, and tangents.
void reshape_layers(const Op& op, const void* attrs, std::uint32_t size, const Tensor& self) {
  detail::Layers* l = detail::layers(self);
  if (!l) return;
  const auto shown = [&](const Tensor& x) {
    const Tensor* in[] = {&x};
    return detail::apply(op, in, 1, attrs, size);
  };
  if (l->level) {
    detail::LevelScope* s = detail::find_level(l->level);
    CT_CHECK(s, op.name, ": a tensor of a vmap that has ended is used outside of it");
    detail::GradModeScope mode(s->outer_grad_mode);
    detail::HideLevel hide(*s);
    const bool batched = true;
    l->value = l->batched ? op.batch(Batch{op, &l->value, &batched, 1, attrs, size, s->size}) : shown(l->value);
  }
  for (auto& [level, t] : l->tangents) t = shown(t);
}

// The forms in place are nodes with numbers of their own, as in PyTorch.
constexpr Op renamed(Op op, const char* node) {
  op.node = node;
  return op;
}
constexpr Op transpose_in_place_op = renamed(transpose_op, "TransposeBackward1");
constexpr Op unsqueeze_in_place_op = renamed(unsqueeze_op, "UnsqueezeBackward1");
constexpr Op squeeze_in_place_op = renamed(squeeze_op, "SqueezeBackward2");

// Gives self the geometry that a view op would give a view of it. The elements stay where they are, so that views of self
// stay valid; their history is that of self's new shape from then on.
template <class A>
Tensor& in_place(const char* name, const Op& op, const A& attrs, const Tensor& self) {
  TensorImpl* t = impl(self);
  const bool tracked = GradMode::is_enabled() && detail::tracks(t);
  CT_CHECK(!t->inference || InferenceMode::is_enabled(), name, ": Inplace update to inference tensor outside InferenceMode is not allowed."
           " You can make a clone to get a normal tensor before doing inplace update.");
  if (tracked) {
    CT_CHECK(!t->is_view(), name, ": the dimensions of a tracked view cannot be changed in place\n  Use the out-of-place form, which makes another view.");
    CT_CHECK(t->grad_fn, name, ": a leaf Variable that requires grad is being used in an in-place operation.\n  Use the out-of-place form, or "
             "change it under NoGradGuard.");
  }
  const Tensor* in[] = {&self};
  constexpr std::uint32_t size = detail::AttrsOf<A>::size;
  const Tensor shown = op.forward(Call{op, in, 1, &attrs, size});
  NodePtr node;
  const void* where = detail::user_address();
  if (tracked) {
    node = OpNode::make(op, in, 1, &attrs, size, &shown, 1, 0, nullptr);
    NodeAccess::set_where(*node, where);
  }
  reshape_layers(op, &attrs, size, self);
  detail::set_geometry(t, shown.sizes(), shown.strides());
  t->storage->bump_version(name, where);
  if (node) detail::rebase_history(self, std::move(node));
  return const_cast<Tensor&>(self);
}

}  // namespace

std::span<const Op* const> dim_ops() {
  static constexpr const Op* ops[] = {&transpose_op, &t_op, &permute_op, &unsqueeze_op, &squeeze_op, &squeeze_dim_op};
  return ops;
}

Tensor transpose(const Tensor& self, std::int64_t dim0, std::int64_t dim1) {
  detail::check_defined("transpose", self);
  return apply_with(transpose_op, DimPair{wrap_dim(dim0, self.dim()), wrap_dim(dim1, self.dim())}, self);
}
Tensor swapaxes(const Tensor& self, std::int64_t axis0, std::int64_t axis1) { return transpose(self, axis0, axis1); }
Tensor swapdims(const Tensor& self, std::int64_t dim0, std::int64_t dim1) { return transpose(self, dim0, dim1); }
Tensor t(const Tensor& self) {
  detail::check_defined("t", self);
  CT_CHECK(self.dim() <= 2, "t: t() expects a tensor with <= 2 dimensions, but self is ", self.dim(), "D\n  Use transpose(-2, -1) or mT() for "
           "stacks of matrices.");
  return apply(t_op, self);
}
Tensor& Tensor::transpose_(std::int64_t dim0, std::int64_t dim1) const {
  detail::check_defined("transpose_", *this);
  return in_place("transpose_", transpose_in_place_op, DimPair{wrap_dim(dim0, dim()), wrap_dim(dim1, dim())}, *this);
}
Tensor& Tensor::t_() const {
  detail::check_defined("t_", *this);
  CT_CHECK(dim() <= 2, "t_: t_() expects a tensor with <= 2 dimensions, but self is ", dim(), "D");
  return in_place("t_", t_op, NoAttrs{}, *this);
}
Tensor permute(const Tensor& self, IntArrayRef dims) {
  detail::check_defined("permute", self);
  CT_CHECK(static_cast<std::int64_t>(dims.size()) == self.dim(), "permute: number of dimensions in the tensor input does not "
           "match the length of the desired ordering of dimensions i.e. input.dim() = ", self.dim(), " is not equal to len(dims) = ", dims.size());
  return apply_with(permute_op, detail::wrap_dims("permute", self, dims), self);
}
Tensor movedim(const Tensor& self, IntArrayRef source, IntArrayRef destination) {
  detail::check_defined("movedim", self);
  CT_CHECK(source.size() == destination.size(), "movedim: Invalid source or destination dims: source (", source, " dims) should contain the same "
           "number of dims as destination (", destination, " dims)");
  const DimList from = detail::wrap_dims("movedim", self, source), to = detail::wrap_dims("movedim", self, destination);
  const int n = static_cast<int>(self.dim());
  if (n == 0) return self;
  std::int64_t order[max_dims];
  std::fill(order, order + n, -1);
  std::uint32_t moved = 0;
  for (int k = 0; k < from.n; ++k) {
    order[to.v[k]] = from.v[k];
    moved |= 1u << from.v[k];
  }
  int next = 0;
  for (int d = 0; d < n; ++d) {
    if (order[d] >= 0) continue;
    while (moved >> next & 1) ++next;
    order[d] = next++;
  }
  return permute(self, {order, static_cast<std::size_t>(n)});
}
Tensor Tensor::T() const {
  detail::check_defined("T", *this);
  std::int64_t order[max_dims];
  const std::int64_t n = dim();
  for (std::int64_t d = 0; d < n; ++d) order[d] = n - 1 - d;
  return permute({order, static_cast<std::size_t>(n)});
}

Tensor unsqueeze(const Tensor& self, std::int64_t dim) {
  detail::check_defined("unsqueeze", self);
  CT_CHECK(self.dim() < max_dims, "unsqueeze: the result would have more than ", max_dims, " dimensions");
  return apply_with(unsqueeze_op, DimAttrs{wrap_dim(dim, self.dim() + 1)}, self);
}
Tensor squeeze(const Tensor& self) {
  detail::check_defined("squeeze", self);
  return apply(squeeze_op, self);
}
Tensor squeeze(const Tensor& self, std::int64_t dim) {
  detail::check_defined("squeeze", self);
  return apply_with(squeeze_dim_op, DimAttrs{wrap_dim(dim, self.dim())}, self);
}

Tensor& Tensor::unsqueeze_(std::int64_t dim) const {
  detail::check_defined("unsqueeze_", *this);
  CT_CHECK(this->dim() < max_dims, "unsqueeze_: the result would have more than ", max_dims, " dimensions");
  return in_place("unsqueeze_", unsqueeze_in_place_op, DimAttrs{wrap_dim(dim, this->dim() + 1)}, *this);
}
Tensor& Tensor::squeeze_() const {
  detail::check_defined("squeeze_", *this);
  return in_place("squeeze_", squeeze_in_place_op, NoAttrs{}, *this);
}
Tensor& Tensor::squeeze_(std::int64_t dim) const {
  detail::check_defined("squeeze_", *this);
  return in_place("squeeze_", squeeze_dim_op, DimAttrs{wrap_dim(dim, this->dim())}, *this);
}

// More elements than the storage holds move to a new one, which only a tensor that shares its storage with no other may do.
Tensor& Tensor::resize_(IntArrayRef size) const {
  detail::check_defined("resize_", *this);
  TensorImpl* t = impl(*this);
  CT_CHECK(!t->layered, "resize_: a tensor under vmap or with a tangent cannot be resized\n  Make a new tensor, e.g. with x.new_empty(size).");
  CT_CHECK(!detail::tracks(t), "resize_: cannot resize variables that require grad\n  Resize a detach()ed clone, or make a new tensor.");
  const std::int64_t n = detail::checked_numel("resize_", size, t->dtype);
  std::int64_t strides[max_dims];
  detail::contiguous_strides(size, strides);
  detail::Storage* old = t->storage;
  const std::int64_t start = t->data - old->data, need = n ? start + n * elementSize(t->dtype) : 0;
  if (need > old->nbytes) {
    CT_CHECK(old->refs.count() == 1 && old->is_own(), "resize_: Trying to resize storage that is not resizable: it belongs to other tensors, "
             "views or foreign memory too, and has ", old->nbytes, " of the ", need, " bytes needed");
    detail::Storage* fresh = detail::new_storage(need);
    std::memcpy(fresh->data, old->data, static_cast<std::size_t>(old->nbytes));
    fresh->version.store(old->current_version());
    t->storage = fresh;
    t->data = fresh->data + start;
    detail::release_storage(old);
  }
  detail::set_geometry(t, size, {strides, size.size()});
  t->storage->bump_version("resize_", detail::user_address());
  return const_cast<Tensor&>(*this);
}

}  // namespace ct
