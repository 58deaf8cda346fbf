// core/printing.cpp -- tensors as Python's PyTorch prints them. Reads elements only: no operation, no random number, no mode.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <mutex>
#include <ostream>

#include "autograd/layers.h"
#include "core/format.h"
#include "core/tensor_impl.h"
#include "cotangent/autograd.h"
#include "cotangent/print.h"

namespace ct {

using detail::impl;
using detail::TensorImpl;

namespace {

struct Options {
  int precision = 4;
  std::int64_t threshold = 1000, edgeitems = 3, linewidth = 80;
  std::optional<bool> sci_mode;
};
std::mutex options_mutex;
Options options_in_force;

Options current_options() {
  std::lock_guard lock(options_mutex);
  return options_in_force;
}

// The text of one tensor's elements: brackets, lines and columns of one width.
class ElementText {
 public:
  ElementText(const TensorImpl* t, const Options& o)
      : t_(t), o_(o), floating_(isFloatingType(t->dtype)), summarize_(t->numel > o.threshold) {}

  std::string text(std::int64_t indent) {
    if (t_->numel == 0) return "[]";
    measure();
    std::string out;
    write(0, t_->data, indent, out);
    return out;
  }

 private:
  double real(const char* p) const {
    return CT_DISPATCH_ALL(t_->dtype, [&] { return Scalar(*reinterpret_cast<const scalar_t*>(p)).toDouble(); });
  }
  std::int64_t integer(const char* p) const {
    return CT_DISPATCH_ALL(t_->dtype, [&] { return Scalar(*reinterpret_cast<const scalar_t*>(p)).toLong(); });
  }
  const char* at(int d, const char* p, std::int64_t i) const { return p + i * t_->strides()[d] * elementSize(t_->dtype); }

  // Calls f on the elements that decide the format: all of them, or those that a summary shows.
  template <class F>
  void visit(int d, const char* p, const F& f) const {
    if (d == t_->ndim) return f(p);
    const std::int64_t n = t_->sizes()[d], e = o_.edgeitems;
    const bool cut = summarize_ && n > 2 * e && !(e == 0 && d + 1 == t_->ndim);
    for (std::int64_t i = 0; i < n; ++i) {
      if (cut && i == e) i = n - e;
      if (i < n) visit(d + 1, at(d, p, i), f);
    }
  }

  // Finds integer mode, scientific mode and the common width.
  void measure() {
    // Without edge items nothing of a matrix is shown, hence nothing measured.
    if (summarize_ && o_.edgeitems == 0 && t_->ndim > 1) return;
    if (!floating_) {
      visit(0, t_->data, [&](const char* p) { width_ = std::max(width_, element(p).size()); });
      return;
    }
    double low = INFINITY, high = 0;
    visit(0, t_->data, [&](const char* p) {
      const double v = real(p);
      if (v == 0 || !std::isfinite(v)) return;
      low = std::min(low, std::fabs(v));
      high = std::max(high, std::fabs(v));
      int_mode_ &= v == std::ceil(v);
    });
    if (high == 0) return;  // only zeros, nans and infinities: each as wide as it is
    sci_mode_ = o_.sci_mode.value_or(high / low > 1000.0 || high > 1.0e8 || low < 1.0e-4);
    visit(0, t_->data, [&](const char* p) {
      const double v = real(p);
      if (v != 0 && std::isfinite(v)) width_ = std::max(width_, element(p).size());
    });
  }

  std::string element(const char* p) const {
    if (t_->dtype == kBool) return integer(p) ? "True" : "False";
    if (!floating_) return std::to_string(integer(p));
    const double v = real(p);
    if (sci_mode_) return detail::format_scientific(v, o_.precision);
    if (!int_mode_) return detail::format_fixed(v, o_.precision);
    std::string s = detail::format_fixed(v, 0);
    return std::isfinite(v) ? s.append(".") : s;
  }
  void put_element(const char* p, std::string& out) const {
    const std::string s = element(p);
    if (s.size() < width_) out.append(width_ - s.size(), ' ');
    out += s;
  }

