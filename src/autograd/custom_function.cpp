// autograd/custom_function.cpp -- calls of functions with a derivative of their own: the node, the context, the outputs' histories.
#include "cotangent/custom_function.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <set>

#include "autograd/node.h"
#include "core/thread_state.h"

namespace ct {

using detail::CreationMeta;
using detail::impl;
using detail::TensorImpl;
using detail::custom::CustomCall;
using detail::custom::CustomInputs;
using detail::custom::CustomOps;

namespace {

// Python's name: the class without namespaces and template arguments, and "Backward". Kept for ever, as views point to it.
const char* node_name(const CustomOps& ops) {
  static std::mutex mutex;
  static auto* names = new std::set<std::string>;
  int status = 0;
  char* full = abi::__cxa_demangle(ops.type_name(), nullptr, nullptr, &status);
  std::string_view type = status == 0 ? full : ops.type_name();
  int depth = 0;
  std::size_t start = 0, end = type.size();
  for (std::size_t i = 0; i < type.size(); ++i) {
    const char c = type[i];
    if (c == '<' && depth == 0) end = i;
    if (c == '<' || c == '(' || c == '{') ++depth;
    if (c == '>' || c == ')' || c == '}') --depth;
    if (depth == 0 && c == ':') {
      start = i + 1;
      end = type.size();
    }
  }
  const std::string name = detail::join({type.substr(start, end - start), "Backward"});
  std::free(full);
  std::lock_guard lock(mutex);
  return names->insert(name).first->c_str();
}

bool contains(const autograd::variable_list& list, const Tensor& t) {
  return std::any_of(list.begin(), list.end(), [&t](const Tensor& x) { return x.defined() && x.is_same(t); });
}

bool differentiable(const Tensor& t) { return t.defined() && t.is_floating_point(); }

// Shape and dtype of a value, without the value.
struct Shape {
  bool defined = false;
  ScalarType dtype = kFloat;
  std::vector<std::int64_t> sizes;
  explicit Shape(const Tensor& t) : defined(t.defined()) {
    if (!defined) return;
    dtype = t.scalar_type();
    sizes = t.sizes().vec();
  }
};

}  // namespace

namespace autograd {

// The node of one call. It owns the context; what the context saved is kept here, so that backward can free it.
//
// Note [Outputs that a custom function keeps]
// An output owns its node, so a node must not own its outputs. One that was given to save_for_backward is kept as an alias
// without history and gets its producer back when it is read. The same is done for outputs in saved_data, while backward
// or jvp runs.
struct CustomNode final : Node {
  struct Kept {
    std::string name;
    Tensor tensor;
    std::uint32_t version = 0;
    int output = -1;  // which output of this node, if it is one
    std::unique_ptr<detail::PackedValue> packed;  // in place of the tensor, if saved_tensors_hooks said so
    Edge history;                                 // of what was packed
  };
  struct KeptData { std::string name; int output; };

  const CustomOps& ops;
  const char* node_name_;
  std::unique_ptr<AutogradContext> ctx;
  std::vector<bool> is_tensor;
  std::vector<Edge> edge_list;
  std::vector<Shape> in_shapes, out_shapes;
  std::vector<Kept> kept;
  std::vector<KeptData> kept_data;
  bool freed = false;
  // backward may write to its context, and two threads may run it; it may also come back to this node from inside.
  mutable std::recursive_mutex mutex;

  CustomNode(const CustomOps& o, const char* name, std::unique_ptr<AutogradContext> c, const CustomInputs& in, std::vector<Edge> edges,
             std::vector<Shape> shapes, std::size_t n_out)
      : Node(static_cast<std::uint32_t>(n_out)), ops(o), node_name_(name), ctx(std::move(c)), is_tensor(in.is_tensor),
        edge_list(std::move(edges)), in_shapes(std::move(shapes)) {
    edges_ = edge_list.data();
    n_edges_ = edge_list.size();
    ctx->node_ = this;
  }

