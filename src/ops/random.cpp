// ops/random.cpp -- new tensors of random numbers.
#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/elementwise.h"
#include "autograd/layers.h"
#include "cotangent/autograd.h"
#include "ops/op_list.h"
#include "ops/random.h"

namespace ct {

using detail::GeneratorImpl;
using detail::impl;

namespace {

constexpr const char* why_untested = "random: tests/ops/random.cpp and tests/oracle/random_oracle.cpp compare whole streams";

using MaybeGenerator = std::optional<Generator>;

// Fills a new tensor, and only then makes it a leaf. Filling does not count as a change.
template <class Fill>
Tensor filled(const char* op, IntArrayRef size, const TensorOptions& o, const Fill& fill) {
  Tensor t = detail::empty_for_random(op, size, o.requires_grad(false));
  {
    NoGradGuard off;
    fill(t);
  }
  impl(t)->storage->version.store(0, std::memory_order_relaxed);
  if (o.requires_grad()) t.requires_grad_();
  return t;
}

// ---- with tensors as parameters: the gradient of these is zero, as in PyTorch ------------------------------------

struct NormalAttrs {
  double mean, std;
  const MaybeGenerator* generator;  // looked at during the call only
};
Tensor no_gradient(const Tensor& g, const Saved&, int) { return zeros_like(g); }

void check_std(double std) { CT_CHECK_VALUE(std >= 0, "normal: normal expects std >= 0.0, but found std ", std); }
void check_std(const Tensor& std) {
  detail::check_range("normal", "normal expects all elements of std >= 0.0", std, 0, std::numeric_limits<double>::infinity());
}

// mean + std * N(0, 1), in PyTorch's order of operations.
constexpr Op normal_mean_op{
    .name = "normal.Tensor_float",
    .node = "NormalBackward1",
    .formula = "dmean = 0",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<NormalAttrs>();
      return empty(c.x(0).sizes(), c.x(0).scalar_type()).normal_(0, a.std, *a.generator).add_(c.x(0));
    },
    .vjp = no_gradient,
    .random = true,
    .untested = why_untested,
};
constexpr Op normal_std_op{
    .name = "normal.float_Tensor",
    .node = "NormalBackward2",
    .formula = "dstd = 0",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<NormalAttrs>();
      return empty(c.x(0).sizes(), c.x(0).scalar_type()).normal_(0, 1, *a.generator).mul_(c.x(0)).add_(a.mean);
    },
    .vjp = no_gradient,
    .random = true,
    .untested = why_untested,
};
constexpr Op normal_both_op{
    .name = "normal.Tensor_Tensor",
    .node = "NormalBackward3",
    .formula = "dmean = 0; dstd = 0",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<NormalAttrs>();
      detail::Dims shape;
      detail::broadcast(shape, c.x(0).sizes(), "normal");
      detail::broadcast(shape, c.x(1).sizes(), "normal");
      return empty(shape, c.x(0).scalar_type()).normal_(0, 1, *a.generator).mul_(c.x(1)).add_(c.x(0));
    },
    .vjp = no_gradient,
    .random = true,
    .untested = why_untested,
};
constexpr Op bernoulli_op{
    .name = "bernoulli",
    .node = "BernoulliBackward0",
    .formula = "dp = 0",
    .forward = [](const Call& c) { return empty(c.x(0).sizes(), c.x(0).scalar_type()).bernoulli_(c.x(0), *c.attrs<NormalAttrs>().generator); },
    .vjp = no_gradient,
    .random = true,
    .untested = why_untested,
};
constexpr Op poisson_op{
    .name = "poisson",
    .node = "PoissonBackward0",
    .formula = "drate = 0",
    .forward = [](const Call& c) {
      const Tensor& rates = c.x(0);
      CT_CHECK_TYPE(rates.is_floating_point(), "poisson: \"poisson_cpu\" not implemented for '", rates.scalar_type(), "'");
      detail::check_range("poisson", "invalid Poisson rate, expected rate to be non-negative", rates, 0, std::numeric_limits<double>::max());
      Tensor out = empty(rates.sizes(), rates.scalar_type());
      detail::fill_poisson(out, rates, *c.attrs<NormalAttrs>().generator);
      return out;
    },
    .vjp = no_gradient,
    .random = true,
    .untested = why_untested,
};

