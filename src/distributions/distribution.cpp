// distributions/distribution.cpp -- the base of distributions, constraints, and helpers.
#include <algorithm>
#include <limits>
#include <ostream>

#include "distributions/common.h"

namespace ct::distributions {

using ct::detail::join;
using ct::detail::print_text;

namespace {

bool default_validate = true;

// A number as Python prints it, or a tensor.
std::string shown(const Tensor& t) { return t.dim() == 0 ? print_text({t.item()}) : ct::to_string(t); }
// Python's tuple(t.shape).
std::string tuple(IntArrayRef s) {
  std::string out = "(";
  for (std::size_t i = 0; i < s.size(); ++i) out += join({i ? ", " : "", s[i]});
  return out += s.size() == 1 ? ",)" : ")";
}

}  // namespace

// ---- constraints -----------------------------------------------------------------------------------------------------------

Tensor Constraint::check(const Tensor& v) const {
  const auto whole = [&v] { return v.is_floating_point() ? eq(v, floor(v)) : ones_like(v, kBool); };
  Tensor ok;
  switch (kind_) {
    case Kind::dependent: CT_THROW(value, "Constraint: Cannot determine validity of dependent constraint");
    case Kind::real: ok = eq(v, v); break;
    case Kind::boolean: ok = logical_or(v == 0, v == 1); break;
    case Kind::greater_than: ok = low_ < v; break;
    case Kind::greater_than_eq: ok = low_ <= v; break;
    case Kind::interval: ok = logical_and(low_ <= v, v <= high_); break;
    case Kind::integer_interval: ok = logical_and(whole(), logical_and(low_ <= v, v <= high_)); break;
    case Kind::integer_greater_than: ok = logical_and(whole(), v >= low_); break;
    case Kind::simplex: ok = logical_and(all(v >= 0, -1), abs(sum(v, -1) - 1) < 1e-6); break;
    case Kind::lower_cholesky: ok = logical_and(all(all(eq(tril(v), v), -1), -1), all(diagonal(v, 0, -2, -1) > 0, -1)); break;
    case Kind::positive_definite:
      // Whether a Cholesky factor exists is only known for all matrices together.
      ok = all(all(isclose(v, v.mT(), 1e-5, 1e-6), -1), -1);
      try {
        linalg_cholesky(v.detach());
      } catch (const LinAlgError&) {
        ok = zeros_like(ok);
      }
      break;
  }
  for (std::int64_t i = 0; i < dims_; ++i) ok = all(ok, -1);
  return ok;
}
Constraint Constraint::independent(std::int64_t dims) const {
  Constraint c = *this;
  c.dims_ += dims;
  return c;
}
std::string Constraint::repr() const {
  static constexpr const char* names[] = {"_Dependent", "Real", "Boolean", "GreaterThan", "GreaterThanEq", "Interval", "IntegerInterval", "IntegerGreaterThan",
                                          "Simplex", "LowerCholesky", "PositiveDefinite"};
  std::string out = names[static_cast<int>(kind_)];
  out += "(";
  if (low_.defined()) out.append("lower_bound=").append(shown(low_));
  if (high_.defined()) out.append(", upper_bound=").append(shown(high_));
  out += ")";
  return dims_ ? join({"IndependentConstraint(", out, ", ", dims_, ")"}) : out;
}

// ---- the base ----------------------------------------------------------------------------------------------------------------

Distribution::Distribution(const char* name, Sizes batch_shape, Sizes event_shape, std::vector<Argument> arguments, Constraint support,
                           std::optional<bool> validate_args)
    : arguments_(std::move(arguments)), name_(name), batch_shape_(std::move(batch_shape)), event_shape_(std::move(event_shape)), support_(std::move(support)),
      validate_args_(validate_args.value_or(default_validate)) {
  if (!validate_args_) return;
  for (const Argument& a : arguments_) {
    if (a.constraint.kind() == Constraint::Kind::dependent) continue;
    NoGradGuard off;
    CT_CHECK_VALUE(all(a.constraint.check(a.value)).is_nonzero(), name_, ": Expected parameter ", a.name, " (Tensor of shape ", tuple(a.value.sizes()),
                   ") of distribution ", Distribution::repr(), " to satisfy the constraint ", a.constraint.repr(), ", but found invalid values:\n", shown(a.value));
  }
}
Distribution::Distribution(const Distribution&) = default;
Distribution& Distribution::operator=(const Distribution&) = default;
Distribution::~Distribution() = default;

void Distribution::set_default_validate_args(bool value) { default_validate = value; }

std::string Distribution::repr() const {
  std::string out = name_;
  for (std::size_t i = 0; i < arguments_.size(); ++i) {
    const Tensor& v = arguments_[i].value;
    out.append(i ? ", " : "(").append(arguments_[i].name).append(": ");
    out += v.numel() == 1 ? shown(v) : print_text({v.shape()});
  }
  return out += arguments_.empty() ? "()" : ")";
}
std::string to_string(const Distribution& d) { return d.repr(); }
std::ostream& operator<<(std::ostream& out, const Distribution& d) { return out << d.repr(); }

void Distribution::not_implemented(const char* what, const char* help) const {
  CT_THROW(not_implemented, name_, ": ", what, " is not implemented for this distribution", help);
}

void Distribution::validate(const Tensor& value) const {
  CT_CHECK(value.defined(), name_, ": the value is undefined");
  if (!validate_args_) return;
  const std::size_t events = event_shape_.size();
  const IntArrayRef actual = value.sizes();
  CT_CHECK_VALUE(actual.size() >= events && actual.slice(actual.size() - events, events) == IntArrayRef(event_shape_), name_,
                 ": The right-most size of value must match event_shape: ", print_text({Size(actual)}), " vs ", print_text({Size(event_shape_)}), ".");
  Sizes expected = batch_shape_;
  expected.insert(expected.end(), event_shape_.begin(), event_shape_.end());
  for (std::size_t i = 1; i <= std::min(expected.size(), actual.size()); ++i) {
    const std::int64_t a = actual[actual.size() - i], e = expected[expected.size() - i];
    CT_CHECK_VALUE(a == 1 || e == 1 || a == e, name_, ": Value is not broadcastable with batch_shape+event_shape: ", print_text({Size(actual)}), " vs ", print_text({Size(expected)}), ".");
  }
  if (support_.kind() == Constraint::Kind::dependent) return;
  NoGradGuard off;
  CT_CHECK_VALUE(all(support_.check(value)).is_nonzero(), name_, ": Expected value argument (Tensor of shape ", tuple(actual), ") to be within the support (",
                 support_.repr(), ") of the distribution ", repr(), ", but found invalid values:\n", shown(value));
}

Distribution::Sizes Distribution::extended_shape(IntArrayRef sample_shape) const {
  Sizes out = sample_shape.vec();
  out.insert(out.end(), batch_shape_.begin(), batch_shape_.end());
  out.insert(out.end(), event_shape_.begin(), event_shape_.end());
  return out;
}

Tensor Distribution::sample(IntArrayRef sample_shape, std::optional<Generator> generator) const {
  NoGradGuard off;
  return rsample(sample_shape, generator);
}
Tensor Distribution::rsample(IntArrayRef, std::optional<Generator>) const {
  not_implemented("rsample", "\n  Its samples have no gradients: use sample(), and log_prob() for an estimate by the score function.");
}
Tensor Distribution::cdf(const Tensor&) const { not_implemented("cdf"); }
Tensor Distribution::icdf(const Tensor&) const { not_implemented("icdf"); }
Tensor Distribution::entropy() const { not_implemented("entropy"); }
Tensor Distribution::mode() const { not_implemented("mode"); }
Tensor Distribution::enumerate_support(bool) const { not_implemented("enumerate_support"); }
Tensor Distribution::stddev() const { return sqrt(variance()); }
Tensor Distribution::perplexity() const { return exp(entropy()); }

// ---- helpers -------------------------------------------------------------------------------------------------------------------

namespace detail {

std::vector<Tensor> broadcast_all(const char* name, std::initializer_list<const Parameter*> parameters) {
  ScalarType dtype = get_default_dtype();
  for (const Parameter* p : parameters) CT_CHECK(p->is_number() || p->tensor().defined(), name, ": a parameter is undefined");
  for (const Parameter* p : parameters) {
    if (p->is_number()) continue;
    dtype = p->tensor().scalar_type();
    break;
  }
  std::vector<Tensor> out;
  for (const Parameter* p : parameters) out.push_back(p->is_number() ? scalar_tensor(p->number(), dtype) : p->tensor());
  return out.size() > 1 ? broadcast_tensors(out) : out;
}

double eps(ScalarType t) { return t == kHalf ? 0x1p-10 : t == kBFloat16 ? 0x1p-7 : t == kFloat ? 0x1p-23 : 0x1p-52; }
double tiny(ScalarType t) { return t == kHalf ? 0x1p-14 : t == kDouble ? std::numeric_limits<double>::min() : static_cast<double>(std::numeric_limits<float>::min()); }

Tensor logits_to_probs(const Tensor& logits, bool is_binary) { return is_binary ? sigmoid(logits) : softmax(logits, -1); }
Tensor probs_to_logits(const Tensor& probs, bool is_binary) {
  const double e = eps(probs.scalar_type());
  const Tensor p = clamp(probs, Scalar(e), Scalar(1 - e));
  return is_binary ? log(p) - log1p(-p) : log(p);
}
Tensor sum_rightmost(const Tensor& value, std::int64_t dims) { return dims == 0 ? value : flatten(value, value.dim() - dims, -1).sum(-1); }

Constraint real() { return Constraint(Constraint::Kind::real); }
Constraint positive() { return {Constraint::Kind::greater_than, tensor(0.0, kDouble)}; }
Constraint nonnegative() { return {Constraint::Kind::greater_than_eq, tensor(0.0, kDouble)}; }
Constraint unit_interval() { return {Constraint::Kind::interval, tensor(0.0, kDouble), tensor(1.0, kDouble)}; }
Constraint nonnegative_integer() { return {Constraint::Kind::integer_greater_than, tensor(0, kLong)}; }

Tensor mahalanobis(const Tensor& tril, const Tensor& x) { return sum(pow(linalg_solve_triangular(tril, x.unsqueeze(-1), false), 2), {-2, -1}); }

}  // namespace detail
}  // namespace ct::distributions
