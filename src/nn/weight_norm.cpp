// nn/weight_norm.cpp -- weights that are computed before each call: weight norm and spectral norm.
#include "cotangent/autograd.h"
#include "cotangent/nn/functional.h"
#include "cotangent/nn/utils.h"
#include "nn/module_state.h"

namespace ct::nn::utils {

using Access = nn::detail::ModuleAccess;
using ct::detail::join;

namespace {

// Puts a new value into the members that the parameter was in.
void assign(const std::vector<Tensor*>& members, const Tensor& value) {
  for (Tensor* m : members) *m = value;
}

Tensor checked_parameter(const char* kind, Module& module, const std::string& name) {
  for (const Access::Weight& w : Access::weights(module))
    CT_CHECK(w.name != name, "Cannot register two ", w.kind == kind ? kind : "weight", " hooks on the same parameter ", name);
  const Tensor weight = Access::parameter(module, name);
  CT_CHECK(weight.defined(), kind, ": ", module.name(), " has no parameter '", name, "'");
  return weight;
}

// From now on the members are computed before each call.
void install(const char* kind, Module& module, const std::string& name, std::vector<Tensor*> members, Callback<Tensor(bool)> compute) {
  RemovableHandle hook = module.register_forward_pre_hook([members, compute](Module&, const Module::Tensors&) { assign(members, compute(true)); });
  Access::weights(module).push_back({kind, name, std::move(members), std::move(compute), std::move(hook)});
}

// Back to a parameter with the value of now.
void uninstall(const char* kind, Module& module, const std::string& name, FunctionRef<void()> erase) {
  std::vector<Access::Weight>& all = Access::weights(module);
  for (auto w = all.begin(); w != all.end(); ++w) {
    if (w->kind != kind || w->name != name) continue;
    Tensor value;
    {
      const NoGradGuard guard;
      value = w->compute(false).detach().clone();
    }
    w->hook.remove();
    const std::vector<Tensor*> members = std::move(w->members);
    all.erase(w);
    erase();
    assign(members, module.register_parameter(name, value));
    return;
  }
  CT_THROW(value, kind, " of '", name, "' not found in ", module.name());
}

// The norm over all dimensions but one, with size 1 there; over all: 0-dim.
Tensor norm_except(const Tensor& v, std::optional<std::int64_t> dim) {
  if (!dim) return norm(v);
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(v.dim()), 1);
  sizes[static_cast<std::size_t>(*dim)] = v.size(*dim);
  return norm(v.transpose(0, *dim).reshape({v.size(*dim), -1}), 2, {1}).view(sizes);
}

std::int64_t checked_dim(const char* op, const Tensor& weight, std::int64_t dim) {
  CT_CHECK_INDEX(dim >= -weight.dim() && dim < weight.dim(), op, ": Dimension out of range (expected to be in range of [", -weight.dim(), ", ", weight.dim() - 1,
                 "], but got ", dim, ")");
  return dim < 0 ? dim + weight.dim() : dim;
}

}  // namespace

void weight_norm(Module& module, std::string_view name_view, std::optional<std::int64_t> dim) {
  const std::string name(name_view), g = join({name, "_g"}), v = join({name, "_v"});
  const Tensor weight = checked_parameter("weight_norm", module, name);
  if (dim) dim = *dim == -1 ? std::nullopt : std::optional(checked_dim("weight_norm", weight, *dim));  // -1: over all, as in Python
  const std::vector<Tensor*> members = Access::members(module, name);
  Access::erase_parameter(module, name);
  {
    const NoGradGuard guard;
    Access::add_parameter(module, g, norm_except(weight, dim));
    Access::add_parameter(module, v, weight.detach());
  }
  const Callback<Tensor(bool)> compute = [m = &module, g, v, dim](bool) {
    const Tensor direction = Access::parameter(*m, v);
    return direction * (Access::parameter(*m, g) / norm_except(direction, dim));
  };
  assign(members, compute(false));
  install("weight_norm", module, name, members, compute);
}
void remove_weight_norm(Module& module, std::string_view name_view) {
  const std::string name(name_view);
  uninstall("weight_norm", module, name, [&] {
    Access::erase_parameter(module, join({name, "_g"}));
    Access::erase_parameter(module, join({name, "_v"}));
  });
}

void spectral_norm(Module& module, std::string_view name_view, std::int64_t n_power_iterations, double eps, std::optional<std::int64_t> dim) {
  const std::string name(name_view), orig = join({name, "_orig"}), u = join({name, "_u"}), v = join({name, "_v"});
  CT_CHECK_VALUE(n_power_iterations > 0, "spectral_norm: Expected n_power_iterations to be positive, but got n_power_iterations=", n_power_iterations);
  const Tensor weight = checked_parameter("spectral_norm", module, name);
  CT_CHECK(weight.dim() > 0, "spectral_norm: the parameter '", name, "' has no dimensions");
  const std::int64_t d = checked_dim("spectral_norm", weight, dim.value_or(module.name().find("ConvTranspose") != std::string::npos ? 1 : 0));
  const auto matrix = [d](const Tensor& w) { return w.movedim(d, 0).reshape({w.size(d), -1}); };
  const auto unit = [eps](const Tensor& x) { return functional::normalize(x, functional::NormalizeFuncOptions().dim(0).eps(eps)); };
  const std::vector<Tensor*> members = Access::members(module, name);
  {
    const NoGradGuard guard;
    const Tensor m = matrix(weight);
    module.register_buffer(u, unit(empty({m.size(0)}, m.scalar_type()).normal_(0, 1)));
    module.register_buffer(v, unit(empty({m.size(1)}, m.scalar_type()).normal_(0, 1)));
  }
  Access::erase_parameter(module, name);
  Access::add_parameter(module, orig, weight);
  const Callback<Tensor(bool)> compute = [m = &module, orig, u, v, matrix, unit, n_power_iterations](bool used) {
    const Tensor w = Access::parameter(*m, orig), rows = matrix(w);
    Tensor left = Access::buffer(*m, u), right = Access::buffer(*m, v);
    if (used && m->is_training()) {
      const NoGradGuard guard;
      const Tensor fixed = rows.detach();
      for (std::int64_t i = 0; i < n_power_iterations; ++i) {
        right.copy_(unit(mv(fixed.t(), left)));
        left.copy_(unit(mv(fixed, right)));
      }
      left = left.clone();  // the graph keeps them, and the next call writes
      right = right.clone();
    }
    return w / dot(left, mv(rows, right));
  };
  assign(members, weight.detach());
  install("spectral_norm", module, name, members, compute);
}
void remove_spectral_norm(Module& module, std::string_view name_view) {
  const std::string name(name_view);
  uninstall("spectral_norm", module, name, [&] {
    Access::erase_parameter(module, join({name, "_orig"}));
    Access::erase_buffer(module, join({name, "_u"}));
    Access::erase_buffer(module, join({name, "_v"}));
  });
}

}  // namespace ct::nn::utils
