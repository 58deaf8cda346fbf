// cotangent/distributions.h -- probability distributions, as torch.distributions: samples, densities, entropies, divergences.
#pragma once

#include <iosfwd>    // printing
#include <memory>    // Independent holds any distribution
#include <optional>
#include <string>
#include <typeinfo>  // which divergence belongs to two distributions
#include <vector>

#include "cotangent/tensor.h"

namespace ct::distributions {

/// A number or a tensor. Tensors broadcast against each other; numbers take the dtype of the first tensor, else the default dtype.
class CT_API Parameter {
 public:
  template <class T>
    requires(std::is_arithmetic_v<T>)
  Parameter(T v) : number_(static_cast<double>(v)) {}
  Parameter(const Tensor& t) : tensor_(t), is_tensor_(true) {}
  bool is_number() const { return !is_tensor_; }
  double number() const { return number_; }
  const Tensor& tensor() const { return tensor_; }

 private:
  Tensor tensor_;
  double number_ = 0;
  bool is_tensor_ = false;
};

/// What the values of a parameter or of samples have to be; prints as in Python: GreaterThan(lower_bound=0.0).
class CT_API Constraint {
 public:
  enum class Kind : std::uint8_t { dependent, real, boolean, greater_than, greater_than_eq, interval, integer_interval, integer_greater_than, simplex,
                                   lower_cholesky, positive_definite };
  Constraint(Kind kind = Kind::dependent, Tensor low = {}, Tensor high = {}) : kind_(kind), low_(std::move(low)), high_(std::move(high)) {}
  Kind kind() const { return kind_; }
  const Tensor& lower_bound() const { return low_; }
  const Tensor& upper_bound() const { return high_; }
  /// kBool, one for each event.
  Tensor check(const Tensor& value) const;
  /// Over the last `dims` dimensions together.
  Constraint independent(std::int64_t dims) const;
  std::string repr() const;

 private:
  Kind kind_;
  Tensor low_, high_;
  std::int64_t dims_ = 0;
};

/// Base of all. A distribution stands for batch_shape() independent ones, of events of event_shape(); a sample of sample_shape s has
/// the shape s + batch_shape + event_shape, log_prob() the shape s + batch_shape. Samples are Python's for the same seed.
/// Errors: ct::ValueError in constructors and in log_prob(), cdf() for values outside their constraints, unless validate_args is
///         false; ct::NotImplementedError for what a distribution does not have.
class CT_API Distribution {
 public:
  using Sizes = std::vector<std::int64_t>;
  virtual ~Distribution();

  const Sizes& batch_shape() const { return batch_shape_; }
  const Sizes& event_shape() const { return event_shape_; }
  const Constraint& support() const { return support_; }
  /// "Normal(loc: 0.0, scale: 1.0)"
  virtual std::string repr() const;
  const char* name() const { return name_; }

  /// Without gradients.
  virtual Tensor sample(IntArrayRef sample_shape = {}, std::optional<Generator> generator = std::nullopt) const;
  /// As a differentiable function of the parameters.
  virtual Tensor rsample(IntArrayRef sample_shape = {}, std::optional<Generator> generator = std::nullopt) const;
  virtual bool has_rsample() const { return false; }
  /// The logarithm of the density, or of the probability of discrete values.
  virtual Tensor log_prob(const Tensor& value) const = 0;
  virtual Tensor cdf(const Tensor& value) const;
  virtual Tensor icdf(const Tensor& value) const;
  /// In nats.
  virtual Tensor entropy() const;
  Tensor perplexity() const;
  virtual Tensor mean() const = 0;
  virtual Tensor variance() const = 0;
  virtual Tensor stddev() const;
  virtual Tensor mode() const;
  /// All values that a discrete distribution takes, along a new first dimension.
  virtual Tensor enumerate_support(bool expand = true) const;
  virtual bool has_enumerate_support() const { return false; }

  /// Whether distributions check values from now on where validate_args is not given; true at first.
  static void set_default_validate_args(bool value);

