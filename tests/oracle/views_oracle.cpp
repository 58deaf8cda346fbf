// tests/oracle/views_oracle.cpp -- views, joins, indexing, scattering and triangles as libtorch computes them.
#include "oracle/oracle.h"

#include "ops/view_attrs.h"

namespace {

using namespace ct::detail;
using Longs = std::vector<std::int64_t>;

Longs list(const DimList& d) { return {d.v, d.v + d.n}; }
const std::int64_t* row(const void* a) { return static_cast<const std::int64_t*>(a); }

// Indices from `first` on, at the dims that the attributes name.
c10::List<c10::optional<at::Tensor>> indices(const oracle::Inputs& in, std::size_t first, const IndexAttrs& a) {
  c10::List<c10::optional<at::Tensor>> out;
  for (int k = 0, dim = 0; k < a.n; ++k) {
    for (; dim < a.dims[k]; ++dim) out.push_back(c10::nullopt);
    const at::Tensor& t = in[first + static_cast<std::size_t>(k)];
    out.push_back(t);
    dim += t.scalar_type() == at::kBool ? static_cast<int>(t.dim()) : 1;
  }
  // A mask stands for several dims, but is one entry of libtorch's list.
  return out;
}

}  // namespace

CT_ORACLE(dims) {
  return {
      {"transpose", [](const Inputs& in, const void* a) -> Outputs { return {at::transpose(in[0], attrs<DimPair>(a).dim0, attrs<DimPair>(a).dim1)}; }},
      {"t", [](const Inputs& in, const void*) -> Outputs { return {at::t(in[0])}; }},
      {"permute", [](const Inputs& in, const void* a) -> Outputs { return {at::permute(in[0], list(attrs<DimList>(a)))}; }},
      {"unsqueeze", [](const Inputs& in, const void* a) -> Outputs { return {at::unsqueeze(in[0], attrs<DimAttrs>(a).dim)}; }},
      {"squeeze", [](const Inputs& in, const void*) -> Outputs { return {at::squeeze(in[0])}; }},
      {"squeeze.dim", [](const Inputs& in, const void* a) -> Outputs { return {at::squeeze(in[0], attrs<DimAttrs>(a).dim)}; }},
      {"contiguous", [](const Inputs& in, const void*) -> Outputs { return {in[0].clone(at::MemoryFormat::Contiguous)}; }},
      {"alias", [](const Inputs& in, const void*) -> Outputs { return {at::alias(in[0])}; }},
  };
}

CT_ORACLE(parts) {
  return {
      {"select", [](const Inputs& in, const void* a) -> Outputs { return {at::select(in[0], attrs<SelectAttrs>(a).dim, attrs<SelectAttrs>(a).index)}; }},
      {"slice", [](const Inputs& in, const void* a) -> Outputs {
         const auto& s = attrs<SliceAttrs>(a);
         return {at::slice(in[0], s.dim, s.start, std::min(s.start + s.length * s.step, in[0].size(s.dim)), s.step)};
       }},
      {"diagonal", [](const Inputs& in, const void* a) -> Outputs {
         const auto& d = attrs<DiagonalAttrs>(a);
         return {at::diagonal(in[0], d.offset, d.dim1, d.dim2)};
       }},
      {"unfold", [](const Inputs& in, const void* a) -> Outputs {
         const auto& w = attrs<WindowAttrs>(a);
         return {in[0].unfold(w.dim, w.size, w.step)};
       }},
      {"select_backward", [](const Inputs& in, const void* a) -> Outputs {
         const auto& b = attrs<BackAttrs<SelectAttrs>>(a);
         return {at::select_backward(in[0], sizes(b.x), b.look.dim, b.look.index)};
       }},
      {"slice_backward", [](const Inputs& in, const void* a) -> Outputs {
         const auto& b = attrs<BackAttrs<SliceAttrs>>(a);
         return {at::slice_backward(in[0], sizes(b.x), b.look.dim, b.look.start, std::min(b.look.start + b.look.length * b.look.step, b.x.v[b.look.dim]),
                                    b.look.step)};
       }},
      {"diagonal_backward", [](const Inputs& in, const void* a) -> Outputs {
         const auto& b = attrs<BackAttrs<DiagonalAttrs>>(a);
         return {at::diagonal_backward(in[0], sizes(b.x), b.look.offset, b.look.dim1, b.look.dim2)};
       }},
      {"unfold_backward", [](const Inputs& in, const void* a) -> Outputs {
         const auto& b = attrs<BackAttrs<WindowAttrs>>(a);
         return {at::unfold_backward(in[0], sizes(b.x), b.look.dim, b.look.size, b.look.step)};
       }},
      {"split", [](const Inputs& in, const void* a) -> Outputs { return at::split(in[0], attrs<SplitAttrs>(a).size, attrs<SplitAttrs>(a).dim); }},
      {"split_with_sizes", [](const Inputs& in, const void* a) -> Outputs {
         return at::split_with_sizes(in[0], Longs(row(a) + 2, row(a) + 2 + row(a)[1]), row(a)[0]);
       }},
      {"unbind", [](const Inputs& in, const void* a) -> Outputs { return at::unbind(in[0], attrs<DimAttrs>(a).dim); }},
  };
}

