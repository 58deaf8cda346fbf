// tests/oracle/views_fuzz.cpp -- random brackets and random writes through views, beside libtorch.
#include "oracle/oracle.h"

#include <ATen/TensorIndexing.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>

#include "op_samples.h"

namespace {

using op_samples::Random;

int below(Random& r, int n) { return static_cast<int>(r.uniform(0, n)) % n; }

std::vector<std::int64_t> shape_of(Random& r) {
  std::vector<std::int64_t> s(static_cast<std::size_t>(1 + below(r, 4)));
  for (auto& d : s) d = below(r, 12) == 0 ? 0 : 1 + below(r, 4);
  return s;
}

ct::Tensor integers(Random& r, ct::IntArrayRef shape, std::int64_t n) {
  ct::Tensor t = ct::empty(shape, ct::kLong);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data_ptr<std::int64_t>()[i] = below(r, static_cast<int>(2 * n)) - n;
  return t;
}
ct::Tensor mask(Random& r, ct::IntArrayRef shape) {
  ct::Tensor t = ct::empty(shape, ct::kBool);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data_ptr<bool>()[i] = below(r, 2) == 0;
  return t;
}

struct Brackets {
  std::vector<ct::indexing::TensorIndex> ours;
  std::vector<at::indexing::TensorIndex> theirs;
  std::string text;
};

// A random list of indices for a shape; most are valid.
Brackets brackets(Random& r, const std::vector<std::int64_t>& shape) {
  Brackets b;
  bool dots = false;
  std::int64_t rows = 1 + below(r, 3);
  auto tensor = [&](const ct::Tensor& t, const char* what) {
    b.ours.emplace_back(t);
    b.theirs.emplace_back(oracle::to_at(t));
    b.text += what;
  };
  for (std::size_t d = 0; d < shape.size();) {
    const std::int64_t n = shape[d];
    switch (below(r, 12)) {
      case 0: case 1: {
        const int i = below(r, static_cast<int>(2 * n + 1)) - static_cast<int>(n);
        b.ours.emplace_back(i), b.theirs.emplace_back(i), b.text += std::to_string(i) + ", ", ++d;
        break;
      }
      case 2: case 3: case 4: {
        const int a = below(r, 7) - 3, e = below(r, 9) - 3, s = 1 + below(r, 3);
        const std::string from = std::to_string(a) + ":", step = ":" + std::to_string(s) + ", ";
        if (below(r, 3) == 0) {
          b.ours.emplace_back(ct::indexing::Slice()), b.theirs.emplace_back(at::indexing::Slice()), b.text += ":, ";
        } else if (below(r, 3) == 0) {
          b.ours.emplace_back(ct::indexing::Slice(a, ct::indexing::None, s)), b.theirs.emplace_back(at::indexing::Slice(a, at::indexing::None, s));
          b.text += from + step;
        } else {
          b.ours.emplace_back(ct::indexing::Slice(a, e, s)), b.theirs.emplace_back(at::indexing::Slice(a, e, s));
          b.text += from + std::to_string(e) + step;
        }
        ++d;
        break;
      }
      case 5: b.ours.emplace_back(ct::indexing::None), b.theirs.emplace_back(at::indexing::None), b.text += "None, "; break;
      case 6:
        if (dots) break;
        dots = true;
        b.ours.emplace_back("..."), b.theirs.emplace_back("..."), b.text += "..., ";
        d += static_cast<std::size_t>(below(r, 2));
        break;
      case 7: case 8: tensor(integers(r, {below(r, 3) == 0 ? 1 : rows}, std::max<std::int64_t>(1, n)), "tensor, "), ++d; break;
      case 9: tensor(integers(r, {2, 1}, std::max<std::int64_t>(1, n)), "tensor21, "), ++d; break;
      case 10: tensor(mask(r, {n}), "mask, "), ++d; break;
      default: {
        const bool last = below(r, 3) != 0;
        if (!last) { tensor(ct::tensor(std::int64_t{0}), "tensor(0), "), ++d; break; }
        const bool v = below(r, 4) != 0;
        b.ours.emplace_back(v), b.theirs.emplace_back(v), b.text += v ? "True, " : "False, ";
      }
    }
    if (!b.ours.empty() && below(r, 5) == 0) break;
  }
  return b;
}

template <class F>
std::string attempt(const F& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return {};
}

std::string name_of(const at::Tensor& t) {
  const std::string name = t.grad_fn()->name(), prefix = "torch::autograd::";
  return name.compare(0, prefix.size(), prefix) == 0 ? name.substr(prefix.size()) : name;
}
std::string first_line(const std::string& s) { return s.substr(0, s.find('\n')); }

bool same(const ct::Tensor& ours, const at::Tensor& theirs) {
  return oracle::to_at(ours.detach()).sizes() == theirs.sizes() && at::allclose(oracle::to_at(ours.detach()), theirs.detach(), 1e-9, 1e-12);
}

}  // namespace

