// inspect/collect.cpp -- graph(): walks from the results and notes down what is to be drawn.
#include <algorithm>
#include <exception>
#include <unordered_map>

#include "cotangent/autograd.h"
#include "cotangent/graph.h"
#include "cotangent/inspect.h"
#include "inspect/text.h"

namespace ct::inspect {

namespace {

constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

std::string metadata_text(const GraphValue& v) { return v.known ? dtype_text(v.dtype) + " " + shape_text(v.shape) : ""; }

// The length of the shortest sequence of which `ops` is a repetition; 0 if it is none, or a long one.
std::size_t period(const std::vector<std::string>& ops) {
  for (std::size_t p = 1; p <= 8 && 2 * p <= ops.size(); ++p)
    if (ops.size() % p == 0 && std::equal(ops.begin() + static_cast<std::ptrdiff_t>(p), ops.end(), ops.begin())) return p;
  return 0;
}

bool same_place(const Tensor& a, const Tensor& b) {
  if (a.is_same(b)) return true;
  try {
    return a.numel() > 0 && a.data_ptr() == b.data_ptr() && a.scalar_type() == b.scalar_type() && a.sizes().equals(b.sizes()) &&
           a.strides().equals(b.strides());
  } catch (const std::exception&) {
    return false;
  }
}

bool shares_memory(const Tensor& a, const Tensor& b) {
  try {
    return a.numel() > 0 && b.numel() > 0 && a.is_alias_of(b);
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

// Note [What is drawn]
// The nodes are numbered in the order of forward: backward's own order, reversed. It is a topological order, and it depends
// on the computation alone, so ids are the same in every run. When a graph is too large, runs of consecutive numbers between
// drawn operations are drawn as one box each. No path leaves such a run and comes back to it, so the drawing has no cycles.
class Collector {
 public:
  Collector(const Names& names, const GraphOptions& options) : names_(names) { graph_.options_ = options; }

  Graph run(const std::vector<Tensor>& results) {
    find_nodes(results);
    find_names(results);
    choose();
    for (std::size_t i = 0; i < order_.size(); ++i)
      if (shown_[i]) describe(i);
    share_values();
    emit();
    add_constant_results(results);
    for (std::size_t i = 0; i < names_.list().size(); ++i)
      if (!used_[i]) graph_.unused_.push_back(names_.list()[i].name);
    return std::move(graph_);
  }

 private:
  struct Operand { std::size_t producer; std::uint32_t output; };
  struct Constant { Tensor value; std::string id, name{}; std::vector<GraphEdge> uses{}; };
  const GraphOptions& options() const { return graph_.options_; }

  void find_nodes(const std::vector<Tensor>& results) {
    std::vector<Tensor> roots;
    for (const Tensor& t : results)
      if (t.requires_grad()) roots.push_back(t);
    if (!roots.empty()) order_ = autograd::graph::graph_topological_order(roots);
    std::reverse(order_.begin(), order_.end());
    for (std::size_t i = 0; i < order_.size(); ++i) place_.emplace(order_[i].get(), i);
    graph_.size_ = static_cast<std::int64_t>(order_.size());
    leaf_.resize(order_.size());
    for (std::size_t i = 0; i < order_.size(); ++i)
      if (order_[i]->num_outputs() == 0) leaf_[i] = order_[i]->variable().defined();
  }

  std::size_t place(const Node* n) const {
    const auto it = place_.find(n);
    return it == place_.end() ? nowhere : it->second;
  }

  // Where the gradient of t goes, as far as that is in the graph.
  Operand producer_of(const Tensor& t) const {
    try {
      if (!t.defined() || !t.requires_grad()) return {nowhere, 0};
      const Edge e = autograd::graph::get_gradient_edge(t);
      return {place(e.function.get()), e.input_nr};
    } catch (const std::exception&) {  // e.g. a view that in-place changes of its base have made unusable
      return {nowhere, 0};
    }
  }

  void find_names(const std::vector<Tensor>& results) {
    used_.resize(names_.list().size());
    is_result_.resize(order_.size());
    is_named_.resize(order_.size());
    for (const Tensor& t : results)
      if (const Operand at = producer_of(t); at.producer != nowhere) is_result_[at.producer] = true;
    for (const Named& n : names_.list())
      if (const Operand at = producer_of(n.tensor); at.producer != nowhere) is_named_[at.producer] = true;
    for (const Tensor& t : results) known_.push_back({producer_of(t), t});
  }

  // ---- which nodes ------------------------------------------------------------------------------------------------

  void choose() {
    shown_.assign(order_.size(), true);
    if (order_.size() <= static_cast<std::size_t>(std::max(1, options().max_nodes))) return;
    std::vector<std::size_t> ops;
    for (std::size_t i = 0; i < order_.size(); ++i)
      if (!leaf_[i]) ops.push_back(i);
    const std::size_t ends = static_cast<std::size_t>(std::max(1, options().ends));
    if (ops.size() <= 2 * ends + 1) return;
    shown_.assign(order_.size(), false);
    std::size_t extra = static_cast<std::size_t>(options().max_nodes) / 3;
    for (std::size_t k = 0; k < ops.size(); ++k) {
      const std::size_t i = ops[k];
      shown_[i] = k < ends || k + ends >= ops.size();
      if (!shown_[i] && (is_result_[i] || is_named_[i]) && extra > 0) shown_[i] = true, --extra;
    }
    // One operation alone takes no more room than the box that would stand for it.
    for (std::size_t k = 1; k + 1 < ops.size(); ++k)
      if (!shown_[ops[k]] && shown_[ops[k - 1]] && shown_[ops[k + 1]]) shown_[ops[k]] = true;
    // Leaves are drawn beside the operations that use them; the others belong to the run that uses them first.
    for (std::size_t i : ops)
      if (shown_[i])
        for (const Edge& e : order_[i]->next_edges())
          if (e.is_valid() && leaf_[place(e.function.get())]) shown_[place(e.function.get())] = true;
    for (std::size_t i = 0; i < order_.size(); ++i)
      if (leaf_[i] && is_result_[i]) shown_[i] = true;

    run_of_.assign(order_.size(), nowhere);
    std::size_t current = nowhere;
    for (std::size_t i : ops) {
      if (shown_[i]) {
        current = nowhere;
        continue;
      }
      if (current == nowhere) current = i;
      run_of_[i] = current;
      for (const Edge& e : order_[i]->next_edges()) {
        if (!e.is_valid()) continue;
        const std::size_t p = place(e.function.get());
        if (leaf_[p] && !shown_[p] && run_of_[p] == nowhere) run_of_[p] = current;
      }
    }
  }

  std::string id(std::size_t i) const { return "n_" + std::to_string(i + 1); }

  // ---- what is known of each -----------------------------------------------------------------------------------------

  GraphValue value_of(const Tensor& t, bool with_value = true) const {
    GraphValue v;
    v.known = true;
    v.shape = t.sizes().vec();
    v.dtype = t.scalar_type();
    if (with_value) v.value = value_text(t, options().max_elements);
    return v;
  }

  void describe(std::size_t i) {
    const Node& n = *order_[i];
    GraphNode& d = described_[i];
    d.id = id(i);
    d.result = is_result_[i];
    d.node = n.name();
    if (leaf_[i]) {
      d.kind = GraphNode::Kind::leaf;
      const Tensor t = n.variable();
      d.outputs.push_back(value_of(t));
      if (t.grad().defined()) d.outputs[0].grad = value_text(t.grad(), options().max_elements);
    } else {
      d.op = op_name(d.node);
      d.formula = formula_of(n);
      std::vector<bool> tracked;
      for (const Edge& e : n.next_edges()) tracked.push_back(e.is_valid());
      d.derivative = tracked_part(d.formula, tracked);
      for (std::uint32_t k = 0; k < n.num_inputs(); ++k) {
        const InputMetadata m = n.input_metadata(k);
        GraphValue& v = d.outputs.emplace_back();
        v.known = m.known;
        v.shape = m.sizes;
        v.dtype = m.dtype();
      }
      if (options().saved) read_saved(i);
    }
    if (options().locations) d.location = to_string(n.location());
  }

  // Saved operands tell the values of what made them; those that nothing made are constants.
  void read_saved(std::size_t i) {
    const Node& n = *order_[i];
    GraphNode& d = described_[i];
    std::vector<SavedValue> saved;
    try {
      saved = n.saved();
    } catch (const std::exception& e) {
      const std::string_view what = e.what();
      d.saved_state = what.find("second time") != std::string_view::npos ? "freed"
                      : what.find("inplace operation") != std::string_view::npos ? "changed in place" : "cannot be read";
      return;
    }
    for (const SavedValue& s : saved) {
      if (!s.value.defined()) continue;
      GraphValue& v = d.saved.emplace_back(value_of(s.value));
      v.name = s.name;
      const int output = operand_number(s.name, 'y'), operand = operand_number(s.name, 'x');
      if (output >= 0 && static_cast<std::uint32_t>(output) < n.num_inputs()) known_.push_back({{i, static_cast<std::uint32_t>(output)}, s.value});
      if (operand < 0) continue;
      const std::uint32_t k = static_cast<std::uint32_t>(operand);
      if (k < n.num_outputs() && n.next_edge(k).is_valid()) {
        known_.push_back({{place(n.next_edge(k).function.get()), n.next_edge(k).input_nr}, s.value});
        continue;
      }
      GraphEdge use;
      use.to = d.id;
      use.input = k;
      use.operand = k < n.num_outputs() ? operand_name(d.formula, k, n.num_outputs()) : s.name;
      use.known = true, use.shape = v.shape, use.dtype = v.dtype;
      constant(s.value, d.id + "_" + s.name).uses.push_back(use);
    }
  }

  Constant& constant(const Tensor& t, const std::string& id) {
    for (Constant& c : constants_)
      if (same_place(c.value, t)) return c;
    constants_.push_back({t, id});
    Constant& c = constants_.back();
    std::string of, view_of;  // a tracked tensor in the same place: this is its detach() or data()
    for (std::size_t i = 0; i < names_.list().size(); ++i) {
      const Named& n = names_.list()[i];
      if (!n.tensor.defined()) continue;
      if (!same_place(n.tensor, t)) {
        if (view_of.empty() && shares_memory(n.tensor, t)) view_of = n.name;
        continue;
      }
      if (n.tensor.requires_grad()) {
        of = n.name;
        continue;
      }
      c.name += (c.name.empty() ? "" : ", ") + n.name;
      used_[i] = true;
    }
    if (c.name.empty() && !of.empty()) c.name = of + ", detached";
    else if (c.name.empty() && !view_of.empty()) c.name = "view of " + view_of;
    return c;
  }

  // Brings names and values to the nodes that made them.
  void share_values() {
    for (std::size_t i = 0; i < names_.list().size(); ++i) {
      const Named& n = names_.list()[i];
      const Operand at = producer_of(n.tensor);
      if (at.producer == nowhere || !shown_[at.producer] || at.output >= described_[at.producer].outputs.size()) continue;
      used_[i] = true;
      GraphNode& d = described_[at.producer];
      GraphValue& v = d.outputs[at.output];
      v.name += (v.name.empty() ? "" : ", ") + n.name;
      d.name += (d.name.empty() ? "" : ", ") + n.name;
      if (leaf_[at.producer]) continue;
      v.value = value_text(n.tensor, options().max_elements);
      if (n.tensor.retains_grad() && n.tensor.grad().defined()) v.grad = value_text(n.tensor.grad(), options().max_elements);
    }
    for (const auto& known : known_) {
      const Operand at = known.at;
      if (at.producer == nowhere || !shown_[at.producer] || at.output >= described_[at.producer].outputs.size()) continue;
      GraphValue& v = described_[at.producer].outputs[at.output];
      if (v.value.empty() && metadata_text(v) == metadata_text(value_of(known.value, false))) v.value = value_text(known.value, options().max_elements);
      if (v.grad.empty() && !leaf_[at.producer] && known.value.requires_grad() && known.value.retains_grad() && known.value.grad().defined())
        v.grad = value_text(known.value.grad(), options().max_elements);
    }
  }

  // ---- writing it down -----------------------------------------------------------------------------------------------

  GraphNode summary(std::size_t first) const {
    GraphNode more;
    more.kind = GraphNode::Kind::more;
    more.id = id(first) + "_more";
    std::vector<std::string> ops;                             // in the order of forward
    std::vector<std::pair<std::string, std::int64_t>> kinds;
    std::int64_t leaves = 0;
    std::unordered_map<std::string, std::size_t> at;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      if (run_of_[i] != first) continue;
      ++more.count;
      if (leaf_[i]) {
        ++leaves;
        continue;
      }
      ops.push_back(op_name(order_[i]->name()));
      const auto [it, fresh] = at.emplace(ops.back(), kinds.size());
      if (fresh) kinds.push_back({ops.back(), 0});
      ++kinds[it->second].second;
    }
    if (const std::size_t p = period(ops)) {
      more.summary = std::to_string(ops.size() / p) + " × (";
      for (std::size_t k = 0; k < p; ++k) more.summary += (k ? ", " : "") + ops[k];
      kinds.clear();
      more.summary += ")";
    }
    std::stable_sort(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    for (std::size_t k = 0; k < kinds.size() && k < 6; ++k)
      more.summary += (k ? ", " : "") + std::to_string(kinds[k].second) + " " + kinds[k].first;
    if (kinds.size() > 6) more.summary += ", ..";
    if (leaves) more.summary += (more.summary.empty() ? "" : ", ") + std::to_string(leaves) + (leaves == 1 ? " leaf" : " leaves");
    return more;
  }

  // The id under which node i is drawn; empty if it is in no drawing.
  std::string drawn(std::size_t i) const { return shown_[i] ? id(i) : run_of_[i] == nowhere ? "" : id(run_of_[i]) + "_more"; }

  void emit() {
    // Edges first: how often a leaf is drawn depends on how many lead away from it.
    std::unordered_map<std::size_t, std::vector<GraphEdge>> into;
    std::unordered_map<std::string, std::size_t> merged;  // of edges with an undrawn end: where in `into`
    std::vector<std::int64_t> uses(order_.size());
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const std::size_t at = shown_[i] ? i : run_of_[i];
      for (std::uint32_t k = 0; k < order_[i]->num_outputs(); ++k) {
        const Edge& e = order_[i]->next_edge(k);
        if (!e.is_valid()) continue;
        const std::size_t p = place(e.function.get());
        if (!shown_[i] && !shown_[p] && run_of_[i] == run_of_[p]) continue;
        GraphEdge edge;
        edge.from = drawn(p);
        edge.to = drawn(i);
        if (!shown_[i] || !shown_[p]) {
          const auto [it, fresh] = merged.emplace(edge.from + ">" + edge.to, into[at].size());
          if (!fresh) {
            ++into[at][it->second].count;
            continue;
          }
        }
        if (shown_[i]) {
          edge.input = k;
          edge.operand = operand_name(described_[i].formula, k, order_[i]->num_outputs());
        }
        if (shown_[p]) {
          edge.output = e.input_nr;
          if (e.input_nr < described_[p].outputs.size()) {
            const GraphValue& v = described_[p].outputs[e.input_nr];
            edge.known = v.known, edge.shape = v.shape, edge.dtype = v.dtype;
          }
          ++uses[p];
        }
        into[at].push_back(std::move(edge));
      }
    }
    const std::int64_t fanout = std::max(1, options().max_fanout);
    std::unordered_map<std::string, std::size_t> many;  // leaves that are drawn at each use, and how often they were
    for (std::size_t i = 0; i < order_.size(); ++i)
      if (leaf_[i] && uses[i] > fanout) many.emplace(id(i), i);
    std::vector<std::int64_t> copies(order_.size());

    for (std::size_t i = 0; i < order_.size(); ++i) {
      if (!shown_[i] && run_of_[i] != i) continue;
      for (Constant& c : constants_)
        for (std::size_t u = 0; u < c.uses.size(); ++u)
          if (shown_[i] && c.uses[u].to == id(i)) emit_constant(c, u);
      for (GraphEdge& edge : into[i]) {
        const auto it = many.find(edge.from);
        if (it == many.end()) continue;
        const std::size_t p = it->second;
        if (copies[p]++ == 0) continue;
        GraphNode again = described_[p];
        again.copy = true;
        again.id = id(p) + "_" + std::to_string(copies[p]);
        edge.from = again.id;
        graph_.nodes_.push_back(std::move(again));
      }
      graph_.nodes_.push_back(shown_[i] ? described_[i] : summary(i));
      std::vector<GraphEdge>& edges = into[i];
      for (Constant& c : constants_)
        for (const GraphEdge& use : c.uses)
          if (shown_[i] && use.to == id(i)) edges.push_back(use);
      std::stable_sort(edges.begin(), edges.end(), [](const GraphEdge& a, const GraphEdge& b) { return a.input < b.input; });
      for (GraphEdge& edge : edges) graph_.edges_.push_back(std::move(edge));
    }
  }

  // Use u of a constant comes next in the drawing: its box at the first use, and at each one if there are many.
  void emit_constant(Constant& c, std::size_t u) {
    const bool many = c.uses.size() > static_cast<std::size_t>(std::max(1, options().max_fanout));
    GraphEdge& use = c.uses[u];
    use.from = many && u > 0 ? c.id + "_" + std::to_string(u + 1) : c.id;
    if (u > 0 && !many) return;
    GraphNode n;
    n.kind = GraphNode::Kind::saved;
    n.copy = u > 0;
    n.id = use.from;
    n.name = c.name;
    n.outputs.push_back(value_of(c.value));
    n.outputs[0].name = c.name;
    graph_.nodes_.push_back(std::move(n));
  }

  void add_constant_results(const std::vector<Tensor>& results) {
    int count = 0;
    for (const Tensor& t : results) {
      if (t.requires_grad()) continue;
      GraphNode n;
      n.kind = GraphNode::Kind::saved;
      n.result = true;
      n.id = "r_" + std::to_string(++count);
      n.outputs.push_back(value_of(t));
      for (std::size_t i = 0; i < names_.list().size(); ++i)
        if (names_.list()[i].tensor.is_same(t)) {
          n.name += (n.name.empty() ? "" : ", ") + names_.list()[i].name;
          used_[i] = true;
        }
      n.outputs[0].name = n.name;
      graph_.nodes_.push_back(std::move(n));
      ++graph_.size_;
    }
  }

  struct Known { Operand at; Tensor value; };
  Graph graph_;
  const Names& names_;
  std::vector<NodePtr> order_;                       // in the order of forward
  std::unordered_map<const Node*, std::size_t> place_;
  std::vector<char> leaf_, is_result_, is_named_, shown_, used_;
  std::vector<std::size_t> run_of_;                  // of nodes that are not drawn: the first one of their run
  std::unordered_map<std::size_t, GraphNode> described_;  // those that are drawn
  std::vector<Known> known_;
  std::vector<Constant> constants_;
};

Graph graph(const std::vector<Tensor>& results, const Names& names, const GraphOptions& options) {
  CT_CHECK_VALUE(!results.empty(), "graph: the list of results is empty: there is nothing to draw");
  for (std::size_t i = 0; i < results.size(); ++i)
    CT_CHECK_VALUE(results[i].defined(), "graph: result ", i, " is undefined (Python's None): there is nothing to draw");
  CT_CHECK_VALUE(options.max_nodes >= 1 && options.ends >= 1 && options.max_fanout >= 1 && options.max_elements >= 0 && options.seconds >= 1,
                 "graph: max_nodes, ends, max_fanout and seconds must be at least 1, and max_elements at least 0");
  return Collector(names, options).run(results);
}

Graph graph(const Tensor& y, const Names& names, const GraphOptions& options) {
  CT_CHECK_VALUE(y.defined(), "graph: the tensor is undefined (Python's None): there is nothing to draw");
  return graph(std::vector<Tensor>{y}, names, options);
}

const GraphNode& Graph::node(const std::string& name) const {
  std::string known;
  for (const GraphNode& n : nodes_) {
    if (n.name == name || n.id == name) return n;
    if (!n.copy && !n.name.empty()) known += (known.empty() ? "" : ", ") + n.name;
  }
  CT_THROW(value, "Graph: no node is called '", name, "'\n  Known names: ", known.empty() ? "none" : known, ". Ids look like n_1.");
}

}  // namespace ct::inspect
