// tests/oracle/loss_oracle.cpp -- what libtorch computes for losses: the operations, and what is composed of them.
#include "oracle/oracle.h"

#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "cotangent/autograd.h"
#include "cotangent/nn/functional.h"
#include "op_samples.h"
#include "ops/loss_attrs.h"

namespace {

using ct::detail::LossAttrs;
using ct::detail::NllAttrs;
using oracle::attrs;
using oracle::Inputs;
using oracle::Outputs;

const LossAttrs& loss(const void* a) { return attrs<LossAttrs>(a); }
double number(const void* a) { return loss(a).s[0].toDouble(); }
c10::optional<at::Tensor> given(const at::Tensor& t) { return t.defined() ? c10::optional<at::Tensor>(t) : c10::nullopt; }

// As nn::functional calls them: libtorch 1.13 itself divides by the number of elements of the input, broadcast or not.
std::vector<at::Tensor> same_size(const Inputs& in) { return at::broadcast_tensors({in[0], in[1]}); }

const char* const own_helper = "a helper of our own; the gradients of the loss compare it";

}  // namespace

CT_ORACLE(losses) {
  return {
      {"mse_loss", [](const Inputs& in, const void* a) -> Outputs {
         const auto both = same_size(in);
         return {at::mse_loss(both[0], both[1], loss(a).reduction)};
       }},
      {"mse_loss_backward", none(own_helper)},
      {"smooth_l1_loss", [](const Inputs& in, const void* a) -> Outputs {
         const auto both = same_size(in);
         return {at::smooth_l1_loss(both[0], both[1], loss(a).reduction, number(a))};
       }},
      {"smooth_l1_loss_backward", none(own_helper)},
      {"huber_loss", [](const Inputs& in, const void* a) -> Outputs {
         const auto both = same_size(in);
         return {at::huber_loss(both[0], both[1], loss(a).reduction, number(a))};
       }},
      {"huber_loss_backward", none(own_helper)},
      {"soft_margin_loss", [](const Inputs& in, const void* a) -> Outputs {
         const auto both = same_size(in);
         return {at::soft_margin_loss(both[0], both[1], loss(a).reduction)};
       }},
      {"soft_margin_loss_backward", none(own_helper)},
      {"binary_cross_entropy", [](const Inputs& in, const void* a) -> Outputs {
         const at::Tensor w = in[2].defined() ? in[2].expand(in[0].sizes()) : in[2];
         return {at::binary_cross_entropy(in[0], in[1], given(w), loss(a).reduction)};
       }},
      {"binary_cross_entropy_backward", none(own_helper)},
      {"binary_cross_entropy_with_logits", [](const Inputs& in, const void* a) -> Outputs {
         return {at::binary_cross_entropy_with_logits(in[0], in[1], given(in[2]), given(in[3]), loss(a).reduction)};
       }, {1e-9, 2e-4}},  // differences of nearly equal numbers
      {"binary_cross_entropy_with_logits_backward", none(own_helper)},
      {"binary_cross_entropy_with_logits_backward.pos_weight", none(own_helper)},
  };
}

CT_ORACLE(class_losses) {
  return {
      {"nll_loss", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<NllAttrs>(p);
         return {at::nll_loss(in[0], in[1], given(in[2]), a.reduction, a.ignore_index)};
       }},
      {"nll_loss2d", [](const Inputs& in, const void* p) -> Outputs {
         const auto& a = attrs<NllAttrs>(p);
         return {at::nll_loss2d(in[0], in[1], given(in[2]), a.reduction, a.ignore_index)};
       }},
      {"nll_loss_backward", none(own_helper)},
  };
}

namespace {

// Value and gradient of one loss of x in both libraries.
template <class Ours, class Theirs>
void compare_loss(const ct::Tensor& x, const Ours& ours, const Theirs& theirs) {
  ct::Tensor a = x.clone().detach();
  a.requires_grad_();
  at::Tensor b = oracle::to_at(x).contiguous();
  b.requires_grad_();
  const ct::Tensor ya = ours(a);
  const at::Tensor yb = theirs(b);
  const ct::Tensor ga = ct::autograd::grad({ya.sum()}, {a})[0];
  const at::Tensor gb = torch::autograd::grad({yb.sum()}, {b})[0];
  const double tolerance = x.scalar_type() == ct::kDouble ? 1e-10 : 1e-5;
  DOCTEST_CHECK(at::allclose(oracle::to_at(ya.detach()), yb.detach(), tolerance, tolerance, true));
  DOCTEST_CHECK(at::allclose(oracle::to_at(ga), gb, tolerance, tolerance, true));
}

}  // namespace

