// autograd/autocast.cpp -- mixed precision: a guard, and the two lists of operations.
//
// A guard is a forward-mode level in which no tensor has a tangent (autograd/layers.h): it makes apply() take the way on which
// there is time to look, so that without a guard nothing is looked at.
#include "autograd/autocast.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "autograd/layers.h"
#include "cotangent/autocast.h"

namespace ct {

namespace detail {

thread_local constinit AutocastState autocast_state{};

namespace {

// PyTorch's lists of autocast on the CPU, by the names of the operations here; in float32 also softmax and normalisation, as its
// list of the GPU has them.
constexpr std::string_view lower_precision[] = {"addmm", "addmv", "baddbmm", "bmm", "convolution", "dot", "mm", "mv"};
constexpr std::string_view full_precision[] = {
    "_fused_rms_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits", "ctc_loss", "huber_loss", "linalg_cholesky", "linalg_det",
    "linalg_eig", "linalg_eigh", "linalg_inv", "linalg_lstsq", "linalg_matrix_exp", "linalg_pinv", "linalg_qr", "linalg_slogdet", "linalg_solve",
    "linalg_solve_triangular", "linalg_svd", "log_softmax", "logsumexp", "mse_loss", "native_batch_norm", "native_batch_norm.evaluation",
    "native_group_norm", "native_layer_norm", "nll_loss", "nll_loss2d", "prod", "prod.dim", "quantile", "smooth_l1_loss", "soft_margin_loss", "softmax", "trace"};

enum class Precision : std::uint8_t { as_given, lower, full };

Precision precision_of(const Op& op) {
  static const std::unordered_map<std::string_view, Precision> table = [] {
    std::unordered_map<std::string_view, Precision> t;
    for (std::string_view name : lower_precision) t.emplace(name, Precision::lower);
    for (std::string_view name : full_precision) t.emplace(name, Precision::full);
    return t;
  }();
  const auto found = table.find(op.name);
  return found == table.end() ? Precision::as_given : found->second;
}

}  // namespace

AutocastInputs::AutocastInputs(const Op& op, const Tensor* const* in, int n) : given_(in) {
  const Precision p = precision_of(op);
  if (p == Precision::as_given) return;
  const ScalarType to = p == Precision::lower ? autocast_state.dtype : kFloat;
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
