// tests/oracle/reduce_oracle.cpp -- what libtorch computes for reductions, scans, order statistics and counts.
#include "oracle/oracle.h"

#include "ops/reduce_attrs.h"

namespace {

using ct::detail::CovAttrs;
using ct::detail::DimAttrs;
using ct::detail::NormAttrs;
using ct::detail::QuantileAttrs;
using ct::detail::ReduceAttrs;
using ct::detail::SearchAttrs;
using ct::detail::VarAttrs;
using oracle::attrs;
using oracle::Inputs;
using oracle::Outputs;

std::vector<std::int64_t> dims(const ReduceAttrs& a, const at::Tensor& x) {
  std::vector<std::int64_t> out;
  for (std::int64_t d = 0; d < x.dim(); ++d)
    if (a.reduces(d)) out.push_back(d);
  return out;
}
const ReduceAttrs& reduce(const void* a) { return attrs<ReduceAttrs>(a); }
const DimAttrs& along(const void* a) { return attrs<DimAttrs>(a); }
std::int64_t first_dim(const void* a, const at::Tensor& x) { return x.dim() ? dims(reduce(a), x)[0] : 0; }
template <class Pair>
Outputs both(const Pair& p) { return {std::get<0>(p), std::get<1>(p)}; }

}  // namespace

CT_ORACLE(reductions) {
  return {
      {"nansum", [](const Inputs& in, const void*) -> Outputs { return {at::nansum(in[0])}; }},
      {"mean", [](const Inputs& in, const void*) -> Outputs { return {at::mean(in[0])}; }},
      Entry("mean.dim", [](const Inputs& in, const void* a) -> Outputs {
        return {at::mean(in[0], dims(reduce(a), in[0]), reduce(a).keepdim)};
      }).graph_differs("libtorch 1.13 frees the list of dims, so a second backward throws although no tensor was saved"),
      {"prod", [](const Inputs& in, const void*) -> Outputs { return {at::prod(in[0])}; }},
      {"prod.dim", [](const Inputs& in, const void* a) -> Outputs { return {at::prod(in[0], first_dim(a, in[0]), reduce(a).keepdim)}; }},
      {"var", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<VarAttrs>(p);
         return {a.reduce.all ? at::var(in[0], a.unbiased) : at::var(in[0], dims(a.reduce, in[0]), a.unbiased, a.reduce.keepdim)};
       }},
      {"std", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<VarAttrs>(p);
         return {a.reduce.all ? at::std(in[0], a.unbiased) : at::std(in[0], dims(a.reduce, in[0]), a.unbiased, a.reduce.keepdim)};
       }},
      {"var_mean", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<VarAttrs>(p);
         return both(a.reduce.all ? at::var_mean(in[0], a.unbiased) : at::var_mean(in[0], dims(a.reduce, in[0]), a.unbiased, a.reduce.keepdim));
       }},
      {"std_mean", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<VarAttrs>(p);
         return both(a.reduce.all ? at::std_mean(in[0], a.unbiased) : at::std_mean(in[0], dims(a.reduce, in[0]), a.unbiased, a.reduce.keepdim));
       }},
      {"norm", [](const Inputs& in, const void* a) -> Outputs { return {at::norm(in[0], attrs<NormAttrs>(a).p)}; }},
      {"norm.dim", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<NormAttrs>(p);
         return {at::norm(in[0], at::Scalar(a.p), dims(a.reduce, in[0]), a.reduce.keepdim)};
       }},
      {"dist", [](const Inputs& in, const void* a) -> Outputs { return {at::dist(in[0], in[1], attrs<NormAttrs>(a).p)}; }},
      {"all", [](const Inputs& in, const void* a) -> Outputs {
         return {reduce(a).dims == 7 ? at::all(in[0]) : at::all(in[0], first_dim(a, in[0]), reduce(a).keepdim)};
       }},
      {"any", [](const Inputs& in, const void* a) -> Outputs {
         return {reduce(a).dims == 7 ? at::any(in[0]) : at::any(in[0], first_dim(a, in[0]), reduce(a).keepdim)};
       }},
      {"count_nonzero", [](const Inputs& in, const void* a) -> Outputs {
         const at::Tensor n = at::count_nonzero(in[0], dims(reduce(a), in[0]));
         return {reduce(a).keepdim ? n.unsqueeze(first_dim(a, in[0])) : n};
       }},
      {"logsumexp", [](const Inputs& in, const void* a) -> Outputs {
         return {at::logsumexp(in[0], in[0].dim() ? dims(reduce(a), in[0]) : std::vector<std::int64_t>{0}, reduce(a).keepdim)};
       }},
      {"softmax", [](const Inputs& in, const void* a) -> Outputs { return {at::softmax(in[0], along(a).dim)}; }},
      {"log_softmax", [](const Inputs& in, const void* a) -> Outputs { return {at::log_softmax(in[0], along(a).dim)}; }},
      {"_softmax_backward_data", [](const Inputs& in, const void* a) -> Outputs {
         return {at::_softmax_backward_data(in[0], in[1], along(a).dim, in[0].scalar_type())};
       }},
      {"_log_softmax_backward_data", [](const Inputs& in, const void* a) -> Outputs {
         return {at::_log_softmax_backward_data(in[0], in[1], along(a).dim, in[0].scalar_type())};
       }},
  };
}

