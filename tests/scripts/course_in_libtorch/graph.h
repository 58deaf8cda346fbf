// graph.h -- ct::inspect::graph and steps for libtorch's graphs: operations, leaves and edges, as far as libtorch tells. Draws nothing.
#pragma once

#include "adapter.h"

#include <torch/csrc/autograd/functions/accumulate_grad.h>

namespace ct::inspect {

struct Named {
  std::string name;
  Tensor tensor;
};
class Names {
 public:
  Names() = default;
  Names(std::initializer_list<Named> list) : list_(list) {}
  Names(std::vector<Named> list) : list_(std::move(list)) {}
  Names(const torch::OrderedDict<std::string, Tensor>& dict) {
    for (const auto& item : dict) list_.push_back({item.key(), item.value()});
  }
  Names& add(std::string name, const Tensor& tensor) {
    list_.push_back({std::move(name), tensor});
    return *this;
  }
  const std::vector<Named>& list() const { return list_; }

 private:
  std::vector<Named> list_;
};

struct GraphOptions {
  std::string title{};
  bool backward = false, left_to_right = false, formulas = true, saved = true, locations = false;
  int max_elements = 6, max_fanout = 8, max_nodes = 300, ends = 5, seconds = 20;
};

struct GraphValue {
  std::string name{};
};
struct GraphNode {
  enum class Kind { leaf, op, saved, more } kind = Kind::op;
  std::string id{}, name{}, op{}, node{};
  std::vector<GraphValue> saved{};  // libtorch does not tell
};
struct GraphEdge {
  std::string from{}, to{};
};

class Graph {
 public:
  Graph(const std::vector<Tensor>& results, const Names& names) {
    for (const Tensor& y : results)
      if (y.grad_fn()) visit(y.grad_fn().get(), names);
      else if (y.requires_grad()) visit(torch::autograd::impl::grad_accumulator(y).get(), names);
  }
  const std::vector<GraphNode>& nodes() const { return nodes_; }
  const std::vector<GraphEdge>& edges() const { return edges_; }
  const GraphNode& node(const std::string& name) const {
    for (const GraphNode& n : nodes_)
      if (n.name == name || n.id == name) return n;
    TORCH_CHECK(false, "no node is called ", name);
  }
  std::int64_t size() const { return static_cast<std::int64_t>(nodes_.size()); }
  std::vector<std::string> save(const std::string& stem) const { return {stem + ".svg", stem + ".png"}; }

 private:
  std::string visit(Node* node, const Names& names) {
    if (auto found = ids_.find(node); found != ids_.end()) return found->second;
    GraphNode n;
    auto* leaf = dynamic_cast<torch::autograd::AccumulateGrad*>(node);
    n.kind = leaf ? GraphNode::Kind::leaf : GraphNode::Kind::op;
    n.node = node->name()->*as_in_python;
    n.op = n.node.substr(0, n.node.find("Backward"));
    std::transform(n.op.begin(), n.op.end(), n.op.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    for (const Named& given : names.list()) {
      const bool this_one = leaf ? leaf->variable.is_same(given.tensor) : given.tensor.grad_fn().get() == node;
      if (this_one) n.name += (n.name.empty() ? "" : ", ") + given.name;
    }
    std::vector<std::string> operands;  // they come first
    for (const Edge& edge : node->next_edges())
      if (edge.is_valid()) operands.push_back(visit(edge.function.get(), names));
    n.id = "n_" + std::to_string(nodes_.size() + 1);
    for (const std::string& from : operands) edges_.push_back({from, n.id});
    nodes_.push_back(n);
    return ids_[node] = n.id;
  }

  std::vector<GraphNode> nodes_;
  std::vector<GraphEdge> edges_;
  std::unordered_map<Node*, std::string> ids_;
};

inline Graph graph(const Tensor& y, const Names& names = {}, const GraphOptions& = {}) { return Graph({y}, names); }
inline Graph graph(const std::vector<Tensor>& results, const Names& names = {}, const GraphOptions& = {}) {
  return Graph(results, names);
}

struct StepsOptions {
  Tensor v{};
  std::string title{};
  bool left_to_right = false;
  int max_elements = 6, max_nodes = 40, seconds = 20;
};
// A step for each node: only how many there are is known.
class Steps {
 public:
  explicit Steps(const Graph& graph) : size_(static_cast<std::size_t>(graph.size())) {}
  std::size_t size() const { return size_; }
  std::vector<std::string> save(const std::string& stem) const {
    return {stem + ".html", stem + "_step_" + (size_ < 10 ? "0" : "") + std::to_string(size_) + ".svg"};
  }

 private:
  std::size_t size_;
};
inline Steps steps(const Tensor& y, const Names& names = {}, const StepsOptions& = {}) { return Steps(Graph({y}, names)); }

}  // namespace ct::inspect
