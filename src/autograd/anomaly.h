// autograd/anomaly.h -- what looks at the gradients of a backward pass for the first one that is not finite.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "cotangent/anomaly.h"
#include "autograd/node.h"

namespace ct::detail {

// Of one pass: sees each node's gradients before and after it runs, in order, and keeps them.
class GradientWatch {
 public:
  // `wanted`: where explain_nonfinite() wants its report; null in anomaly mode.
  explicit GradientWatch(autograd::NonFiniteReport* wanted) : wanted_(wanted) {}

  void before(Node& node, const Tensor* grads);
  // Errors: in anomaly mode ct::Error if a gradient is nan. Throws Found when the report is ready.
  void after(Node& node, const Tensor* out);
  struct Found {};

 private:
  struct Seen {
    NodePtr node;
    std::vector<Tensor> in, out;
    std::vector<std::pair<std::size_t, std::uint32_t>> senders;  // which seen node sent, as the gradient of which input
  };

  void report_incoming(std::size_t at, std::uint32_t output);
  void report_outgoing(std::size_t at, std::uint32_t input);
  void explain_product(std::size_t at, std::uint32_t input, const std::vector<std::int64_t>& index);
  void append_path(std::size_t at);
  // The seen node that turned a gradient into the 0 that came to `at`; -1 if it began as 0.
  long find_masker(std::size_t at, const std::vector<std::int64_t>& index, std::uint32_t* input) const;

  autograd::NonFiniteReport* wanted_;
  autograd::NonFiniteReport first_;
  std::vector<Seen> seen_;
  std::unordered_map<const Node*, std::vector<std::pair<std::size_t, std::uint32_t>>> sent_;  // to nodes that did not run yet
  std::uint64_t next_sequence_nr_ = 0;
};

// A watch if this pass is to be looked at: in anomaly mode, or in explain_nonfinite(); else null.
std::unique_ptr<GradientWatch> watch_if_asked();

}  // namespace ct::detail
