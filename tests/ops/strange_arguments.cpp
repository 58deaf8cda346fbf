// tests/ops/strange_arguments.cpp -- public functions on every combination of unfit tensors, dims and indices: a result or
// ct::Error, never a crash; the inputs stay as they were. Sanitizers watch.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "cotangent/autograd.h"

using ct::Tensor;

namespace {

struct Unary { const char* name; void (*run)(const Tensor& x); };
struct Binary { const char* name; void (*run)(const Tensor& x, const Tensor& y); };
struct WithDim { const char* name; void (*run)(const Tensor& x, std::int64_t d, std::int64_t k); };
struct WithIndex { const char* name; void (*run)(const Tensor& x, std::int64_t d, const Tensor& index); };

#define U(name) {#name, [](const Tensor& x) { (void)ct::name(x); }}
const Unary unary[] = {
    U(sum), U(mean), U(prod), U(var), U(std), U(max), U(min), U(amax), U(amin), U(argmax), U(argmin), U(norm), U(all), U(any), U(nansum),
    U(median), U(count_nonzero), U(bincount), U(nonzero), U(t), U(trace), U(det), U(logdet), U(slogdet), U(inverse), U(pinverse), U(matrix_exp),
    U(tril), U(triu), U(diag), U(diag_embed), U(flatten), U(squeeze), U(cov), U(corrcoef), U(diff), U(trapezoid), U(sort), U(argsort), U(mode),
    U(exp), U(sigmoid), U(relu), U(bitwise_not), U(logical_not), U(linalg_cholesky), U(linalg_eigh), U(linalg_eigvalsh), U(linalg_svd), U(linalg_qr),
    U(linalg_inv), U(linalg_det), U(histc), U(atleast_2d),
    {"T", [](const Tensor& x) { (void)x.T(); }}, {"mT", [](const Tensor& x) { (void)x.mT(); }}, {"item", [](const Tensor& x) { (void)x.item(); }},
    {"is_nonzero", [](const Tensor& x) { (void)x.is_nonzero(); }}, {"contiguous", [](const Tensor& x) { (void)x.contiguous(); }},
    {"to int", [](const Tensor& x) { (void)x.to(ct::kInt); }}, {"view", [](const Tensor& x) { (void)x.view({-1}); }},
    {"view 3", [](const Tensor& x) { (void)x.view({3, -1}); }}, {"reshape", [](const Tensor& x) { (void)x.reshape({2, -1}); }},
    {"reshape 0", [](const Tensor& x) { (void)x.reshape({0, -1}); }}, {"view dtype", [](const Tensor& x) { (void)x.view(ct::kByte); }},
    {"view wider", [](const Tensor& x) { (void)x.view(ct::kDouble); }}, {"repeat", [](const Tensor& x) { (void)x.repeat({2}); }},
    {"repeat -1", [](const Tensor& x) { (void)x.repeat({-1, 2, 2}); }}, {"tile", [](const Tensor& x) { (void)x.tile({2, 2}); }},
    {"backward", [](const Tensor& x) { x.backward(); }}, {"detach_", [](const Tensor& x) { (void)x.clone().detach_(); }},
    {"requires_grad_", [](const Tensor& x) { x.clone().requires_grad_(false); }},
    {"fill_diagonal_", [](const Tensor& x) { (void)x.clone().fill_diagonal_(1); }}, {"resize_", [](const Tensor& x) { (void)x.clone().resize_({2, 2}); }},
    {"matrix_power", [](const Tensor& x) { (void)x.matrix_power(3); }}, {"matrix_power -1", [](const Tensor& x) { (void)x.matrix_power(-1); }},
    {"normal_", [](const Tensor& x) { (void)x.clone().normal_(); }}, {"multinomial", [](const Tensor& x) { (void)ct::multinomial(x, 2); }},
    {"bernoulli", [](const Tensor& x) { (void)ct::bernoulli(x); }}, {"poisson", [](const Tensor& x) { (void)ct::poisson(x); }},
    {"print", [](const Tensor& x) { (void)ct::to_string(x); }}, {"unique", [](const Tensor& x) { (void)ct::_unique2(x); }},
    {"quantile", [](const Tensor& x) { (void)ct::quantile(x, 0.5); }}, {"quantile 2", [](const Tensor& x) { (void)ct::quantile(x, 2.0); }},
    {"[0]", [](const Tensor& x) { (void)x[0]; }}, {"[-4]", [](const Tensor& x) { (void)x[-4]; }}, {"[9]", [](const Tensor& x) { (void)x[9]; }},
    {"[0] = 1", [](const Tensor& x) { x.clone()[0] = 1.0; }},
};

#define B(name) {#name, [](const Tensor& x, const Tensor& y) { (void)ct::name(x, y); }}
#define I(name) {#name, [](const Tensor& x, const Tensor& y) { (void)x.clone().name(y); }}
const Binary binary[] = {
    B(add), B(sub), B(mul), B(div), B(pow), B(fmod), B(remainder), B(floor_divide), B(atan2), B(maximum), B(eq), B(logical_and), B(bitwise_and),
    B(bitwise_left_shift), B(xlogy), B(hypot), B(matmul), B(mm), B(mv), B(bmm), B(dot), B(vdot), B(inner), B(outer), B(kron), B(cross), B(dist), B(allclose),
    B(equal), B(masked_select), B(take), B(linalg_solve), B(searchsorted), B(bucketize), B(bincount), B(heaviside), B(isclose), B(result_type),
    I(add_), I(sub_), I(mul_), I(div_), I(pow_), I(remainder_), I(eq_), I(copy_), I(bitwise_and_), I(fill_), I(logical_or_), I(bernoulli_),
    {"where", [](const Tensor& x, const Tensor& y) { (void)ct::where(x, y, y); }}, {"where 2", [](const Tensor& x, const Tensor& y) { (void)ct::where(y > 0, x, y); }},
    {"cat", [](const Tensor& x, const Tensor& y) { (void)ct::cat({x, y}); }}, {"cat 1", [](const Tensor& x, const Tensor& y) { (void)ct::cat({x, y}, 1); }},
    {"stack", [](const Tensor& x, const Tensor& y) { (void)ct::stack({x, y}, -1); }}, {"addmm", [](const Tensor& x, const Tensor& y) { (void)ct::addmm(x, y, y); }},
    {"addmv", [](const Tensor& x, const Tensor& y) { (void)ct::addmv(x, y, x); }}, {"baddbmm", [](const Tensor& x, const Tensor& y) { (void)ct::baddbmm(x, y, y); }},
    {"tensordot", [](const Tensor& x, const Tensor& y) { (void)ct::tensordot(x, y, {0}, {0}); }}, {"lerp", [](const Tensor& x, const Tensor& y) { (void)ct::lerp(x, y, y); }},
    {"masked_fill", [](const Tensor& x, const Tensor& y) { (void)ct::masked_fill(x, y, 2.0); }},
    {"masked_scatter", [](const Tensor& x, const Tensor& y) { (void)ct::masked_scatter(x, y, x); }},
    {"masked_scatter 2", [](const Tensor& x, const Tensor& y) { (void)ct::masked_scatter(x, x > 0, y); }},
    {"x[y]", [](const Tensor& x, const Tensor& y) { (void)x[y]; }}, {"index", [](const Tensor& x, const Tensor& y) { (void)x.index({y, 0}); }},
    {"index_put_", [](const Tensor& x, const Tensor& y) { (void)x.clone().index_put_({y}, 5.0); }},
    {"index_put_ tensor", [](const Tensor& x, const Tensor& y) { (void)x.clone().index_put_({y}, x); }},
    {"set_grad", [](const Tensor& x, const Tensor& y) { x.clone().set_grad(y); }}, {"expand_as", [](const Tensor& x, const Tensor& y) { (void)x.expand_as(y); }},
    {"view_as", [](const Tensor& x, const Tensor& y) { (void)x.view_as(y); }}, {"sum_to_size", [](const Tensor& x, const Tensor& y) { (void)x.sum_to_size(y.sizes()); }},
    {"backward", [](const Tensor& x, const Tensor& y) { (x * 2.0).backward(y); }}, {"grad", [](const Tensor& x, const Tensor& y) { (void)ct::autograd::grad({x * 2.0}, {y}); }},
    {"scatter_add mask", [](const Tensor& x, const Tensor& y) { (void)ct::scatter_add(x, 0, y, x); }},
    {"repeat_interleave", [](const Tensor& x, const Tensor& y) { (void)ct::repeat_interleave(x, y, 0); }},
    {"quantile", [](const Tensor& x, const Tensor& y) { (void)ct::quantile(x, y); }}, {"clamp", [](const Tensor& x, const Tensor& y) { (void)ct::clamp(x, y, y); }},
};

#define D(name) {#name, [](const Tensor& x, std::int64_t d, std::int64_t) { (void)ct::name(x, d); }}
#define DK(name, call) {name, []([[maybe_unused]] const Tensor& x, [[maybe_unused]] std::int64_t d, [[maybe_unused]] std::int64_t k) { (void)(call); }}
const WithDim with_dim[] = {
    D(prod), D(max), D(min), D(argmax), D(argmin), D(all), D(any), D(softmax), D(log_softmax), D(cumsum), D(cumprod), D(cummax), D(cummin), D(logcumsumexp),
    D(sort), D(argsort), D(median), D(mode), D(unsqueeze), D(squeeze), D(unbind), D(flatten), D(count_nonzero), D(unique_dim), D(tril), D(triu), D(diag),
    DK("sum", x.sum({d})), DK("mean", x.mean({d})), DK("var", x.var({d})), DK("amax", x.amax({d})), DK("logsumexp", ct::logsumexp(x, {d})),
    DK("sum twice", x.sum({d, k})), DK("transpose", x.transpose(d, k)), DK("permute", x.permute({d, k})), DK("movedim", x.movedim(d, k)),
    DK("select", x.select(d, k)), DK("narrow", x.narrow(d, k, 2)), DK("narrow -1", x.narrow(d, 0, k)), DK("slice", x.slice(d, k, 3, 1)),
    DK("slice step", x.slice(d, 0, 9, k)), DK("split", x.split(k, d)), DK("chunk", x.chunk(k, d)), DK("tensor_split", x.tensor_split(k > 9 ? 9 : k, d)),
    DK("split sizes", x.split({k, 1}, d)), DK("flip", x.flip({d, k})), DK("roll", x.roll({k}, {d})), DK("unfold", x.unfold(d, k, 1)),
    DK("unfold step", x.unfold(d, 2, k)), DK("topk", x.topk(k, d)), DK("kthvalue", x.kthvalue(k, d)), DK("diagonal", x.diagonal(k, d, 0)),
    DK("diag_embed", x.diag_embed(k, d, 0)), DK("repeat_interleave", x.repeat_interleave(k, d)), DK("rot90", x.rot90(k, {d, 0})),
    DK("diff", ct::diff(x, k, d)), DK("expand", x.expand({d, k})), DK("view", x.view({d, k})), DK("size", x.size(d)), DK("unflatten", x.unflatten(d, {k, -1})),
    DK("norm", ct::norm(x, k, {d})), DK("quantile", ct::quantile(x, 0.3, d)), DK("cumsum_", x.clone().cumsum_(d)), DK("transpose_", x.clone().transpose_(d, k)),
    DK("unsqueeze_", x.clone().unsqueeze_(d)), DK("squeeze_", x.clone().squeeze_(d)), DK("as_strided", ct::as_strided(x, {3, 2}, {d, k})),
    DK("as_strided offset", ct::as_strided(x, {2}, {1}, k < 9 && k > -9 && d < 9 && d > -9 ? d * 4 + k : d)), DK("x[d][k]", x[d][k]), DK("index", x.index({d, ct::indexing::Slice(k, 7)})),
    DK("index none", x.index({ct::indexing::None, "...", d})), DK("normal_", x.clone().normal_(0, static_cast<double>(k))),
    DK("random_", x.clone().random_(k, d)),
};

#define X(name, call) {name, [](const Tensor& x, [[maybe_unused]] std::int64_t d, const Tensor& index) { (void)(call); }}
const WithIndex with_index[] = {
    X("index_select", x.index_select(d, index)), X("gather", x.gather(d, index)), X("take_along_dim", x.take_along_dim(index, d)),
    X("scatter", x.scatter(d, index, x)), X("scatter value", x.scatter(d, index, 1.0)), X("scatter_add", x.scatter_add(d, index, x)),
    X("index_add", x.index_add(d, index, x)), X("index_copy", x.index_copy(d, index, x)), X("index_fill", x.index_fill(d, index, 1.0)),
    X("scatter_", x.clone().scatter_(d, index, 2.0)), X("index_add_", x.clone().index_add_(d, index, x)), X("take", x.take(index)),
};
#undef U
#undef B
#undef I
#undef D
#undef DK
#undef X

// Tensors of many shapes, dtypes and layouts; also none.
std::vector<Tensor> zoo() {
  std::vector<Tensor> out{Tensor()};
  for (const std::vector<std::int64_t>& shape : std::vector<std::vector<std::int64_t>>{{}, {0}, {1}, {3}, {2, 3}, {3, 3}, {0, 3}, {2, 3, 3}, {1, 2, 1, 2}})
    for (ct::ScalarType t : {ct::kFloat, ct::kDouble, ct::kLong, ct::kBool, ct::kBFloat16}) out.push_back(ct::ones(shape, t));
  out.push_back(ct::ones({3, 2}).t());
  out.push_back(ct::ones({1}).expand({3}));
  out.push_back(ct::ones({2, 3}, ct::requires_grad()));
  out.push_back(ct::ones({3, 3}, ct::dtype(ct::kDouble).requires_grad(true)) * 2.0);
  return out;
}

int results = 0, errors = 0;
template <class F>
void attempt(const std::string& what, const F& f) {
  static const bool trace = std::getenv("CT_OP_TRACE") != nullptr;  // names what runs, to find a crash
  if (trace) std::fprintf(stderr, "%s\n", what.c_str());
  try {
    f();
    ++results;
  } catch (const ct::Error& e) {
    ++errors;
    CHECK_MESSAGE(std::string(e.what()).find("internal error") == std::string::npos, what, ": ", std::string(e.what()));
  } catch (const std::exception& e) {
    FAIL_CHECK(what << " throws something else than ct::Error: " << std::string(e.what()));
  }
}
std::string text(const Tensor& t) {
  if (!t.defined()) return "undefined";
  std::string out = ct::toString(t.scalar_type());
  for (std::int64_t s : t.sizes()) out += " " + std::to_string(s);
  return out;
}

}  // namespace

