// autograd/functional.cpp -- the transforms of func.h on flat lists of tensors, and dual numbers. See Note [Levels].
#include <algorithm>
#include <memory>

#include "autograd/layers.h"
#include "autograd/node.h"
#include "autograd/transforms.h"
#include "cotangent/forward_ad.h"
#include "cotangent/func.h"
#include "cotangent/generator.h"

namespace ct {

using detail::LayerGradMode;
using detail::LevelKind;
using detail::LevelScope;
using detail::Randomness;
using detail::thread_state;

namespace func::detail {

using namespace ct::detail;

namespace {

void check_differentiable(const char* name, const Tensors& in) {
  for (std::size_t i = 0; i < in.size(); ++i) {
    CT_CHECK(in[i].defined(), name, ": input ", i, " is undefined");
    CT_CHECK(in[i].is_floating_point(), name, ": only Tensors of floating point dtype can require gradients, and input ", i, " is ", in[i].scalar_type(),
             "\n  Convert it first, e.g. x.to(ct::kFloat), or leave it out of argnums.");
  }
}

void check_outputs(const char* name, const Tensors& out) {
  CT_CHECK(!out.empty(), name, ": expected f to return tensors, and it returned none");
  for (const Tensor& y : out) CT_CHECK(y.defined(), name, ": f returned an undefined tensor");
}

void check_like(const char* name, const char* what, const Tensors& given, const Tensors& like) {
  CT_CHECK(given.size() == like.size(), name, ": got ", given.size(), " ", what, " for ", like.size(), " tensors");
  for (std::size_t i = 0; i < given.size(); ++i) {
    CT_CHECK(given[i].defined(), name, ": ", what, " ", i, " is undefined");
    CT_CHECK(given[i].sizes() == like[i].sizes(), name, ": ", what, " ", i, " has shape ", given[i].sizes(), ", expected ", like[i].sizes());
    CT_CHECK(given[i].scalar_type() == like[i].scalar_type(), name, ": ", what, " ", i, " has dtype ", given[i].scalar_type(), ", expected ",
             like[i].scalar_type());
  }
}

// A result as the caller gets it: without the history that ends at `inputs`, with any other.
Tensor outside(const Tensor& y, const Tensors& inputs) { return tracks(y) && !leads_beyond(y, inputs) ? same_alias(y) : y; }

Tensor without_tangent(const Tensor& x, std::uint64_t level) {
  if (!tangent(x, level).defined()) return x;
  drop_tangent(x, level);
  return x;
}

}  // namespace

// ---- reverse mode ------------------------------------------------------------------------------------------------------------

Pullback vjp(Function f, const Tensors& in) {
  check_differentiable("vjp", in);
  const LevelScope* vmap = innermost_batch();
  Pullback p;
  for (const Tensor& x : in) p.inputs.push_back(fresh_input(x, vmap));
  {
    LayerGradMode on(vmap ? vmap->id : 0, true);
    p.outputs = f(p.inputs);
  }
  check_outputs("vjp", p.outputs);
  for (const Tensor& y : p.outputs) p.values.push_back(outside(y, p.inputs));
  return p;
}

Tensors Pullback::operator()(const Tensors& cotangents) const {
  check_like("vjp", "cotangents", cotangents, outputs);
  return or_zeros(layer_gradients(outputs, inputs, cotangents, true), inputs);
}

Tensors grad(const char* name, Function f, const Tensors& in, Tensors* outputs) {
  check_differentiable(name, in);
  const LevelScope* vmap = innermost_batch();
  Tensors x;
  for (const Tensor& t : in) x.push_back(fresh_input(t, vmap));
  Tensors y;
  {
    LayerGradMode on(vmap ? vmap->id : 0, true);
    y = f(x);
  }
  check_outputs(name, y);
  CT_CHECK(y[0].numel() == 1 && y[0].is_floating_point(), name, ": Expected f to return a scalar tensor, got tensor with ", y[0].dim(), " dims: shape ", y[0].sizes(),
           ", ", y[0].scalar_type(), "\n  Reduce it, e.g. by sum() or mean(); for vector-valued functions there are vjp and jacrev.");
  if (outputs)
    for (const Tensor& t : y) outputs->push_back(outside(t, x));
  Tensor seed;
  {
    GradModeScope off(false);
    seed = ones(y[0].sizes(), y[0].options());
  }
  const Tensor roots[] = {y[0]};
  y.clear();
  return or_zeros(layer_gradients(roots, x, {seed}, false), x);
}

Pushforward linearize(Function f, const Tensors& in) {
  Pushforward p;
  p.vjp = vjp(f, in);
  const LevelScope* vmap = innermost_batch();
  for (const Tensor& y : p.vjp.outputs) p.cotangents.push_back(fresh_input(zeros_like(y), vmap));
  LayerGradMode on(vmap ? vmap->id : 0, true);
  p.pulled = layer_gradients(p.vjp.outputs, p.vjp.inputs, p.cotangents, true);
  return p;
}

Tensors Pushforward::operator()(const Tensors& tangents) const {
  check_like("linearize", "tangents", tangents, vjp.inputs);
  return or_zeros(layer_gradients(pulled, cotangents, tangents, true), vjp.outputs);
}

Tensors jacrev(Function f, const Tensors& in, std::int64_t chunk, Tensors* outputs) {
  const Pullback p = vjp(f, in);
  if (outputs) *outputs = p.values;
  Tensors out;
  for (const Tensor& y : p.outputs) {
    const std::int64_t rows = y.numel(), at_once = chunk > 0 ? std::min(chunk, rows) : rows;
    std::vector<Tensors> parts(in.size());
    for (std::int64_t first = 0; first < rows; first += at_once) {
      const std::int64_t n = std::min(at_once, rows - first);
      Tensor basis = zeros({n, rows}, y.options());
      basis.narrow(1, first, n).fill_diagonal_(1);
      LevelScope s(LevelKind::batch);
      s.size = n;
      const Tensor v = wrap_batch(basis.view(joined({n}, y.sizes())), s, true);
      const Tensor roots[] = {y}, cotangents[] = {v};
      const Tensors g = layer_gradients(roots, p.inputs, cotangents, true);
      for (std::size_t i = 0; i < in.size(); ++i) parts[i].push_back(g[i].defined() ? take_batch(g[i], s) : Tensor());
    }
    for (std::size_t i = 0; i < in.size(); ++i) {
      const std::vector<std::int64_t> shape = joined(y.sizes(), in[i].sizes());
      if (parts[i].empty() || !parts[i][0].defined()) out.push_back(zeros(shape, in[i].options()));
      else out.push_back((parts[i].size() == 1 ? parts[i][0] : cat(parts[i], 0)).reshape(shape));
    }
  }
  return out;
}

// ---- forward mode ------------------------------------------------------------------------------------------------------------

namespace {
Tensor dual(const Tensor& x, const Tensor& t, std::uint64_t level) {
  Tensor y = tracks(x) ? view_identity(x) : same_alias(x);
  ct::detail::set_tangent(y, level, t);
  return y;
}
}  // namespace

std::pair<Tensors, Tensors> jvp(Function f, const Tensors& in, const Tensors& tangents) {
  check_differentiable("jvp", in);
  check_like("jvp", "tangents", tangents, in);
  LevelScope s(LevelKind::tangent);
  Tensors x;
  for (std::size_t i = 0; i < in.size(); ++i) x.push_back(dual(in[i], tangents[i].clone(), s.id));
  std::pair<Tensors, Tensors> out;
  const Tensors y = f(x);
  check_outputs("jvp", y);
  for (const Tensor& t : y) {
    const Tensor dy = ct::detail::tangent(t, s.id);
    HideLevel hide(s);
    out.second.push_back(dy.defined() ? dy : zeros_like(t));
    out.first.push_back(t);
  }
  for (Tensor& t : out.first) t = without_tangent(t, s.id);
  return out;
}

Tensors jacfwd(Function f, const Tensors& in, Tensors* outputs) {
  check_differentiable("jacfwd", in);
  std::int64_t n = 0;
  for (const Tensor& x : in) n += x.numel();
  LevelScope s(LevelKind::batch);
  s.size = n;
  s.randomness = Randomness::same;
  LevelScope d(LevelKind::tangent);
  Tensors duals;
  std::int64_t first = 0;
  for (const Tensor& x : in) {
    Tensor basis;
    {
      HideLevel hide(s);
      basis = zeros({n, x.numel()}, x.options());
      basis.narrow(0, first, x.numel()).fill_diagonal_(1);
      basis = basis.view(joined({n}, x.sizes()));
    }
    duals.push_back(dual(x, wrap_batch(basis, s, true), d.id));
    first += x.numel();
  }
  const Tensors y = f(duals);
  check_outputs("jacfwd", y);
  Tensors out;
  for (const Tensor& t : y) {
    const Tensor dy = ct::detail::tangent(t, d.id);
    HideLevel hide_d(d), hide_s(s);
    first = 0;
    for (const Tensor& x : in) {
      const std::vector<std::int64_t> shape = joined(t.sizes(), x.sizes());
      if (!dy.defined()) {
        out.push_back(zeros(shape, t.options()));
      } else {
        const Tensor columns = take_batch(dy, s).narrow(0, first, x.numel());
        out.push_back(columns.movedim(0, -1).reshape(shape));
      }
      first += x.numel();
    }
  }
  for (const Tensor& t : y) {
    bool batched = false;
    const Tensor value = unwrap_batch(without_tangent(t, d.id), s, batched);
    if (outputs) outputs->push_back(batched ? value.select(0, 0) : value);
  }
  return out;
}

// ---- vmap --------------------------------------------------------------------------------------------------------------------

namespace {

Randomness policy(std::string_view name) {
  if (name == "error") return Randomness::error;
  if (name == "different") return Randomness::different;
  CT_CHECK_VALUE(name == "same", "vmap: Only allowed values for randomness are 'error', 'different', or 'same'. Got ", name);
  return Randomness::same;
}

// The arguments with the mapped dimension first; none where nothing is mapped.
std::int64_t batch_size(const Tensors& in, const std::vector<std::optional<std::int64_t>>& in_dims, Tensors& fronted) {
  std::int64_t size = -1;
  bool same = true;
  std::vector<std::int64_t> sizes;
  for (std::size_t i = 0; i < in.size(); ++i) {
    CT_CHECK(in[i].defined(), "vmap: input ", i, " is undefined");
    fronted.push_back(in[i]);
    if (!in_dims[i]) continue;
    const std::int64_t n = in[i].dim(), d = *in_dims[i];
    CT_CHECK_VALUE(d >= -n && d < n, "vmap: Got in_dim=", d, " for some input, but that input is a Tensor of dimensionality ", n, " so expected in_dim to satisfy -",
             n, " <= in_dim < ", n, ".\n  Input ", i, " has shape ", in[i].sizes(), "; std::nullopt leaves it as it is for every entry.");
    const std::int64_t front = d < 0 ? d + n : d;
    if (front) fronted.back() = in[i].movedim(front, 0);
    sizes.push_back(in[i].size(front));
    if (size < 0) size = sizes.back();
    same &= sizes.back() == size;
  }
  CT_CHECK_VALUE(size >= 0, "vmap: at least one of the arguments must be mapped: in_dims has only None\n  Give a dimension for at least one tensor.");
  CT_CHECK_VALUE(same, "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes ", IntArrayRef(sizes), " for the mapped dimension");
  return size;
}

Tensors map_batch(Function f, const Tensors& in, const std::vector<std::optional<std::int64_t>>& in_dims, std::int64_t size, Randomness randomness) {
  LevelScope s(LevelKind::batch);
  s.size = size;
  s.randomness = randomness;
  Tensors x;
  for (std::size_t i = 0; i < in.size(); ++i) x.push_back(in_dims[i] ? wrap_batch(in[i], s, true) : in[i]);
  Tensors y = f(x);
  HideLevel hide(s);
  GradModeScope mode(s.outer_grad_mode);
  for (Tensor& t : y) {
    CT_CHECK(t.defined(), "vmap: f returned an undefined tensor: expected f to only return tensors");
    t = take_batch(t, s);
  }
  return y;
}

}  // namespace

Tensors vmap(Function f, const Tensors& in, const std::vector<std::optional<std::int64_t>>& in_dims, const Dims& out_dims, std::string_view randomness,
             std::optional<std::int64_t> chunk_size) {
  const Randomness r = policy(randomness);
  CT_CHECK_VALUE(!chunk_size || *chunk_size > 0, "vmap: chunk_size should be None or greater than 0, got ", chunk_size.value_or(0));
  Tensors fronted;
  const std::int64_t size = batch_size(in, in_dims, fronted);
  Tensors out;
  if (!chunk_size || *chunk_size >= size) {
    out = map_batch(f, fronted, in_dims, size, r);
  } else {
    std::vector<Tensors> parts;
    const Tensor state = r == Randomness::same ? get_rng_state() : Tensor();  // what is the same for all entries is so across chunks
    for (std::int64_t first = 0; first < size; first += *chunk_size) {
      if (state.defined()) set_rng_state(state);
      const std::int64_t n = std::min(*chunk_size, size - first);
      Tensors part;
      for (std::size_t i = 0; i < in.size(); ++i) part.push_back(in_dims[i] ? fronted[i].narrow(0, first, n) : fronted[i]);
      const Tensors y = map_batch(f, part, in_dims, n, r);
      parts.resize(y.size());
      for (std::size_t k = 0; k < y.size(); ++k) parts[k].push_back(y[k]);
    }
    for (const Tensors& p : parts) out.push_back(cat(p, 0));
  }
  CT_CHECK_VALUE(!out_dims.listed || out_dims.each.size() == out.size(), "vmap: out_dims has ", out_dims.each.size(), " entries and f returned ", out.size(), " tensors");
  for (std::size_t k = 0; k < out.size(); ++k) {
    const std::int64_t n = out[k].dim(), d = out_dims.of(k).value_or(0);
    CT_CHECK_VALUE(d >= -n && d < n, "vmap: out_dim ", d, " is out of range for an output of ", n, " dimensions with the mapped one");
    if (d != 0) out[k] = out[k].movedim(0, d);
  }
  return out;
}

}  // namespace func::detail

// ---- dual numbers ---------------------------------------------------------------------------------------------------------------

namespace forward_ad {

namespace {
LevelScope* innermost_dual() {
  LevelScope* s = thread_state.levels;
  while (s && (s->hidden || s->kind != LevelKind::tangent)) s = s->outer;
  return s;
}
LevelScope& level_or_innermost(const char* what, std::optional<std::uint64_t> level) {
  LevelScope* s = level ? ct::detail::find_level(*level) : innermost_dual();
  CT_CHECK(s && s->kind == LevelKind::tangent, what, ": Trying to use a dual tensor but no level exists: make sure to enter_dual_level() first.");
  return *s;
}
}  // namespace

std::uint64_t enter_dual_level() { return (new LevelScope(LevelKind::tangent))->id; }

void exit_dual_level(std::optional<std::uint64_t> level) {
  LevelScope* s = thread_state.levels;
  CT_CHECK(s && s->kind == LevelKind::tangent && (!level || s->id == *level), "exit_dual_level: Trying to exit a forward AD level that was not the last one that was "
           "created. This is not supported.");
  delete s;
}

dual_level::~dual_level() {
  // On an exception levels that were entered inside may still be open.
  while (ct::detail::find_level(level_)) delete thread_state.levels;
}

Tensor make_dual(const Tensor& tensor, const Tensor& tangent, std::optional<std::uint64_t> level) {
  LevelScope& s = level_or_innermost("make_dual", level);
  CT_CHECK(tensor.defined() && tangent.defined(), "make_dual: an argument is undefined");
  CT_CHECK(tensor.is_floating_point(), "make_dual: Expected primal to be floating point or complex, but got: ", tensor.scalar_type());
  CT_CHECK(tangent.scalar_type() == tensor.scalar_type(), "make_dual: Expected tangent to be of dtype ", tensor.scalar_type(), ", but got: ", tangent.scalar_type());
  CT_CHECK(tangent.sizes() == tensor.sizes(), "make_dual: Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
           "supported. Tensor is of size ", tensor.sizes(), " while the given forward gradient is of size ", tangent.sizes());
  CT_CHECK(!ct::detail::tangent(tensor, s.id).defined(), "make_dual: primal already has a tangent at the same level");
  CT_CHECK(ct::detail::batch_level(tensor) < s.id && ct::detail::batch_level(tangent) < s.id, "make_dual: the level was entered outside of the vmap that the tensors "
           "belong to\n  Enter a level inside the mapped function.");
  Tensor t = tangent;
  if (!(t.strides() == tensor.strides())) {  // a view of the dual must look into the tangent as into the primal
    t = ct::detail::empty_strided_as(tangent, tensor.sizes(), tensor.strides());
    t.copy_(tangent);
  }
  Tensor y = ct::detail::view_identity(tensor);
  ct::detail::set_tangent(y, s.id, t);
  return y;
}

UnpackedDualTensor unpack_dual(const Tensor& tensor, std::optional<std::uint64_t> level) {
  CT_CHECK(tensor.defined(), "unpack_dual: the tensor is undefined");
  LevelScope* s = level ? ct::detail::find_level(*level) : innermost_dual();
  if (!s) return {tensor, {}};
  const Tensor t = ct::detail::tangent(tensor, s->id);
  ct::detail::HideLevel hide(*s);
  const Tensor primal = ct::detail::view_identity(tensor);
  ct::detail::forget_base_tangents(primal);
  return {primal, t};
}

}  // namespace forward_ad
}  // namespace ct
