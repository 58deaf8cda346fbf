// autograd/functional_products.cpp -- torch.autograd.functional on flat lists: jacobian, hessian, vjp, jvp, vhp, hvp.
#include "autograd/layers.h"
#include "autograd/node.h"
#include "autograd/transforms.h"
#include "cotangent/functional.h"

namespace ct::autograd::functional::detail {

using namespace ct::detail;

namespace {

// Inputs to differentiate by: connected to their history if the result is to be, else cut off.
Tensors prepared(const char* name, const Tensors& in, bool create_graph) {
  Tensors x;
  for (std::size_t i = 0; i < in.size(); ++i) {
    CT_CHECK_TYPE(in[i].defined() && in[i].is_floating_point(), name, ": The inputs given to ", name, " must be floating-point tensors, and input ", i, " is ",
                  in[i].defined() ? toString(in[i].scalar_type()) : "undefined");
    if (create_graph && in[i].requires_grad()) x.push_back(view_identity(in[i]));
    else x.push_back(in[i].detach().requires_grad_());
  }
  return x;
}

void check_outputs(const char* name, const Tensors& y, bool strict) {
  for (std::size_t i = 0; i < y.size(); ++i) {
    CT_CHECK_TYPE(y[i].defined(), name, ": The outputs of the user-provided function given to ", name, " must be either a Tensor or a tuple of Tensors but the "
                  "value at index ", i, " is undefined");
    CT_CHECK(!strict || y[i].requires_grad(), name, ": Output ", i, " of the user-provided function does not require gradients. The outputs must be computed in a "
             "differentiable manner from the input when running in strict mode.");
  }
}

void check_single(const char* name, const Tensors& y) {
  CT_CHECK(y.size() == 1, name, ": The function given to ", name, " should return a single Tensor");
  CT_CHECK(y[0].numel() == 1, name, ": The Tensor returned by the function given to ", name, " should contain a single element, and it has shape ", y[0].sizes());
}

void check_vector(const char* name, const Tensors& v, const Tensors& like) {
  CT_CHECK(v.size() == like.size(), name, ": v is a tuple of invalid length: should be ", like.size(), " but got ", v.size(), ".");
  for (std::size_t i = 0; i < v.size(); ++i)
    CT_CHECK(v[i].defined() && v[i].sizes() == like[i].sizes(), name, ": Entry ", i, " in v has invalid size: should be ", like[i].sizes(), " but got ",
             v[i].defined() ? v[i].sizes() : IntArrayRef(), ".");
}

// Gradients with zeros for what does not take part, which strict forbids.
Tensors gradients(const char* name, const Tensors& y, const Tensors& x, const Tensors& v, bool create_graph, bool strict, bool batched = false) {
  Tensors roots, w;
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (!y[i].requires_grad()) continue;
    roots.push_back(y[i]);
    w.push_back(v[i]);
  }
  Tensors g(x.size());
  if (!roots.empty()) g = autograd::grad(roots, x, w, true, create_graph, true, batched);
  for (std::size_t i = 0; i < x.size(); ++i) {
    CT_CHECK(!strict || g[i].defined(), name, ": The output of the user-provided function is independent of input ", i, ". This is not allowed in strict mode.");
    CT_CHECK(!strict || !create_graph || g[i].requires_grad(), name, ": The derivative of the user-provided function is independent of input ", i,
             ". This is not allowed in strict mode when create_graph=True.");
  }
  return g;
}

Tensors finished(Tensors t, bool create_graph) {
  if (!create_graph)
    for (Tensor& x : t) x = x.detach();
  return t;
}

}  // namespace

Tensors jacobian(Function f, const Tensors& in, const JacobianOptions& o, Tensors* outputs) {
  const bool forward = o.strategy == "forward-mode";
  CT_CHECK_VALUE(forward || o.strategy == "reverse-mode", "jacobian: Expected strategy to be either \"forward-mode\" or \"reverse-mode\". Hint: If your function has "
                 "more outputs than inputs, \"forward-mode\" tends to be more performant. Got ", o.strategy);
  CT_CHECK(!o.strict || !o.vectorize, "jacobian: torch.autograd.functional.jacobian: `strict=True` and `vectorize=True` are not supported together. Please either set "
           "`strict=False` or `vectorize=False`.");
  EnableGradGuard on;
  if (forward) {
    CT_CHECK(o.vectorize, "jacobian: torch.autograd.functional.jacobian: `strategy=\"forward-mode\"` is only supported for `vectorize=True`");
    CT_CHECK(!o.create_graph, "jacobian: torch.autograd.functional.jacobian: `create_graph=True` and `strategy=\"forward-mode\"` are not supported together (yet).");
    Tensors x;
    for (const Tensor& t : in) x.push_back(t.detach());
    return finished(func::detail::jacfwd(f, x, outputs), false);
  }
  const Tensors x = prepared("jacobian", in, o.create_graph), y = f(x);
  check_outputs("jacobian", y, o.strict);
  Tensors out;
  for (std::size_t k = 0; k < y.size(); ++k) {
    const std::int64_t rows = y[k].numel();
    const Tensor basis = eye(rows, y[k].options()).view(joined({rows}, y[k].sizes()));
    Tensors g(x.size());
    if (rows > 0 && y[k].requires_grad()) {
      const Tensor roots[] = {y[k]}, cotangents[] = {basis};
      g = autograd::grad(roots, x, cotangents, true, o.create_graph, true, true);
    }
    for (std::size_t i = 0; i < x.size(); ++i) {
      CT_CHECK(!o.strict || g[i].defined(), "jacobian: Output ", k, " of the user-provided function is independent of input ", i, ". This is not allowed in strict mode.");
      CT_CHECK(!o.strict || !o.create_graph || g[i].requires_grad(), "jacobian: The jacobian of the user-provided function is independent of input ", i,
               ". This is not allowed in strict mode when create_graph=True.");
      const auto shape = joined(y[k].sizes(), in[i].sizes());
      out.push_back(g[i].defined() ? g[i].reshape(shape) : zeros(shape, in[i].options()));
    }
  }
  if (outputs) *outputs = finished(y, o.create_graph);
  return finished(std::move(out), o.create_graph);
}

