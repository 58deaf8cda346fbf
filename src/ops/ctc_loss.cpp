// ops/ctc_loss.cpp -- connectionist temporal classification: the probability of a sequence over all of its alignments.
//
// Of a target of length L the states are blank, t1, blank, t2, .., blank: 2 L + 1 of them. alpha(t, s) is the logarithm of the
// probability of all beginnings that are in state s at time t, beta(t, s) that of all ends from there on, both with the
// class at time t. A step stays, goes on by one, or by two between labels that differ.
#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "cotangent/ops/loss.h"
#include "ops/loss_attrs.h"
#include "ops/op_list.h"
#include "ops/rules.h"

namespace ct {

namespace {

struct CtcAttrs {
  std::int64_t blank = 0;
  bool zero_infinity = false;
};

constexpr double impossible = -std::numeric_limits<double>::infinity();

double log_sum(double a, double b, double c) {
  const double m = std::max(a, std::max(b, c));
  return m == impossible ? impossible : m + std::log(std::exp(a - m) + std::exp(b - m) + std::exp(c - m));
}

// One sequence of the batch: its part of log_probs, its labels, its lengths.
template <class T>
struct Sequence {
  const T* log_probs;      // of time 0
  std::int64_t stride;     // to the next time
  const std::int64_t* labels;
  std::int64_t steps, length, blank;

  std::int64_t states() const { return 2 * length + 1; }
  std::int64_t label(std::int64_t s) const { return s % 2 ? labels[s / 2] : blank; }
  double at(std::int64_t t, std::int64_t s) const { return static_cast<double>(log_probs[t * stride + label(s)]); }

  // [steps, states]
  void forward(double* alpha) const {
    const std::int64_t n = states();
    for (std::int64_t s = 0; s < n; ++s) alpha[s] = s < 2 ? at(0, s) : impossible;
    for (std::int64_t t = 1; t < steps; ++t) {
      const double* before = alpha + (t - 1) * n;
      for (std::int64_t s = 0; s < n; ++s)
        alpha[t * n + s] = at(t, s) + log_sum(before[s], s > 0 ? before[s - 1] : impossible, s > 1 && label(s) != label(s - 2) ? before[s - 2] : impossible);
    }
  }
  void backward(double* beta) const {
    const std::int64_t n = states();
    double* last = beta + (steps - 1) * n;
    for (std::int64_t s = 0; s < n; ++s) last[s] = s + 2 >= n ? at(steps - 1, s) : impossible;
    for (std::int64_t t = steps - 2; t >= 0; --t) {
      const double* after = beta + (t + 1) * n;
      for (std::int64_t s = 0; s < n; ++s)
        beta[t * n + s] = at(t, s) + log_sum(after[s], s + 1 < n ? after[s + 1] : impossible, s + 2 < n && label(s) != label(s + 2) ? after[s + 2] : impossible);
    }
  }
  double loss(const double* alpha) const {
    if (steps == 0) return length == 0 ? 0 : -impossible;
    const double* last = alpha + (steps - 1) * states();
    return -log_sum(last[states() - 1], length > 0 ? last[states() - 2] : impossible, impossible);
  }
};

// The arguments after all checks. Inputs of the op: log_probs [T, N, C], targets, input_lengths, target_lengths.
struct Batches {
  Tensor log_probs, targets;
  std::vector<std::int64_t> steps, lengths, first;  // first: where the labels of each sequence begin
  std::int64_t T, N, C, blank;

  explicit Batches(const Tensor& x, const Tensor& t, const Tensor& input_lengths, const Tensor& target_lengths, std::int64_t blank_label)
      : log_probs(detail::widened(x).contiguous()), targets(t.to(kLong).contiguous()), T(x.size(0)), N(x.size(1)), C(x.size(2)), blank(blank_label) {
    CT_CHECK(blank >= 0 && blank < C, "ctc_loss: blank must be in label range, got ", blank, " of ", C, " classes");
    steps = numbers("input_lengths", input_lengths);
    lengths = numbers("target_lengths", target_lengths);
    std::int64_t total = 0, longest = 0;
    for (std::int64_t i = 0; i < N; ++i) {
      const auto k = static_cast<std::size_t>(i);
      CT_CHECK(steps[k] >= 0 && steps[k] <= T, "ctc_loss: Expected input_lengths to have value at most ", T, ", but got value ", steps[k]);
      CT_CHECK(lengths[k] >= 0, "ctc_loss: Expected target_lengths to have value at least 0, but got value ", lengths[k]);
      first.push_back(targets.dim() == 1 ? total : i * targets.size(1));
      longest = std::max(longest, lengths[k]);
      CT_CHECK(targets.dim() == 2 || lengths[k] <= targets.size(0) - total, "ctc_loss: Expected targets to hold all labels one after another, but it has ",
               targets.size(0), " and target_lengths ask for more");
      total += lengths[k];
    }
    if (targets.dim() == 1) {
      CT_CHECK(total == targets.size(0), "ctc_loss: Expected targets to have size ", total, ", the sum of target_lengths, but got ", targets.size(0));
    } else {
      CT_CHECK(targets.size(0) == N && targets.size(1) >= longest, "ctc_loss: Expected targets to have size at least [", N, ", ", longest, "], but got ",
               targets.sizes());
    }
    const auto* label = detail::data<std::int64_t>(targets);
    for (std::int64_t i = 0; i < N; ++i)
      for (std::int64_t j = 0; j < lengths[static_cast<std::size_t>(i)]; ++j) {
        const std::int64_t l = label[first[static_cast<std::size_t>(i)] + j];
        CT_CHECK_INDEX(l >= 0 && l < C, "ctc_loss: target ", l, " is out of bounds: there are ", C, " classes");
      }
  }
  template <class F>
  Sequence<F> sequence(std::int64_t i) const {
    const auto k = static_cast<std::size_t>(i);
    return {detail::data<F>(log_probs) + i * C, N * C, detail::data<std::int64_t>(targets) + first[k], steps[k], lengths[k], blank};
  }
  // Calls f(i, sequence) for each.
  template <class F>
  void each(const F& f) const {
    const bool single = log_probs.scalar_type() == kFloat;
    detail::parallel_for(N, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        if (single) f(i, sequence<float>(i));
        else f(i, sequence<double>(i));
    });
  }

