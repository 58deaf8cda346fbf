// tests/ops/elements.h -- what the generated tests share: elements, directions, leaves and cotangents of a sample.
//
// The expected numbers come from no arithmetic of the library: elements are read and written through pointers, so that
// a wrong `mul` cannot hide a wrong `mul`.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <type_traits>

#include "core/tensor_impl.h"
#include "ops/check_op.h"

namespace op_check {

using ct::Op;
using ct::OpKind;
using ct::Tensor;
using op_samples::Random;
using op_samples::Sample;
using Tensors = std::vector<Tensor>;
using Values = std::vector<double>;

// ---- elements, without the library's help ---------------------------------------------------------------

// Calls f(offset in elements) for every element in row-major order.
template <class F>
inline void for_each_offset(const Tensor& t, const F& f) {
  const std::int64_t n = t.numel();
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t offset = 0, rest = i;
    for (std::size_t d = t.sizes().size(); d-- > 0;) {
      offset += rest % t.sizes()[d] * t.strides()[d];
      rest /= t.sizes()[d];
    }
    f(offset);
  }
}

inline Values values(const Tensor& t) {
  Values out;
  if (!t.defined()) return out;
  CT_DISPATCH_ALL(t.scalar_type(), [&] {
    const auto* p = static_cast<const scalar_t*>(t.data_ptr());
    for_each_offset(t, [&](std::int64_t o) {
      if constexpr (std::is_arithmetic_v<scalar_t>) out.push_back(static_cast<double>(p[o]));
      else out.push_back(static_cast<float>(p[o]));
    });
  });
  return out;
}

inline void set_values(const Tensor& t, const Values& v) {
  std::size_t i = 0;
  CT_DISPATCH_ALL(t.scalar_type(), [&] {
    auto* p = static_cast<scalar_t*>(t.data_ptr());
    for_each_offset(t, [&](std::int64_t o) {
      if constexpr (std::is_arithmetic_v<scalar_t>) p[o] = static_cast<scalar_t>(v[i++]);
      else p[o] = scalar_t(static_cast<float>(v[i++]));
    });
  });
}

// A new tensor; strides row-major unless given, its first element `offset` elements into its memory.
inline Tensor make(ct::IntArrayRef sizes, ct::ScalarType dtype, const std::vector<std::int64_t>* strides = nullptr, std::int64_t offset = 0) {
  if (!strides) return ct::empty(sizes, dtype);
  std::int64_t extent = 1;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == 0) extent = 0;
    else if (extent) extent += (sizes[d] - 1) * (*strides)[d];
  }
  const Tensor memory = ct::zeros({offset + extent}, dtype);
  return ct::detail::alias(memory, sizes, *strides, offset);
}

inline Tensor contiguous_copy(const Tensor& t, ct::ScalarType dtype) {
  Tensor out = make(t.sizes(), dtype);
  set_values(out, values(t));
  return out;
}
inline Tensor contiguous_copy(const Tensor& t) { return contiguous_copy(t, t.scalar_type()); }

inline Values random_values(Random& random, std::int64_t n) {
  Values v(static_cast<std::size_t>(n));
  for (double& x : v) {
    x = random.uniform(-1, 1);
    x += x < 0 ? -0.2 : 0.2;  // nowhere near zero, so that no entry of a gradient is left out
  }
  return v;
}

inline double dot(const Values& a, const Values& b) {
  double s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += a[i] * b[i];
  return s;
}
inline double absolute_dot(const Values& a, const Values& b) {
  double s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += std::abs(a[i] * b[i]);
  return s;
}

// Ops on symmetric matrices (cholesky, eigh) read one triangle: when every matrix of a sample is symmetric, so must
// be the directions in which it is moved.
inline bool symmetric(const Tensor& x, const Values& v) {
  if (x.dim() < 2 || x.size(-1) != x.size(-2) || x.size(-1) < 2) return false;
  const auto n = static_cast<std::size_t>(x.size(-1));
  for (std::size_t m = 0; m < v.size(); m += n * n)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (v[m + i * n + j] != v[m + j * n + i]) return false;
  return true;
}
inline Values direction(Random& random, const Tensor& x, const Values& at) {
  Values d = random_values(random, x.numel());
  if (!symmetric(x, at)) return d;
  const auto n = static_cast<std::size_t>(x.size(-1));
  for (std::size_t m = 0; m < d.size(); m += n * n)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < i; ++j) d[m + i * n + j] = d[m + j * n + i];
  return d;
}

