// autograd/batching.cpp -- vmap's side of a call: the op's batching rule on the values, or the op once for each entry.
// See Note [Levels].
#include <algorithm>
#include <mutex>

#include "autograd/elementwise.h"
#include "autograd/layers.h"
#include "autograd/node.h"
#include "cotangent/func.h"

namespace ct {

namespace detail {

namespace {

struct Fallbacks {
  std::mutex mutex;
  std::vector<std::string> names;
};
Fallbacks& fallbacks() {
  static Fallbacks f;
  return f;
}

void note_fallback(const Op& op) {
  {
    Fallbacks& f = fallbacks();
    std::lock_guard lock(f.mutex);
    if (std::find(f.names.begin(), f.names.end(), op.name) != f.names.end()) return;
    f.names.push_back(op.name);
  }
  warn(join({"vmap: There is a performance drop because we have not yet implemented the batching rule for ", op.name,
             ": it runs once for each entry of the batch"}));
}

// Dimensions of size 1 behind the batch dimension, so that the entries broadcast as they do without the batch.
Tensor align(const Tensor& value, std::int64_t dim, std::int64_t target) {
  if (dim == target) return value;
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(1 + target), 1);
  sizes[0] = value.size(0);
  for (std::int64_t d = 0; d < dim; ++d) sizes[static_cast<std::size_t>(1 + target - dim + d)] = value.size(1 + d);
  return value.view(sizes);
}

Tensor elementwise_batch(const Batch& b, const Tensor* const* in) {
  std::int64_t target = 0;
  bool same = true;
  for (int i = 0; i < b.n_in; ++i) {
    if (!b.value(i).defined()) continue;
    target = std::max(target, b.dim(i));
    same &= b.values[i].scalar_type() == b.values[0].scalar_type() && !impl(b.values[i])->wrapped_number;
  }
  // The dtype follows from the entries: a 0-dim entry counts less than a vector, and its batch is one.
  const int first = b.op.promote == Promote::condition ? 1 : 0;
  const ScalarType dtype = same ? b.values[0].scalar_type() : promoted_dtype(in + first, b.n_in - first);
  std::vector<Tensor> x(static_cast<std::size_t>(b.n_in));
  std::vector<const Tensor*> args(static_cast<std::size_t>(b.n_in));
  for (int i = 0; i < b.n_in; ++i) {
    const auto k = static_cast<std::size_t>(i);
    x[k] = b.batched(i) && b.value(i).defined() ? align(b.value(i), b.dim(i), target) : b.value(i);
    if (!same && i >= first && b.batched(i) && b.dim(i) == 0 && x[k].scalar_type() != dtype) x[k] = x[k].to(dtype);
    args[k] = &x[k];
  }
  const Tensor* const* list = args.data();
  return apply(b.op, list, b.n_in, b.attrs_data, b.attrs_size);
}

// Once for each entry.
std::vector<Tensor> looped(const Batch& b) {
  CT_CHECK(b.size > 0, "vmap: ", b.op.name, " has no batching rule and the batch is empty: Fallback not supported on dims of size 0");
  CT_CHECK(b.op.kind != OpKind::view, "vmap: ", b.op.name, ": a view needs a batching rule, and this one has none");
  note_fallback(b.op);
  std::vector<std::vector<Tensor>> entries;
  std::vector<const Tensor*> args(static_cast<std::size_t>(b.n_in));
  std::vector<Tensor> x(static_cast<std::size_t>(b.n_in));
  for (std::int64_t e = 0; e < b.size; ++e) {
    for (int i = 0; i < b.n_in; ++i) {
      const auto k = static_cast<std::size_t>(i);
      x[k] = b.batched(i) ? b.value(i).select(0, e) : b.value(i);
      args[k] = &x[k];
    }
    entries.push_back(apply_all(b.op, args.data(), b.n_in, b.attrs_data, b.attrs_size));
  }
  std::vector<Tensor> out;
  for (std::size_t k = 0; k < entries[0].size(); ++k) {
    std::vector<Tensor> each;
    for (const auto& entry : entries) each.push_back(entry[k]);
    for (const Tensor& t : each)
      CT_CHECK(!t.defined() || t.sizes() == each[0].sizes(), "vmap: ", b.op.name, ": the shape of the result depends on the data: ", each[0].sizes(), " and ",
               t.sizes(), "\n  All entries of a batch must give the same shape; use a form with a fixed shape, such as where instead of masked_select.");
    out.push_back(each[0].defined() ? stack(each) : Tensor());
  }
  return out;
}

// Random numbers under vmap: the same for all entries, or others for each.
std::vector<Tensor> random_batch(const Batch& b, bool any, const LevelScope& s) {
  check_randomness(b.op.name, s);
  const auto count = static_cast<std::size_t>(b.n_in);
  std::vector<Tensor> values(count);
  std::vector<const Tensor*> args(count);
  for (std::size_t i = 0; i < count; ++i) args[i] = &b.values[i];
  if (s.randomness == Randomness::same) {
    if (!any) return apply_all(b.op, args.data(), b.n_in, b.attrs_data, b.attrs_size);
    CT_CHECK(b.n_in == 1 && b.op.inplace, "vmap: ", b.op.name, ": Vmap does not currently support same randomness with a batched tensor input");
    values[0] = b.value(0).select(0, 0);
    args[0] = &values[0];
    std::vector<Tensor> out = apply_all(b.op, args.data(), 1, b.attrs_data, b.attrs_size);
    for (Tensor& y : out) y = y.unsqueeze(0).expand(b.value(0).sizes()).clone();
    return out;
  }
  // The batch dimension goes along as any other does: each element has a draw of its own.
  std::int64_t target = 0;
  for (int i = 0; i < b.n_in; ++i) target = std::max(target, b.dim(i));
  for (int i = 0; i < b.n_in; ++i) {
    const auto k = static_cast<std::size_t>(i);
    if (b.value(i).defined()) values[k] = align(b.batched(i) ? b.value(i) : b.x(i).contiguous(), b.dim(i), target);
    args[k] = &values[k];
  }
  return apply_all(b.op, args.data(), b.n_in, b.attrs_data, b.attrs_size);
}

}  // namespace

std::vector<Tensor> apply_batched(const Op& op, const Tensor* const* in, int n, const void* attrs, std::uint32_t size, LevelScope& s) {
  GradModeScope mode(s.outer_grad_mode);
  HideLevel hide(s);
  const auto count = static_cast<std::size_t>(n);
  std::vector<Tensor> values(count);
  std::vector<char> batched(count);
  bool any = false;
  for (std::size_t i = 0; i < count; ++i) {
    bool b = false;
    if (in[i]->defined()) values[i] = unwrap_batch(*in[i], s, b);
    batched[i] = b;
    any |= b;
  }
  std::vector<const Tensor*> args(count);
  for (std::size_t i = 0; i < count; ++i) args[i] = &values[i];

  const Batch b{op, values.data(), reinterpret_cast<const bool*>(batched.data()), n, attrs, size, s.size};
  std::vector<Tensor> out;
  if (op.random) {
    out = random_batch(b, any, s);
    any = any || s.randomness == Randomness::different;
  } else if (!any) {
    out = apply_all(op, args.data(), n, attrs, size);
  } else {
    if (op.kind == OpKind::elementwise) out.push_back(elementwise_batch(b, in));
    else if (op.batch) out.push_back(op.batch(b));
    else if (op.batch_multi) out = op.batch_multi(b);
    else out = looped(b);
  }
  for (Tensor& y : out) {
    if (!y.defined()) continue;
    CT_ASSERT(!any || (y.dim() > 0 && y.size(0) == s.size), "the batching rule of ", op.name, " returned shape ", y.sizes(), " for a batch of ", s.size);
    y = wrap_batch(std::move(y), s, any);
  }
  return out;
}

}  // namespace detail

std::vector<std::string> func::vmap_fallbacks() {
  auto& f = ct::detail::fallbacks();
  std::lock_guard lock(f.mutex);
  return f.names;
}

}  // namespace ct
