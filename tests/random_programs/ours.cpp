// tests/random_programs/ours.cpp -- runs programs in this library.
#include "random_programs/ours.h"

#include "autograd/node.h"

namespace programs {
namespace ours {

std::vector<double> values(const Tensor& t) {
  const Tensor d = t.detach().to(kDouble).contiguous();
  return {d.data_ptr<double>(), d.data_ptr<double>() + d.numel()};
}

std::vector<ct::Edge> edges_of(const NodeRef& n) {
  const auto* slices = dynamic_cast<const ct::CopySlices*>(n.get());
  const auto* node = dynamic_cast<const ct::OpNode*>(slices && slices->fn ? slices->fn.get() : n.get());
  std::vector<ct::Edge> out;
  for (std::size_t k = 0; k < n->next_edges().size(); ++k)
    if (!node || k >= 32 || !(node->op->nondiff >> k & 1)) out.push_back(n->next_edge(k));
  return out;
}

}  // namespace ours

Outcome run_ours(const Program& p) { return ours::run(p); }

}  // namespace programs