inline std::string number(double v) {
  char text[40];
  std::snprintf(text, sizeof text, "%.12g", v);
  return text;
}
inline std::string list(const Values& v) {
  std::string out = "[";
  for (std::size_t i = 0; i < v.size() && i < 8; ++i) out += (i ? ", " : "") + number(v[i]);
  return out + (v.size() > 8 ? ", ..]" : "]");
}

inline bool is_tracked_input(const Op& op, const Sample& s, std::size_t i) {
  return s.in[i].defined() && s.in[i].is_floating_point() && !(i < 32 && (op.nondiff >> i & 1));
}

// Fresh contiguous copies of a sample's inputs; those that can carry a gradient are leaves that ask for one.
inline Tensors leaves(const Op& op, const Sample& s, std::vector<std::size_t>* tracked = nullptr) {
  Tensors in;
  for (std::size_t i = 0; i < s.in.size(); ++i) {
    in.push_back(s.in[i].defined() ? contiguous_copy(s.in[i]) : Tensor());
    if (!is_tracked_input(op, s, i)) continue;
    in.back().requires_grad_();
    if (tracked) tracked->push_back(i);
  }
  return in;
}

inline Tensors pick(const Tensors& in, const std::vector<std::size_t>& which) {
  Tensors out;
  for (std::size_t i : which) out.push_back(in[i]);
  return out;
}

// The differentiable outputs of a call, and cotangents for them drawn from a fixed seed.
struct Roots {
  Tensors y, w;
  explicit Roots(const Tensors& outputs) {
    Random random(99);
    for (const Tensor& t : outputs) {
      if (!t.defined() || !t.requires_grad()) continue;
      y.push_back(t);
      w.push_back(make(t.sizes(), t.scalar_type()));
      set_values(w.back(), random_values(random, t.numel()));
    }
  }
};

// Gradients as values; undefined ones are zeros.
inline std::vector<Values> as_values(const Tensors& grads, const Tensors& of) {
  std::vector<Values> out;
  for (std::size_t i = 0; i < of.size(); ++i)
    out.push_back(grads[i].defined() ? values(grads[i]) : Values(static_cast<std::size_t>(of[i].numel())));
  return out;
}

inline Tensors gradients(const Tensors& y, const Tensors& x, const Tensors& w, bool create_graph = false, bool retain = false) {
  return ct::autograd::grad(y, x, w, retain || create_graph, create_graph, true);
}

inline bool close(double a, double b, double tolerance) {
  return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= tolerance;
}
inline bool all_close(const Values& a, const Values& b, double rtol) {
  if (a.size() != b.size()) return false;
  double scale = 0;
  for (double v : b)
    if (std::isfinite(v)) scale = std::max(scale, std::abs(v));
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!close(a[i], b[i], rtol * scale)) return false;
  return true;
}

inline bool is_elementwise(const Op& op) { return op.kind == OpKind::elementwise && op.kernel; }
// Attributes of as_strided speak of one layout of the input.
inline bool layout_bound(const Op& op) { return std::string(op.name).find("as_strided") == 0; }

// The same elements in another place in memory.
enum class Layout { column_major, strided, offset };
constexpr const char* layout_names[] = {"column-major", "strided", "offset"};

inline Tensor relaid(const Tensor& x, Layout layout) {
  if (!x.defined()) return x;
  const std::size_t n = x.sizes().size();
  std::vector<std::int64_t> strides(n);
  std::int64_t step = layout == Layout::strided ? 2 : 1;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t d = layout == Layout::column_major ? i : n - 1 - i;
    strides[d] = step;
    step *= std::max<std::int64_t>(1, x.sizes()[d]);
    if (layout == Layout::strided) step += 3;
  }
  Tensor out = make(x.sizes(), x.scalar_type(), &strides, layout == Layout::column_major ? 0 : 5);
  set_values(out, values(x));
  return out;
}

}  // namespace op_check
