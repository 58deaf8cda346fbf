// autograd/engine.cpp -- backward: from roots to leaves in dependency order, without recursion.
#include <algorithm>
#include <atomic>
#include <memory>
#include <unordered_map>
#include <vector>

#include "autograd/layers.h"
#include "autograd/anomaly.h"
#include "autograd/node.h"
#include "core/thread_state.h"

namespace ct {

using detail::impl;
using detail::TensorImpl;

namespace detail {

namespace {
// Notes, as long as the pass runs, which call started it: "first backward at ..." of the errors to come.
class BackwardPlace {
 public:
  explicit BackwardPlace(const void* where) : before_(thread_state.backward_where) { thread_state.backward_where = where; }
  ~BackwardPlace() { thread_state.backward_where = before_; }
  BackwardPlace(const BackwardPlace&) = delete;
  BackwardPlace& operator=(const BackwardPlace&) = delete;

 private:
  const void* before_;
};
}  // namespace

// One backward pass.
//
// Note [Node states]
// A pass keeps a small state for each node: how many gradients are still to come, and their sum so far. To find it
// without a hash table, the node carries a tag (pass number, index). Passes on other threads, or one inside the other,
// may meet the same nodes, at least the shared leaves; the first one to come tags the node, the others look it up in
// a table of their own.
class Engine {
 public:
  struct Capture { Edge edge; Tensor grad; };

  enum class Record { no, yes, if_tracked };  // the pass itself; the last: if something is tracked besides what is asked for

  // `layer`: where the graph was recorded; see Note [Levels].
  Engine(bool keep_graph, Record record, std::uint64_t layer = 0) : keep_graph_(keep_graph), record_(record), layer_(layer) {
    static std::atomic<std::uint32_t> passes{0};
    do id_ = ++passes; while (id_ == 0);
  }
  ~Engine() {
    for (State& s : states_)
      if (s.tagged) __atomic_store_n(&s.node->task_tag_, 0, __ATOMIC_RELAXED);
  }

  // Runs from the roots. With captures, only what leads to them is run, and their gradients are kept rather than
  // accumulated; with `only`, only what leads to these edges is run.
  void run(const std::vector<Edge>& roots, std::vector<Tensor> grads, std::vector<Capture>* captures, const std::vector<Edge>* only) {
    for (const Edge& e : roots) find_or_add(e.function.get());
    discover();
    if (captures) {
      for (std::size_t k = 0; k < captures->size(); ++k) {
        // A view that was made in no_grad mode of something tracked requires grad, and has no edge.
        Node* node = (*captures)[k].edge.function.get();
        const int i = node ? find(node) : -1;
        if (i >= 0) states_[static_cast<std::size_t>(i)].captured = true;
      }
      restrict_to([](const State& s) { return s.captured; }, nullptr);
    } else if (only) {
      restrict_to([](const State&) { return false; }, only);
    }
    create_graph_ = record_ == Record::yes || (record_ == Record::if_tracked && LayerGradMode::get(layer_) && depends_on_more());
    LayerGradMode mode(layer_, create_graph_ && !thread_state.inference_mode);
    for (std::size_t k = 0; k < roots.size(); ++k) {
      State& s = states_[static_cast<std::size_t>(find(roots[k].function.get()))];
      add_to(s, roots[k].input_nr, std::move(grads[k]));
    }
    push_free();
    const Running now(this);
    BackwardPlace place(user_address());
    while (!ready_.empty()) step(pop(), captures);
  }

  // Whether the pass that runs on this thread, if there is one, wants the gradients of this node.
  static bool wants(Node* node) {
    const int i = running_ ? running_->find(node) : -1;
    return i < 0 || running_->states_[static_cast<std::size_t>(i)].needed || running_->states_[static_cast<std::size_t>(i)].captured;
  }