  std::string name() const override { return node_name_; }
  std::vector<Tensor> saved_tensors() const override { return unpack(); }
  std::vector<SavedValue> saved() const override {
    const variable_list values = unpack();
    std::vector<SavedValue> out;
    for (std::size_t i = 0; i < values.size(); ++i) out.push_back({kept[i].name, values[i]});
    return out;
  }

  static Tensor with_history(const Tensor& alias, Node* producer, std::uint32_t output) {
    Tensor t = detail::alias(alias, alias.sizes(), alias.strides(), 0);
    impl(t)->grad_fn = NodePtr::share(producer).release();
    impl(t)->output_nr = output;
    return t;
  }
  Tensor with_history(const Tensor& alias, int output) const {
    return with_history(alias, const_cast<CustomNode*>(this), static_cast<std::uint32_t>(output));
  }

  void save(const variable_list& inputs, const variable_list& outputs) {
    for (const Tensor& t : ctx->to_save_) {
      Kept& k = kept.emplace_back();
      k.name = detail::join({"saved", kept.size() - 1});
      if (!t.defined()) continue;
      CT_CHECK(!impl(t)->inference, node_name_, ": Inference tensors cannot be saved for backward. To work around you can make a clone to get a "
               "normal tensor and use it in autograd.");
      k.version = impl(t)->storage->current_version();
      k.output = index_of(outputs, t);
      if (k.output >= 0) {
        k.name = outputs.size() == 1 ? std::string("y") : detail::join({"y", k.output});
      } else {
        const auto x = std::find_if(inputs.begin(), inputs.end(), [&t](const Tensor& i) { return i.is_same(t); });
        if (x != inputs.end()) k.name = inputs.size() == 1 ? std::string("x") : detail::join({"x", x - inputs.begin()});
      }
      const bool view = impl(t)->is_view() && impl(t)->grad_fn;  // must not own its base: see OpNode::make
      k.tensor = k.output >= 0 || view ? detail::alias(t, t.sizes(), t.strides(), 0) : t;
      if (k.output < 0 && view) {
        impl(k.tensor)->grad_fn = NodePtr::share(impl(t)->grad_fn).release();
        impl(k.tensor)->output_nr = impl(t)->output_nr;
      }
      if (detail::thread_state.saved_hooks) {
        if (k.output < 0 && detail::tracks(t)) k.history = detail::gradient_edge(t);
        const Tensor original = std::move(k.tensor);
        k.tensor = Tensor();
        k.packed.reset(detail::pack_saved(node_name_, original, k.version));
      }
    }
    for (const SavedData::Item& item : ctx->saved_data)
      if (item.second.isTensor() && item.second.toTensor().defined()) {
        const int output = index_of(outputs, item.second.toTensor());
        if (output < 0) continue;
        Value& v = ctx->saved_data[item.first];
        v = Value(detail::alias(v.tensor_, v.tensor_.sizes(), v.tensor_.strides(), 0));
        kept_data.push_back({item.first, output});
      }
  }

  variable_list unpack() const {
    CT_CHECK(!freed, node_name_, ": Trying to backward through the graph a second time (or directly access saved tensors after they have already "
             "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd::grad().\n  Specify "
             "retain_graph=true the first time, or run the forward computation again.");
    variable_list out;
    for (const Kept& k : kept) {
      if (k.packed) {
        const Tensor t = detail::unpack_saved(node_name_, *k.packed);
        if (k.output >= 0) out.push_back(with_history(t, k.output));
        else out.push_back(k.history.is_valid() && t.is_floating_point() ? with_history(t, k.history.function.get(), k.history.input_nr) : t);
        continue;
      }
      if (!k.tensor.defined()) {
        out.emplace_back();
        continue;
      }
      const TensorImpl* p = impl(k.tensor);
      const std::uint32_t now = p->storage->current_version();
      if (now != k.version) {
        std::string which;
        if (const Node* producer = k.output >= 0 ? this : p->grad_fn)
          which = detail::join({", which is output ", k.output >= 0 ? k.output : static_cast<int>(p->output_nr), " of ", producer->name(), ","});
        CT_THROW(error, node_name_, ": one of the variables needed for gradient computation has been modified by an inplace operation: [",
                 toString(p->dtype), "Tensor ", IntArrayRef(p->sizes(), p->ndim), "]", which, " is at version ", now, "; expected version ",
                 k.version, " instead.\n  Its value was saved for the backward of ", node_name_,
                 ". Change a clone() instead, or use the out-of-place form of the operation that changed it.");
      }
      out.push_back(k.output >= 0 ? with_history(k.tensor, k.output) : k.tensor);
    }
    return out;
  }

