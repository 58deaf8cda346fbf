// inspect/steps.cpp -- steps(): hooks listen to a real backward, and what they heard is put in order and into words.
#include <map>
#include <mutex>
#include <unordered_map>

#include "autograd/node.h"
#include "cotangent/autograd.h"
#include "cotangent/graph.h"
#include "cotangent/inspect.h"
#include "cotangent/ops/creation.h"
#include "inspect/text.h"

namespace ct::inspect {

namespace {

// Gradients that retain_grad() keeps would be added to by the replay: they are put back as they were.
class KeptGradients {
 public:
  explicit KeptGradients(const std::vector<NodePtr>& nodes) {
    for (const NodePtr& n : nodes) {
      const NodeExtra* extra = NodeAccess::extra(*n);
      if (!extra) continue;
      std::lock_guard lock(detail::hook_mutex());
      for (const NodeExtra::Retained& r : extra->retained)
        if (r.tensor->refs.inc_if_alive()) kept_.push_back({Tensor::wrap(r.tensor), {}});
    }
    for (auto& [t, grad] : kept_) grad = t.grad();
  }
  ~KeptGradients() {
    for (auto& [t, grad] : kept_) t.mutable_grad() = grad;
  }
  KeptGradients(const KeptGradients&) = delete;
  KeptGradients& operator=(const KeptGradients&) = delete;

 private:
  std::vector<std::pair<Tensor, Tensor>> kept_;
};

struct Handles {
  std::vector<RemovableHandle> list;
  ~Handles() {
    for (RemovableHandle& h : list) h.remove();
  }
};

Tensor copy_of(const Tensor& t) { return t.defined() ? t.detach().clone() : t; }

Tensor plus(const Tensor& a, const Tensor& b) {
  const NoGradGuard no_grad;
  return a.defined() ? a + b : b;
}

// Whether the rest of "dx = " is a formula alone, after which "= 3" may stand, and no sentence.
bool is_expression(const std::string& part) {
  for (const char* word : {",", ";", "  ", " with ", " where ", " of ", ": "})
    if (part.find(word) != std::string::npos) return false;
  return true;
}

}  // namespace

class Replay {
 public:
  Replay(const Tensor& y, const Names& names, const StepsOptions& options) {
    out_.options_ = options;
    order_ = autograd::graph::graph_topological_order(y);
    const std::size_t most = static_cast<std::size_t>(options.max_nodes);
    CT_CHECK_VALUE(order_.size() <= most, "steps: the graph has ", order_.size(), " operations and leaves, and at most ", options.max_nodes,
                   " are shown step by step\n  Take a smaller part of the computation, or raise max_nodes in the options.");
    out_.graph_ = inspect::graph(y, names, {.title = options.title, .left_to_right = options.left_to_right, .max_elements = options.max_elements,
                                            .max_fanout = 1 << 20, .max_nodes = options.max_nodes, .seconds = options.seconds});
    for (std::size_t i = 0; i < order_.size(); ++i) place_.emplace(order_[i].get(), i);
    heard_.resize(order_.size());
  }

  Steps run(const Tensor& y) {
    listen(y);
    const Edge start = autograd::graph::get_gradient_edge(y);
    arrived_[{place_.at(start.function.get()), start.input_nr}] = {out_.start_, ""};
    for (std::size_t i = 0; i < order_.size(); ++i)
      if (heard_[i].ran) note(i);
    describe(y);
    return std::move(out_);
  }

 private:
  struct Heard {
    bool ran = false;
    std::vector<Tensor> in, out;  // gradients of the node's outputs, and of its operands
  };
  struct Arrived {
    Tensor sum;
    std::string text;  // "2 + 4 = 6", once there were two
  };