  // For hooks: the pass that calls them, and what it comes to. Neither pointer is followed.
  static std::uint32_t running_id() { return running_->id_; }
  static bool reaches(const Node* node, const TensorImpl* leaf) {
    return std::any_of(running_->states_.begin(), running_->states_.end(), [&](const State& s) {
      return (s.needed || s.captured) && (s.node == node || (leaf && s.node->n_edges_ == 0 && impl(s.node->variable()) == leaf));
    });
  }

  // The nodes in the order in which run() comes to them.
  std::vector<NodePtr> order(const std::vector<Edge>& roots) {
    for (const Edge& e : roots) find_or_add(e.function.get());
    discover();
    push_free();
    std::vector<NodePtr> nodes;
    nodes.reserve(states_.size());
    while (!ready_.empty()) {
      const int i = pop();
      nodes.push_back(NodePtr::share(states_[static_cast<std::size_t>(i)].node));
      for_each_next(i, [&](int j) {
        if (--states_[static_cast<std::size_t>(j)].deps == 0) push(j);
      });
    }
    return nodes;
  }

  bool leads_beyond(const Edge& root, TensorList inputs) {
    if (!root.is_valid()) return false;  // a view that no_grad mode made of something tracked
    find_or_add(root.function.get());
    discover();
    for (const Tensor& x : inputs) {
      const Edge e = gradient_edge(x);
      const int i = e.is_valid() ? find(e.function.get()) : -1;
      if (i >= 0) states_[static_cast<std::size_t>(i)].captured = true;
    }
    return depends_on_more();
  }

 private:
  inline static thread_local Engine* running_ = nullptr;
  struct Running {
    explicit Running(Engine* e) : before(running_) { running_ = e; }
    ~Running() { running_ = before; }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    Engine* before;
  };

  struct State {
    Node* node;
    std::int32_t deps = 0;      // gradients still to come
    bool tagged = false;        // the node's tag points here
    bool needed = true;         // leads to something asked for
    bool captured = false;
    Tensor grad;                // of the only output, or
    std::vector<Tensor> grads;  // of several
  };

  int find(Node* node) const {
    const std::uint64_t tag = __atomic_load_n(&node->task_tag_, __ATOMIC_RELAXED);
    if (tag >> 32 == id_) return static_cast<int>(tag & 0xffffffff);
    if (others_.empty()) return -1;
    const auto it = others_.find(node);
    return it == others_.end() ? -1 : it->second;
  }

