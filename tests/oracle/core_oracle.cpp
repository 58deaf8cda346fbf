// tests/oracle/core_oracle.cpp -- arithmetic, copies, strided looks and sums as libtorch computes them.
#include "oracle/oracle.h"

#include "autograd/elementwise.h"
#include "autograd/node.h"
#include "ops/reduction.h"
#include "ops/view_attrs.h"

using ct::detail::DtypeAttrs;
using ct::detail::ReduceAttrs;
using ct::detail::ScalarAttrs;
using ct::detail::SizesAttrs;
using ct::detail::StridedAttrs;

CT_ORACLE(core) {
  return {
      {"add", [](const Inputs& in, const void* a) -> Outputs { return {at::add(in[0], in[1], number(attrs<ScalarAttrs>(a).s[0]))}; }},
      {"sub", [](const Inputs& in, const void* a) -> Outputs { return {at::sub(in[0], in[1], number(attrs<ScalarAttrs>(a).s[0]))}; }},
      {"mul", [](const Inputs& in, const void*) -> Outputs { return {at::mul(in[0], in[1])}; }},
      {"div", [](const Inputs& in, const void*) -> Outputs { return {at::div(in[0], in[1])}; }},
      {"neg", [](const Inputs& in, const void*) -> Outputs { return {at::neg(in[0])}; }},
      {"reciprocal", [](const Inputs& in, const void*) -> Outputs { return {at::reciprocal(in[0])}; }},

      {"copy_", [](const Inputs& in, const void*) -> Outputs { return {in[0].clone().copy_(in[1])}; }},
      {"clone", [](const Inputs& in, const void*) -> Outputs { return {in[0].clone()}; }},
      {"to", [](const Inputs& in, const void* a) -> Outputs { return {in[0].to(type_of(attrs<DtypeAttrs>(a).dtype), false, true)}; }},
      {"fill_", [](const Inputs& in, const void* a) -> Outputs { return {in[0].clone().fill_(number(attrs<ScalarAttrs>(a).s[0]))}; }},
      {"fill_.Tensor", [](const Inputs& in, const void*) -> Outputs { return {in[0].clone().fill_(in[1])}; }},
      {"zero_", [](const Inputs& in, const void*) -> Outputs { return {in[0].clone().zero_()}; }},

      {"as_strided", [](const Inputs& in, const void* a) -> Outputs {
         const auto& v = attrs<StridedAttrs>(a).view;
         return {at::as_strided(in[0], sizes(v.size_list()), sizes(v.stride_list()), v.offset + in[0].storage_offset())};
       }},
      {"view", [](const Inputs& in, const void* a) -> Outputs { return {in[0].view(sizes(attrs<SizesAttrs>(a).sizes))}; }},
      {"expand", [](const Inputs& in, const void* a) -> Outputs { return {in[0].expand(sizes(attrs<SizesAttrs>(a).sizes))}; }},

      {"sum", [](const Inputs& in, const void*) -> Outputs { return {at::sum(in[0])}; }},
      {"sum.dim", [](const Inputs& in, const void* a) -> Outputs {
         const auto& r = attrs<ReduceAttrs>(a);
         std::vector<std::int64_t> dims;
         for (std::int64_t d = 0; d < in[0].dim(); ++d)
           if (r.reduces(d)) dims.push_back(d);
         return {at::sum(in[0], dims, r.keepdim)};
       }},
  };
}