TEST_CASE("strange arguments give results or errors") {
  ct::set_warning_handler([](std::string_view) {});
  const std::vector<Tensor> tensors = zoo();
  std::vector<std::int64_t> versions;
  for (const Tensor& t : tensors) versions.push_back(t.defined() ? t._version() : 0);
  for (const Tensor& x : tensors) {
    for (const Unary& f : unary) attempt(std::string(f.name) + "(" + text(x) + ")", [&] { f.run(x); });
    for (const Tensor& y : tensors)
      for (const Binary& f : binary) attempt(std::string(f.name) + "(" + text(x) + "; " + text(y) + ")", [&] { f.run(x, y); });
    for (std::int64_t d : {INT64_MIN, std::int64_t{-2}, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, std::int64_t{2}, std::int64_t{8}})
      for (std::int64_t k : {std::int64_t{-3}, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, std::int64_t{2}, std::int64_t{5}, INT64_MAX, INT64_MIN})
        for (const WithDim& f : with_dim)
          attempt(std::string(f.name) + "(" + text(x) + "; " + std::to_string(d) + ", " + std::to_string(k) + ")", [&] { f.run(x, d, k); });
    for (std::int64_t d : {-2, -1, 0, 1, 5})
      for (const Tensor& index : {ct::tensor({0, 1}), ct::tensor({-1}), ct::tensor({7, 0}), ct::zeros({0}, ct::kLong), ct::zeros({2, 2}, ct::kLong),
                                  ct::tensor(1), ct::ones({2}), ct::ones({2}, ct::kBool), Tensor()})
        for (const WithIndex& f : with_index)
          attempt(std::string(f.name) + "(" + text(x) + "; " + std::to_string(d) + "; " + text(index) + ")", [&] { f.run(x, d, index); });
  }
  int changed = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) changed += tensors[i].defined() && tensors[i]._version() != versions[i];
  CHECK(changed == 0);
  std::printf("  %d results, %d errors\n", results, errors);
  CHECK(results > 10'000);
  CHECK(errors > 10'000);
  ct::set_warning_handler(nullptr);
}