CT_ORACLE(joins) {
  return {
      {"cat", [](const Inputs& in, const void* a) -> Outputs { return {at::cat(in, row(a)[0])}; }},
      {"stack", [](const Inputs& in, const void* a) -> Outputs { return {at::stack(in, attrs<DimAttrs>(a).dim)}; }},
      {"block_diag", [](const Inputs& in, const void*) -> Outputs { return {at::block_diag(in)}; }},
      {"flip", [](const Inputs& in, const void* a) -> Outputs { return {at::flip(in[0], list(attrs<DimList>(a)))}; }},
      {"roll", [](const Inputs& in, const void* a) -> Outputs {
         const auto& r = attrs<RollAttrs>(a);
         return {at::roll(in[0], Longs(r.shifts, r.shifts + std::max(1, int{r.dims.n})), list(r.dims))};
       }},
      {"rot90", [](const Inputs& in, const void* a) -> Outputs {
         const auto& r = attrs<Rot90Attrs>(a);
         return {at::rot90(in[0], r.k, {r.dim0, r.dim1})};
       }},
      {"repeat", [](const Inputs& in, const void* a) -> Outputs { return {in[0].repeat(sizes(attrs<SizesAttrs>(a).sizes))}; }},
  };
}

CT_ORACLE(indexing) {
  return {
      {"index_select", [](const Inputs& in, const void* a) -> Outputs { return {at::index_select(in[0], attrs<DimAttrs>(a).dim, in[1])}; }},
      {"index_add", [](const Inputs& in, const void* a) -> Outputs {
         const auto& s = attrs<DimAlphaAttrs>(a);
         return {at::index_add(in[0], s.dim, in[2], in[1], number(s.alpha))};
       }},
      {"index_copy", [](const Inputs& in, const void* a) -> Outputs { return {at::index_copy(in[0], attrs<DimAttrs>(a).dim, in[2], in[1])}; }},
      {"index_fill", [](const Inputs& in, const void* a) -> Outputs {
         return {at::index_fill(in[0], attrs<DimValueAttrs>(a).dim, in[1], number(attrs<DimValueAttrs>(a).value))};
       }},
      {"index", [](const Inputs& in, const void* a) -> Outputs { return {at::index(in[0], indices(in, 1, attrs<IndexAttrs>(a)))}; }},
      {"index_put", [](const Inputs& in, const void* a) -> Outputs {
         return {at::index_put(in[0], indices(in, 2, attrs<IndexAttrs>(a)), in[1], attrs<IndexAttrs>(a).accumulate)};
       }},
      {"take", [](const Inputs& in, const void*) -> Outputs { return {at::take(in[0], in[1])}; }},
      {"gather", [](const Inputs& in, const void* a) -> Outputs { return {at::gather(in[0], attrs<DimAttrs>(a).dim, in[1])}; }},
      {"scatter", [](const Inputs& in, const void* a) -> Outputs { return {at::scatter(in[0], attrs<DimAttrs>(a).dim, in[2], in[1])}; }},
      {"scatter.value", [](const Inputs& in, const void* a) -> Outputs {
         return {at::scatter(in[0], attrs<DimValueAttrs>(a).dim, in[1], number(attrs<DimValueAttrs>(a).value))};
       }},
      {"scatter_add", [](const Inputs& in, const void* a) -> Outputs { return {at::scatter_add(in[0], attrs<DimAttrs>(a).dim, in[2], in[1])}; }},
      {"masked_fill", [](const Inputs& in, const void* a) -> Outputs { return {at::masked_fill(in[0], in[1], number(attrs<ValueAttrs>(a).value))}; }},
      {"masked_fill.Tensor", [](const Inputs& in, const void*) -> Outputs { return {at::masked_fill(in[0], in[2], in[1])}; }},
      {"masked_select", [](const Inputs& in, const void*) -> Outputs { return {at::masked_select(in[0], in[1])}; }},
      {"masked_scatter", [](const Inputs& in, const void*) -> Outputs { return {at::masked_scatter(in[0], in[2], in[1])}; }},
  };
}

CT_ORACLE(triangles) {
  return {
      {"tril", [](const Inputs& in, const void* a) -> Outputs { return {at::tril(in[0], attrs<TriangleAttrs>(a).diagonal)}; }},
      {"triu", [](const Inputs& in, const void* a) -> Outputs { return {at::triu(in[0], attrs<TriangleAttrs>(a).diagonal)}; }},
      {"diagonal_copy", [](const Inputs& in, const void* a) -> Outputs {
         const auto& d = attrs<DiagonalAttrs>(a);
         return {at::diagonal_copy(in[0], d.offset, d.dim1, d.dim2)};
       }},
      {"diag_embed", [](const Inputs& in, const void* a) -> Outputs {
         const auto& d = attrs<DiagonalAttrs>(a);
         return {at::diag_embed(in[0], d.offset, d.dim1, d.dim2)};
       }},
      Entry("fill_diagonal_", [](const Inputs& in, const void* a) -> Outputs {
        return {in[0].clone().fill_diagonal_(number(attrs<ValueAttrs>(a).value))};
      }).graph_differs("libtorch writes through a view of the diagonal; here it is one node"),
  };
}
