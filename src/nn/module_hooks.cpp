// nn/module_hooks.cpp -- hooks around forward, and around the gradients of a call.
#include "cotangent/autograd.h"
#include "cotangent/custom_function.h"
#include "nn/module_state.h"

namespace ct::nn {

using ct::detail::HookCall;
using ct::detail::HookKind;

Module::~Module() {
  if (!hooks_) return;
  *hooks_->self = nullptr;
  delete hooks_;
}
Module::Hooks& Module::hooks() {
  if (!hooks_) hooks_ = new Hooks(this);
  return *hooks_;
}

static Module& alive(const std::shared_ptr<Module*>& self) {
  CT_CHECK(*self, "backward: a module with backward hooks was destroyed before the graph that it is in");
  return **self;
}

RemovableHandle Module::add_pre_hook(Callback<Tensors(Module&, const Tensors&)> hook) {
  HookCall call;
  call.pre = [this, hook = std::move(hook)](const Tensors& inputs) { return hook(*this, inputs); };
  return hooks().forward.add(HookKind::pre, 0, std::move(call));
}
RemovableHandle Module::add_hook(Callback<Tensors(Module&, const Tensors&, const Tensor&)> hook) {
  HookCall call;
  call.post = [this, hook = std::move(hook)](const Tensors& inputs, const Tensors& output) { return hook(*this, inputs, output[0]); };
  return hooks().forward.add(HookKind::post, 0, std::move(call));
}
RemovableHandle Module::add_backward_pre_hook(Callback<Tensors(Module&, const Tensors&)> hook) {
  HookCall call;
  call.pre = [self = hooks().self, hook = std::move(hook)](const Tensors& grad_output) { return hook(alive(self), grad_output); };
  return hooks().backward.add(HookKind::pre, 0, std::move(call));
}
RemovableHandle Module::add_backward_hook(Callback<Tensors(Module&, const Tensors&, const Tensors&)> hook) {
  HookCall call;
  call.post = [self = hooks().self, hook = std::move(hook)](const Tensors& grad_input, const Tensors& grad_output) {
    return hook(alive(self), grad_input, grad_output);
  };
  return hooks().backward.add(HookKind::post, 0, std::move(call));
}

namespace {

// The node that hooks of a module hang on: everything passes through unchanged.
struct BackwardHookFunction : autograd::Function<BackwardHookFunction> {
  static autograd::variable_list forward(autograd::AutogradContext*, autograd::variable_list args) { return args; }
  static autograd::variable_list backward(autograd::AutogradContext*, autograd::variable_list grads) { return grads; }
};

}  // namespace

// Note [Backward hooks of modules]
// As in PyTorch: the inputs that need gradients pass through one node and the output through another. Backward comes to the
// output's first, which tells what the gradient of the output is, and when the input's node has run all of the module's
// own gradients are computed. The lists of hooks are those of the time of the call.
struct detail::HookedCall::Backward {
  std::vector<HookCall> before, after;
  std::vector<std::size_t> tracked;  // inputs that need a gradient
  std::size_t inputs = 0;
  std::vector<Tensor> grad_output;
  bool arrived = false;
  std::string name;

  std::vector<Tensor> run(std::vector<Tensor> grad_input) {
    for (const HookCall& call : after) {
      std::vector<Tensor> changed = call.post(grad_input, grad_output);
      if (changed.empty()) continue;
      CT_CHECK(changed.size() == inputs, name, ": Backward hook returned an invalid number of grad_input, got ", changed.size(), ", but expected ", inputs);
      grad_input = std::move(changed);
    }
    return grad_input;
  }
};

detail::HookedCall::HookedCall(Module& module, std::vector<Tensor> inputs) : module_(module), inputs_(std::move(inputs)) {
  Module::Hooks& hooks = module.hooks();
  const std::size_t n = inputs_.size();
  for (const HookCall& call : hooks.forward.calls(HookKind::pre))
    if (std::vector<Tensor> changed = call.pre(inputs_); !changed.empty()) inputs_ = std::move(changed);
  CT_CHECK(inputs_.size() == n, module.name(), ": a forward pre-hook returned ", inputs_.size(), " inputs and forward was called with ", n);
  const bool any = hooks.backward.has(HookKind::pre) || hooks.backward.has(HookKind::post);
  if (!any || !GradMode::is_enabled()) return;
  backward_ = std::make_shared<Backward>();
  Backward& b = *backward_;
  b.before = hooks.backward.calls(HookKind::pre);
  b.after = hooks.backward.calls(HookKind::post);
  b.inputs = n;
  b.name = module.name();
  autograd::variable_list tracked;
  for (std::size_t i = 0; i < n; ++i) {
    if (!inputs_[i].defined() || !inputs_[i].requires_grad()) continue;
    b.tracked.push_back(i);
    tracked.push_back(inputs_[i]);
  }
  if (tracked.empty()) return;
  tracked = BackwardHookFunction::apply(std::move(tracked));
  for (std::size_t k = 0; k < tracked.size(); ++k) inputs_[b.tracked[k]] = tracked[k];
  tracked[0].grad_fn()->register_hook([state = backward_](const std::vector<Tensor>& grads, const std::vector<Tensor>&) {
    CT_CHECK(state->arrived, state->name, ": Module backward hook for grad_input is called before the grad_output one.\n  The gradient flows to the module's "
             "input without passing through its output: make sure that the output depends on the input and that the loss is computed of the output.");
    std::vector<Tensor> grad_input(state->inputs), out;
    for (std::size_t k = 0; k < grads.size(); ++k) grad_input[state->tracked[k]] = grads[k];
    grad_input = state->run(std::move(grad_input));
    state->arrived = false;
    state->grad_output.clear();
    for (std::size_t i : state->tracked) out.push_back(grad_input[i]);
    return out;
  });
}

detail::HookedCall::~HookedCall() = default;

Tensor detail::HookedCall::finish(Tensor output) {
  for (const HookCall& call : module_.hooks().forward.calls(HookKind::post))
    if (std::vector<Tensor> changed = call.post(inputs_, {output}); !changed.empty()) output = std::move(changed[0]);
  if (!backward_ || !output.defined() || !output.requires_grad()) return output;
  const autograd::variable_list through = BackwardHookFunction::apply(autograd::variable_list{output});
  through[0].grad_fn()->register_prehook([state = backward_](const std::vector<Tensor>& grads) {
    std::vector<Tensor> grad_output = grads;
    for (const HookCall& call : state->before) {
      std::vector<Tensor> changed = call.pre(grad_output);
      if (changed.empty()) continue;
      CT_CHECK(changed.size() == grads.size(), state->name, ": Backward pre hook returned an invalid number of grad_output, got ", changed.size(), ", but expected ", grads.size());
      grad_output = std::move(changed);
    }
    state->grad_output = grad_output;
    state->arrived = true;
    if (state->tracked.empty()) {
      for (const Tensor& t : state->run(std::vector<Tensor>(state->inputs)))
        CT_CHECK(!t.defined(), state->name, ": Backward hook for Modules where no input requires gradient should always return nothing, or undefined gradients.");
      state->arrived = false;
      state->grad_output.clear();
    }
    return grad_output;
  });
  return through[0];
}

}  // namespace ct::nn
