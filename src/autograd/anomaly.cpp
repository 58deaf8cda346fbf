// autograd/anomaly.cpp -- anomaly mode, and the explanation of the first gradient that is not finite.
#include "autograd/anomaly.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <set>

#include "core/thread_state.h"
#include "cotangent/graph.h"

namespace ct {

using autograd::NonFiniteReport;
using detail::impl;

namespace {

std::atomic<bool> anomaly_enabled{false}, anomaly_check_nan{true};
thread_local NonFiniteReport* wanted_report = nullptr;  // of explain_nonfinite() on this thread

}  // namespace

// ---- helpers -------------------------------------------------------------------------------------------

namespace detail {

namespace {

using Index = std::vector<std::int64_t>;

const OpNode* op_node(const Node& n) { return dynamic_cast<const OpNode*>(&n); }

std::string op_name(const Node& n) {
  const OpNode* o = op_node(n);
  return o ? o->op->name : n.name();
}

// Elementwise operations: an element of the gradient that goes out depends on the same element of the one that comes in.
bool is_elementwise(const Node& n) {
  const OpNode* o = op_node(n);
  return o && o->op->kind == OpKind::elementwise;
}

std::string number(double v) {
  if (std::isnan(v)) return "nan";
  return join({v});
}

// Wrappers of vmap and forward mode are left alone: there is no one answer for them.
bool is_value(const Tensor& t) { return t.defined() && t.is_floating_point() && t.numel() > 0 && !impl(t)->layered; }
bool all_finite(const Tensor& t) { return !is_value(t) || t.isfinite().all().item<bool>(); }
bool any_nan(const Tensor& t) { return is_value(t) && t.isnan().any().item<bool>(); }

// The first element that is not finite, nans first, in the order of memory.
Index first_bad(const Tensor& t) {
  const Tensor nans = t.isnan();
  const Tensor bad = nans.any().item<bool>() ? nans : t.isfinite().logical_not();
  std::int64_t flat = bad.reshape({-1}).to(kByte).argmax().item<std::int64_t>();
  Index index(static_cast<std::size_t>(t.dim()));
  for (std::size_t d = index.size(); d-- > 0; flat /= t.sizes()[d]) index[d] = flat % t.sizes()[d];
  return index;
}

double element(Tensor t, const Index& index) {
  for (const std::int64_t i : index) t = t.select(0, i);
  return t.item<double>();
}

// The element of a tensor that is broadcast to the shape that `index` counts in; nothing if it is not.
std::optional<double> broadcast_element(const Tensor& t, const Index& index) {
  if (!is_value(t) || static_cast<std::size_t>(t.dim()) > index.size()) return std::nullopt;
  Tensor rest = t;
  const std::size_t skip = index.size() - static_cast<std::size_t>(t.dim());
  for (std::size_t d = skip; d < index.size(); ++d) {
    const std::int64_t n = rest.size(0);
    if (n != 1 && index[d] >= n) return std::nullopt;
    rest = rest.select(0, n == 1 ? 0 : index[d]);
  }
  return rest.item<double>();
}

std::string at_element(const Index& index) {
  return index.empty() ? std::string() : join({", element ", IntArrayRef(index)});
}

std::string where_is(const Node& n) {
  const std::string line = to_string(n.location());
  return line.empty() ? n.name() : join({n.name(), " (", line, ")"});
}

// What is kept for backward; empty where that was freed or changed.
std::vector<SavedValue> saved_or_none(const Node& n) {
  try {
    std::vector<SavedValue> values = n.saved();
    for (SavedValue& v : values)
      if (v.value.defined()) v.value = v.value.detach();
    return values;
  } catch (const Error&) {
    return {};
  }
}

// "y = 0, x = 0": what is known of the forward values at an element.
std::string values_at(const Node& n, const Index& index) {
  std::string text;
  bool has_x = false;
  auto add = [&](const std::string& name, const Tensor& t) {
    if (const std::optional<double> v = broadcast_element(t, index))
      text.append(text.empty() ? "" : ", ").append(name).append(" = ").append(number(*v));
  };
  for (const SavedValue& s : saved_or_none(n)) {
    if (!s.value.defined()) continue;
    add(s.name, s.value);
    has_x |= s.name[0] == 'x';
  }
  if (!has_x && n.num_outputs() == 1 && n.next_edge(0).is_valid()) {
    // An input that was not saved may be known elsewhere: a leaf, or what its producer kept of its output.
    const Node& producer = *n.next_edge(0).function;
    if (const Tensor leaf = producer.variable(); leaf.defined()) {
      add("x", leaf.detach());
    } else {
      for (const SavedValue& s : saved_or_none(producer))
        if (s.name == "y" && s.value.defined()) add("x", s.value);
    }
  }
  return text;
}

class WatchOff {
 public:
  WatchOff() : grad_(false), before_(std::exchange(wanted_report, nullptr)) {}
  ~WatchOff() { wanted_report = before_; }
  WatchOff(const WatchOff&) = delete;
  WatchOff& operator=(const WatchOff&) = delete;

