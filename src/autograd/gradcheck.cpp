// autograd/gradcheck.cpp -- derivatives beside differences of values.
#include "cotangent/gradcheck.h"

#include <algorithm>
#include <cmath>

#include "autograd/gradcheck.h"
#include "core/random.h"
#include "core/tensor_impl.h"
#include "cotangent/forward_ad.h"
#include "cotangent/func.h"

namespace ct {

using autograd::GradcheckFailure;
using autograd::GradcheckOptions;
using autograd::GradcheckReport;
using autograd::ListFunction;
using autograd::variable_list;
using detail::Closeness;
using detail::impl;
using detail::Jacobian;

namespace {

// ---- elements ------------------------------------------------------------------------------------------

char* element(const Tensor& t, std::int64_t flat) {
  const detail::TensorImpl* p = impl(t);
  std::int64_t offset = 0;
  for (int d = p->ndim; d-- > 0; flat /= p->sizes()[d]) offset += flat % p->sizes()[d] * p->strides()[d];
  return p->data + offset * elementSize(p->dtype);
}

double read(const Tensor& t, std::int64_t flat) {
  const char* at = element(t, flat);
  return CT_DISPATCH_ALL(t.scalar_type(), [&] { return static_cast<double>(*reinterpret_cast<const scalar_t*>(at)); });
}

std::vector<double> read_all(const Tensor& t) {
  std::vector<double> out;
  for (std::int64_t i = 0; i < t.numel(); ++i) out.push_back(read(t, i));
  return out;
}

void write(const Tensor& t, std::int64_t flat, double v) {
  char* at = element(t, flat);
  CT_DISPATCH_ALL(t.scalar_type(), [&] { *reinterpret_cast<scalar_t*>(at) = static_cast<scalar_t>(static_cast<float>(v)); return 0; });
  if (t.scalar_type() == kDouble) *reinterpret_cast<double*>(at) = v;
}

// Changes one element until the end of the scope. Goes past version counters: the old value comes back.
class Nudge {
 public:
  Nudge(const Tensor& t, std::int64_t flat, double by) : t_(t), flat_(flat), before_(read(t, flat)) { write(t_, flat_, before_ + by); }
  ~Nudge() { write(t_, flat_, before_); }
  Nudge(const Nudge&) = delete;
  Nudge& operator=(const Nudge&) = delete;

 private:
  const Tensor& t_;
  std::int64_t flat_;
  double before_;
};

// Puts all elements back, whatever happens.
class Snapshot {
 public:
  explicit Snapshot(const Tensor& t) : t_(t), before_(read_all(t)) {}
  ~Snapshot() { restore(); }
  void restore() const {
    for (std::int64_t i = 0; i < t_.numel(); ++i)
      if (!same(i)) write(t_, i, before_[static_cast<std::size_t>(i)]);
  }
  bool intact() const {
    for (std::int64_t i = 0; i < t_.numel(); ++i)
      if (!same(i)) return false;
    return true;
  }
  double before(std::int64_t i) const { return before_[static_cast<std::size_t>(i)]; }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  bool same(std::int64_t i) const {
    const double now = read(t_, i), then = before_[static_cast<std::size_t>(i)];
    return now == then || (std::isnan(now) && std::isnan(then));
  }
  const Tensor& t_;
  std::vector<double> before_;
};

bool overlaps(const Tensor& t) {
  std::vector<std::pair<std::int64_t, std::int64_t>> dims;  // stride, size
  for (std::int64_t d = 0; d < t.dim(); ++d)
    if (t.size(d) > 1) dims.emplace_back(t.stride(d), t.size(d));
  std::sort(dims.begin(), dims.end());
  std::int64_t reach = 0;
  for (const auto& d : dims) {
    if (d.first <= reach) return true;
    reach += d.first * (d.second - 1);
  }
  return false;
}

std::string place(std::int64_t flat, IntArrayRef sizes) {
  std::vector<std::int64_t> at(sizes.size());
  for (std::size_t d = at.size(); d-- > 0; flat /= sizes[d]) at[d] = flat % sizes[d];
  return detail::join({IntArrayRef(at)});
}

bool has_gradient(const Tensor& t) { return t.defined() && t.is_floating_point() && t.requires_grad(); }

// Of outputs that no gradient comes from.
struct UndefinedGrad : autograd::Function<UndefinedGrad> {
  static Tensor forward(autograd::AutogradContext*, const Tensor& x) { return x.clone(); }
  static variable_list backward(autograd::AutogradContext*, variable_list) { return {Tensor()}; }
};

// ---- the check -------------------------------------------------------------------------------------------

class Check {
 public:
  // `given`: inputs from here on are grad_outputs of gradgradcheck, and outputs are gradients.
  Check(ListFunction f, TensorList inputs, const GradcheckOptions& o, std::size_t given)
      : f_(f), inputs_(inputs.vec()), o_(o), close_{o.atol, o.rtol}, random_(0), given_(given) {}

