// ops/embedding_bag.cpp -- sums, means and maxima of rows of a table, bag by bag.
#include "core/parallel.h"
#include "cotangent/ops/embedding.h"
#include "ops/op_list.h"
#include "ops/rules.h"

namespace ct {

namespace {

enum BagMode : std::int64_t { bag_sum, bag_mean, bag_max };

struct BagAttrs {
  std::int64_t mode = bag_sum;
  std::int64_t padding_idx = -1;  // does not count; negative: none
  bool by_freq = false;           // a row's gradient is divided by how often it was looked up
};

// y, its sizes and, for maxima, the rows they are of; bags are [starts[b], starts[b + 1]).
template <class T>
void fill_bags(const Tensor& y, const Tensor& weight, const Tensor& index, const std::vector<std::int64_t>& starts, const Tensor& factors,
               const BagAttrs& a, const Tensor& sizes, const Tensor& rows) {
  const std::int64_t bags = sizes.numel(), width = weight.size(1);
  const T *table = detail::data<T>(weight), *factor = factors.defined() ? detail::data<T>(factors) : nullptr;
  const auto* at = detail::data<std::int64_t>(index);
  auto* size = detail::data<std::int64_t>(sizes);
  auto* row = a.mode == bag_max ? detail::data<std::int64_t>(rows) : nullptr;
  T* out = detail::data<T>(y);
  const std::int64_t per_bag = std::max<std::int64_t>(1, index.numel() / std::max<std::int64_t>(bags, 1) * width);
  detail::parallel_for(bags, std::max<std::int64_t>(1, detail::elementwise_grain / per_bag), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      T* to = out + b * width;
      std::int64_t count = 0;
      for (std::int64_t i = starts[static_cast<std::size_t>(b)]; i < starts[static_cast<std::size_t>(b + 1)]; ++i) {
        if (at[i] == a.padding_idx) continue;
        const T* from = table + at[i] * width;
        if (row) {
          for (std::int64_t d = 0; d < width; ++d)
            if (count == 0 || from[d] > to[d]) to[d] = from[d], row[b * width + d] = at[i];
        } else if (factor) {
          for (std::int64_t d = 0; d < width; ++d) to[d] += factor[i] * from[d];
        } else {
          for (std::int64_t d = 0; d < width; ++d) to[d] += from[d];
        }
        ++count;
      }
      size[b] = count;
      if (a.mode == bag_mean && count > 0)
        for (std::int64_t d = 0; d < width; ++d) to[d] /= static_cast<T>(count);
    }
  });
}

std::vector<Tensor> bags_forward(const Call& c) {
  const auto& a = c.attrs<BagAttrs>();
  const Tensor weight = detail::widened(c.x(0)).contiguous(), index = c.x(1).to(kLong).contiguous(), offsets = c.x(2).to(kLong).contiguous();
  const Tensor factors = c.x(3).defined() ? c.x(3).to(weight.scalar_type()).contiguous() : Tensor();
  const std::int64_t n = index.numel(), bags = offsets.numel(), rows = weight.size(0);
  const auto* at = detail::data<std::int64_t>(index);
  for (std::int64_t i = 0; i < n; ++i)
    CT_CHECK_INDEX(at[i] >= 0 && at[i] < rows, "embedding_bag: index out of range in self: expected idx >= 0 && idx < num_embeddings but found idx to be ", at[i],
                   " of ", rows);
  const auto* first = detail::data<std::int64_t>(offsets);
  std::vector<std::int64_t> starts(first, first + bags);
  starts.push_back(n);
  CT_CHECK(bags == 0 || starts[0] == 0, "embedding_bag: offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got ",
           starts[0]);
  for (std::int64_t b = 0; b < bags; ++b)
    CT_CHECK(starts[static_cast<std::size_t>(b)] <= starts[static_cast<std::size_t>(b + 1)], "embedding_bag: offsets must not decrease, and ",
             "offsets[-1] can not be greater than input's length (", n, "), but got ", starts[static_cast<std::size_t>(b)], " at position ", b);
  const Tensor y = zeros({bags, weight.size(1)}, weight.scalar_type()), sizes = zeros({bags}, kLong), bag_of = zeros({n}, kLong);
  const Tensor from = a.mode == bag_max ? zeros({bags, weight.size(1)}, kLong) : empty({0}, kLong);
  for (std::int64_t b = 0; b < bags; ++b)
    for (std::int64_t i = starts[static_cast<std::size_t>(b)]; i < starts[static_cast<std::size_t>(b + 1)]; ++i) detail::data<std::int64_t>(bag_of)[i] = b;
  if (weight.scalar_type() == kFloat) fill_bags<float>(y, weight, index, starts, factors, a, sizes, from);
  else fill_bags<double>(y, weight, index, starts, factors, a, sizes, from);
  return {y.to(c.x(0).scalar_type()), bag_of, sizes, from};
}