 private:
  GradModeScope grad_;
  NonFiniteReport* before_;
};

}  // namespace

// Whether a forward value was nan or inf already, and which operation made the first one that is known.
void explain_forward(Node& from, NonFiniteReport& report) {
  std::vector<NodePtr> nodes{NodePtr::share(&from)};
  std::set<const Node*> met{&from};
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const Edge& e : nodes[i]->next_edges())
      if (e.is_valid() && met.insert(e.function.get()).second) nodes.push_back(e.function);
  std::stable_sort(nodes.begin(), nodes.end(), [](const NodePtr& a, const NodePtr& b) {
    const bool leaf_a = a->num_outputs() == 0, leaf_b = b->num_outputs() == 0;
    return leaf_a != leaf_b ? leaf_a : a->sequence_nr() < b->sequence_nr();
  });
  auto tell = [&report](const Node& n, const std::string& what, const Tensor& t) {
    const Index index = first_bad(t);
    const double value = element(t, index);
    report.text.append(join({report.text.empty() ? "" : "\n  ", "A value of the forward computation was not finite already: ", what, " is ",
                             number(value), at_element(index), "."}));
    if (report) return;
    report.kind = NonFiniteReport::Kind::forward;
    report.node = n.name();
    report.op = op_name(n);
    report.location = n.location();
    report.index = index;
    report.value = value;
    report.path.push_back({report.node, report.location, 0});
  };
  for (const NodePtr& n : nodes) {
    if (const Tensor leaf = n->variable(); leaf.defined()) {
      if (!all_finite(leaf.detach())) return tell(*n, join({"a leaf of shape ", leaf.sizes()}), leaf.detach());
      continue;
    }
    const std::vector<SavedValue> values = saved_or_none(*n);
    for (const SavedValue& s : values)  // inputs come first
      if (!all_finite(s.value)) return tell(*n, join({s.name[0] == 'y' ? "the result " : "the input ", s.name, " of ", where_is(*n)}), s.value);
  }
}

}  // namespace detail

// ---- the mode ----------------------------------------------------------------------------------------

namespace autograd {

bool AnomalyMode::is_enabled() { return anomaly_enabled.load(std::memory_order_relaxed); }
bool AnomalyMode::should_check_nan() { return anomaly_check_nan.load(std::memory_order_relaxed); }
void AnomalyMode::set_enabled(bool enabled, bool check_nan) {
  anomaly_enabled.store(enabled, std::memory_order_relaxed);
  anomaly_check_nan.store(check_nan, std::memory_order_relaxed);
}

DetectAnomalyGuard::DetectAnomalyGuard(bool check_nan)
    : enabled_before_(AnomalyMode::is_enabled()), check_before_(AnomalyMode::should_check_nan()) {
  AnomalyMode::set_enabled(true, check_nan);
}
DetectAnomalyGuard::~DetectAnomalyGuard() { AnomalyMode::set_enabled(enabled_before_, check_before_); }

NodePtr anomaly_parent(const Node& node) {
  const NodeExtra* extra = NodeAccess::extra(node);
  return extra ? extra->anomaly_parent : NodePtr();
}

NonFiniteReport explain_nonfinite(const Tensor& root, TensorList inputs, const Tensor& gradient) {
  CT_CHECK(root.defined(), "explain_nonfinite: the tensor is undefined");
  std::vector<Tensor> leaves(inputs.begin(), inputs.end());
  if (leaves.empty())
    for (const NodePtr& n : graph::graph_topological_order(root))
      if (Tensor leaf = n->variable(); leaf.defined()) leaves.push_back(std::move(leaf));
  NonFiniteReport report;
  NonFiniteReport* before = std::exchange(wanted_report, &report);
  struct Restore {
    NonFiniteReport* before;
    ~Restore() { wanted_report = before; }
  } restore{before};
  try {
    const Tensor seed = gradient.defined() || !root.requires_grad() ? gradient : ones_like(root.detach());
    grad({root}, leaves, {seed}, true, false, true);
  } catch (const detail::GradientWatch::Found&) {
    return report;
  }
  if (!detail::all_finite(root.detach())) detail::explain_forward(*root.grad_fn(), report);
  if (!report) report.text = "All gradients are finite, and so is every value that was saved for them.";
  return report;
}

}  // namespace autograd