  int find_or_add(Node* node) {
    int i = find(node);
    if (i >= 0) return i;
    i = static_cast<int>(states_.size());
    State& s = states_.emplace_back();
    s.node = node;
    const std::uint64_t tag = std::uint64_t{id_} << 32 | static_cast<std::uint32_t>(i);
    std::uint64_t free_tag = 0;
    if (CT_SINGLE_THREADED) {
      s.tagged = node->task_tag_ == 0;
      if (s.tagged) node->task_tag_ = tag;
    } else {
      s.tagged = __atomic_compare_exchange_n(&node->task_tag_, &free_tag, tag, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
    if (!s.tagged) others_.emplace(node, i);
    if (node->n_inputs_ > 1) s.grads.resize(node->n_inputs_);
    return i;
  }

  // States are added in the order of a walk; each node's edges are counted once.
  void discover() {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      Node* node = states_[i].node;
      for (std::size_t k = 0; k < node->n_edges_; ++k)
        if (Node* next = node->edges_[k].function.get()) ++states_[static_cast<std::size_t>(find_or_add(next))].deps;
    }
  }

  template <class Goal>
  void restrict_to(const Goal& is_goal, const std::vector<Edge>* goals) {
    // Topological order by counting, then backwards: a node is needed if one of its successors is a goal or needed.
    std::vector<int> deps(states_.size()), order;
    order.reserve(states_.size());
    for (std::size_t i = 0; i < states_.size(); ++i) {
      deps[i] = states_[i].deps;
      states_[i].needed = false;
      if (deps[i] == 0) order.push_back(static_cast<int>(i));
    }
    for (std::size_t done = 0; done < order.size(); ++done) for_each_next(order[done], [&](int j) {
      if (--deps[static_cast<std::size_t>(j)] == 0) order.push_back(j);
    });
    std::vector<char> goal(states_.size());
    for (std::size_t i = 0; i < states_.size(); ++i) goal[i] = is_goal(states_[i]);
    if (goals)
      for (const Edge& e : *goals) {
        const int i = e.function ? find(e.function.get()) : -1;
        if (i < 0) continue;
        goal[static_cast<std::size_t>(i)] = true;
        states_[static_cast<std::size_t>(i)].needed = true;  // to be run itself: an accumulator, or a kept gradient
      }
    for (std::size_t k = order.size(); k-- > 0;) {
      State& s = states_[static_cast<std::size_t>(order[k])];
      for_each_next(order[k], [&](int j) {
        s.needed |= states_[static_cast<std::size_t>(j)].needed || goal[static_cast<std::size_t>(j)];
      });
    }
  }

  template <class F>
  void for_each_next(int i, const F& f) {
    Node* node = states_[static_cast<std::size_t>(i)].node;
    for (std::size_t k = 0; k < node->n_edges_; ++k)
      if (Node* next = node->edges_[k].function.get()) f(find(next));
  }

  void push_free() {
    for (std::size_t i = 0; i < states_.size(); ++i)
      if (states_[i].deps == 0) push(static_cast<int>(i));
  }

  int pop() {
    std::pop_heap(ready_.begin(), ready_.end());
    const int i = ready_.back().second;
    ready_.pop_back();
    return i;
  }

  // Whether the graph leads to variables besides the captured ones, or beyond those.
  bool depends_on_more() const {
    for (const State& s : states_) {
      if (!s.captured && s.node->n_edges_ == 0) return true;
      if (s.captured)
        for (std::size_t k = 0; k < s.node->n_edges_; ++k)
          if (s.node->edges_[k].function) return true;
    }
    return false;
  }

  void push(int i) {
    State& s = states_[static_cast<std::size_t>(i)];
    const bool leaf = s.node->n_edges_ == 0;  // accumulate at once, so that gradients are freed early
    ready_.emplace_back(leaf ? ~std::uint64_t{0} : s.node->sequence_nr_, i);
    std::push_heap(ready_.begin(), ready_.end());
  }

  void add_to(State& s, std::uint32_t nr, Tensor&& g) {
    s.node->check_gradient(g, nr);
    Tensor& sum = s.node->n_inputs_ > 1 ? s.grads[nr] : s.grad;
    if (!sum.defined()) {
      sum = std::move(g);
      return;
    }
    const TensorImpl* p = impl(sum);
    const bool own = !create_graph_ && p->refs.count() == 1 && p->storage->refs.count() == 1 && p->storage->is_own() &&
                     p->contiguous && !p->grad_fn && !p->requires_grad && !p->layered && !impl(g)->layered;
    if (own) sum.add_(g);
    else sum = add(sum, g);
  }

  void step(int i, std::vector<Capture>* captures) {
    Node* node = states_[static_cast<std::size_t>(i)].node;
    std::vector<Tensor> several = std::move(states_[static_cast<std::size_t>(i)].grads);
    Tensor one = std::move(states_[static_cast<std::size_t>(i)].grad);
    Tensor* grads = node->n_inputs_ > 1 ? several.data() : &one;
    const bool needed = states_[static_cast<std::size_t>(i)].needed, captured = states_[static_cast<std::size_t>(i)].captured;
    if (!needed && !captured) return;

    NodeExtra* extra = NodeAccess::extra(*node);
    if (extra) [[unlikely]] in_hook(node, [&] { run_tensor_hooks(*node, *extra, grads); });
    if (captured)
      for (Capture& c : *captures)
        if (c.edge.function.get() == node) c.grad = grads[c.edge.input_nr];
    if (!needed) return;

    bool any = false;
    for (std::uint32_t k = 0; k < node->n_inputs_; ++k) any |= grads[k].defined();
    constexpr std::size_t few = 8;
    Tensor small[few];
    std::vector<Tensor> large;
    Tensor* out = small;
    if (node->n_edges_ > few) {
      large.resize(node->n_edges_);
      out = large.data();
    }
    if (any) {
      std::vector<Tensor> given;  // for post-hooks, as apply() may take the gradients away
      bool post = false;
      if (extra) [[unlikely]] {
        in_hook(node, [&] { run_pre_hooks(*node, *extra, grads); });
        post = has_post_hooks(*extra);
        if (post) given.assign(grads, grads + node->n_inputs_);
      }
      if (watch_) [[unlikely]] watch_->before(*node, grads);
      try {
        node->apply(grads, out);
      } catch (Error& e) {
        e.add_context(detail::join({"raised in the backward of ", node->name(), place(", recorded at ", node->where_)}));
        throw;
      }
      if (post) [[unlikely]] in_hook(node, [&] { run_post_hooks(*node, *extra, given, out); });
      if (watch_) [[unlikely]] watch_->after(*node, out);
      if (!keep_graph_ && !(record_ == Record::if_tracked && create_graph_)) node->release_variables();
    }
    one.reset();
    for (std::size_t k = 0; k < node->n_edges_; ++k) {
      const Edge& e = node->edges_[k];
      if (!e.function) continue;
      const int j = find(e.function.get());
      State& next = states_[static_cast<std::size_t>(j)];
      if (!next.needed && !next.captured) continue;  // nothing asked for lies there
      if (out[k].defined()) add_to(next, e.input_nr, std::move(out[k]));
      if (--next.deps == 0) push(j);
    }
  }

  template <class F>
  static void in_hook(Node* node, const F& f) {
    try {
      f();
    } catch (Error& e) {
      e.add_context(detail::join({"raised in a hook that was called in the backward of ", node->name()}));
      throw;
    }
  }

  std::uint32_t id_;
  bool keep_graph_, create_graph_ = false;
  Record record_;
  std::uint64_t layer_;
  std::unique_ptr<GradientWatch> watch_ = watch_if_asked();  // of anomaly mode; else null
  std::vector<State> states_;
  std::unordered_map<Node*, int> others_;
  std::vector<std::pair<std::uint64_t, int>> ready_;
};

bool gradient_wanted(const Edge& e) { return e.is_valid() && Engine::wants(e.function.get()); }
std::uint32_t current_pass() { return Engine::running_id(); }
bool current_pass_reaches(const Node* node, const TensorImpl* leaf) { return Engine::reaches(node, leaf); }

namespace {

// The roots' edges and their seeds; a seed that was not given is 1 for a one-element root.
void seed(const char* op, TensorList outputs, TensorList grad_outputs, std::vector<Edge>& roots, std::vector<Tensor>& grads) {
  CT_CHECK(grad_outputs.empty() || grad_outputs.size() == outputs.size(), op, ": got ", outputs.size(), " tensors and ",
           grad_outputs.size(), " gradients\n  Give one gradient (it may be undefined) for each tensor, or none at all.");
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& y = outputs[i];
    CT_CHECK(y.defined(), op, ": tensor ", i, " is undefined");
    Tensor g = i < grad_outputs.size() ? grad_outputs[i] : Tensor();
    const bool first_is_shape = !g.defined() && y.requires_grad();  // as libtorch: of a tensor wrong in two ways it tells its shape
    Edge edge = first_is_shape && y.numel() != 1 ? Edge() : gradient_edge(y);
    CT_CHECK(edge.is_valid() || (first_is_shape && y.numel() != 1), op, ": element ", i, " of tensors does not require grad and does not have a grad_fn\n  Call "
             "requires_grad_() on the leaves before the computation, and run it outside NoGradGuard.");
    if (!g.defined()) {
      CT_CHECK(y.numel() == 1, op, ": grad can be implicitly created only for scalar outputs, and tensor ", i, " has shape ", y.sizes(),
               "\n  Reduce it first, e.g. y.sum().backward(), or pass the vector v of the product v^T J: y.backward(v) with v of shape ",
               y.sizes(), ".");
      CT_CHECK(y.is_floating_point(), op, ": grad can be computed only for floating-point outputs, and tensor ", i, " is ", y.scalar_type());
      GradModeScope off(false);
      g = ones(y.sizes(), y.options());
    } else {
      CT_CHECK(g.sizes() == y.sizes(), op, ": Mismatch in shape: grad_output[", i, "] has a shape of ", g.sizes(), " and output[", i,
               "] has a shape of ", y.sizes(), " (invalid gradient at index ", i, " - got ", g.sizes(),
               " but expected shape compatible with ", y.sizes(), ")\n  The gradient v needs one entry for each entry of the output.");
    }
    roots.push_back(std::move(edge));
    grads.push_back(std::move(g));
  }
}

// Where the roots were recorded.
std::uint64_t layer_of(TensorList roots) {
  for (const Tensor& y : roots)
    if (tracks(y)) return batch_level(y);
  return 0;
}

}  // namespace

bool leads_beyond(const Tensor& y, TensorList inputs) {
  Engine engine(true, Engine::Record::no);
  return engine.leads_beyond(gradient_edge(y), inputs);
}

std::vector<Tensor> layer_gradients(TensorList outputs, TensorList inputs, TensorList grad_outputs, bool keep_graph) {
  std::uint64_t layer = 0;
  std::vector<Engine::Capture> captures(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    captures[i].edge = gradient_edge(inputs[i]);
    layer = batch_level(inputs[i]);
  }
  std::vector<Edge> roots;
  std::vector<Tensor> grads;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (!outputs[k].defined() || !tracks(outputs[k]) || batch_level(outputs[k]) != layer) continue;  // does not depend on these variables
    Edge edge = gradient_edge(outputs[k]);
    if (!edge.is_valid()) continue;
    roots.push_back(std::move(edge));
    grads.push_back(grad_outputs[k]);
  }
  std::vector<Tensor> out(inputs.size());
  if (roots.empty()) return out;
  bool seeded = false;
  for (const Tensor& g : grads) seeded |= batch_level(g) == layer && tracks(g);
  Engine engine(keep_graph, seeded && LayerGradMode::get(layer) ? Engine::Record::yes : Engine::Record::if_tracked, layer);
  engine.run(roots, std::move(grads), &captures, nullptr);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::move(captures[i].grad);
  return out;
}

}  // namespace detail