  GradcheckReport run() {
    if (!usable_inputs()) return std::move(report_);
    const Snapshots before(inputs_);
    const variable_list outputs = f_(inputs_);
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      if (!before.intact(i)) {
        fail("input", -1, static_cast<int>(i), detail::join({"f changes its ", input_name(i), " in place, so that differences of its values mean nothing"}),
             "an input that f changes: let f work on a clone()");
        return std::move(report_);
      }
    for (std::size_t j = 0; j < outputs.size(); ++j)
      if (has_gradient(outputs[j])) checked_.push_back(j);
    if (!deterministic(outputs)) return std::move(report_);
    if (checked_.empty()) {
      expect_zero(outputs);
      return std::move(report_);
    }
    if (o_.fast_mode)
      for (std::size_t j : checked_) fast(j, outputs[j]);
    if (o_.check_backward_ad) {
      for (std::size_t j : checked_)
        if (!o_.fast_mode) slow(j, outputs[j], wanted_);
      if (report_.ok() && o_.check_undefined_grad) undefined();
      if (report_.ok() && o_.check_batched_grad)
        for (std::size_t j : checked_) batched_backward(j, outputs[j]);
    }
    if (o_.check_forward_ad) {
      for (std::size_t j : checked_)
        if (!o_.fast_mode) forward(j, outputs[j]);
      if (report_.ok() && o_.check_batched_forward_grad) batched_forward();
    }
    return std::move(report_);
  }

 private:
  struct Snapshots {
    explicit Snapshots(const variable_list& list) {
      for (const Tensor& t : list) all.push_back(t.defined() ? new Snapshot(t) : nullptr);
    }
    ~Snapshots() {
      for (Snapshot* s : all) delete s;
    }
    bool intact(std::size_t i) const { return !all[i] || all[i]->intact(); }
    std::vector<Snapshot*> all;
  };

  GradcheckFailure& fail(const char* check, int output, int input, std::string message, std::string diagnosis = {}) {
    GradcheckFailure& f = report_.failures.emplace_back();
    f.check = check;
    f.output = output;
    f.input = input;
    f.diagnosis = std::move(diagnosis);
    f.message = std::move(message);
    if (!f.diagnosis.empty()) f.message = detail::join({f.message, "\n  diagnosis: ", f.diagnosis});
    return f;
  }
  std::string input_name(std::size_t i) const {
    return i < given_ ? detail::join({"input ", i}) : detail::join({"input ", i, " (grad_output ", i - given_, ")"});
  }
  std::string output_name(std::size_t j) const { return given_ < inputs_.size() ? detail::join({"output ", j, " (a gradient)"}) : detail::join({"output ", j}); }

  // ---- before anything is differentiated

  bool usable_inputs() {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const Tensor& t = inputs_[i];
      if (!t.defined() || !t.requires_grad()) continue;
      wanted_.push_back(i);
      if (t.scalar_type() != kDouble) {
        report_.warnings.push_back(detail::join({"Input #", i, " requires gradient and is not a double precision floating point. This check will likely "
                                                 "fail if all the inputs are not of double precision floating point."}));
        warn(report_.warnings.back());
      }
      if (overlaps(t))
        fail("input", -1, static_cast<int>(i),
             detail::join({"The ", i, "th input has a dimension with stride 0, or several of its elements are one in memory: shape ", t.sizes(), ", strides ",
                           t.strides(), ". gradcheck only supports inputs that are non-overlapping to be able to compute the numerical gradients correctly. "
                           "You should call .contiguous on the input before passing it to gradcheck."}),
             "overlapping memory: no element can be changed alone");
    }
    CT_CHECK_VALUE(!wanted_.empty(), "gradcheck: gradcheck expects at least one input tensor to require gradient, but none of the them have "
                   "requires_grad=True.");
    return report_.ok();
  }

