// show/table.cpp -- a tensor as an HTML table (table.h).
#include "show/table.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/format.h"
#include "core/markup.h"
#include "cotangent/autograd.h"
#include "cotangent/graph.h"
#include "cotangent/print.h"
#include "cotangent/tensor.h"

namespace ct::detail {
namespace {

constexpr std::int64_t most_rows = 20, most_columns = 12, most_slices = 4;

std::string escaped(const std::string& s) {
  std::string out;
  for (char c : s) append_markup(out, c);
  return out;
}

// Numbers with the rule of printed tensors: whole numbers as such, four digits, or powers of ten for all.
class Numbers {
 public:
  Numbers(const std::vector<double>& values, ScalarType dtype) : dtype_(dtype) {
    double low = INFINITY, high = 0;
    for (double v : values) {
      if (v == 0 || !std::isfinite(v)) continue;
      low = std::min(low, std::fabs(v)), high = std::max(high, std::fabs(v));
      whole_ &= v == std::ceil(v);
    }
    scientific_ = high > 0 && (high / low > 1000.0 || high > 1.0e8 || low < 1.0e-4);
  }
  std::string text(double v) const {
    if (dtype_ == kBool) return v != 0 ? "True" : "False";
    if (!isFloatingType(dtype_)) return format_fixed(v, 0);
    if (scientific_) return format_scientific(v, 4);
    return whole_ ? format_fixed(v, 0) + (std::isfinite(v) ? "." : "") : format_fixed(v, 4);
  }

 private:
  ScalarType dtype_;
  bool whole_ = true, scientific_ = false;
};

// Which indices of a dimension are shown; -1 stands for those left out.
std::vector<std::int64_t> shown(std::int64_t n, std::int64_t most) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < n; ++i) {
    if (n > most && i == most / 2) out.push_back(-1), i = n - most / 2;
    out.push_back(i);
  }
  return out;
}

// One matrix. `heads`: whether rows are numbered, too.
void add_matrix(std::string& out, const Tensor& m, bool heads) {
  const std::vector<std::int64_t> rows = shown(m.size(0), most_rows), columns = shown(m.size(1), most_columns);
  std::vector<double> values;
  for (std::int64_t r : rows)
    for (std::int64_t c : columns) values.push_back(r < 0 || c < 0 ? 0.0 : m[r][c].item<double>());
  const Numbers numbers(values, m.scalar_type());
  out += "<table><thead><tr>";
  if (heads) out += "<th></th>";
  for (std::int64_t c : columns) out += c < 0 ? "<th>…</th>" : "<th>" + std::to_string(c) + "</th>";
  out += "</tr></thead><tbody>";
  std::size_t k = 0;
  for (std::int64_t r : rows) {
    out += "<tr>";
    if (heads) out += r < 0 ? "<th>⋮</th>" : "<th>" + std::to_string(r) + "</th>";
    for (std::int64_t c : columns) {
      const double v = values[k++];
      out += r < 0 ? "<td>⋮</td>" : c < 0 ? "<td>…</td>" : "<td>" + numbers.text(v) + "</td>";
    }
    out += "</tr>";
  }
  out += "</tbody></table>";
}

std::string caption(const Tensor& t) {
  std::string out = "tensor " + to_string(t.sizes()) + " of " + print_text({PrintPart(t.scalar_type())});
  if (t.grad_fn()) out += ", grad_fn=" + print_text({PrintPart(t.grad_fn())});
  else if (t.requires_grad()) out += ", requires_grad=True";
  return escaped(out);
}

}  // namespace

std::string html_table(const Tensor& t) {
  if (!t.defined() || t.dim() == 0 || t.numel() == 0) return "";
  try {
    NoGradGuard no_grad;
    std::string out = "<div class=\"ct-tensor\"><div><small>" + caption(t) + "</small></div>";
    Tensor x = t.detach();
    if (x.dim() == 1) {
      add_matrix(out, x.unsqueeze(0), false);
    } else if (x.dim() == 2) {
      add_matrix(out, x, true);
    } else {
      const std::int64_t slices = x.numel() / (x.size(-1) * x.size(-2));
      const std::vector<std::int64_t> outer = x.sizes().vec();
      x = x.reshape({slices, x.size(-2), x.size(-1)});
      for (std::int64_t s : shown(slices, most_slices)) {
        if (s < 0) {
          out += "<div>⋮</div>";
          continue;
        }
        std::string index;
        std::int64_t rest = s;
        for (std::size_t d = outer.size() - 2; d-- > 0; rest /= outer[d]) index = std::to_string(rest % outer[d]) + ", " + index;
        out += "<div><small>[" + index + ":, :]</small></div>";
        add_matrix(out, x[s], true);
      }
    }
    return out + "</div>";
  } catch (const Error&) {
    return "";  // a tensor of a kind whose elements cannot be asked for here (inside vmap): the text says what there is to say
  }
}

}  // namespace ct::detail