 protected:
  void apply(Tensor* grads, Tensor* out) override {
    CT_CHECK(ops.backward, node_name_, ": You must implement the backward method for your custom autograd.Function to use it with backward mode AD.");
    std::lock_guard lock(mutex);
    variable_list in;
    for (std::uint32_t i = 0; i < num_inputs(); ++i) {
      const Shape& s = out_shapes[i];
      in.push_back(grads[i].defined() || !ctx->materialize_grads_ || !s.defined ? grads[i] : zeros(s.sizes, s.dtype));
    }
    variable_list result;
    {
      const DataOutputs data(*this);
      result = ops.backward(ctx.get(), std::move(in));
    }
    const std::size_t expected = is_tensor.size();
    // More than expected is fine as long as the rest is undefined.
    while (result.size() > expected && !result.back().defined()) result.pop_back();
    CT_CHECK(result.size() == expected, "function ", node_name_, " returned an incorrect number of gradients (expected ", expected, ", got ",
             result.size(), ")\n  backward returns one gradient for each argument of forward, undefined (ct::Tensor()) where it is no tensor.");
    std::size_t k = 0;
    for (std::size_t i = 0; i < expected; ++i) {
      if (!is_tensor[i]) {
        CT_CHECK(!result[i].defined(), "function ", node_name_, " returned a gradient different that is defined at position ", i + 1,
                 ", but the corresponding forward input was not a Variable\n  Return ct::Tensor() there.");
        continue;
      }
      if (edge_list[k].is_valid() && result[i].defined()) {
        detail::fit_gradient(result[i], {in_shapes[k].dtype, in_shapes[k].sizes}, detail::join({"Function ", node_name_}), static_cast<std::uint32_t>(k));
        out[k] = std::move(result[i]);
      }
      ++k;
    }
  }

  void release_variables() override {
    std::lock_guard lock(mutex);
    kept.clear();
    freed = true;
  }

  void check_gradient(Tensor& g, std::uint32_t i) const override {
    const Shape& s = out_shapes[i];
    if (s.defined) detail::fit_gradient(g, {s.dtype, s.sizes}, node_name_, i);
  }
  InputMetadata metadata_of(std::uint32_t i) const override { return {out_shapes[i].dtype, out_shapes[i].sizes, out_shapes[i].defined}; }