 protected:
  struct Argument {
    const char* name;
    Tensor value;
    Constraint constraint{};
  };
  Distribution(const char* name, Sizes batch_shape, Sizes event_shape, std::vector<Argument> arguments, Constraint support, std::optional<bool> validate_args);
  Distribution(const Distribution&);
  Distribution& operator=(const Distribution&);

  const Tensor& argument(std::size_t i) const { return arguments_[i].value; }
  bool validates() const { return validate_args_; }
  void validate(const Tensor& value) const;
  Sizes extended_shape(IntArrayRef sample_shape) const;
  [[noreturn]] void not_implemented(const char* what, const char* help = "") const;
  std::vector<Argument> arguments_;

 private:
  const char* name_;
  Sizes batch_shape_, event_shape_;
  Constraint support_;
  bool validate_args_;
};

CT_API std::string to_string(const Distribution& d);
CT_API std::ostream& operator<<(std::ostream& out, const Distribution& d);

#define CT_DISTRIBUTION_SAMPLE \
  Tensor sample(IntArrayRef sample_shape = {}, std::optional<Generator> generator = std::nullopt) const override
#define CT_DISTRIBUTION_RSAMPLE                                                                                     \
  Tensor rsample(IntArrayRef sample_shape = {}, std::optional<Generator> generator = std::nullopt) const override; \
  bool has_rsample() const override { return true; }                                                               \
  Tensor log_prob(const Tensor& value) const override;                                                              \
  Tensor mean() const override;                                                                                     \
  Tensor variance() const override;                                                                                 \
  Tensor mode() const override;                                                                                     \
  Tensor entropy() const override

/// exp(-((x - loc) / scale)^2 / 2) / (scale sqrt(2 pi))
class CT_API Normal : public Distribution {
 public:
  Normal(const Parameter& loc, const Parameter& scale, std::optional<bool> validate_args = std::nullopt);
  const Tensor& loc() const { return argument(0); }
  const Tensor& scale() const { return argument(1); }
  CT_DISTRIBUTION_SAMPLE;
  CT_DISTRIBUTION_RSAMPLE;
  Tensor stddev() const override;
  Tensor cdf(const Tensor& value) const override;
  Tensor icdf(const Tensor& value) const override;
};

/// exp of a Normal.
class CT_API LogNormal : public Distribution {
 public:
  LogNormal(const Parameter& loc, const Parameter& scale, std::optional<bool> validate_args = std::nullopt);
  const Tensor& loc() const { return base_.loc(); }
  const Tensor& scale() const { return base_.scale(); }
  const Normal& base_dist() const { return base_; }
  CT_DISTRIBUTION_SAMPLE;
  CT_DISTRIBUTION_RSAMPLE;
  Tensor cdf(const Tensor& value) const override;
  Tensor icdf(const Tensor& value) const override;