  bool deterministic(const variable_list& first) {
    const variable_list again = f_(inputs_);
    for (std::size_t j : checked_) {
      const bool same_shape = j < again.size() && again[j].defined() && again[j].sizes() == first[j].sizes();
      double worst = same_shape ? 0 : INFINITY;
      for (std::int64_t k = 0; same_shape && k < first[j].numel(); ++k) {
        const double a = read(first[j], k), b = read(again[j], k);
        if (a != b && !(std::isnan(a) && std::isnan(b))) worst = std::max(worst, std::abs(a - b) / std::max(1.0, std::abs(a)));
      }
      if (worst <= 1e-9 || worst <= o_.nondet_tol) continue;
      fail("input", static_cast<int>(j), -1, detail::join({"f gives different values for the same inputs: ", output_name(j), " differs by ", worst}),
           "f is not deterministic: random numbers without a fixed seed, or a state that f keeps");
      return false;
    }
    return true;
  }

  void expect_zero(const variable_list& outputs) {
    for (std::size_t j = 0; j < outputs.size(); ++j) {
      if (!outputs[j].defined() || !outputs[j].is_floating_point()) continue;
      for (std::size_t i : wanted_) {
        const Jacobian n = numerical(i, j, outputs[j].numel());
        const double worst = n.v.empty() ? 0 : *std::max_element(n.v.begin(), n.v.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
        if (std::abs(worst) > o_.atol) {
          GradcheckFailure& f = fail("backward", static_cast<int>(j), static_cast<int>(i),
               detail::join({"Numerical gradient for function expected to be zero: no output requires grad, and ", output_name(j), " depends on ", input_name(i)}),
               "detached: f computes outside of what is recorded (no_grad, detach(), item())");
          f.numerical = worst;
        }
      }
    }
  }

  // ---- differences

  std::vector<double> values(std::size_t j, std::int64_t numel) {
    const variable_list y = f_(inputs_);
    CT_CHECK(j < y.size() && y[j].defined() && y[j].numel() == numel, "gradcheck: the number or the shape of f's outputs changed between two calls");
    return read_all(y[j]);
  }
  // d output j / d element e of input i.
  std::vector<double> difference(std::size_t i, std::int64_t e, std::size_t j, std::int64_t numel) {
    std::vector<double> above, below;
    {
      const Nudge n(inputs_[i], e, o_.eps);
      above = values(j, numel);
    }
    {
      const Nudge n(inputs_[i], e, -o_.eps);
      below = values(j, numel);
    }
    for (std::size_t k = 0; k < above.size(); ++k) above[k] = (above[k] - below[k]) / (2 * o_.eps);
    return above;
  }
  Jacobian numerical(std::size_t i, std::size_t j, std::int64_t numel) {
    Jacobian m(inputs_[i].numel(), numel);
    for (std::int64_t e = 0; e < m.rows; ++e) {
      const std::vector<double> d = difference(i, e, j, numel);
      std::copy(d.begin(), d.end(), m.v.begin() + e * numel);
    }
    return m;
  }
  // (f(x + h) - f(x)) / h and (f(x) - f(x - h)) / h of one entry.
  std::pair<double, double> one_sided(std::size_t i, std::int64_t e, std::size_t j, std::int64_t k, std::int64_t numel, double h) {
    const auto at = static_cast<std::size_t>(k);
    const double here = values(j, numel)[at];
    double above, below;
    {
      const Nudge n(inputs_[i], e, h);
      above = values(j, numel)[at];
    }
    {
      const Nudge n(inputs_[i], e, -h);
      below = values(j, numel)[at];
    }
    return {(above - here) / h, (here - below) / h};
  }

  // ---- backward

  variable_list backward(const Tensor& y, const Tensor& v, const std::vector<std::size_t>& which) {
    variable_list x;
    for (std::size_t i : which) x.push_back(inputs_[i]);
    return autograd::grad({y}, x, {v}, true, false, true);
  }

  // One row of v^T J for each of the inputs; checks the gradients themselves too.
  void put_rows(const variable_list& grads, const std::vector<std::size_t>& which, std::size_t j, std::int64_t k, std::vector<Jacobian>& into) {
    for (std::size_t w = 0; w < which.size(); ++w) {
      if (!grads[w].defined()) continue;
      const Tensor& x = inputs_[which[w]];
      if (o_.check_grad_dtypes && grads[w].scalar_type() != x.scalar_type() && !dtype_failed_) {
        dtype_failed_ = true;
        fail("dtype", static_cast<int>(j), static_cast<int>(which[w]), detail::join({"Gradient has dtype mismatch: the gradient of ", input_name(which[w]), " is ",
             grads[w].scalar_type(), ", and the input is ", x.scalar_type()}));
      }
      for (std::int64_t e = 0; e < x.numel(); ++e) into[w].at(e, k) = read(grads[w], e);
    }
  }
  std::vector<Jacobian> analytical(const Tensor& y, std::size_t j, const std::vector<std::size_t>& which) {
    std::vector<Jacobian> out;
    for (std::size_t i : which) out.emplace_back(inputs_[i].numel(), y.numel());
    for (std::int64_t k = 0; k < y.numel(); ++k) {
      const Tensor v = zeros(y.sizes(), y.scalar_type());
      write(v, k, 1);
      put_rows(backward(y, v, which), which, j, k, out);
    }
    return out;
  }

  // Returns whether all entries agree.
  bool slow(std::size_t j, const Tensor& y, const std::vector<std::size_t>& which) {
    const std::vector<Jacobian> a = analytical(y, j, which), again = analytical(y, j, which);
    bool ok = true;
    for (std::size_t w = 0; w < which.size(); ++w) {
      ok &= compare("backward", a[w], numerical(which[w], j, y.numel()), which[w], j, y);
      double apart = 0;
      for (std::size_t e = 0; e < a[w].v.size(); ++e)
        if (a[w].v[e] != again[w].v[e] && !(std::isnan(a[w].v[e]) && std::isnan(again[w].v[e]))) apart = std::max(apart, std::abs(a[w].v[e] - again[w].v[e]));
      if (apart > o_.nondet_tol) not_reentrant(j, which[w], apart);
    }
    return ok;
  }

  void not_reentrant(std::size_t j, std::size_t i, double apart) {
    fail("nondeterministic", static_cast<int>(j), static_cast<int>(i),
         detail::join({"Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different values: the gradient of ",
                       output_name(j), " with respect to ", input_name(i), " differs by ", apart, ". The tolerance for nondeterminism was ", o_.nondet_tol, "."}),
         "backward depends on more than its inputs: random numbers, or a state that it changes");
  }

  bool compare(const char* check, const Jacobian& a, const Jacobian& n, std::size_t i, std::size_t j, const Tensor& y) {
    std::int64_t wrong = 0;
    std::size_t worst = 0;
    double worst_error = -1;
    report_.entries += static_cast<std::int64_t>(a.v.size());
    for (std::size_t e = 0; e < a.v.size(); ++e) {
      const double error = std::abs(a.v[e] - n.v[e]);
      if (close_(a.v[e], n.v[e])) {
        if (error > report_.largest_error) report_.largest_error = error;
        continue;
      }
      ++wrong;
      if (worst_error < 0 || !(error <= worst_error)) {
        worst_error = error;
        worst = e;
      }
    }
    if (wrong == 0) return true;
    const std::int64_t row = static_cast<std::int64_t>(worst) / a.cols, col = static_cast<std::int64_t>(worst) % a.cols;
    const Tensor& x = inputs_[i];
    std::string text = detail::join({"Jacobian mismatch for ", output_name(j), " with respect to ", input_name(i), " (", check, "): ", wrong, " of ", a.v.size(),
                                     " entries differ\n  worst: d output", place(col, y.sizes()), " / d input", place(row, x.sizes()), ": numerical ", n.v[worst],
                                     ", analytical ", a.v[worst]});
    if (a.v.size() <= 36) text = detail::join({text, "\n  numerical: ", shown(n), "\n  analytical: ", shown(a)});
    GradcheckFailure& f = fail(check, static_cast<int>(j), static_cast<int>(i), std::move(text), diagnosis(a, n, i, row, j, col, y));
    f.input_entry = row;
    f.output_entry = col;
    f.numerical = n.v[worst];
    f.analytical = a.v[worst];
    f.wrong = wrong;
    f.entries = static_cast<std::int64_t>(a.v.size());
    return false;
  }

  static std::string shown(const Jacobian& m) {
    std::string s = to_string(tensor(m.v, kDouble).view({m.rows, m.cols}));
    for (std::size_t at = 0; (at = s.find('\n', at)) != std::string::npos; at += 5) s.replace(at, 1, "\n    ");
    return s;
  }

  std::string diagnosis(const Jacobian& a, const Jacobian& n, std::size_t i, std::int64_t row, std::size_t j, std::int64_t col, const Tensor& y) {
    const Tensor& x = inputs_[i];
    const double numerical = n.at(row, col), analytical = a.at(row, col);
    if (x.scalar_type() != kDouble || y.scalar_type() != kDouble) {
      const double unit = y.scalar_type() == kDouble ? 1.2e-7 : y.scalar_type() == kFloat ? 1.2e-7 : 8e-3;
      const double noise = 4 * unit * std::max({1.0, std::abs(read(y, col)), std::abs(read(x, row)) * std::abs(numerical)}) / o_.eps;
      if (std::abs(numerical - analytical) <= noise)
        return detail::join({"not double precision (", x.scalar_type(), " to ", y.scalar_type(), "): with eps = ", o_.eps, " differences are off by up to ", noise,
                             ". Use kDouble inputs, or a larger eps and larger tolerances"});
    }
    if (std::isfinite(numerical) && x.scalar_type() == kDouble) {
      const auto [right, left] = one_sided(i, row, j, col, y.numel(), o_.eps);
      const auto [right4, left4] = one_sided(i, row, j, col, y.numel(), 4 * o_.eps);
      const double apart = std::abs(right - left), apart4 = std::abs(right4 - left4);
      // Of a smooth function the slopes differ in proportion to the step.
      if (apart > 10 * (o_.atol + o_.rtol * std::abs(numerical)) && apart4 < 2.5 * apart) {
        if (apart4 < 0.5 * apart) return "not a derivative at all: f jumps at, or next to, this input";
        return detail::join({"a kink at, or next to, this input: the slope is ", left, " on the left and ", right,
                             " on the right. Check elsewhere, or compare with the convention you want"});
      }
    }
    return detail::jacobian_pattern(a, n, x.sizes(), y.sizes(), close_);
  }

  // ---- forward mode

  // J t for a tangent of input i alone; undefined where there is none.
  variable_list pushed(std::size_t i, const Tensor& t) {
    const forward_ad::dual_level level;
    variable_list x = inputs_;
    x[i] = forward_ad::make_dual(x[i], t);
    variable_list out;
    for (const Tensor& y : f_(x)) out.push_back(y.defined() && y.is_floating_point() ? forward_ad::unpack_dual(y).tangent : Tensor());
    return out;
  }
  Jacobian pushed_rows(std::size_t i, std::size_t j, const Tensor& y) {
    Jacobian a(inputs_[i].numel(), y.numel());
    for (std::int64_t e = 0; e < a.rows; ++e) {
      const Tensor t = zeros(inputs_[i].sizes(), inputs_[i].scalar_type());
      write(t, e, 1);
      const Tensor row = pushed(i, t)[j];
      for (std::int64_t k = 0; row.defined() && k < a.cols; ++k) a.at(e, k) = read(row, k);
    }
    return a;
  }
  bool forward(std::size_t j, const Tensor& y) {
    bool ok = true;
    for (std::size_t i : wanted_) ok &= compare("forward", pushed_rows(i, j, y), numerical(i, j, y.numel()), i, j, y);
    return ok;
  }

  // ---- vmap

  static constexpr std::int64_t batch = 2;
  Tensor random_batch(const Tensor& like) {
    std::vector<std::int64_t> sizes = like.sizes().vec();
    sizes.insert(sizes.begin(), batch);
    const Tensor t = zeros(sizes, like.scalar_type());
    for (std::int64_t k = 0; k < t.numel(); ++k) write(t, k, 2 * random_.uniform_double() - 1);
    return t;
  }
  // A list of results for each entry of the batch, against the same under vmap.
  bool same_in_batch(const char* what, FunctionRef<variable_list(const Tensor&)> f, const Tensor& vectors, int j, int i) {
    variable_list mapped;
    try {
      mapped = func::vmap([&](const Tensor& v) { return f(v); })(vectors);
    } catch (const Error& e) {
      fail("batched", j, i, detail::join({"While computing batched gradients, vmap over the ", what, " failed: ", e.what()}));
      return false;
    }
    for (std::int64_t b = 0; b < batch; ++b) {
      const variable_list one = f(vectors.select(0, b));
      for (std::size_t k = 0; k < one.size(); ++k)
        for (std::int64_t e = 0; e < one[k].numel(); ++e) {
          const double m = read(mapped[k].select(0, b), e), l = read(one[k], e);
          if (close_(m, l)) continue;
          GradcheckFailure& bad = fail("batched", j, i >= 0 ? i : static_cast<int>(wanted_[k]),
               detail::join({"While computing batched gradients, the ", what, " under vmap differs from the one of a loop: ", m, " instead of ", l, " at entry ",
                             place(e, one[k].sizes()), " of sample ", b, ", result ", k}),
               "a rule that does not treat the batch dimension as a loop does");
          bad.analytical = m;
          bad.numerical = l;
          return false;
        }
    }
    return true;
  }
  void batched_backward(std::size_t j, const Tensor& y) {
    auto pull = [&](const Tensor& v) {
      variable_list g = backward(y, v, wanted_);
      for (std::size_t w = 0; w < g.size(); ++w)
        if (!g[w].defined()) g[w] = zeros(inputs_[wanted_[w]].sizes(), inputs_[wanted_[w]].scalar_type());
      return g;
    };
    same_in_batch("gradient", pull, random_batch(y), static_cast<int>(j), -1);
  }
  void batched_forward() {
    for (std::size_t i : wanted_) {
      auto push = [&](const Tensor& t) {
        variable_list out;
        const variable_list all = pushed(i, t);
        for (std::size_t j : checked_)
          if (all[j].defined()) out.push_back(all[j]);
        if (out.empty()) out.push_back(t);
        return out;
      };
      if (!same_in_batch("tangent", push, random_batch(inputs_[i]), -1, static_cast<int>(i))) return;
    }
  }

  // ---- one random projection

  // Unit vectors with positive entries: no term may cancel another.
  std::vector<double> direction(std::int64_t n) {
    std::vector<double> u;
    double square = 0;
    for (std::int64_t k = 0; k < n; ++k) {
      u.push_back(random_.uniform_double() + 1e-3);
      square += u.back() * u.back();
    }
    for (double& v : u) v /= std::sqrt(square);
    return u;
  }

  void fast_only(std::size_t j, std::size_t i, double numerical, double analytical) {
    GradcheckFailure& f = fail("fast", static_cast<int>(j), static_cast<int>(i),
         detail::join({"Fast gradcheck failed but element-wise differences are small. This means that the test might've passed in slow_mode: v^T J u of ",
                       output_name(j), " and ", input_name(i), " is ", numerical, " numerically and ", analytical, " analytically"}));
    f.numerical = numerical;
    f.analytical = analytical;
  }

  void fast(std::size_t j, const Tensor& y) {
    const std::vector<double> v = direction(y.numel());
    const Tensor cotangent = zeros(y.sizes(), y.scalar_type());
    for (std::int64_t k = 0; k < y.numel(); ++k) write(cotangent, k, v[static_cast<std::size_t>(k)]);
    variable_list grads(wanted_.size()), again(wanted_.size());
    if (o_.check_backward_ad) {
      grads = backward(y, cotangent, wanted_);
      again = backward(y, cotangent, wanted_);
    }
    for (std::size_t w = 0; w < wanted_.size(); ++w) {
      const std::size_t i = wanted_[w];
      const Tensor& x = inputs_[i];
      const std::vector<double> u = direction(x.numel());
      double a = 0, a2 = 0, n = 0, sum_u = 0, sum_v = 0;
      for (std::int64_t e = 0; e < x.numel() && grads[w].defined(); ++e) {
        a += read(grads[w], e) * u[static_cast<std::size_t>(e)];
        a2 += read(again[w], e) * u[static_cast<std::size_t>(e)];
      }
      std::vector<double> ends[2];
      for (int side = 0; side < 2; ++side) {
        const Snapshot before(x);
        for (std::int64_t e = 0; e < x.numel(); ++e)
          write(x, e, before.before(e) + (side == 0 ? o_.eps : -o_.eps) * u[static_cast<std::size_t>(e)]);
        ends[side] = values(j, y.numel());
      }
      for (std::size_t k = 0; k < v.size(); ++k) {
        n += (ends[0][k] - ends[1][k]) / (2 * o_.eps) * v[k];
        sum_v += v[k];
      }
      for (double z : u) sum_u += z;
      ++report_.entries;
      if (std::abs(a - a2) > o_.nondet_tol) not_reentrant(j, i, std::abs(a - a2));
      const Closeness near{o_.atol * sum_u * sum_v, o_.rtol};
      if (o_.check_forward_ad) {
        const Tensor t = zeros(x.sizes(), x.scalar_type());
        for (std::int64_t e = 0; e < x.numel(); ++e) write(t, e, u[static_cast<std::size_t>(e)]);
        const Tensor tangent = pushed(i, t)[j];
        double p = 0;
        for (std::int64_t k = 0; tangent.defined() && k < y.numel(); ++k) p += read(tangent, k) * v[static_cast<std::size_t>(k)];
        if (!near(p, n)) {
          if (forward(j, y)) fast_only(j, i, n, p);
          continue;
        }
      }
      if (!o_.check_backward_ad) continue;
      if (near(a, n)) {
        report_.largest_error = std::max(report_.largest_error, std::abs(a - n));
        continue;
      }
      if (!slow(j, y, {i})) continue;
      fast_only(j, i, n, a);
    }
  }

  // ---- gradients that never come

  void undefined() {
    for (std::size_t skip = 0; skip <= (checked_.size() > 1 ? checked_.size() : 0); ++skip) {
      const variable_list y = f_(inputs_);
      variable_list roots, zero, x;
      for (std::size_t c = 0; c < checked_.size(); ++c) {  // skip 0: none arrives; else that of output skip - 1 does not
        roots.push_back(skip == 0 || skip == c + 1 ? UndefinedGrad::apply(y[checked_[c]]) : y[checked_[c]]);
        zero.push_back(zeros(roots.back().sizes(), roots.back().scalar_type()));
      }
      for (std::size_t i : wanted_) x.push_back(inputs_[i]);
      variable_list grads;
      try {
        grads = autograd::grad(roots, x, zero, std::nullopt, false, true);
      } catch (const Error& e) {
        fail("undefined", -1, -1, detail::join({"Expected backward function to handle undefined output grads, and it failed: ", e.what()}),
             "backward uses a gradient that did not come: test defined(), or leave set_materialize_grads on");
        return;
      }
      for (std::size_t w = 0; w < grads.size(); ++w) {
        if (!grads[w].defined()) continue;
        for (double v : read_all(grads[w]))
          if (v != 0) {
            fail("undefined", -1, static_cast<int>(wanted_[w]),
                 detail::join({"Expected all input grads to be undefined or zero when all output grads are undefined or zero, and that of ", input_name(wanted_[w]),
                               " has ", v}), "backward is not linear in the gradients of the outputs");
            return;
          }
      }
    }
  }

  ListFunction f_;
  variable_list inputs_;
  const GradcheckOptions& o_;
  Closeness close_;
  detail::MersenneTwister random_;
  std::size_t given_;
  GradcheckReport report_;
  std::vector<std::size_t> wanted_, checked_;  // inputs and outputs with gradients
  bool dtype_failed_ = false;
};

void check_options(const GradcheckOptions& o) {
  CT_CHECK_VALUE(o.eps > 0, "gradcheck: eps must be positive, got ", o.eps);
  CT_CHECK_VALUE(o.check_backward_ad || o.check_forward_ad, "gradcheck: Expected at least one of check_forward_ad or check_backward_ad to be True");
  CT_CHECK_VALUE(!o.check_batched_grad || o.check_backward_ad, "gradcheck: Setting check_batched_grad=True requires check_backward_ad to be True");
  CT_CHECK_VALUE(!o.check_batched_forward_grad || o.check_forward_ad, "gradcheck: Setting check_batched_forward_grad=True requires check_forward_ad to be True");
}

}  // namespace

namespace autograd {

std::string GradcheckReport::text() const {
  std::string s;
  for (const GradcheckFailure& f : failures) s = detail::join({s, s.empty() ? "" : "\n", f.message});
  for (const std::string& w : warnings) s = detail::join({s, s.empty() ? "" : "\n", "warning: ", w});
  return s;
}

GradcheckError::GradcheckError(GradcheckReport report) : Error(detail::join({"gradcheck: ", report.text()})), report_(std::move(report)) {}
GradcheckError::~GradcheckError() = default;

GradcheckReport gradcheck_report(ListFunction f, TensorList inputs, const GradcheckOptions& options) {
  check_options(options);
  return Check(f, inputs, options, inputs.size()).run();
}

GradcheckReport gradgradcheck_report(ListFunction f, TensorList inputs, TensorList grad_outputs, const GradcheckOptions& options) {
  check_options(options);
  variable_list all = inputs.vec(), cotangents = grad_outputs.vec();
  const std::size_t n = all.size();
  const variable_list outputs = f(all);
  std::vector<std::size_t> differentiable;
  for (std::size_t j = 0; j < outputs.size(); ++j)
    if (has_gradient(outputs[j])) differentiable.push_back(j);
  if (cotangents.empty()) {
    detail::MersenneTwister random(1);
    for (std::size_t j : differentiable) {
      const Tensor& y = outputs[j];
      std::vector<std::int64_t> sizes = y.sizes().vec();
      Tensor v;
      if (options.gen_non_contig_grad_outputs) {
        sizes.push_back(2);
        v = zeros(sizes, y.scalar_type()).select(-1, 0);
      } else {
        v = zeros(sizes, y.scalar_type());
      }
      for (std::int64_t k = 0; k < v.numel(); ++k) write(v, k, 2 * random.uniform_double() - 1);
      cotangents.push_back(v.requires_grad_());
    }
  }
  CT_CHECK_VALUE(cotangents.size() == differentiable.size(), "gradgradcheck: got ", cotangents.size(), " grad_outputs for ", differentiable.size(),
                 " outputs that require a gradient");
  all.insert(all.end(), cotangents.begin(), cotangents.end());
  auto gradients = [&](const variable_list& x) {
    const variable_list y = f(variable_list(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(n)));
    variable_list roots, wanted, out;
    for (std::size_t j : differentiable) roots.push_back(y[j]);
    for (std::size_t i = 0; i < n; ++i)
      if (x[i].defined() && x[i].requires_grad()) wanted.push_back(x[i]);
    for (Tensor& g : grad(roots, wanted, TensorList(x.data() + n, x.size() - n), std::nullopt, true, true))
      if (g.defined()) out.push_back(std::move(g));
    return out;
  };
  GradcheckOptions first = options;
  first.check_backward_ad = options.check_rev_over_rev;
  first.check_forward_ad = options.check_fwd_over_rev;
  first.check_batched_forward_grad = false;
  return Check(gradients, all, first, n).run();
}

}  // namespace autograd

bool detail::gradcheck_result(GradcheckReport report, bool raise) {
  if (report.ok()) return true;
  if (raise) throw autograd::GradcheckError(std::move(report));
  return false;
}

void detail::gradcheck_arity(std::size_t n) {
  CT_THROW(type, "gradcheck: f cannot be called with ", n, " tensors\n  It takes a std::vector<ct::Tensor>, or as many tensors as there are inputs (at most 8).");
}

}  // namespace ct