  void write(int d, const char* p, std::int64_t indent, std::string& out) const {
    if (d == t_->ndim) return put_element(p, out);
    const std::int64_t n = t_->sizes()[d], e = o_.edgeitems;
    const bool row = d + 1 == t_->ndim, cut = summarize_ && n > 2 * e;
    // Columns in a line of a row; nested parts get a line each, and a blank line more for each dimension below.
    const std::int64_t per_line = row ? std::max<std::int64_t>(1, (o_.linewidth - indent) / static_cast<std::int64_t>(width_ + 2)) : 1;
    const std::size_t newlines = static_cast<std::size_t>(t_->ndim - d - 1);
    std::int64_t items = 0;
    auto separate = [&] {
      if (items == 0) {
      } else if (row && items % per_line != 0) {
        out += ", ";
      } else {
        out += ',';
        out.append(row ? 1 : newlines, '\n').append(static_cast<std::size_t>(indent + 1), ' ');
      }
      ++items;
    };
    out += '[';
    if (row && summarize_ && e == 0) {
      out += "...";
    } else {
      for (std::int64_t i = 0; i < n; ++i) {
        if (cut && i == e) {
          separate();
          out += row ? " ..." : "...";
          i = n - e;
          if (i == n) break;
        }
        separate();
        write(d + 1, at(d, p, i), indent + 1, out);
      }
    }
    out += ']';
  }

  const TensorImpl* t_;
  const Options& o_;
  bool floating_, summarize_, int_mode_ = true, sci_mode_ = false;
  std::size_t width_ = 1;
};

std::string list(IntArrayRef v, const char* open, const char* close) {
  std::string out = open;
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (i) out += ", ";
    out += std::to_string(v[i]);
  }
  return out.append(close);
}

std::string node_text(const NodePtr& node) { return node ? detail::join({"<", node->name(), ">"}) : "None"; }

std::string dtype_text(ScalarType t) { return detail::join({"torch.", python_name(t)}); }

std::string number_text(const Scalar& s) {
  if (s.isBoolean()) return s.toBool() ? "True" : "False";
  return s.isFloatingPoint() ? detail::format_shortest(s.toDouble()) : std::to_string(s.toLong());
}

}  // namespace

std::string to_string(const Tensor& x) {
  if (!x.defined()) return "None";
  const detail::Layers* l = detail::layers(x);
  if (l && l->level)  // there is one value for each entry: all of them
    return detail::join({l->batched ? "BatchedTensor(lvl=" : "UnbatchedTensor(lvl=", l->level, ", size=", to_string(x.sizes()), ", value=\n    ", to_string(l->value), ")"});
  const Options o = current_options();
  const TensorImpl* t = impl(x);
  constexpr std::int64_t indent = 7;  // of "tensor("
  std::string out = "tensor(";
  out += ElementText(t, o).text(indent);

  // Suffixes move to a line of their own when they do not fit.
  std::int64_t line = static_cast<std::int64_t>(out.size() - (out.rfind('\n') + 1)) + 2;  // rfind + 1 is 0 if there is none
  auto suffix = [&](const std::string& s) {
    const auto n = static_cast<std::int64_t>(s.size());
    if (line + n + 2 > o.linewidth) {
      out.append(",\n").append(static_cast<std::size_t>(indent), ' ');
      line = indent + n;
    } else {
      out += ", ";
      line += n + 2;
    }
    out += s;
  };
  const bool default_dtype = t->dtype == get_default_dtype();
  if (t->numel == 0) {
    if (t->ndim != 1) suffix(list(x.sizes(), "size=(", ")"));
    if (!default_dtype) suffix("dtype=" + dtype_text(t->dtype));  // no element shows that it is int64
  } else if (!default_dtype && t->dtype != kLong && t->dtype != kBool) {
    suffix("dtype=" + dtype_text(t->dtype));
  }
  if (const NodePtr node = x.grad_fn()) suffix("grad_fn=" + node_text(node));
  else if (x.requires_grad()) suffix("requires_grad=True");
  return out.append(")");
}

std::string to_string(IntArrayRef sizes) { return list(sizes, "[", "]"); }
std::string to_string(const Size& size) { return list(size, "torch.Size([", "])"); }

namespace {
std::ostream& put(std::ostream& out, const std::string& s) { return out.write(s.data(), static_cast<std::streamsize>(s.size())); }
}  // namespace