// ---- the watch -----------------------------------------------------------------------------------------

namespace detail {

std::unique_ptr<GradientWatch> watch_if_asked() {
  if (wanted_report) return std::make_unique<GradientWatch>(wanted_report);
  if (autograd::AnomalyMode::is_enabled()) return std::make_unique<GradientWatch>(nullptr);
  return nullptr;
}

void GradientWatch::before(Node& node, const Tensor* grads) {
  Seen& s = seen_.emplace_back();
  s.node = NodePtr::share(&node);
  s.in.assign(grads, grads + node.num_inputs());
  if (const auto it = sent_.find(&node); it != sent_.end()) s.senders = std::move(it->second);
  next_sequence_nr_ = thread_state.next_sequence_nr;
  if (first_) return;
  const WatchOff off;
  for (std::uint32_t k = 0; k < node.num_inputs(); ++k)
    if (!all_finite(grads[k])) return report_incoming(seen_.size() - 1, k);
}

void GradientWatch::after(Node& node, const Tensor* out) {
  const std::size_t at = seen_.size() - 1;
  seen_[at].out.assign(out, out + node.num_outputs());
  for (std::uint32_t k = 0; k < node.num_outputs(); ++k)
    if (const Edge& e = node.next_edge(k); e.is_valid() && out[k].defined()) sent_[e.function.get()].emplace_back(at, k);

  if (thread_state.grad_mode) {  // nodes of the second order remember for whom they were made
    std::vector<Node*> fresh;
    for (const Tensor& t : seen_[at].out)
      if (t.defined() && impl(t)->grad_fn) fresh.push_back(impl(t)->grad_fn);
    std::set<Node*> done;
    while (!fresh.empty()) {
      Node* n = fresh.back();
      fresh.pop_back();
      if (n->sequence_nr() < next_sequence_nr_ || n->variable().defined() || !done.insert(n).second) continue;
      NodeAccess::need_extra(*n).anomaly_parent = NodePtr::share(&node);
      for (const Edge& e : n->next_edges())
        if (e.is_valid()) fresh.push_back(e.function.get());
    }
  }

  const WatchOff off;
  for (std::uint32_t k = 0; !first_ && k < node.num_outputs(); ++k)
    if (node.next_edge(k).is_valid() && !all_finite(out[k])) report_outgoing(at, k);
  if (wanted_) {
    if (!first_) return;
    *wanted_ = std::move(first_);
    throw Found{};
  }
  if (!first_ || !autograd::AnomalyMode::should_check_nan()) return;
  for (std::uint32_t k = 0; k < node.num_outputs(); ++k) {
    if (!node.next_edge(k).is_valid() || !any_nan(out[k])) continue;
    std::string induced;
    for (NodePtr parent = autograd::anomaly_parent(node); parent; parent = autograd::anomaly_parent(*parent))
      induced.append("\n  It was recorded in the backward of ").append(where_is(*parent)).append(".");
    CT_THROW(error, "Function '", node.name(), "' returned nan values in its ", k, "th output.", place("\n  Its forward was called at ", NodeAccess::where(node)),
             induced, "\n  ", first_.text);
  }
}

void GradientWatch::append_path(std::size_t at) {
  std::vector<NonFiniteReport::Step> path;
  std::uint32_t through = first_.input;
  for (std::size_t i = at;;) {
    path.push_back({seen_[i].node->name(), seen_[i].node->location(), through});
    if (seen_[i].senders.empty()) break;
    std::tie(i, through) = seen_[i].senders.front();
  }
  std::reverse(path.begin(), path.end());
  first_.path = std::move(path);
  if (first_.path.size() < 2) return;
  std::string text = "\n  It came through: ";
  constexpr std::size_t shown = 12;
  for (std::size_t i = 0; i < first_.path.size(); ++i) {
    if (first_.path.size() > shown && i == shown / 2) {
      text.append(join({"... ", first_.path.size() - shown, " more ... > "}));
      i += first_.path.size() - shown;
    }
    const NonFiniteReport::Step& s = first_.path[i];
    const std::string line = to_string(s.location);
    text.append(s.node);
    if (!line.empty()) text.append(" (").append(line).append(")");
    if (i + 1 < first_.path.size()) text.append(join({", input ", s.input, " > "}));
  }
  first_.text += text;
}

void GradientWatch::report_incoming(std::size_t at, std::uint32_t output) {
  Node& node = *seen_[at].node;
  const Tensor& g = seen_[at].in[output];
  first_.kind = NonFiniteReport::Kind::incoming;
  first_.node = node.name();
  first_.op = op_name(node);
  first_.location = node.location();
  first_.index = first_bad(g);
  first_.value = element(g, first_.index);
  first_.text = join({"The gradient that came to ", where_is(node), " is ", number(first_.value), at_element(first_.index), ": ",
                      seen_[at].senders.empty() ? "backward was given it to begin with."
                                                : "the sum of finite gradients is too large for the dtype.\n  Scale the loss, or compute in ct::kDouble."});
  append_path(at);
  if (wanted_) {
    *wanted_ = std::move(first_);
    throw Found{};
  }
}

void GradientWatch::report_outgoing(std::size_t at, std::uint32_t input) {
  Node& node = *seen_[at].node;
  const Tensor& g = seen_[at].out[input];
  first_.kind = NonFiniteReport::Kind::backward;
  first_.node = node.name();
  first_.op = op_name(node);
  first_.location = node.location();
  first_.input = input;
  first_.index = first_bad(g);
  first_.value = element(g, first_.index);
  first_.text = join({"The first gradient that is not finite is ", number(first_.value), ", made by the backward of `", first_.op, "`",
                      place(" at ", NodeAccess::where(node)), " from finite ones: input ", input, at_element(first_.index), "."});
  const bool elementwise = is_elementwise(node) && node.num_inputs() == 1 && seen_[at].in[0].sizes() == g.sizes();
  if (elementwise) explain_product(at, input, first_.index);
  if (!first_.masked) explain_forward(node, first_);
  append_path(at);
}

// g * derivative at one element: which of the two is to blame.
void GradientWatch::explain_product(std::size_t at, std::uint32_t input, const std::vector<std::int64_t>& index) {
  Node& node = *seen_[at].node;
  const Tensor& g = seen_[at].in[0];
  first_.incoming = element(g, index);
  Tensor ones = ones_like(g);
  std::vector<Tensor> slopes(node.num_outputs());
  NodeAccess::apply(node, &ones, slopes.data());
  if (!slopes[input].defined()) return;
  const std::optional<double> slope = broadcast_element(slopes[input].detach(), index);
  if (!slope) return;
  first_.derivative = slope;
  const std::string values = values_at(node, index);
  std::string& text = first_.text;
  text.append(join({"\n  There ", number(*first_.incoming), " (the gradient that came in) * ", number(*slope), " (the derivative",
                    values.empty() ? "" : " where ", values, ") = ", number(first_.value), "."}));
  if (*first_.incoming == 0 && !std::isfinite(*slope)) {
    first_.masked = true;
    std::uint32_t through = 0;
    const long masker = find_masker(at, index, &through);
    if (masker >= 0) {
      const Node& m = *seen_[static_cast<std::size_t>(masker)].node;
      text.append(join({"\n  The 0 is from ", where_is(m), ", which gave its input ", through, " no share in this element; but 0 * ", number(*slope), " is nan, not 0."}));
    } else {
      text.append(join({"\n  0 * ", number(*slope), " is nan, not 0."}));
    }
    text.append(join({"\n  Mask the input of `", first_.op, "` and not only its result: where(ok, ", first_.op, "(where(ok, x, 1)), other)."}));
  } else if (!std::isfinite(*slope)) {
    text.append(join({"\n  `", first_.op, "` has no finite derivative there: keep its input away from that value, e.g. with clamp, or by adding a small number."}));
  } else {
    text.append(join({"\n  Both are finite, but their product is too large for ", toString(g.scalar_type()), ": scale the loss, or compute in ct::kDouble."}));
  }
}

long GradientWatch::find_masker(std::size_t at, const std::vector<std::int64_t>& index, std::uint32_t* input) const {
  // Upwards as long as the gradient is 0 where it came from, too.
  for (;;) {
    if (seen_[at].senders.size() != 1) return -1;
    const auto [from, k] = seen_[at].senders.front();
    const Seen& s = seen_[from];
    *input = k;
    const bool same = s.in.size() == 1 && s.in[0].defined() && s.in[0].sizes() == s.out[k].sizes() && s.out[k].dim() == static_cast<std::int64_t>(index.size());
    if (!same || element(s.in[0], index) != 0) return static_cast<long>(from);
    at = from;
  }
}

}  // namespace detail
}  // namespace ct