// ---- multinomial --------------------------------------------------------------------------------------------------

double rounded(ScalarType t, double v) {
  return CT_DISPATCH_ALL(t, [&] { return Scalar(Scalar(v).to<scalar_t>()).toDouble(); });
}
double element(const Tensor& x, std::int64_t i) {
  return CT_DISPATCH_ALL(x.scalar_type(), [&] { return Scalar(detail::data<scalar_t>(x)[i]).toDouble(); });
}

// The n categories with the largest p / q, q exponential: as if drawn one by one without replacement. The choice among
// equal values (categories of probability 0, once the others are used up) is PyTorch's.
void largest(const std::vector<double>& ratio, std::int64_t n, std::int64_t* out) {
  using Item = std::pair<double, std::int64_t>;
  std::vector<Item> items(ratio.size());
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = {ratio[i], static_cast<std::int64_t>(i)};
  auto before = [](const Item& a, const Item& b) { return (std::isnan(a.first) && !std::isnan(b.first)) || a.first > b.first; };
  if (n == 1) {
    out[0] = std::min_element(items.begin(), items.end(), before)->second;
    return;
  }
  if (n * 64 <= static_cast<std::int64_t>(items.size())) {
    std::partial_sort(items.begin(), items.begin() + n, items.end(), before);
  } else {
    std::nth_element(items.begin(), items.begin() + (n - 1), items.end(), before);
    std::sort(items.begin(), items.begin() + (n - 1), before);
  }
  for (std::int64_t i = 0; i < n; ++i) out[i] = items[static_cast<std::size_t>(i)].second;
}

// By bisection in the cumulative distribution, which is kept in the dtype of p.
void with_replacement(const Tensor& p, std::int64_t rows, std::int64_t k, std::int64_t n, const MaybeGenerator& generator, std::int64_t* out) {
  GeneratorImpl& g = (generator ? *generator : default_generator()).impl();
  const ScalarType t = p.scalar_type();
  std::vector<double> cumulative(static_cast<std::size_t>(k));
  std::lock_guard lock(g.mutex);
  for (std::int64_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (std::int64_t i = 0; i < k; ++i) cumulative[static_cast<std::size_t>(i)] = sum = rounded(t, sum + element(p, r * k + i));
    for (double& c : cumulative) c = rounded(t, c / sum);
    cumulative.back() = 1;
    for (std::int64_t i = 0; i < n; ++i)
      *out++ = std::lower_bound(cumulative.begin(), cumulative.end(), g.engine.uniform_double()) - cumulative.begin();
  }
}

struct MultinomialAttrs {
  std::int64_t samples;
  bool replacement;
  const MaybeGenerator* generator;  // looked at during the call only
};

// Categories for each row of probabilities [.., k].
Tensor multinomial_rows(const Call& c) {
  const auto& a = c.attrs<MultinomialAttrs>();
  const Tensor p = c.x(0).detach().contiguous();
  const std::int64_t k = p.size(-1);
  std::int64_t rows = 1;
  for (std::int64_t d = 0; d + 1 < p.dim(); ++d) rows *= p.size(d);
  for (std::int64_t r = 0; r < rows; ++r) {
    bool valid = true, positive = false;
    for (std::int64_t i = 0; i < k; ++i) {
      const double v = element(p, r * k + i);
      valid &= v >= 0 && v < std::numeric_limits<double>::infinity();
      positive |= v > 0;
    }
    CT_CHECK_VALUE(valid, "multinomial: probability tensor contains either `inf`, `nan` or element < 0");
    CT_CHECK_VALUE(positive, "multinomial: invalid multinomial distribution (sum of probabilities <= 0)");
  }
  std::vector<std::int64_t> sizes = p.sizes().vec();
  sizes.back() = a.samples;
  Tensor out = empty(sizes, kLong);
  auto* index = detail::data<std::int64_t>(out);
  if (out.numel() == 0) return out;
  if (a.replacement) {
    with_replacement(p, rows, k, a.samples, *a.generator, index);
    return out;
  }
  const Tensor q = empty_like(c.x(0).detach()).exponential_(1, *a.generator).contiguous();  // drawn in the order of memory
  std::vector<double> ratio(static_cast<std::size_t>(k));
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < k; ++i)
      ratio[static_cast<std::size_t>(i)] = rounded(p.scalar_type(), element(p, r * k + i) / element(q, r * k + i));
    largest(ratio, a.samples, index + r * a.samples);
  }
  return out;
}
constexpr Op multinomial_op{
    .name = "multinomial",
    .forward = multinomial_rows,
    .random = true,
    .untested = why_untested,
};

}  // namespace

