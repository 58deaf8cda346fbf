// tests/oracle/linalg_oracle.cpp -- products, decompositions and solvers as libtorch computes them.
#include "ops/linalg.h"

#include "oracle/oracle.h"

#include "ops/reduce_attrs.h"
#include "ops/view_attrs.h"

using namespace ct::detail;

namespace {

at::Scalar beta(const void* a) { return oracle::number(oracle::attrs<ScalarAttrs>(a).s[0]); }
at::Scalar alpha(const void* a) { return oracle::number(oracle::attrs<ScalarAttrs>(a).s[1]); }
// Sums in another order, products of several factors: a few more units in the last place.
constexpr oracle::Tolerance loose{1e-9, 5e-4};

}  // namespace

CT_ORACLE(linalg) {
  return {
      {"mm", [](const Inputs& in, const void*) -> Outputs { return {at::mm(in[0], in[1])}; }, loose},
      {"mv", [](const Inputs& in, const void*) -> Outputs { return {at::mv(in[0], in[1])}; }, loose},
      {"dot", [](const Inputs& in, const void*) -> Outputs { return {at::dot(in[0], in[1])}; }, loose},
      {"vdot", [](const Inputs& in, const void*) -> Outputs { return {at::vdot(in[0], in[1])}; }, loose},
      {"bmm", [](const Inputs& in, const void*) -> Outputs { return {at::bmm(in[0], in[1])}; }, loose},
      {"addmm", [](const Inputs& in, const void* a) -> Outputs { return {at::addmm(in[0], in[1], in[2], beta(a), alpha(a))}; }, loose},
      {"addmv", [](const Inputs& in, const void* a) -> Outputs { return {at::addmv(in[0], in[1], in[2], beta(a), alpha(a))}; }, loose},
      {"baddbmm", [](const Inputs& in, const void* a) -> Outputs { return {at::baddbmm(in[0], in[1], in[2], beta(a), alpha(a))}; }, loose},
      {"_unsafe_view", [](const Inputs& in, const void* a) -> Outputs { return {at::_unsafe_view(in[0], sizes(attrs<SizesAttrs>(a).sizes))}; }},
      {"linalg_cross", [](const Inputs& in, const void* a) -> Outputs { return {at::linalg_cross(in[0], in[1], attrs<CrossAttrs>(a).dim)}; }},
      // libtorch 1.13's own gradient of trace is wrong for tall matrices: it wraps around to a second diagonal.
      Entry("trace", [](const Inputs& in, const void*) -> Outputs { return {at::diagonal(in[0]).sum()}; }).graph_differs("composed, see above"),

      {"linalg_vector_norm", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<NormAttrs>(p);
         std::vector<std::int64_t> dims;
         for (std::int64_t d = 0; d < in[0].dim(); ++d)
           if (a.reduce.reduces(d)) dims.push_back(d);
         return {at::linalg_vector_norm(in[0], a.p, at::IntArrayRef(dims), a.reduce.keepdim)};
       }, loose},
      {"linalg_inv", [](const Inputs& in, const void*) -> Outputs { return {at::linalg_inv(in[0])}; }, loose},
      {"linalg_solve", [](const Inputs& in, const void* a) -> Outputs { return {at::linalg_solve(in[0], in[1], attrs<SolveAttrs>(a).left)}; }, loose},
      {"linalg_solve_triangular", [](const Inputs& in, const void* a) -> Outputs {
         const auto& t = attrs<TriangularAttrs>(a);
         return {at::linalg_solve_triangular(in[0], in[1], t.upper, t.left, t.unit)};
       }, loose},
      {"linalg_det", [](const Inputs& in, const void*) -> Outputs { return {at::linalg_det(in[0])}; }, loose},
      {"linalg_slogdet", [](const Inputs& in, const void*) -> Outputs {
         auto y = at::linalg_slogdet(in[0]);
         return {std::get<0>(y), std::get<1>(y)};
       }, loose},
      {"linalg_cholesky", [](const Inputs& in, const void* a) -> Outputs { return {at::linalg_cholesky(in[0], attrs<UpperAttrs>(a).upper)}; }, loose},

      {"linalg_qr", [](const Inputs& in, const void* a) -> Outputs {
         constexpr const char* modes[] = {"reduced", "complete", "r"};
         auto y = at::linalg_qr(in[0], modes[static_cast<int>(attrs<QrAttrs>(a).mode)]);
         return {std::get<0>(y), std::get<1>(y)};
       }, {1e-8, 2e-3}},
      {"linalg_eigh", [](const Inputs& in, const void* a) -> Outputs {
         auto y = at::linalg_eigh(in[0], attrs<EighAttrs>(a).upper ? "U" : "L");
         return {std::get<0>(y), std::get<1>(y)};
       }, {1e-8, 2e-3}},
      Entry("linalg_eig", [](const Inputs& in, const void*) -> Outputs {
         auto y = at::linalg_eig(in[0]);
         return {at::real(std::get<0>(y)), at::real(std::get<1>(y))};
       }, {1e-8, 2e-3}).graph_differs("its eigenvalues are complex: the real part is one more node"),
      {"linalg_svd", [](const Inputs& in, const void* a) -> Outputs {
         auto y = at::linalg_svd(in[0], attrs<SvdAttrs>(a).full);
         return {std::get<0>(y), std::get<1>(y), std::get<2>(y)};
       }, {1e-8, 2e-3}},
      {"linalg_pinv", [](const Inputs& in, const void* a) -> Outputs { return {at::linalg_pinv(in[0], attrs<PinvAttrs>(a).rtol)}; }, {1e-8, 2e-3}},
      Entry("linalg_lstsq", [](const Inputs& in, const void* a) -> Outputs {
         const bool vector = attrs<LstsqAttrs>(a).vector;  // whose backward fails in libtorch 1.13
         auto y = at::linalg_lstsq(in[0], vector ? in[1].unsqueeze(-1) : in[1]);
         return {vector ? std::get<0>(y).squeeze(-1) : std::get<0>(y), std::get<2>(y)};
       }, {1e-8, 2e-3}).graph_differs("vectors are columns there, see above"),
      {"linalg_matrix_exp", [](const Inputs& in, const void*) -> Outputs { return {at::linalg_matrix_exp(in[0])}; }, loose},
  };
}