 private:
  Normal base_;
};

/// 1 / (high - low) on [low, high)
class CT_API Uniform : public Distribution {
 public:
  /// Errors: also ct::ValueError "Uniform is not defined when low>= high".
  Uniform(const Parameter& low, const Parameter& high, std::optional<bool> validate_args = std::nullopt);
  const Tensor& low() const { return argument(0); }
  const Tensor& high() const { return argument(1); }
  CT_DISTRIBUTION_RSAMPLE;
  Tensor stddev() const override;
  Tensor cdf(const Tensor& value) const override;
  Tensor icdf(const Tensor& value) const override;
};

/// rate exp(-rate x)
class CT_API Exponential : public Distribution {
 public:
  explicit Exponential(const Parameter& rate, std::optional<bool> validate_args = std::nullopt);
  const Tensor& rate() const { return argument(0); }
  CT_DISTRIBUTION_RSAMPLE;
  Tensor stddev() const override;
  Tensor cdf(const Tensor& value) const override;
  Tensor icdf(const Tensor& value) const override;
};

/// exp(-|x - loc| / scale) / (2 scale)
class CT_API Laplace : public Distribution {
 public:
  Laplace(const Parameter& loc, const Parameter& scale, std::optional<bool> validate_args = std::nullopt);
  const Tensor& loc() const { return argument(0); }
  const Tensor& scale() const { return argument(1); }
  CT_DISTRIBUTION_RSAMPLE;
  Tensor stddev() const override;
  Tensor cdf(const Tensor& value) const override;
  Tensor icdf(const Tensor& value) const override;
};

/// 1 / (pi scale (1 + ((x - loc) / scale)^2)). Mean and variance are nan and inf.
class CT_API Cauchy : public Distribution {
 public:
  Cauchy(const Parameter& loc, const Parameter& scale, std::optional<bool> validate_args = std::nullopt);
  const Tensor& loc() const { return argument(0); }
  const Tensor& scale() const { return argument(1); }
  CT_DISTRIBUTION_RSAMPLE;
  Tensor cdf(const Tensor& value) const override;
  Tensor icdf(const Tensor& value) const override;
};

/// rate^a x^(a - 1) exp(-rate x) / gamma(a), a = concentration. Samples can be differentiated once.
class CT_API Gamma : public Distribution {
 public:
  Gamma(const Parameter& concentration, const Parameter& rate, std::optional<bool> validate_args = std::nullopt);
  const Tensor& concentration() const { return argument(0); }
  const Tensor& rate() const { return argument(1); }
  CT_DISTRIBUTION_RSAMPLE;
};

/// prod_i x_i^(a_i - 1) gamma(sum a) / prod_i gamma(a_i) on the simplex; concentration a [.., k]. Samples can be differentiated once.
class CT_API Dirichlet : public Distribution {
 public:
  explicit Dirichlet(const Tensor& concentration, std::optional<bool> validate_args = std::nullopt);
  const Tensor& concentration() const { return argument(0); }
  CT_DISTRIBUTION_RSAMPLE;
};

/// x^(a - 1) (1 - x)^(b - 1) / B(a, b), a = concentration1, b = concentration0.
class CT_API Beta : public Distribution {
 public:
  Beta(const Parameter& concentration1, const Parameter& concentration0, std::optional<bool> validate_args = std::nullopt);
  Tensor concentration1() const;
  Tensor concentration0() const;
  CT_DISTRIBUTION_RSAMPLE;

 private:
  Dirichlet dirichlet_;
};

/// Of vectors, with one of: a covariance, its inverse, or its Cholesky factor (lower triangular).
class CT_API MultivariateNormal : public Distribution {
 public:
  /// Errors: also ct::ValueError "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
  explicit MultivariateNormal(const Tensor& loc, const std::optional<Tensor>& covariance_matrix = std::nullopt,
                              const std::optional<Tensor>& precision_matrix = std::nullopt, const std::optional<Tensor>& scale_tril = std::nullopt,
                              std::optional<bool> validate_args = std::nullopt);
  const Tensor& loc() const { return argument(0); }
  Tensor scale_tril() const;
  Tensor covariance_matrix() const;
  Tensor precision_matrix() const;
  CT_DISTRIBUTION_RSAMPLE;

 private:
  Tensor tril_;
};

#undef CT_DISTRIBUTION_RSAMPLE
#define CT_DISTRIBUTION_DISCRETE                       \
  CT_DISTRIBUTION_SAMPLE;                              \
  Tensor log_prob(const Tensor& value) const override; \
  Tensor mean() const override;                        \
  Tensor variance() const override;                    \
  Tensor mode() const override

/// 1 with probability `probs`, else 0; or with the logarithm of the odds, `logits`: Bernoulli(std::nullopt, x).
class CT_API Bernoulli : public Distribution {
 public:
  /// Errors: also ct::ValueError "Either `probs` or `logits` must be specified, but not both."
  explicit Bernoulli(const std::optional<Parameter>& probs, const std::optional<Parameter>& logits = std::nullopt, std::optional<bool> validate_args = std::nullopt);
  Tensor probs() const;
  Tensor logits() const;
  CT_DISTRIBUTION_DISCRETE;
  Tensor entropy() const override;
  Tensor enumerate_support(bool expand = true) const override;
  bool has_enumerate_support() const override { return true; }

 private:
  bool by_logits_;
};

/// Failures before the first success: (1 - p)^k p.
class CT_API Geometric : public Distribution {
 public:
  explicit Geometric(const std::optional<Parameter>& probs, const std::optional<Parameter>& logits = std::nullopt, std::optional<bool> validate_args = std::nullopt);
  Tensor probs() const;
  Tensor logits() const;
  CT_DISTRIBUTION_DISCRETE;
  Tensor entropy() const override;