std::span<const Op* const> random_ops() {
  static constexpr const Op* ops[] = {&normal_mean_op, &normal_std_op, &normal_both_op, &bernoulli_op, &poisson_op, &multinomial_op};
  return ops;
}

Tensor rand(IntArrayRef size, const TensorOptions& o) { return rand(size, std::nullopt, o); }
Tensor rand(IntArrayRef size, MaybeGenerator g, const TensorOptions& o) {
  return filled("rand", size, o, [&](const Tensor& t) { t.uniform_(0, 1, g); });
}
Tensor randn(IntArrayRef size, const TensorOptions& o) { return randn(size, std::nullopt, o); }
Tensor randn(IntArrayRef size, MaybeGenerator g, const TensorOptions& o) {
  return filled("randn", size, o, [&](const Tensor& t) { t.normal_(0, 1, g); });
}

namespace {
// Like self in layout too: numbers are drawn in the order of memory.
template <class Fill>
Tensor filled_like(const char* op, const Tensor& self, const TensorOptions& o, const Fill& fill) {
  CT_CHECK(self.defined(), op, ": the tensor is undefined");
  if (detail::innermost_batch()) return filled(op, self.sizes(), o.has_dtype() ? o : o.dtype(self.scalar_type()), fill);
  Tensor t = empty_like(self, o.requires_grad(false));
  {
    NoGradGuard off;
    fill(t);
  }
  impl(t)->storage->version.store(0, std::memory_order_relaxed);
  if (o.requires_grad()) t.requires_grad_();
  return t;
}
}  // namespace
Tensor rand_like(const Tensor& self, const TensorOptions& o) {
  return filled_like("rand_like", self, o, [](const Tensor& t) { t.uniform_(); });
}
Tensor randn_like(const Tensor& self, const TensorOptions& o) {
  return filled_like("randn_like", self, o, [](const Tensor& t) { t.normal_(); });
}

Tensor randint(std::int64_t high, IntArrayRef size, const TensorOptions& o) { return randint(0, high, size, std::nullopt, o); }
Tensor randint(std::int64_t low, std::int64_t high, IntArrayRef size, const TensorOptions& o) { return randint(low, high, size, std::nullopt, o); }
Tensor randint(std::int64_t low, std::int64_t high, IntArrayRef size, MaybeGenerator g, const TensorOptions& o) {
  return filled("randint", size, o.has_dtype() ? o : o.dtype(kLong), [&](const Tensor& t) { t.random_(low, high, g); });
}