 private:
  std::vector<std::int64_t> numbers(const char* name, const Tensor& t) const {
    CT_CHECK(t.dim() == 1 && t.numel() == N, "ctc_loss: ", name, " must be of size batch_size (", N, "), but has shape ", t.sizes());
    const Tensor dense = t.to(kLong).contiguous();
    const auto* p = detail::data<std::int64_t>(dense);
    return {p, p + N};
  }
};

// The samples of one vmapped call as one batch: [B, T, N, C] is [T, B N, C], [B, N] is [B N].
Tensor merged_probs(const Tensor& x) { return x.movedim(1, 0).flatten(1, 2); }
Tensor merged(const Tensor& x) { return x.flatten(0, 1); }

constexpr Op ctc_loss_backward_op{  // of (g [N], log_probs, targets, lengths, lengths, loss [N])
    .name = "ctc_loss_backward",
    .node = "CtcLossBackwardBackward0",
    .kind = OpKind::other,
    .formula = "dg = sum over time and classes of h (exp(log_probs) - p(class at t | targets))",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<CtcAttrs>();
      const Batches all(c.x(1), c.x(2), c.x(3), c.x(4), a.blank);
      const Tensor out = zeros({all.T, all.N, all.C}, all.log_probs.scalar_type());
      const Tensor g = c.x(0).to(kDouble).contiguous(), loss = c.x(5).to(kDouble).contiguous();
      const double *weight = detail::data<double>(g), *nll = detail::data<double>(loss);
      all.each([&](std::int64_t i, const auto& seq) {
        if (seq.steps == 0 || (a.zero_infinity && nll[i] == -impossible)) return;
        using T = std::remove_const_t<std::remove_pointer_t<decltype(seq.log_probs)>>;
        const std::int64_t n = seq.states();
        std::vector<double> alpha(static_cast<std::size_t>(seq.steps * n)), beta(alpha.size()), both(static_cast<std::size_t>(all.C));
        seq.forward(alpha.data());
        seq.backward(beta.data());
        const double exact = seq.loss(alpha.data());
        for (std::int64_t t = 0; t < seq.steps; ++t) {
          std::fill(both.begin(), both.end(), impossible);
          for (std::int64_t s = 0; s < n; ++s) {
            double& sum = both[static_cast<std::size_t>(seq.label(s))];
            sum = log_sum(sum, alpha[static_cast<std::size_t>(t * n + s)] + beta[static_cast<std::size_t>(t * n + s)], impossible);
          }
          const T* x = seq.log_probs + t * seq.stride;
          T* y = detail::data<T>(out) + (t * all.N + i) * all.C;
          for (std::int64_t k = 0; k < all.C; ++k) {
            const double p = static_cast<double>(x[k]);
            y[k] = static_cast<T>(weight[i] * (std::exp(p) - std::exp(both[static_cast<std::size_t>(k)] + exact - p)));
          }
        }
      });
      return out.to(c.x(1).scalar_type());
    },
    .vjp = [](const Tensor& h, const Saved& s, int arg) -> Tensor {
      CT_CHECK_KIND(not_implemented, arg == 0, "the derivative for 'ctc_loss_backward' is not implemented\n  A gradient of ctc_loss cannot be differentiated again.");
      const Tensor unit = apply_with(ctc_loss_backward_op, s.attrs<CtcAttrs>(), ones({s.sizes(0)[0]}, h.scalar_type()), s.x(1), s.x(2), s.x(3), s.x(4), s.x(5));
      return (h * unit.detach()).sum({0, 2});
    },
    .batch = [](const Batch& b) {
      const Tensor y = apply_with(b.op, b.attrs<CtcAttrs>(), merged(b.x(0)), merged_probs(b.x(1)), merged(b.x(2)), merged(b.x(3)), merged(b.x(4)), merged(b.x(5)));
      return y.unflatten(1, {b.size, b.sizes(1)[1]}).movedim(1, 0);
    },
    .save = {X(1) | X(2) | X(3) | X(4) | X(5), 0, 0, 0},
    .save_shapes = true,
    .dtypes = Dtypes::floating,
    .nondiff = 4 | 8 | 16 | 32,
    .untested = "its gradient is that of what log_softmax was given: tests/ops/ctc_loss.cpp",
    .second_order = false,
};