Tensors hessian(Function f, const Tensors& in, const HessianOptions& o) {
  CT_CHECK_VALUE(o.outer_jacobian_strategy == "reverse-mode" || o.outer_jacobian_strategy == "forward-mode",
                 "hessian: Expected strategy to be either \"forward-mode\" or \"reverse-mode\". Got ", o.outer_jacobian_strategy);
  const auto gradient = [&](const Tensors& x) {
    const auto checked = [&](const Tensors& t) {
      Tensors y = f(t);
      check_single("hessian", y);
      return Tensors{y[0].reshape({})};
    };
    JacobianOptions inner;
    inner.create_graph = true;
    inner.strict = o.strict;
    if (o.outer_jacobian_strategy == "reverse-mode") return jacobian(checked, x, inner, nullptr);
    return func::detail::grad("hessian", checked, x, nullptr);  // forward mode goes through what func's transforms record
  };
  JacobianOptions outer;
  outer.create_graph = o.create_graph;
  outer.strict = o.strict;
  outer.vectorize = o.vectorize;
  outer.strategy = o.outer_jacobian_strategy;
  return jacobian(gradient, in, outer, nullptr);
}

Tensors product(Product which, Function f, const Tensors& in, const Tensors& v, const ProductOptions& o, Tensors* outputs) {
  const char* name = which == Product::vjp ? "vjp" : which == Product::jvp ? "jvp" : which == Product::vhp ? "vhp" : "hvp";
  EnableGradGuard on;
  const Tensors x = prepared(name, in, o.create_graph);

  if (which == Product::jvp) {
    Tensors t = v;
    if (t.empty()) {
      CT_CHECK(in.size() == 1 && in[0].numel() == 1, "jvp: The vector v can only be None if the input to the user-provided function is a single Tensor with a single element.");
      t.push_back(ones_like(in[0]));
    }
    check_vector(name, t, in);
    auto [y, dy] = func::detail::jvp(f, x, t);
    check_outputs(name, y, o.strict);
    *outputs = finished(std::move(y), o.create_graph);
    return finished(std::move(dy), o.create_graph);
  }

  if (which == Product::hvp) {
    check_vector(name, v, in);
    Tensors y;
    const auto gradient = [&](const Tensors& at) {
      const Tensors value = f(at);
      check_single(name, value);
      check_outputs(name, value, o.strict);
      y = value;
      return or_zeros(gradients(name, value, at, {ones_like(value[0])}, true, o.strict), at);
    };
    // Forward over reverse: the inputs must be variables for the inner pass.
    Tensors product = func::detail::jvp(gradient, x, v).second;
    *outputs = finished(std::move(y), o.create_graph);
    return finished(std::move(product), o.create_graph);
  }

  const Tensors y = f(x);
  check_outputs(name, y, o.strict);
  Tensors out;
  if (which == Product::vjp) {
    Tensors w = v;
    if (w.empty()) {
      CT_CHECK(y.size() == 1 && y[0].numel() == 1, "vjp: The vector v can only be None if the user-provided function returns a single Tensor with a single element.");
      w.push_back(ones_like(y[0]));
    }
    check_vector(name, w, y);
    out = gradients(name, y, x, w, o.create_graph, o.strict);
  } else {
    check_single(name, y);
    check_vector(name, v, in);
    const Tensors g = gradients(name, y, x, {ones_like(y[0])}, true, o.strict);
    Tensors roots, w;
    for (std::size_t i = 0; i < g.size(); ++i) {
      if (!g[i].defined()) continue;
      roots.push_back(g[i]);
      w.push_back(v[i]);
    }
    out = gradients(name, roots, x, w, o.create_graph, o.strict);
  }
  *outputs = finished(y, o.create_graph);
  return finished(or_zeros(std::move(out), in), o.create_graph);
}

}  // namespace ct::autograd::functional::detail