Tensor randperm(std::int64_t n, const TensorOptions& o) { return randperm(n, std::nullopt, o); }
Tensor randperm(std::int64_t n, MaybeGenerator g, const TensorOptions& options) {
  const TensorOptions o = options.has_dtype() ? options : options.dtype(kLong);
  const ScalarType t = o.dtype();
  CT_CHECK_VALUE(n >= 0, "randperm: n must be non-negative, got ", n);
  CT_CHECK_TYPE(t != kBool, "randperm: \"randperm\" not implemented for 'Bool'");
  constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();
  const std::int64_t most = t == kByte ? 255 : t == kChar ? 127 : t == kShort ? 32767 : t == kInt ? 2147483647 : t == kLong ? any
                            : t == kHalf ? 2049 : t == kBFloat16 ? 257 : t == kFloat ? 16777217 : 9007199254740993;
  CT_CHECK_VALUE(n <= most, "randperm: n is too large for result tensor type: ", n, " does not fit into ", t);
  return filled("randperm", {n}, o, [&](const Tensor& wrapped) {
    const Tensor out = detail::innermost_value(wrapped);  // under vmap a row for each entry
    GeneratorImpl& s = (g ? *g : default_generator()).impl();
    std::lock_guard lock(s.mutex);
    CT_DISPATCH_ALL(t, [&] {
      auto* r = detail::data<scalar_t>(out);
      for (const auto* end = r + out.numel(); r != end; r += n) {
        for (std::int64_t i = 0; i < n; ++i) r[i] = Scalar(i).to<scalar_t>();
        for (std::int64_t i = 0; i + 1 < n; ++i) std::swap(r[i], r[i + s.engine() % (n - i)]);
      }
    });
  });
}

Tensor normal(const Tensor& mean, double std, MaybeGenerator g) {
  check_std(std);
  return apply_with(normal_mean_op, NormalAttrs{0, std, &g}, mean);
}
Tensor normal(double mean, const Tensor& std, MaybeGenerator g) {
  CT_CHECK(std.defined(), "normal: std is undefined");
  check_std(std);
  return apply_with(normal_std_op, NormalAttrs{mean, 1, &g}, std);
}
Tensor normal(const Tensor& mean, const Tensor& std, MaybeGenerator g) {
  CT_CHECK(mean.defined() && std.defined(), "normal: mean or std is undefined");
  check_std(std);
  return apply_with(normal_both_op, NormalAttrs{0, 1, &g}, mean, std);
}
Tensor normal(double mean, double std, IntArrayRef size, MaybeGenerator g, const TensorOptions& o) {
  check_std(std);
  return filled("normal", size, o, [&](const Tensor& t) { t.normal_(mean, std, g); });
}

Tensor bernoulli(const Tensor& self, MaybeGenerator g) {
  CT_CHECK(self.defined(), "bernoulli: the tensor of probabilities is undefined");
  return apply_with(bernoulli_op, NormalAttrs{0, 1, &g}, self);
}
Tensor bernoulli(const Tensor& self, double p, MaybeGenerator g) {
  CT_CHECK(self.defined(), "bernoulli: the tensor is undefined");
  return filled("bernoulli", self.sizes(), self.scalar_type(), [&](const Tensor& t) { t.bernoulli_(p, g); });
}
Tensor poisson(const Tensor& self, MaybeGenerator g) {
  CT_CHECK(self.defined(), "poisson: the tensor of rates is undefined");
  return apply_with(poisson_op, NormalAttrs{0, 1, &g}, self);
}

Tensor multinomial(const Tensor& self, std::int64_t num_samples, bool replacement, MaybeGenerator g) {
  CT_CHECK(self.defined() && (self.dim() == 1 || self.dim() == 2), "multinomial: prob_dist must be 1 or 2 dim");
  CT_CHECK_TYPE(self.is_floating_point(), "multinomial: multinomial only supports floating-point dtypes for input, got: ", self.scalar_type());
  CT_CHECK_VALUE(num_samples > 0, "multinomial: cannot sample n_sample <= 0 samples, got ", num_samples);
  const std::int64_t k = self.size(-1);
  CT_CHECK_VALUE(replacement || num_samples <= k, "multinomial: cannot sample n_sample > prob_dist.size(-1) samples without replacement: ", num_samples,
                 " > ", k);
  CT_CHECK_VALUE(k <= 1 << 24, "multinomial: number of categories cannot exceed 2^24, got ", k);
  return apply_with(multinomial_op, MultinomialAttrs{num_samples, replacement, &g}, self);
}

}  // namespace ct