 private:
  bool by_logits_;
};

/// 0 to k - 1 with the probabilities `probs` [.., k], which are divided by their sum; or with their logarithms, up to a constant:
/// Categorical(std::nullopt, x). Samples are kLong.
class CT_API Categorical : public Distribution {
 public:
  explicit Categorical(const std::optional<Tensor>& probs, const std::optional<Tensor>& logits = std::nullopt, std::optional<bool> validate_args = std::nullopt);
  Tensor probs() const;
  Tensor logits() const;
  CT_DISTRIBUTION_DISCRETE;
  Tensor entropy() const override;
  Tensor enumerate_support(bool expand = true) const override;
  bool has_enumerate_support() const override { return true; }

 private:
  bool by_logits_;
};

/// rate^k exp(-rate) / k!
class CT_API Poisson : public Distribution {
 public:
  explicit Poisson(const Parameter& rate, std::optional<bool> validate_args = std::nullopt);
  const Tensor& rate() const { return argument(0); }
  CT_DISTRIBUTION_DISCRETE;
};

#undef CT_DISTRIBUTION_DISCRETE

/// Another distribution with its last batch dimensions taken as dimensions of events: log_prob() and entropy() add up over them.
///   Independent(Normal(zeros({3, 2}), 1), 1) has batch_shape [3] and event_shape [2]
class CT_API Independent : public Distribution {
 public:
  template <class D>
    requires(std::is_base_of_v<Distribution, D>)
  Independent(D base, std::int64_t reinterpreted_batch_ndims, std::optional<bool> validate_args = std::nullopt)
      : Independent(std::shared_ptr<const Distribution>(std::make_shared<D>(std::move(base))), reinterpreted_batch_ndims, validate_args) {}
  /// Errors: ct::ValueError "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape)".
  Independent(std::shared_ptr<const Distribution> base, std::int64_t reinterpreted_batch_ndims, std::optional<bool> validate_args = std::nullopt);
  const Distribution& base_dist() const { return *base_; }
  std::int64_t reinterpreted_batch_ndims() const { return dims_; }
  std::string repr() const override;
  CT_DISTRIBUTION_SAMPLE;
  Tensor rsample(IntArrayRef sample_shape = {}, std::optional<Generator> generator = std::nullopt) const override;
  bool has_rsample() const override { return base_->has_rsample(); }
  Tensor log_prob(const Tensor& value) const override;
  Tensor entropy() const override;
  Tensor mean() const override { return base_->mean(); }
  Tensor variance() const override { return base_->variance(); }
  Tensor stddev() const override { return base_->stddev(); }
  Tensor mode() const override { return base_->mode(); }

 private:
  std::shared_ptr<const Distribution> base_;
  std::int64_t dims_;
};

#undef CT_DISTRIBUTION_SAMPLE

/// The Kullback-Leibler divergence, in nats: the mean over p of log(p / q). For two of the same kind, and those that register_kl added.
/// Errors: ct::NotImplementedError "No KL(p || q) is implemented for p type Normal and q type Gamma".
CT_API Tensor kl_divergence(const Distribution& p, const Distribution& q);

namespace detail {
using Divergence = Tensor (*)(const Distribution& p, const Distribution& q, void (*rule)());
CT_API void register_kl(const std::type_info& p, const std::type_info& q, Divergence call, void (*rule)());
}  // namespace detail

/// Gives kl_divergence a rule for distributions of exactly these classes, or replaces it.
template <class P, class Q>
void register_kl(Tensor (*rule)(const P& p, const Q& q)) {
  detail::register_kl(typeid(P), typeid(Q), [](const Distribution& p, const Distribution& q, void (*r)()) {
    return reinterpret_cast<Tensor (*)(const P&, const Q&)>(r)(static_cast<const P&>(p), static_cast<const Q&>(q));
  }, reinterpret_cast<void (*)()>(rule));
}

}  // namespace ct::distributions