  void listen(const Tensor& y) {
    std::vector<Tensor> leaves;
    std::vector<std::size_t> leaf_places;
    Handles handles;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      Node& n = *order_[i];
      if (n.num_outputs() == 0) {
        if (n.variable().defined() && n.variable().requires_grad()) leaves.push_back(n.variable()), leaf_places.push_back(i);
        continue;
      }
      Heard& h = heard_[i];
      handles.list.push_back(n.register_hook([&h](const std::vector<Tensor>& out, const std::vector<Tensor>& in) {
        h.ran = true;
        for (const Tensor& t : in) h.in.push_back(copy_of(t));
        for (const Tensor& t : out) h.out.push_back(copy_of(t));
      }));
    }
    const KeptGradients kept(order_);
    const Tensor& v = out_.options_.v;
    std::vector<Tensor> grads;
    try {
      grads = autograd::grad({y}, leaves, {v}, /*retain_graph=*/true, /*create_graph=*/false, /*allow_unused=*/true);
    } catch (Error& e) {
      if (std::string_view(e.what()).find("second time") != std::string_view::npos)
        e.add_context("raised in steps(), which runs a backward of its own: call it before backward(), or that with retain_graph");
      throw;
    }
    for (std::size_t k = 0; k < leaves.size(); ++k) {
      if (!grads[k].defined()) continue;
      heard_[leaf_places[k]].ran = true;
      heard_[leaf_places[k]].in = {copy_of(grads[k])};
    }
    out_.start_ = v.defined() ? copy_of(v) : ones(y.sizes(), y.detach().options());
  }

  std::string id(std::size_t i) const { return "n_" + std::to_string(order_.size() - i); }
  std::string value(const Tensor& t) const { return brief_text(t, out_.options_.max_elements); }
  std::string summed(const Tensor& a, const Tensor& b, const Tensor& sum) const { return sum_text(a, b, sum, out_.options_.max_elements); }

  // "y = mul", "x", "mul"
  std::string called(const GraphNode& n) const { return n.kind == GraphNode::Kind::leaf ? (n.name.empty() ? "leaf " + n.id : n.name) : n.name.empty() ? n.op : n.name; }

  // The gradient that came to output k of node i, and how it was summed, or what a hook made of it.
  std::string upstream(std::size_t i, std::uint32_t k) const {
    const Tensor& g = heard_[i].in[k];
    const auto it = arrived_.find({i, k});
    if (it == arrived_.end()) return value(g);
    const std::string& sum = it->second.text;
    if (value(it->second.sum) != value(g)) return (sum.empty() ? value(it->second.sum) : sum) + ", changed by a hook to " + value(g);
    return sum.empty() ? value(g) : sum;
  }

  void note(std::size_t i) {
    const Node& n = *order_[i];
    const GraphNode& drawn = out_.graph_.node(id(i));
    Step s;
    s.id = drawn.id, s.name = drawn.name, s.op = drawn.op, s.node = drawn.node;
    s.upstream = heard_[i].in;
    if (n.num_outputs() == 0) note_leaf(i, drawn, s);
    else note_operation(i, drawn, s);
    out_.list_.push_back(std::move(s));
  }

  void note_leaf(std::size_t i, const GraphNode& drawn, Step& s) {
    const Tensor g = heard_[i].in[0], had = order_[i]->variable().grad();
    s.grad_before = copy_of(had);
    s.grad = plus(s.grad_before, g);
    const std::string name = called(drawn), words = upstream(i, 0);
    if (!had.defined()) {
      s.lines.push_back(name + ".grad = " + words + "   (" + drawn.node + ")");
      return;
    }
    s.lines.push_back(name + " gets " + words + "   (" + drawn.node + ")");
    s.lines.push_back(name + ".grad = " + summed(s.grad_before, g, s.grad) + "   (what it held, and this)");
  }

  void note_operation(std::size_t i, const GraphNode& drawn, Step& s) {
    const Node& n = *order_[i];
    std::string gradients;
    for (std::uint32_t k = 0; k < n.num_inputs(); ++k)
      if (heard_[i].in[k].defined()) gradients += (gradients.empty() ? "g" : ", g") + (n.num_inputs() > 1 ? std::to_string(k) : "") + " = " + upstream(i, k);
    s.lines.push_back((drawn.name.empty() ? drawn.op : drawn.name + " = " + drawn.op) + " (" + drawn.node + "): " + gradients);
    for (std::uint32_t k = 0; k < n.num_outputs(); ++k) {
      const Edge& e = n.next_edge(k);
      if (!e.is_valid() || k >= heard_[i].out.size() || !heard_[i].out[k].defined()) continue;
      GradientFlow f;
      const std::size_t to = place_.at(e.function.get());
      f.to = id(to);
      f.output = e.input_nr, f.input = k;
      f.operand = operand_name(drawn.formula, k, n.num_outputs());
      f.formula = part_of(drawn.formula, f.operand);
      f.gradient = heard_[i].out[k];
      Arrived& a = arrived_[{to, f.output}];
      f.before = a.sum;
      a.sum = f.sum = plus(f.before, f.gradient);
      if (f.before.defined()) a.text = summed(f.before, f.gradient, f.sum);
      s.lines.push_back(flow_text(f, a.text));
      s.flows.push_back(std::move(f));
    }
  }