namespace autograd {

void backward(TensorList tensors, TensorList grad_tensors, std::optional<bool> retain_graph, bool create_graph, TensorList inputs) {
  if (create_graph)
    warn_once("Using backward() with create_graph=true will create a reference cycle between the parameter and its gradient which can cause a "
              "memory leak. We recommend using autograd::grad when creating the graph to avoid this. If you have to use this function, make sure to "
              "reset the .grad fields of your parameters after use to break the cycle and avoid the leak.");
  std::vector<Edge> roots, only;
  std::vector<Tensor> grads;
  detail::seed("backward", tensors, grad_tensors, roots, grads);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CT_CHECK(inputs[i].defined() && inputs[i].requires_grad(), "backward: One of the differentiated Tensors does not require grad: input ", i,
             "\n  Only tensors that took part in the tracked computation can receive a gradient.");
    if (!inputs[i].is_leaf()) inputs[i].retain_grad();
    only.push_back(detail::gradient_edge(inputs[i]));
  }
  detail::Engine engine(retain_graph.value_or(create_graph), create_graph ? detail::Engine::Record::yes : detail::Engine::Record::no,
                        detail::layer_of(tensors));
  engine.run(roots, std::move(grads), nullptr, inputs.empty() ? nullptr : &only);
}

namespace {
// One backward pass for all vectors v at once: the pass sees wrappers of a vmap around it.
variable_list grad_of_batch(TensorList outputs, TensorList inputs, TensorList grad_outputs, std::optional<bool> retain_graph, bool create_graph,
                            std::optional<bool> allow_unused, bool materialize_grads) {
  detail::LevelScope s(detail::LevelKind::batch);
  s.size = -1;
  variable_list v;
  for (const Tensor& g : grad_outputs) {
    CT_CHECK(!g.defined() || (g.dim() > 0 && (s.size < 0 || g.size(0) == s.size)), "grad: with is_grads_batched every grad_output needs the same first "
             "dimension, the batch; got shape ", g.defined() ? g.sizes() : IntArrayRef());
    if (g.defined()) s.size = g.size(0);
    v.push_back(g.defined() ? detail::wrap_batch(g, s, true) : g);
  }
  CT_CHECK(s.size >= 0, "grad: is_grads_batched needs grad_outputs with the batch as their first dimension");
  variable_list out = grad(outputs, inputs, v, retain_graph, create_graph, allow_unused, false, materialize_grads);
  detail::HideLevel hide(s);
  for (Tensor& g : out)
    if (g.defined()) g = detail::take_batch(g, s);
  return out;
}
}  // namespace

