// nn/module_state.h -- what a module keeps beside its registry: hooks, and weights that hooks compute.
#pragma once

#include <string>
#include <vector>

#include "autograd/hooks.h"
#include "cotangent/nn/module.h"

namespace ct::nn {

struct Module::Hooks {
  explicit Hooks(Module* m) : self(std::make_shared<Module*>(m)) {}
  ct::detail::HookList forward, backward;
  std::shared_ptr<Module*> self;  // null once the module is gone, which a graph may outlive
  // A parameter that is computed from others before each forward.
  struct Weight {
    std::string kind, name;  // "weight_norm" of "weight"
    std::vector<Tensor*> members;
    Callback<Tensor(bool)> compute;  // whether the module is used, and not looked at
    RemovableHandle hook;
  };
  std::vector<Weight> weights;
};

// How nn::utils replaces a parameter by others.
struct detail::ModuleAccess {
  using Weight = Module::Hooks::Weight;
  static std::vector<Weight>& weights(Module& m) { return m.hooks().weights; }
  static Tensor parameter(const Module& m, const std::string& name);
  static Tensor buffer(const Module& m, const std::string& name);
  static std::vector<Tensor*> members(Module& m, const std::string& name);
  static void erase_parameter(Module& m, const std::string& name);
  static void erase_buffer(Module& m, const std::string& name);
  // A parameter that no member holds: hooks read it from the registry.
  static void add_parameter(Module& m, const std::string& name, const Tensor& value);
};

}  // namespace ct::nn
