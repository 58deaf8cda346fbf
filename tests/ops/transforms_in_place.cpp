// tests/ops/transforms_in_place.cpp -- generated tests of in-place forms under forward mode, vmap and second derivatives.
#include <doctest/doctest.h>

#include "cotangent/func.h"
#include "ops/elements.h"

namespace op_check {

namespace {

namespace f = ct::func::detail;

// The op written into a copy of its first input, or into a view of one.
Tensors written(const Op& op, const Sample& s, Tensors in, bool through_view) {
  const Tensor base = ct::clone(in[0]);
  in[0] = through_view ? base.unsqueeze(0)[0] : base;
  std::vector<const Tensor*> p;
  for (const Tensor& t : in) p.push_back(&t);
  ct::detail::apply_inplace(op, p.data(), static_cast<int>(p.size()), s.attrs_data(), s.attrs_size);
  return {base};
}

}  // namespace

void in_place_transforms(const Op& op, const Sample& s, const std::string& where, Report& r) {
  if (!(is_elementwise(op) || op.inplace) || op.promote == ct::Promote::condition || s.in.empty() || !op.node) return;
  std::vector<std::size_t> which;
  const Tensors base = leaves(op, s, &which);
  const Tensors x = pick(base, which);
  for (const Tensor& t : x) t.requires_grad_(false);
  const Tensor y = op_samples::run(op, s, base)[0];
  if (which.empty() || !(y.sizes() == base[0].sizes()) || y.scalar_type() != base[0].scalar_type() || !y.is_floating_point()) return;
  const auto with = [&](const Tensors& in) {
    Tensors all = base;
    for (std::size_t k = 0; k < which.size(); ++k) all[which[k]] = in[k];
    return all;
  };
  const auto apart = [&](const Tensors& in) { return op_samples::run(op, s, with(in)); };
  Random random(21);
  Tensors t, stacked;
  for (const Tensor& v : x) {
    t.push_back(make(v.sizes(), v.scalar_type()));
    set_values(t.back(), direction(random, v, values(v)));
    stacked.push_back(ct::stack({v, v * 0.97}));
  }
  const Tensor w = make(y.sizes(), y.scalar_type());
  set_values(w, random_values(random, y.numel()));
  const std::vector<std::optional<std::int64_t>> dims(x.size(), 0);
  const auto same = [&](const Tensors& got, const Tensors& expected, const std::string& what) {
    for (std::size_t k = 0; k < expected.size(); ++k)
      r.expect(all_close(values(contiguous_copy(got[k])), values(contiguous_copy(expected[k])), 1e-12),
               where + what + " " + std::to_string(k) + " is " + list(values(contiguous_copy(got[k]))) + ", out of place " + list(values(contiguous_copy(expected[k]))));
  };
  const auto gradient = [&](f::Function run) { return [&w, run](const Tensors& in) { return f::vjp(run, in)({w}); }; };
  for (const bool view : {false, true}) {
    const std::string how = view ? "in place through a view: " : "in place: ";
    const auto into = [&](const Tensors& in) { return written(op, s, with(in), view); };
    same(f::jvp(into, x, t).second, f::jvp(apart, x, t).second, how + "tangent");
    same(f::vmap(into, stacked, dims, 0, "error", std::nullopt), f::vmap(apart, stacked, dims, 0, "error", std::nullopt), how + "mapped output");
    same(f::vmap(gradient(into), stacked, dims, 0, "error", std::nullopt), f::vmap(gradient(apart), stacked, dims, 0, "error", std::nullopt), how + "mapped gradient");
    if (op.second_order) same(f::jvp(gradient(into), x, t).second, f::jvp(gradient(apart), x, t).second, how + "second derivative");
  }
}

}  // namespace op_check

TEST_CASE("in-place forms under forward mode and vmap equal the others") { op_check::on_all_ops(op_check::in_place_transforms); }
