// cotangent/anomaly.h -- finding what made a gradient nan or inf: anomaly mode, and reports of the first such value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cotangent/autograd.h"

namespace ct::autograd {

/// Whether backward looks at every gradient. As in libtorch the switch is one for all threads.
struct CT_API AnomalyMode {
  static bool is_enabled();
  static bool should_check_nan();
  static void set_enabled(bool enabled, bool check_nan = true);
};
/// Python's name for it.
inline void set_detect_anomaly(bool mode, bool check_nan = true) { AnomalyMode::set_enabled(mode, check_nan); }

/// Python's `with torch.autograd.detect_anomaly():` for the rest of the scope; what was set before comes back, also on an
/// exception. With check_nan, a backward that computes a nan throws
///   Function 'SqrtBackward0' returned nan values in its 0th output.
/// followed by the report that explain_nonfinite() would give. Nodes that backward records (create_graph) remember for
/// which node they were made. Costs a look at every gradient, which are all kept until the end, in backward; nothing in forward.
class CT_API DetectAnomalyGuard {
 public:
  explicit DetectAnomalyGuard(bool check_nan = true);
  ~DetectAnomalyGuard();
  DetectAnomalyGuard(const DetectAnomalyGuard&) = delete;
  DetectAnomalyGuard& operator=(const DetectAnomalyGuard&) = delete;

 private:
  bool enabled_before_, check_before_;
};
using detect_anomaly = DetectAnomalyGuard;

/// The node in whose backward `node` was recorded, if anomaly mode was on then; else null.
CT_API NodePtr anomaly_parent(const Node& node);

/// The first value of a backward that was not finite, and where it came from.
struct NonFiniteReport {
  enum class Kind : std::uint8_t {
    none,      // everything is finite
    backward,  // a node got finite gradients and returned one that is not
    incoming,  // the gradient that backward began with, or the sum of finite gradients, was not finite
    forward,   // gradients are finite, but a value of the forward computation is not
  };
  struct Step {
    std::string node;        // e.g. "WhereBackward0"
    SourceLocation location;
    std::uint32_t input = 0; // the forward input through which it goes on
  };

  Kind kind = Kind::none;
  std::string node, op;              // e.g. "SqrtBackward0", "sqrt"
  SourceLocation location;           // of the forward call
  std::uint32_t input = 0;           // the gradient of this forward input
  std::vector<std::int64_t> index;   // the element, of the node's result before it is reduced to the input's shape
  double value = 0;                  // nan, inf or -inf
  std::optional<double> incoming;    // elementwise operations: the gradient that came to this element
  std::optional<double> derivative;  // and the local derivative there
  bool masked = false;               // 0 * inf: a branch that was not chosen
  std::vector<Step> path;            // from the root to the node, last
  std::string text;                  // all of it in words, several lines

  /// Whether something was found.
  explicit operator bool() const { return kind != Kind::none; }
};

/// Runs a backward of its own from `root` and reports the first gradient that is nan or inf; .grad and the graph stay as
/// they are. `inputs`: look only at what leads to them (all leaves if empty). `gradient`: as of backward(), ones if undefined.
/// Errors: those of grad(), e.g. ct::Error if the graph was freed.
/// Example: auto y = where(x > 0, sqrt(x), 0.0).sum();  std::puts(explain_nonfinite(y).text.c_str());
CT_API NonFiniteReport explain_nonfinite(const Tensor& root, TensorList inputs = {}, const Tensor& gradient = {});

}  // namespace ct::autograd