DOCTEST_TEST_CASE("cross_entropy agrees with libtorch over a table of options") {
  op_samples::Random random;
  const ct::Tensor weight = ct::tensor({0.5, 2.0, 1.5}, ct::kDouble);
  for (const auto dtype : {ct::kDouble, ct::kFloat})
    for (const int shape : {0, 1, 2, 3})
      for (std::int64_t reduction : {ct::Reduction::Mean, ct::Reduction::Sum, ct::Reduction::None})
        for (const bool weighted : {false, true})
          for (const double smoothing : {0.0, 0.1})
            for (const std::int64_t ignore : {-100, 2})
              for (const bool probabilities : {false, true}) {
                if (probabilities && ignore >= 0) continue;
                const std::vector<std::int64_t> sizes = shape == 0   ? std::vector<std::int64_t>{3}
                                                        : shape == 1 ? std::vector<std::int64_t>{4, 3}
                                                        : shape == 2 ? std::vector<std::int64_t>{2, 3, 2}
                                                                     : std::vector<std::int64_t>{1, 3, 2, 2};
                const ct::Tensor classes = ct::tensor({1, 0, 2, 1});
                const ct::Tensor target = probabilities ? op_samples::uniform(random, sizes, 0, 1).to(dtype)
                                          : shape == 0  ? classes[0].clone()
                                          : shape == 1  ? classes
                                          : shape == 2  ? classes.view({2, 2})
                                                        : classes.view({1, 2, 2});
                const ct::Tensor w = weighted ? weight.to(dtype) : ct::Tensor();
                DOCTEST_INFO("shape ", shape, ", reduction ", reduction, ", weighted ", weighted, ", smoothing ", smoothing, ", ignore ", ignore,
                             ", probabilities ", probabilities, ", double ", dtype == ct::kDouble);
                if (shape == 0 && smoothing > 0 && weighted && !probabilities) continue;  // libtorch 1.13 throws for one target
                compare_loss(op_samples::uniform(random, sizes, -2, 2).to(dtype),
                             [&](const ct::Tensor& x) { return ct::cross_entropy_loss(x, target, w, reduction, ignore, smoothing); },
                             [&](const at::Tensor& x) {
                               return at::cross_entropy_loss(x, oracle::to_at(target), given(oracle::to_at(w)), reduction, ignore, smoothing);
                             });
              }
}

DOCTEST_TEST_CASE("l1_loss and losses of extreme values agree with libtorch") {
  const ct::Tensor far = ct::tensor({-800.0, -30.0, 0.0, 30.0, 800.0}, ct::kDouble), target = ct::tensor({1.0, 0.0, 0.5, 1.0, 0.0}, ct::kDouble);
  const ct::Tensor sure = ct::tensor({0.0, 1.0, 0.0, 1.0, 0.25}, ct::kDouble);
  for (std::int64_t r : {ct::Reduction::Mean, ct::Reduction::Sum, ct::Reduction::None}) {
    compare_loss(far, [&](const ct::Tensor& x) { return ct::l1_loss(x, target, r); },
                 [&](const at::Tensor& x) { return at::l1_loss(x, oracle::to_at(target), r); });
    compare_loss(far, [&](const ct::Tensor& x) { return ct::binary_cross_entropy_with_logits(x, target, {}, {}, r); },
                 [&](const at::Tensor& x) { return at::binary_cross_entropy_with_logits(x, oracle::to_at(target), {}, {}, r); });
    compare_loss(sure, [&](const ct::Tensor& x) { return ct::binary_cross_entropy(x, target, {}, r); },
                 [&](const at::Tensor& x) { return at::binary_cross_entropy(x, oracle::to_at(target), {}, r); });
  }
}
