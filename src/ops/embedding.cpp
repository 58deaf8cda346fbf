// ops/embedding.cpp -- rows of a table, looked up by number.
#include "cotangent/ops/embedding.h"

#include "ops/index_places.h"
#include "ops/op_list.h"
#include "ops/rules.h"

namespace ct {

namespace {

struct EmbeddingAttrs {
  std::int64_t padding_idx = -1;  // its row gets no gradient; negative: none
  bool by_freq = false;           // a row's gradient is divided by how often it was looked up
};

// [.., D] for numbers [..] in a table [V, D]; linear in the table
constexpr Op embedding_op{
    .name = "embedding",
    .node = "EmbeddingBackward0",
    .kind = OpKind::linear,
    .formula = "dweight = index_add(0, 0, indices, g), without the rows at padding_idx",
    .forward = [](const Call& c) {
      const Tensor &weight = c.x(0), &indices = c.x(1);
      CT_CHECK(weight.dim() == 2, "embedding: 'weight' must be 2-D, but has shape ", weight.sizes());
      std::vector<std::int64_t> sizes(indices.sizes().begin(), indices.sizes().end());
      sizes.push_back(weight.size(1));
      return weight.index_select(0, indices.flatten()).view(sizes);
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      const auto& a = s.attrs<EmbeddingAttrs>();
      const IntArrayRef sizes = s.sizes(0);
      const Tensor index = s.x(1).to(kLong).flatten();
      Tensor rows = g.reshape({index.numel(), sizes[1]});
      if (a.padding_idx >= 0) rows = rows.masked_fill(index.eq(a.padding_idx).unsqueeze(1), 0);
      if (a.by_freq) {
        const Tensor count = zeros({sizes[0]}, g.scalar_type()).index_add(0, index, ones({index.numel()}, g.scalar_type()));
        rows = rows / count.index_select(0, index).unsqueeze(1);
      }
      return index_add(zeros(sizes, g.scalar_type()), 0, index, rows);
    },
    .batch = [](const Batch& b) {
      auto a = b.attrs<EmbeddingAttrs>();
      if (!b.batched(0) && !a.by_freq) return apply_with(b.op, a, b.value(0), b.value(1));
      CT_CHECK(b.dim(0) == 2, "embedding: 'weight' must be 2-D, but has shape ", b.sizes(0));
      // The tables one below the other, each entry with numbers of its own.
      const Tensor weight = b.x(0), index = b.x(1).to(kLong);
      const std::int64_t rows = weight.size(1);
      CT_CHECK_INDEX(!detail::any_nonzero(index.lt(0).logical_or(index.ge(rows))), "embedding: index out of range in self");
      std::vector<std::int64_t> first(static_cast<std::size_t>(index.dim()), 1);
      first[0] = b.size;
      const Tensor y = apply_with(b.op, EmbeddingAttrs{-1, a.by_freq}, weight.reshape({b.size * rows, weight.size(2)}),
                                  index + (arange(b.size) * rows).view(first));
      return a.padding_idx < 0 ? y : where(index.eq(a.padding_idx).unsqueeze(-1), y.detach(), y);
    },
    .save = {X(1)},
    .save_shapes = true,
    .dtypes = Dtypes::all,
    .nondiff = 2,
    .samples = [](SampleSink& call) {  // without padding and frequencies, whose gradients are by definition no derivatives
      const Tensor index = ct::tensor({{1, 0, 3}, {1, 2, 1}});
      call({call.uniform({4, 3}), index}, EmbeddingAttrs{});
      call({call.uniform({4, 3}), ct::scalar_tensor(2, kLong)}, EmbeddingAttrs{});
    },
};

}  // namespace

std::span<const Op* const> embedding_ops() {
  static constexpr const Op* ops[] = {&embedding_op};
  return ops;
}

Tensor embedding(const Tensor& weight, const Tensor& indices, std::int64_t padding_idx, bool scale_grad_by_freq) {
  CT_CHECK(weight.defined() && indices.defined(), "embedding: expected a tensor, but weight or indices is undefined");
  CT_CHECK_TYPE(indices.scalar_type() == kLong || indices.scalar_type() == kInt,
                "embedding: Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got ",
                indices.scalar_type(), " instead");
  return apply_with(embedding_op, EmbeddingAttrs{padding_idx, scale_grad_by_freq}, weight, indices);
}

}  // namespace ct