constexpr Op embedding_bag_op{
    .name = "embedding_bag",
    .node = "EmbeddingBagBackward0",
    .formula = "dweight = index_add(0, 0, indices, g[bag] weights / size); dweights = <g[bag], weight[indices]>; padding left out",
    .forward_multi = bags_forward,
    .vjp = [](const Tensor&, const Saved& s, int arg) -> Tensor {
      const Tensor& g = s.g(0);
      if (!g.defined()) return Tensor();
      const auto& a = s.attrs<BagAttrs>();
      const Tensor index = s.x(1).to(kLong);
      if (arg == 3) {
        const Tensor dot = (g.index_select(0, s.y(1)) * s.x(0).index_select(0, index)).sum(1);
        return a.padding_idx < 0 ? dot : dot.masked_fill(index.eq(a.padding_idx), 0);
      }
      const IntArrayRef sizes = s.sizes(0);
      const Tensor none = zeros(sizes, g.scalar_type());
      if (a.mode == bag_max) return none.scatter_add(0, s.y(3), g.masked_fill(s.y(2).eq(0).unsqueeze(1), 0));
      Tensor rows = g;
      if (a.mode == bag_mean) rows = rows / s.y(2).clamp_min(1).to(g.scalar_type()).unsqueeze(1);
      rows = rows.index_select(0, s.y(1));
      if (s.x(3).defined()) rows = rows * s.x(3).unsqueeze(1);
      if (a.padding_idx >= 0) rows = rows.masked_fill(index.eq(a.padding_idx).unsqueeze(1), 0);
      if (a.by_freq) {
        const Tensor count = zeros({sizes[0]}, g.scalar_type()).index_add(0, index, ones({index.numel()}, g.scalar_type()));
        rows = rows / count.index_select(0, index).unsqueeze(1);
      }
      return none.index_add(0, index, rows);
    },
    .batch_multi = [](const Batch& b) -> std::vector<Tensor> {
      // The tables one below the other, the bags one after the other; padding is in the first table's row for all.
      const auto& a = b.attrs<BagAttrs>();
      const Tensor index = b.x(1).to(kLong), offsets = b.x(2).to(kLong);
      const std::int64_t n = index.size(1), bags = offsets.size(1), rows = b.sizes(0)[0], width = b.sizes(0)[1];
      CT_CHECK_INDEX(!detail::any_nonzero(index.lt(0).logical_or(index.ge(rows))), "embedding_bag: index out of range in self");
      const Tensor entry = arange(b.size).unsqueeze(1);
      Tensor at = b.batched(0) ? index + entry * rows : index;
      if (a.padding_idx >= 0 && b.batched(0)) at = at.masked_fill(index.eq(a.padding_idx), a.padding_idx);
      const Tensor weight = b.batched(0) ? b.value(0).reshape({b.size * rows, width}) : b.value(0);
      const Tensor factors = b.value(3).defined() ? b.x(3).reshape({b.size * n}) : Tensor();
      const std::vector<Tensor> y = apply_multi(b.op, a, weight, at.reshape({b.size * n}), (offsets + entry * n).reshape({b.size * bags}), factors);
      const Tensor from = a.mode == bag_max ? y[3].view({b.size, bags, width}) : empty({b.size, 0}, kLong);
      const Tensor own = a.mode != bag_max || !b.batched(0) ? from : (from - entry.unsqueeze(2) * rows).clamp_min(0);  // of empty bags 0
      return {y[0].view({b.size, bags, width}), y[1].view({b.size, n}) - entry * bags, y[2].view({b.size, bags}), own};
    },
    .save = {X(1) | X(3) | Y(1) | Y(2) | Y(3), 0, 0, X(0) | X(1) | Y(1)},
    .save_shapes = true,
    .dtypes = Dtypes::floating,
    .nondiff = 2 | 4,
    .optional = 8,
    .samples = [](SampleSink& call) {  // without padding and frequencies, whose gradients are by definition no derivatives
      const Tensor index = ct::tensor({1, 0, 3, 1, 2, 1}), offsets = ct::tensor({0, 2, 2, 5});
      for (const std::int64_t mode : {bag_sum, bag_mean, bag_max}) call({call.uniform({4, 3}), index, offsets, Tensor()}, BagAttrs{mode});
      call({call.uniform({4, 3}), index, offsets, call.uniform({6})}, BagAttrs{bag_sum});
    },
};

}  // namespace