std::ostream& operator<<(std::ostream& out, const Tensor& t) { return put(out, to_string(t)); }
std::ostream& operator<<(std::ostream& out, IntArrayRef sizes) { return put(out, to_string(sizes)); }
std::ostream& operator<<(std::ostream& out, const Size& size) { return put(out, to_string(size)); }
std::ostream& operator<<(std::ostream& out, ScalarType t) { return put(out, dtype_text(t)); }
std::ostream& operator<<(std::ostream& out, const Device& d) { return put(out, d.str()); }
std::ostream& operator<<(std::ostream& out, const Scalar& s) { return put(out, number_text(s)); }
std::ostream& operator<<(std::ostream& out, const NodePtr& node) { return put(out, node_text(node)); }

void set_printoptions(const PrintOptions& p) {
  CT_CHECK_VALUE(!p.precision || (*p.precision >= 0 && *p.precision <= 100), "set_printoptions: precision must be in [0, 100], but got ", *p.precision);
  CT_CHECK_VALUE(!p.threshold || *p.threshold >= 0, "set_printoptions: threshold must be non-negative, but got ", *p.threshold);
  CT_CHECK_VALUE(!p.edgeitems || *p.edgeitems >= 0, "set_printoptions: edgeitems must be non-negative, but got ", *p.edgeitems);
  CT_CHECK_VALUE(!p.linewidth || *p.linewidth > 0, "set_printoptions: linewidth must be positive, but got ", *p.linewidth);
  std::lock_guard lock(options_mutex);
  Options& o = options_in_force;
  o.precision = p.precision.value_or(o.precision);
  o.threshold = p.threshold.value_or(o.threshold);
  o.edgeitems = p.edgeitems.value_or(o.edgeitems);
  o.linewidth = p.linewidth.value_or(o.linewidth);
  o.sci_mode = p.sci_mode;
}
PrintOptions print_options() {
  const Options o = current_options();
  return {o.precision, o.threshold, o.edgeitems, o.linewidth, o.sci_mode};
}

namespace detail {

namespace {

void append(std::string& out, const PrintPart& p) {
  using Kind = PrintPart::Kind;
  switch (p.kind) {
    case Kind::text: out.append(static_cast<const char*>(p.row.data), p.row.size); break;
    case Kind::character: out += static_cast<char>(p.integer); break;
    case Kind::integer: out += std::to_string(p.integer); break;
    case Kind::natural: out += std::to_string(p.natural); break;
    case Kind::boolean: out += p.integer ? "True" : "False"; break;
    case Kind::real: out += format_shortest(p.real); break;
    case Kind::real32: out += format_shortest(static_cast<float>(p.real)); break;
    case Kind::tensor: out += to_string(*static_cast<const Tensor*>(p.object)); break;
    case Kind::tensors: {  // as a Python tuple, which autograd.grad and split return
      const auto* t = static_cast<const Tensor*>(p.row.data);
      out += '(';
      for (std::size_t i = 0; i < p.row.size; ++i) out.append(i ? ", " : "").append(to_string(t[i]));
      out += p.row.size == 1 ? ",)" : ")";
      break;
    }
    case Kind::numbers: {
      out += '[';
      CT_DISPATCH_ALL(p.of, [&] {
        const auto* v = static_cast<const scalar_t*>(p.row.data);
        for (std::size_t i = 0; i < p.row.size; ++i) {
          if (i) out += ", ";
          out += p.of == kFloat ? format_shortest(Scalar(v[i]).toFloat()) : number_text(v[i]);
        }
      });
      out += ']';
      break;
    }
    case Kind::size: out += size_string({static_cast<const std::int64_t*>(p.row.data), p.row.size}); break;
    case Kind::dtype: out += dtype_text(p.dtype); break;
    case Kind::device: out += static_cast<const Device*>(p.object)->str(); break;
    case Kind::scalar: out += number_text(*static_cast<const Scalar*>(p.object)); break;
    case Kind::node: out += node_text(*static_cast<const NodePtr*>(p.object)); break;
  }
}

}  // namespace

PrintPart::PrintPart(const std::vector<Tensor>& ts) : kind(Kind::tensors), row{ts.data(), ts.size()} {}

std::string print_text(std::initializer_list<PrintPart> parts) {
  std::string out;
  for (const PrintPart& p : parts) {
    if (&p != parts.begin()) out += ' ';
    append(out, p);
  }
  return out;
}

void print_line(std::initializer_list<PrintPart> parts) {
  // One write a line, into the buffer that std::cout shares: lines stay whole and in order.
  const std::string s = print_text(parts).append("\n");
  std::fwrite(s.data(), 1, s.size(), stdout);
}

}  // namespace detail
}  // namespace ct
