// autograd/autocast.cpp -- mixed precision: a guard, and the conversion of what operations are given.
//
// A guard is a forward-mode level in which no tensor has a tangent (autograd/layers.h): it makes apply() take the way on which
// there is time to look, so that without a guard nothing is looked at.
#include "autograd/autocast.h"

#include <algorithm>

#include "autograd/layers.h"
#include "cotangent/autocast.h"

namespace ct {

namespace detail {

thread_local constinit AutocastState autocast_state{};

AutocastInputs::AutocastInputs(const Op& op, const Tensor* const* in, int n) : given_(in) {
  if (op.autocast == Autocast::as_given) return;
  const ScalarType to = op.autocast == Autocast::lower ? autocast_state.dtype : kFloat;
  const auto changes = [to](const Tensor& t) {
    return t.defined() && t.is_floating_point() && t.scalar_type() != kDouble && t.scalar_type() != to;
  };
  if (std::none_of(in, in + n, [&](const Tensor* t) { return changes(*t); })) return;
  converted_.reserve(static_cast<std::size_t>(n));
  pointers_.assign(in, in + n);
  for (const Tensor*& t : pointers_)
    if (changes(*t)) t = &converted_.emplace_back(t->to(to));
}

}  // namespace detail

namespace amp {

struct autocast::Scope {
  detail::AutocastState before = detail::autocast_state;
  detail::LevelScope level{detail::LevelKind::tangent};
  Scope() { level.hidden = true; }
};

autocast::autocast(ScalarType dtype, bool enabled) {
  CT_CHECK_TYPE(dtype == kBFloat16 || dtype == kHalf, "autocast: the dtype must be BFloat16 or Half, but got ", dtype);
  scope_ = new Scope;
  detail::autocast_state = {enabled, dtype};
}
autocast::~autocast() {
  detail::autocast_state = scope_->before;
  delete scope_;
}
bool is_autocast_enabled() { return detail::autocast_state.enabled; }
ScalarType get_autocast_dtype() { return detail::autocast_state.dtype; }

Tensor full_precision(const Tensor& t) {
  const bool half = t.defined() && (t.scalar_type() == kHalf || t.scalar_type() == kBFloat16);
  return half && is_autocast_enabled() ? t.to(kFloat) : t;
}
bool needs_full_precision(std::initializer_list<const Tensor*> inputs) {
  if (!is_autocast_enabled()) return false;
  return std::any_of(inputs.begin(), inputs.end(), [](const Tensor* t) { return t->defined() && (t->scalar_type() == kHalf || t->scalar_type() == kBFloat16); });
}

}  // namespace amp
}  // namespace ct