std::span<const Op* const> embedding_bag_ops() {
  static constexpr const Op* ops[] = {&embedding_bag_op};
  return ops;
}

std::tuple<Tensor, Tensor, Tensor, Tensor> embedding_bag(const Tensor& weight, const Tensor& indices, const Tensor& offsets, bool scale_grad_by_freq,
                                                         std::int64_t mode, bool, const Tensor& per_sample_weights, bool include_last_offset,
                                                         std::optional<std::int64_t> padding_idx) {
  CT_CHECK(weight.defined() && indices.defined() && offsets.defined(), "embedding_bag: expected a tensor, but weight, indices or offsets is undefined");
  CT_CHECK(weight.dim() == 2, "embedding_bag: 'weight' must be 2-D, but has shape ", weight.sizes());
  for (const Tensor* t : {&indices, &offsets}) {
    CT_CHECK(t->dim() == 1, "embedding_bag: indices and offsets have to be 1D Tensors, but got Tensor of dimension ", t->dim());
    CT_CHECK_TYPE(t->scalar_type() == kLong || t->scalar_type() == kInt, "embedding_bag: Expected tensor for argument 'indices' to have one of the following ",
                  "scalar types: Long, Int; but got ", t->scalar_type(), " instead");
  }
  CT_CHECK_VALUE(mode >= bag_sum && mode <= bag_max, "embedding_bag: mode has to be one of sum, mean or max, got ", mode);
  const Tensor& factors = per_sample_weights;
  if (factors.defined()) {
    CT_CHECK(mode == bag_sum, "embedding_bag: per_sample_weights only supported with mode='sum'");
    CT_CHECK(factors.dim() == 1 && factors.numel() == indices.numel(), "embedding_bag: expected per_sample_weights to be a 1-D tensor with ", indices.numel(),
             " elements, one for each index, but it has shape ", factors.sizes());
    CT_CHECK_TYPE(factors.scalar_type() == weight.scalar_type(), "embedding_bag: expected weight (", weight.scalar_type(), ") and per_sample_weights (",
                  factors.scalar_type(), ") to have the same dtype");
  }
  CT_CHECK(mode != bag_max || !scale_grad_by_freq, "embedding_bag: max mode does not support scaling the gradient by the frequency");
  std::int64_t padding = -1;
  if (padding_idx) {
    const std::int64_t n = weight.size(0);
    CT_CHECK(*padding_idx >= -n && *padding_idx < n, "embedding_bag: padding_idx must be within the number of embeddings, -", n, " through ", n - 1, ", but got ", *padding_idx);
    padding = *padding_idx < 0 ? *padding_idx + n : *padding_idx;
  }
  Tensor index = indices, starts = offsets, used = factors;
  if (include_last_offset) {
    CT_CHECK(offsets.numel() >= 1, "embedding_bag: include_last_offset: number of offset should be at least 1");
    const Tensor last = offsets[-1];
    starts = offsets.slice(0, 0, offsets.numel() - 1);
    if (detail::is_layered(last)) {
      CT_CHECK(!detail::any_nonzero(last.ne(indices.numel())), "embedding_bag: under vmap the last offset must be the number of indices (", indices.numel(), ")");
    } else if (const auto end = last.item<std::int64_t>(); end != indices.numel()) {
      CT_CHECK(end >= 0 && end < indices.numel(), "embedding_bag: offsets[-1] can not be greater than input's length (", indices.numel(), "), but got offsets[-1] of ", end);
      index = indices.slice(0, 0, end);
      if (used.defined()) used = used.slice(0, 0, end);
    }
  }
  std::vector<Tensor> y = apply_multi(embedding_bag_op, BagAttrs{mode, padding, scale_grad_by_freq}, weight, index, starts, used);
  return {y[0], y[1], y[2], y[3]};
}

}  // namespace ct