CT_ORACLE(extrema) {
  return {
      {"max", [](const Inputs& in, const void*) -> Outputs { return {at::max(in[0])}; }},
      {"min", [](const Inputs& in, const void*) -> Outputs { return {at::min(in[0])}; }},
      {"max.dim", [](const Inputs& in, const void* a) -> Outputs { return both(at::max(in[0], first_dim(a, in[0]), reduce(a).keepdim)); }},
      {"min.dim", [](const Inputs& in, const void* a) -> Outputs { return both(at::min(in[0], first_dim(a, in[0]), reduce(a).keepdim)); }},
      {"amax", [](const Inputs& in, const void* a) -> Outputs { return {at::amax(in[0], dims(reduce(a), in[0]), reduce(a).keepdim)}; }},
      {"amin", [](const Inputs& in, const void* a) -> Outputs { return {at::amin(in[0], dims(reduce(a), in[0]), reduce(a).keepdim)}; }},
      {"aminmax", [](const Inputs& in, const void* a) -> Outputs {
         return both(reduce(a).dims == 7 ? at::aminmax(in[0]) : at::aminmax(in[0], first_dim(a, in[0]), reduce(a).keepdim));
       }, {}, false},  // libtorch 1.13 has no derivative for it
      {"argmax", [](const Inputs& in, const void* a) -> Outputs { return {at::argmax(in[0], first_dim(a, in[0]), reduce(a).keepdim)}; }},
      {"argmin", [](const Inputs& in, const void* a) -> Outputs { return {at::argmin(in[0], first_dim(a, in[0]), reduce(a).keepdim)}; }},
  };
}

CT_ORACLE(scans) {
  return {
      {"cumsum", [](const Inputs& in, const void* a) -> Outputs { return {at::cumsum(in[0], along(a).dim)}; }},
      {"cumprod", [](const Inputs& in, const void* a) -> Outputs { return {at::cumprod(in[0], along(a).dim)}; }},
      {"_cumprod_backward", oracle::none("a helper of our own; the gradients of cumprod compare it")},
      {"cummax", [](const Inputs& in, const void* a) -> Outputs { return both(at::cummax(in[0], along(a).dim)); }},
      {"cummin", [](const Inputs& in, const void* a) -> Outputs { return both(at::cummin(in[0], along(a).dim)); }},
      {"logcumsumexp", [](const Inputs& in, const void* a) -> Outputs { return {at::logcumsumexp(in[0], along(a).dim)}; }},
      {"_logcumsumexp_backward", oracle::none("a helper of our own; the gradients of logcumsumexp compare it")},
  };
}

CT_ORACLE(order_statistics) {
  return {
      {"sort", [](const Inputs& in, const void* a) -> Outputs { return both(at::sort(in[0], along(a).dim, along(a).flag)); }},
      {"sort.stable", [](const Inputs& in, const void* a) -> Outputs {
         return both(at::sort(in[0], c10::optional<bool>(true), along(a).dim, along(a).flag));
       }},
      {"topk", [](const Inputs& in, const void* a) -> Outputs { return both(at::topk(in[0], along(a).k, along(a).dim, along(a).flag)); }},
      {"kthvalue", [](const Inputs& in, const void* a) -> Outputs {
         return both(at::kthvalue(in[0], along(a).k + 1, along(a).dim, along(a).keepdim));
       }},
      {"median", [](const Inputs& in, const void*) -> Outputs { return {at::median(in[0])}; }},
      {"median.dim", [](const Inputs& in, const void* a) -> Outputs { return both(at::median(in[0], along(a).dim, along(a).keepdim)); }},
      {"mode", [](const Inputs& in, const void* a) -> Outputs { return both(at::mode(in[0], along(a).dim, along(a).keepdim)); }},
      {"quantile", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<QuantileAttrs>(p);
         return {at::quantile(in[0], in[1], a.all ? c10::nullopt : c10::optional<std::int64_t>(a.dim), a.keepdim)};
       }},
      {"searchsorted", [](const Inputs& in, const void* a) -> Outputs {
         return {at::searchsorted(in[0], in[1], false, attrs<SearchAttrs>(a).right)};
       }},
      {"cov", [](const Inputs& in, const void* a) -> Outputs { return {at::cov(in[0], attrs<CovAttrs>(a).correction)}; }},
      {"corrcoef", [](const Inputs& in, const void*) -> Outputs { return {at::corrcoef(in[0])}; }},
      {"diff", [](const Inputs& in, const void* a) -> Outputs { return {at::diff(in[0], along(a).k, along(a).dim)}; }},
      {"trapezoid", [](const Inputs& in, const void* a) -> Outputs {
         return {in.size() == 1 ? at::trapezoid(in[0], 1, along(a).dim) : at::trapezoid(in[0], in[1], along(a).dim)};
       }},
  };
}