DOCTEST_TEST_CASE("random brackets give libtorch's elements, gradients and refusals") {
  Random r(7);
  int valid = 0, refused = 0, stricter = 0;
  for (int round = 0; round < 6000; ++round) {
    const std::vector<std::int64_t> shape = shape_of(r);
    Brackets b = brackets(r, shape);
    if (b.ours.empty()) continue;
    ct::Tensor x = op_samples::uniform(r, shape, -1, 1);
    if (below(r, 3) == 0 && shape.size() >= 2) x = x.transpose(0, 1).contiguous().transpose(0, 1);
    const at::Tensor x_at = oracle::to_at(x).requires_grad_();
    x.requires_grad_();
    std::string where = "[";
    for (std::int64_t d : shape) where += std::to_string(d) + " ";
    where += "][" + b.text + "]";

    ct::Tensor y;
    at::Tensor y_at;
    const std::string error = attempt([&] { y = x.index(b.ours); }), error_at = attempt([&] { y_at = x_at.index(b.theirs); });
    if (!error.empty() || !error_at.empty()) {
      // An index out of range is refused here even where it selects nothing.
      if (error_at.empty() && y_at.numel() == 0 && error.find("is out of bounds") != std::string::npos) continue;
      DOCTEST_CHECK_MESSAGE(error.empty() == error_at.empty(), where, " ours: ", first_line(error), " | libtorch's: ", first_line(error_at));
      ++refused;
      continue;
    }
    ++valid;
    DOCTEST_CHECK_MESSAGE(same(y, y_at), where, " elements differ");
    DOCTEST_CHECK_MESSAGE(y.is_alias_of(x) == y_at.is_alias_of(x_at), where, " view or copy");
    const ct::Tensor g = op_samples::uniform(r, y.sizes(), -1, 1);
    const auto ours = ct::autograd::grad({y}, {x}, {g});
    const auto theirs = torch::autograd::grad({y_at}, {x_at}, {oracle::to_at(g)});
    DOCTEST_CHECK_MESSAGE(same(ours[0], theirs[0]), where, " gradients differ");
    DOCTEST_CHECK_MESSAGE(y.grad_fn()->name() == name_of(y_at), where, " ", y.grad_fn()->name(), " ", name_of(y_at));

    // The same place written: with a row that broadcasts, or with as many elements.
    const bool row = below(r, 2) == 0 && y.dim() > 0;
    const std::vector<std::int64_t> value_shape = row ? std::vector<std::int64_t>{1, y.size(-1)} : y.sizes().vec();
    const ct::Tensor v = op_samples::uniform(r, value_shape, -1, 1);
    const at::Tensor v_at = oracle::to_at(v).requires_grad_();
    v.requires_grad_();
    const ct::Tensor z = x.clone();
    at::Tensor z_at = x_at.clone();
    const std::string put = attempt([&] { z.index_put_(b.ours, v); }), put_at = attempt([&] { z_at.index_put_(b.theirs, v_at); });
    if (!put.empty() || !put_at.empty()) {
      DOCTEST_CHECK_MESSAGE(put.empty() == put_at.empty(), where, " put: ours: ", first_line(put), " | libtorch's: ", first_line(put_at));
      ++stricter;
      continue;
    }
    DOCTEST_CHECK_MESSAGE(z.grad_fn()->name() == name_of(z_at), where, " put: ", z.grad_fn()->name(), " ", name_of(z_at));
    const ct::Tensor w = op_samples::uniform(r, shape, -1, 1);
    const auto put_g = ct::autograd::grad({z}, {x}, {w});
    const auto put_g_at = torch::autograd::grad({z_at}, {x_at}, {oracle::to_at(w)});
    DOCTEST_CHECK_MESSAGE(same(put_g[0], put_g_at[0]), where, " gradients of a write differ");
    DOCTEST_CHECK_MESSAGE(same(z, z_at), where, " written elements differ");
  }
  std::printf("  %d brackets read and written, %d refused, %d writes refused\n", valid, refused, stricter);
  DOCTEST_CHECK(valid > 2000);
}

