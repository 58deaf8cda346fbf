// autograd/inspect.cpp -- what tools ask of nodes: numbers, names, shapes, notes.
#include <algorithm>

#include "autograd/node.h"

namespace ct {

using detail::impl;

// ---- every node ---------------------------------------------------------------------------------------

Node::Extra& NodeAccess::need_extra(Node& n) {
  if (Node::Extra* there = extra(n)) return *there;
  auto* fresh = new Node::Extra;
  Node::Extra* there = nullptr;
  if (__atomic_compare_exchange_n(&n.extra_, &there, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return *fresh;
  delete fresh;
  return *there;
}

std::uint64_t Node::id() const {
  static std::atomic<std::uint64_t> newest{0};
  std::atomic<std::uint64_t>& id = NodeAccess::need_extra(const_cast<Node&>(*this)).id;
  std::uint64_t mine = id.load(std::memory_order_acquire);
  if (mine == 0) {
    const std::uint64_t fresh = newest.fetch_add(1, std::memory_order_relaxed) + 1;
    if (id.compare_exchange_strong(mine, fresh, std::memory_order_acq_rel)) mine = fresh;
  }
  return mine;
}

NodeMetadata& Node::metadata() { return NodeAccess::need_extra(*this).metadata; }

InputMetadata Node::input_metadata(std::size_t i) const {
  CT_CHECK_INDEX(i < n_inputs_, name(), ": input_metadata(", i, ") is out of range: the node has ", n_inputs_, " forward output",
                 n_inputs_ == 1 ? "" : "s");
  return metadata_of(static_cast<std::uint32_t>(i));
}

const std::string* NodeMetadata::find(std::string_view key) const {
  const auto it = std::find_if(entries_.begin(), entries_.end(), [key](const auto& e) { return e.first == key; });
  return it == entries_.end() ? nullptr : &it->second;
}
std::string& NodeMetadata::operator[](std::string_view key) {
  if (const std::string* found = find(key)) return const_cast<std::string&>(*found);
  return entries_.emplace_back(key, std::string()).second;
}
void NodeMetadata::erase(std::string_view key) {
  std::erase_if(entries_, [key](const auto& e) { return e.first == key; });
}

// ---- each kind ------------------------------------------------------------------------------------------

InputMetadata OpNode::metadata_of(std::uint32_t i) const {
  const detail::GradShape s = shape(i);
  return {s.dtype, s.sizes.vec(), true};
}
InputMetadata AccumulateGrad::metadata_of(std::uint32_t) const { return {impl(leaf)->dtype, leaf.sizes().vec(), true}; }
InputMetadata CopySlices::metadata_of(std::uint32_t) const { return {dtype, base.size_list().vec(), true}; }

std::vector<SavedValue> OpNode::saved() const {
  std::vector<SavedValue> out;
  for (SaveMask rest = saved_mask; rest; rest &= rest - 1) {
    const int bit = __builtin_ctz(rest);
    const bool output = bit >= max_saved_inputs;
    const int nr = output ? bit - max_saved_inputs : bit;
    std::string name = output ? "y" : "x";
    if (nr > 0 || (output ? num_inputs() : num_outputs()) > 1) name += std::to_string(nr);
    out.push_back({std::move(name), unpack(bit)});
  }
  return out;
}

// ---- the graph --------------------------------------------------------------------------------------------

namespace autograd::graph {

Edge get_gradient_edge(const Tensor& t) {
  CT_CHECK(t.defined(), "get_gradient_edge: the tensor is undefined");
  CT_CHECK(t.requires_grad(), "get_gradient_edge: It is not possible to get the gradient edge for a Tensor that does not require gradients");
  return detail::gradient_edge(t);
}

void increment_version(const Tensor& t) {
  CT_CHECK(t.defined(), "increment_version: the tensor is undefined");
  CT_CHECK(!t.is_inference(), "increment_version: Inference tensors do not track version counter.");
  impl(t)->storage->bump_version("increment_version", detail::user_address());
}
void increment_version(TensorList tensors) {
  for (const Tensor& t : tensors) {
    CT_CHECK(t.defined(), "increment_version: the tensor is undefined");
    CT_CHECK(!t.is_inference(), "increment_version: Inference tensors do not track version counter.");
  }
  for (const Tensor& t : tensors) impl(t)->storage->bump_version("increment_version", detail::user_address());
}

}  // namespace autograd::graph
}  // namespace ct