variable_list grad(TensorList outputs, TensorList inputs, TensorList grad_outputs, std::optional<bool> retain_graph, bool create_graph,
                   std::optional<bool> allow_unused, bool is_grads_batched, bool materialize_grads) {
  CT_CHECK_VALUE(!materialize_grads || allow_unused.value_or(true), "grad: Expected allow_unused to be True or not passed when "
                 "materialize_grads=True, but got: allow_unused=False.");
  if (is_grads_batched) return grad_of_batch(outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads);
  std::vector<Edge> roots;
  std::vector<Tensor> grads;
  detail::seed("grad", outputs, grad_outputs, roots, grads);
  std::vector<detail::Engine::Capture> captures(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CT_CHECK(inputs[i].defined() && inputs[i].requires_grad(), "grad: One of the differentiated Tensors does not require grad: input ", i,
             "\n  Call requires_grad_() on it before the computation.");
    captures[i].edge = detail::gradient_edge(inputs[i]);
  }
  detail::Engine engine(retain_graph.value_or(create_graph), create_graph ? detail::Engine::Record::yes : detail::Engine::Record::no,
                        detail::layer_of(outputs));
  engine.run(roots, std::move(grads), &captures, nullptr);
  variable_list out;
  for (std::size_t i = 0; i < captures.size(); ++i) {
    Tensor& g = captures[i].grad;
    CT_CHECK(g.defined() || allow_unused.value_or(materialize_grads), "grad: One of the differentiated Tensors appears to not have been used in the graph: "
             "input ", i, " of shape ", inputs[i].sizes(), "\n  Set allow_unused=true if this is the desired behavior; its gradient is then undefined."
             " With materialize_grads=true it is zero.");
    if (!g.defined() && materialize_grads) g = zeros_like(inputs[i], TensorOptions().requires_grad(create_graph));
    out.push_back(std::move(g));
  }
  return out;
}

namespace graph {

namespace {
std::vector<NodePtr> order(const std::vector<Edge>& roots) { return detail::Engine(true, detail::Engine::Record::no).order(roots); }
}  // namespace

std::vector<NodePtr> graph_topological_order(TensorList roots) {
  std::vector<Edge> edges;
  for (const Tensor& t : roots)
    if (Edge e = get_gradient_edge(t); e.is_valid()) edges.push_back(std::move(e));
  return order(edges);
}
std::vector<NodePtr> graph_topological_order(const Tensor& root) { return graph_topological_order(TensorList(root)); }
std::vector<NodePtr> graph_topological_order(const NodePtr& root) {
  CT_CHECK(root, "graph_topological_order: the node is null: a leaf or an untracked tensor has no grad_fn()");
  return order({Edge{root, 0}});
}

}  // namespace graph
}  // namespace autograd
}  // namespace ct