 private:
  static int index_of(const variable_list& outputs, const Tensor& t) {
    for (std::size_t i = outputs.size(); i-- > 0;)
      if (outputs[i].is_same(t) && impl(t)->grad_fn) return static_cast<int>(i);
    return -1;
  }
  // Gives outputs in saved_data their history for a while.
  struct DataOutputs {
    explicit DataOutputs(CustomNode& n) : node(n) { each(true); }
    ~DataOutputs() { each(false); }
    void each(bool history) const {
      for (const KeptData& k : node.kept_data)
        if (node.ctx->saved_data.contains(k.name)) {
          Value& v = node.ctx->saved_data[k.name];
          if (!v.isTensor() || !v.tensor_.defined()) continue;
          v.tensor_ = history ? node.with_history(v.tensor_, k.output) : detail::alias(v.tensor_, v.tensor_.sizes(), v.tensor_.strides(), 0);
        }
    }
    CustomNode& node;
  };
};

// What a call does around forward.
struct CustomApply {
  static variable_list run(const CustomOps& ops, CustomCall& call, const CustomInputs& in) {
    auto owned = std::make_unique<AutogradContext>();
    AutogradContext& ctx = *owned;
    const bool tracked = detail::thread_state.grad_mode &&
                         std::any_of(in.tensors.begin(), in.tensors.end(), [](const Tensor& t) { return t.defined() && detail::tracks(t); });
    std::vector<Edge> edges;
    std::vector<Shape> shapes;
    for (const Tensor& t : in.tensors) {
      if (tracked) {
        edges.push_back(t.defined() ? detail::gradient_edge(t) : Edge());
        shapes.emplace_back(t);
      }
      ctx.tracked_.push_back(tracked && edges.back().is_valid());
    }
    variable_list out;
    {
      detail::GradModeScope off(false);
      out = call.forward(&ctx, in.tensors);
    }
    const char* name = node_name(ops);
    for (const Tensor& t : ctx.dirty_) {
      CT_CHECK(contains(out, t), name, ": Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
               "modified inplace must all be outputs of the Function.");
      impl(t)->storage->bump_version();
    }
    check_dirty(ctx, in, out, name, tracked);
    NodePtr node;
    if (tracked) node = NodePtr::adopt(new CustomNode(ops, name, std::move(owned), in, std::move(edges), std::move(shapes), out.size()));
    auto* custom = static_cast<CustomNode*>(node.get());

    int n_differentiable = 0;
    variable_list raw = out;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (!out[i].defined()) continue;
      const bool is_input = contains(in.tensors, raw[i]), dirty = contains(ctx.dirty_, raw[i]);
      const bool tracks = node && differentiable(out[i]) && !contains(ctx.non_differentiable_, raw[i]);
      if (tracks) {
        ++n_differentiable;
        set_history(out[i], node, static_cast<std::uint32_t>(i), in, is_input, dirty);
      } else {
        cut_history(out[i], is_input);
      }
      if (!(is_input && dirty) && impl(out[i])->is_view()) impl(out[i])->meta->creation = CreationMeta::custom_function;
    }
    if (n_differentiable > 1)
      for (const Tensor& t : out)
        if (t.defined() && impl(t)->is_view()) {
          impl(t)->meta->creation = CreationMeta::multi_output;
          impl(t)->meta->multi_view_op = name;
        }
    if (custom) {
      for (const Tensor& t : out) custom->out_shapes.emplace_back(t);
      custom->save(in.tensors, out);
    }
    ctx.to_save_.clear();
    ctx.for_forward_.clear();
    ctx.dirty_.clear();
    ctx.non_differentiable_.clear();
    return out;
  }

 private:
  // Everything that makes marked inputs impossible to record, asked before any history is changed.
  static void check_dirty(const AutogradContext& ctx, const CustomInputs& in, const variable_list& out, const char* name, bool tracked) {
    for (const Tensor& t : ctx.dirty_) {
      if (!contains(in.tensors, t))
        warn("Only input Tensors should be given to ctx.mark_dirty(). If a Tensor is not an input, there is no need to pass it to mark_dirty().");
      if (!tracked || !differentiable(t) || contains(ctx.non_differentiable_, t)) continue;
      const TensorImpl* p = impl(t);
      CT_CHECK(!(p->requires_grad && !p->grad_fn), name, ": a leaf Variable that requires grad has been used in an in-place operation.\n"
               "  Its old value would be lost to backward. Update parameters under NoGradGuard, or change a clone().");
      CT_CHECK(!p->is_view() || out.size() == 1, name, ": If your Function modifies inplace an input that is a view of another Tensor, your Function "
               "cannot return more than one Tensor. This is not supported by the current autograd engine. You should either make sure the input is "
               "not a view (using .clone() for example) or make your Function only return one Tensor (potentially splitting it into two Functions: "
               "one doing the inplace that returns a single Tensor and a second one that does the other operations).");
      detail::check_inplace(name, t, true);
    }
  }