// A random program: views of views of a base, writes through them and into the base, sums of what they show.
DOCTEST_TEST_CASE("random writes through views give libtorch's gradients") {
  Random r(11);
  int writes = 0;
  for (int round = 0; round < 1500; ++round) {
    const std::vector<std::int64_t> shape{1 + below(r, 3), 1 + below(r, 3), 1 + below(r, 3)};
    ct::Tensor x = op_samples::uniform(r, shape, 0.5, 1.5);
    const at::Tensor x_at = oracle::to_at(x).requires_grad_();
    x.requires_grad_();
    const bool transposed = below(r, 3) == 0;
    std::vector<ct::Tensor> t{transposed ? x.transpose(0, 2) * 1.0 : x * 1.0};
    std::vector<at::Tensor> t_at{transposed ? x_at.transpose(0, 2) * 1.0 : x_at * 1.0};
    ct::Tensor total = ct::zeros({}, ct::kDouble);
    at::Tensor total_at = at::zeros({}, at::kDouble);
    std::string program;
    for (int step = 0; step < 8; ++step) {
      const auto i = static_cast<std::size_t>(below(r, static_cast<int>(t.size())));
      const ct::Tensor a = t[i];
      const at::Tensor a_at = t_at[i];
      const std::int64_t dims = a.dim();
      program += std::to_string(i) + ":";
      switch (below(r, 11)) {
        case 0:
          if (dims == 0) break;
          t.push_back(a.select(0, a.size(0) - 1)), t_at.push_back(a_at.select(0, a_at.size(0) - 1)), program += "select ";
          break;
        case 1:
          if (dims == 0) break;
          t.push_back(a.slice(-1, 0, std::nullopt, 2)), t_at.push_back(a_at.slice(-1, 0, c10::nullopt, 2)), program += "slice ";
          break;
        case 2:
          if (dims < 2) break;
          t.push_back(a.transpose(0, 1)), t_at.push_back(a_at.transpose(0, 1)), program += "transpose ";
          break;
        case 3:
          if (dims < 2) break;
          t.push_back(a.diagonal()), t_at.push_back(a_at.diagonal()), program += "diagonal ";
          break;
        case 4: t.push_back(a.unsqueeze(0)), t_at.push_back(a_at.unsqueeze(0)), program += "unsqueeze "; break;
        case 5: a.mul_(1.25), a_at.mul_(1.25), program += "mul_ ", ++writes; break;
        case 6: a.add_(x.sum()), a_at.add_(x_at.sum()), program += "add_ ", ++writes; break;
        case 7: {
          const ct::Tensor f = a.clone();
          const at::Tensor f_at = a_at.clone();
          a.mul_(f), a_at.mul_(f_at), program += "mul_clone ", ++writes;
          break;
        }
        case 8: {
          const auto j = static_cast<std::size_t>(below(r, static_cast<int>(t.size())));
          if (!(t[j].sizes() == a.sizes())) break;
          a.copy_(t[j].clone()), a_at.copy_(t_at[j].clone()), program += "copy_ ", ++writes;
          break;
        }
        case 9: a.fill_(0.5), a_at.fill_(0.5), program += "fill_ ", ++writes; break;
        default: {
          const double k = r.uniform(-1, 1);
          const ct::Tensor c = a.clone();
          const at::Tensor c_at = a_at.clone();
          total = total + (c * c).sum() * k, total_at = total_at + (c_at * c_at).sum() * k, program += "sum ";
        }
      }
    }
    for (std::size_t i = 0; i < t.size(); ++i) {
      DOCTEST_CHECK_MESSAGE(same(t[i], t_at[i]), program, " tensor ", i, " differs");
      const ct::Tensor w = op_samples::uniform(r, t[i].sizes(), -1, 1);
      total = total + (t[i] * w).sum(), total_at = total_at + (t_at[i] * oracle::to_at(w)).sum();
    }
    const bool twice = round % 3 == 0;
    auto g = ct::autograd::grad({total}, {x}, {}, std::nullopt, twice);
    auto g_at = torch::autograd::grad({total_at}, {x_at}, {}, c10::nullopt, twice);
    DOCTEST_CHECK_MESSAGE(same(g[0], g_at[0]), program, " gradients differ");
    if (!twice || !g_at[0].requires_grad() || !g[0].requires_grad()) continue;
    const ct::Tensor w = op_samples::uniform(r, x.sizes(), -1, 1);
    const auto h = ct::autograd::grad({g[0]}, {x}, {w}, std::nullopt, false, true);
    const auto h_at = torch::autograd::grad({g_at[0]}, {x_at}, {oracle::to_at(w)}, c10::nullopt, false, true);
    DOCTEST_CHECK_MESSAGE(h[0].defined() == h_at[0].defined(), program, " second derivative: ", h[0].defined());
    if (h[0].defined() && h_at[0].defined()) DOCTEST_CHECK_MESSAGE(same(h[0], h_at[0]), program, " second derivatives differ");
  }
  std::printf("  %d writes\n", writes);
}