  std::string flow_text(const GradientFlow& f, const std::string& sum) const {
    const GraphNode& to = out_.graph_.node(f.to);
    const std::string d = "d" + f.operand + " = ", rest = f.formula.size() > d.size() ? f.formula.substr(d.size()) : "";
    std::string line = d;
    if (rest.empty()) line += value(f.gradient);
    else if (is_expression(rest)) line += rest + " = " + value(f.gradient);
    else line += value(f.gradient) + "   (" + rest + ")";
    line += "   -> " + called(to);
    if (!sum.empty()) line += ": " + sum;
    return line;
  }

  void describe(const Tensor& y) {
    const std::string all = std::to_string(out_.list_.size());
    const std::string named = out_.graph_.node(id(place_.at(autograd::graph::get_gradient_edge(y).function.get()))).name;
    const std::string name = named.empty() ? "the result" : named, start = value(out_.start_);
    const bool given = out_.options_.v.defined();
    out_.captions_.push_back({"Forward: " + name + (named.empty() ? " is " : " = ") + value(y),
                              "Backward will start with g = " + (given ? "v = " + start : start + ", the derivative of " + name + " by itself")});
    const std::size_t width = all.size();
    out_.text_ = out_.captions_[0][0] + "\n" + out_.captions_[0][1];
    for (std::size_t k = 0; k < out_.list_.size(); ++k) {
      const std::string number = std::to_string(k + 1);
      std::vector<std::string> caption;
      for (std::size_t l = 0; l < out_.list_[k].lines.size(); ++l) {
        const std::string& line = out_.list_[k].lines[l];
        caption.push_back(l == 0 ? "Step " + number + " of " + all + ": " + line : line);
        out_.text_ += "\n" + (l == 0 ? std::string(width - number.size(), ' ') + number + ". " : std::string(width + 5, ' ')) + line;
      }
      out_.captions_.push_back(std::move(caption));
    }
  }

  Steps out_;
  std::vector<NodePtr> order_;  // in that of backward
  std::unordered_map<const Node*, std::size_t> place_;
  std::vector<Heard> heard_;
  std::map<std::pair<std::size_t, std::uint32_t>, Arrived> arrived_;  // at the output of a node
};

Steps steps(const Tensor& y, const Names& names, const StepsOptions& options) {
  CT_CHECK_VALUE(y.defined(), "steps: the tensor is undefined (Python's None): there is no backward through it");
  CT_CHECK_VALUE(y.requires_grad(), "steps: the tensor does not require grad and has no history: there is no backward through it\n  Call requires_grad_() "
                 "on the leaves before the computation, and run it outside NoGradGuard.");
  CT_CHECK_VALUE(options.max_elements >= 0 && options.max_nodes >= 1 && options.seconds >= 1, "steps: max_nodes and seconds must be at least 1, and max_elements at least 0");
  CT_CHECK_VALUE(y.numel() == 1 || options.v.defined(), "steps: backward can start by itself only at a scalar, and the tensor has shape ", y.sizes(),
                 "\n  Give the vector v of the product v^T J, of the same shape: steps(y, names, {.v = v}).");
  return Replay(y, names, options).run(y);
}

const Step& Steps::step(const std::string& name) const {
  std::string known;
  for (const Step& s : list_) {
    if (s.id == name || (!s.name.empty() && s.name == name)) return s;
    known += (known.empty() ? "" : ", ") + (s.name.empty() ? s.id : s.name);
  }
  CT_THROW(value, "Steps: no step is at a node called '", name, "'\n  There are: ", known, ".");
}

const std::vector<std::string>& Steps::caption(std::size_t frame) const {
  CT_CHECK_INDEX(frame < captions_.size(), "Steps: frame ", frame, " is outside the ", captions_.size(), " frames");
  return captions_[frame];
}

}  // namespace ct::inspect