  static void set_history(Tensor& t, const NodePtr& node, std::uint32_t nr, const CustomInputs& in, bool is_input, bool dirty) {
    if (dirty) {
      impl(t)->need_meta().grad.reset();
      std::size_t slot = 0;
      while (slot < in.tensors.size() && !in.tensors[slot].is_same(t)) ++slot;
      if (slot < in.tensors.size()) return detail::rebase_history(t, node, slot, nr);
    } else if (is_input) {  // unchanged: another look at it, so that it can have a producer of its own
      Tensor look = detail::alias(t, t.sizes(), t.strides(), 0);
      detail::link_view(look, t, CreationMeta::custom_function, nullptr);
      t = std::move(look);
    }
    TensorImpl* p = impl(t);
    const bool retains = p->meta && p->meta->retains_grad;
    Node* before = p->grad_fn;
    if (retains && before) detail::forget_retained(before, p);
    p->grad_fn = NodePtr(node).release();
    p->output_nr = nr;
    if (retains) detail::remember_retained(p->grad_fn, p);
    if (before) detail::release_node(before);
    p->requires_grad = false;
    if (p->is_view()) p->meta->view_version = p->storage->current_version();
  }

  static void cut_history(Tensor& t, bool is_input) {
    if (!detail::tracks(t)) return;
    if (is_input) t = t.detach();
    else if (!impl(t)->is_view()) t.detach_();
  }
};

// ---- the context ---------------------------------------------------------------------------------------

AutogradContext::AutogradContext() = default;
AutogradContext::~AutogradContext() = default;

void AutogradContext::save_for_backward(variable_list to_save) { to_save_ = std::move(to_save); }
void AutogradContext::save_for_forward(variable_list to_save) { for_forward_ = std::move(to_save); }
void AutogradContext::mark_dirty(const variable_list& inputs) {
  dirty_.clear();
  for (const Tensor& t : inputs)
    if (t.defined() && !contains(dirty_, t)) dirty_.push_back(t);
}
void AutogradContext::mark_non_differentiable(const variable_list& outputs) { non_differentiable_ = outputs; }

variable_list AutogradContext::get_saved_variables() const {
  if (in_jvp_ && !for_forward_.empty()) return for_forward_;
  return node_ && to_save_.empty() ? node_->unpack() : to_save_;
}

bool AutogradContext::needs_input_grad(std::size_t i) const {
  const std::size_t n = node_ ? node_->num_outputs() : tracked_.size();
  CT_CHECK_INDEX(i < n, "needs_input_grad: index ", i, " is out of range for ", n, " tensor arguments");
  return node_ ? detail::gradient_wanted(node_->next_edge(i)) : static_cast<bool>(tracked_[i]);
}
bool AutogradContext::needs_input_grad(std::initializer_list<IndexRange> idxs) const {
  for (const IndexRange& r : idxs)
    for (std::size_t i = r.first; i < r.second; ++i)
      if (needs_input_grad(i)) return true;
  return false;
}

}  // namespace autograd

// ---- calls -----------------------------------------------------------------------------------------------

namespace detail::custom {

void CustomInputs::add(const Tensor& t) {
  tensors.push_back(t);
  is_tensor.push_back(true);
}
void CustomInputs::add(const std::optional<Tensor>& t) {
  if (t && t->defined()) add(*t);
  else add_other();
}
void CustomInputs::add(TensorList list) {
  for (const Tensor& t : list) add(t);
}
void CustomInputs::add_other() { is_tensor.push_back(false); }

variable_list apply_custom(const CustomOps& ops, CustomCall& call, CustomInputs in) { return autograd::CustomApply::run(ops, call, in); }

void no_vmap_rule() { CT_THROW(error, "vmap: this autograd::Function has no vmap rule"); }

}  // namespace detail::custom
}  // namespace ct