constexpr Op ctc_loss_op{
    .name = "ctc_loss",
    .node = "CtcLossBackward0",
    .kind = OpKind::other,
    .formula = "dlog_probs = g (exp(log_probs) - p(class at t | targets))",
    .forward = [](const Call& c) {
      const Batches all(c.x(0), c.x(1), c.x(2), c.x(3), c.attrs<CtcAttrs>().blank);
      const Tensor out = empty({all.N}, kDouble);
      all.each([&](std::int64_t i, const auto& seq) {
        std::vector<double> alpha(static_cast<std::size_t>(seq.steps * seq.states()));
        if (seq.steps > 0) seq.forward(alpha.data());
        detail::data<double>(out)[i] = seq.loss(alpha.data());
      });
      return out.to(c.x(0).scalar_type());
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      return apply_with(ctc_loss_backward_op, s.attrs<CtcAttrs>(), g, s.x(0), s.x(1), s.x(2), s.x(3), s.y());
    },
    .jvp = [](const Tensor* t, const Saved& s) {
      const Tensor unit = apply_with(ctc_loss_backward_op, s.attrs<CtcAttrs>(), ones_like(s.y()), s.x(0), s.x(1), s.x(2), s.x(3), s.y());
      return (t[0] * unit).sum({0, 2});
    },
    .batch = [](const Batch& b) {
      return apply_with(b.op, b.attrs<CtcAttrs>(), merged_probs(b.x(0)), merged(b.x(1)), merged(b.x(2)), merged(b.x(3))).unflatten(0, {b.size, b.sizes(0)[1]});
    },
    .save = {X(0) | X(1) | X(2) | X(3) | Y()},
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .nondiff = 2 | 4 | 8,
    .untested = "its gradient is that of what log_softmax was given: tests/ops/ctc_loss.cpp",
    .second_order = false,
};

}  // namespace

std::span<const Op* const> ctc_loss_ops() {
  static constexpr const Op* ops[] = {&ctc_loss_op, &ctc_loss_backward_op};
  return ops;
}

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths, const Tensor& target_lengths, std::int64_t blank,
                std::int64_t reduction, bool zero_infinity) {
  detail::check_loss("ctc_loss", reduction, {&log_probs, &targets, &input_lengths, &target_lengths});
  CT_CHECK(log_probs.dim() == 2 || log_probs.dim() == 3, "ctc_loss: expected log_probs of shape [T, N, C] or [T, C], but got ", log_probs.sizes());
  CT_CHECK_TYPE(log_probs.is_floating_point(), "ctc_loss: log_probs must be of a floating dtype, but is ", log_probs.scalar_type());
  for (const Tensor* t : {&targets, &input_lengths, &target_lengths})
    CT_CHECK_TYPE(isIntegralType(t->scalar_type(), false), "ctc_loss: targets and lengths must be integral, but got ", t->scalar_type());
  const bool batched = log_probs.dim() == 3;
  CT_CHECK(targets.dim() == 1 || (batched && targets.dim() == 2), "ctc_loss: targets has shape ", targets.sizes(), "\n  It is [N, S], or all labels one after another.");
  const Tensor lengths = batched ? target_lengths : target_lengths.reshape({-1});
  Tensor loss = apply_with(ctc_loss_op, CtcAttrs{blank, zero_infinity}, batched ? log_probs : log_probs.unsqueeze(1), targets,
                           batched ? input_lengths : input_lengths.reshape({-1}), lengths);
  if (zero_infinity) loss = where(loss.eq(-impossible), 0, loss);
  if (reduction == Reduction::Mean) return (loss / lengths.clamp_min(1).to(loss.scalar_type())).mean();
  if (reduction == Reduction::Sum) return loss.sum();
  return batched ? loss : loss.squeeze(0);
}
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, IntArrayRef input_lengths, IntArrayRef target_lengths, std::int64_t blank,
                std::int64_t reduction, bool zero_infinity) {
  return ctc_loss(log_probs, targets, tensor(input_lengths, kLong), tensor(target_lengths, kLong), blank, reduction, zero_infinity);
}

}  // namespace ct
