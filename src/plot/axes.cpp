// plot/axes.cpp -- what goes into a panel: data are checked and copied here, and drawn elsewhere.
#include <algorithm>
#include <cmath>
#include <utility>

#include "cotangent/error.h"
#include "cotangent/plot.h"
#include "plot/style.h"
#include "plot/text.h"

namespace ct::plot {

Values::Values(std::initializer_list<double> list) : numbers(list) {}
Values::Values(std::span<const double> s, int) : numbers(s.begin(), s.end()) {}
Values::Values(std::span<const float> s, int) : numbers(s.begin(), s.end()) {}
Values::Values(std::span<const int> s, int) : numbers(s.begin(), s.end()) {}
Values::Values(std::span<const std::int64_t> s, int) {
  for (std::int64_t i : s) numbers.push_back(static_cast<double>(i));
}

namespace {

using std::size_t;
using Numbers = std::vector<double>;

template <class Rows>
void fill_grid(Grid& g, const Rows& rows) {
  g.rows = static_cast<std::int64_t>(rows.size());
  for (const auto& row : rows) {
    if (&row == &*rows.begin()) g.cols = static_cast<std::int64_t>(row.size());
    CT_CHECK_VALUE(static_cast<std::int64_t>(row.size()) == g.cols, "Grid: row ", &row - &*rows.begin(), " has ", row.size(),
                   " values, the rows before it have ", g.cols);
    g.numbers.insert(g.numbers.end(), row.begin(), row.end());
  }
}

bool any_finite(const Numbers& v) {
  return std::any_of(v.begin(), v.end(), [](double d) { return std::isfinite(d); });
}

void check_given(const char* who, const char* name, const Numbers& v) {
  CT_CHECK_VALUE(!v.empty(), who, ": ", name, " is empty: there is nothing to draw");
  CT_CHECK_VALUE(any_finite(v), who, ": none of the ", v.size(), " values of ", name, " is finite: there is nothing to draw");
}

void check_pair(const char* who, const char* a, const Numbers& x, const char* b, const Numbers& y) {
  CT_CHECK_VALUE(x.size() == y.size(), who, ": ", a, " has ", x.size(), " values and ", b, " has ", y.size(),
                 "\n  Both need one value for each point.");
}

// Some point must have both coordinates.
void check_points(const char* who, const Numbers& x, const Numbers& y) {
  check_pair(who, "x", x, "y", y);
  check_given(who, "x", x);
  check_given(who, "y", y);
  for (size_t i = 0; i < x.size(); ++i)
    if (std::isfinite(x[i]) && std::isfinite(y[i])) return;
  CT_THROW(value, who, ": in none of the ", x.size(), " points are x and y both finite: there is nothing to draw");
}

void check_cmap(const char* who, const std::string& cmap) {
  CT_CHECK_VALUE(gnuplot_palette(cmap), who, ": unknown colour map \"", cmap, "\"\n  Known: ", known_names("cmap"));
}

double or_default(double given, double otherwise) { return given > 0 ? given : otherwise; }

Series make(const char* who, Series::Kind kind, const Style& s, double default_alpha = 1) {
  Series out;
  out.kind = kind;
  out.label = s.label.value;
  out.width = or_default(s.width, 2);
  out.size = or_default(s.size, 6);
  out.alpha = s.alpha < 0 ? default_alpha : s.alpha;
  out.dashes = s.dashes.value.empty() ? "-" : s.dashes.value;
  out.marker = s.marker.value;
  check_utf8(out.label, who);
  CT_CHECK_VALUE(out.alpha <= 1, who, ": alpha must be in [0, 1], got ", out.alpha);
  CT_CHECK_VALUE(gnuplot_dashes(out.dashes), who, ": unknown dashes \"", out.dashes, "\"\n  Known: ", known_names("dashes"));
  CT_CHECK_VALUE(out.marker.empty() || gnuplot_marker(out.marker) >= 0, who, ": unknown marker \"", out.marker, "\"\n  Known: ", known_names("marker"));
  return out;
}

}  // namespace

Grid::Grid(std::int64_t r, std::int64_t c, Values values) : rows(r), cols(c), numbers(std::move(values.numbers)) {
  CT_CHECK_VALUE(r >= 0 && c >= 0 && (c == 0 || r <= INT64_MAX / c) && r * c == static_cast<std::int64_t>(numbers.size()), "Grid: ", r, " x ", c,
                 " cells need as many values, got ", numbers.size());
}
Grid::Grid(std::initializer_list<std::initializer_list<double>> r) { fill_grid(*this, r); }
Grid::Grid(const std::vector<std::vector<double>>& r) { fill_grid(*this, r); }

Axes& Axes::add(Series&& s, std::int32_t rgb) {
  s.rgb = rgb >= 0 ? rgb : cycle_color(next_color_);
  series_.push_back(std::move(s));
  if (rgb < 0) ++next_color_;
  return *this;
}

Axes& Axes::plot(const Values& x, const Values& y, const Style& style) {
  Series s = make("plot", Series::Kind::line, style);
  check_points("plot", x.numbers, y.numbers);
  s.x = x.numbers;
  s.y = y.numbers;
  return add(std::move(s), style.color.rgb);
}

Axes& Axes::plot(const Values& y, const Style& style) {
  Values x;
  for (size_t i = 0; i < y.numbers.size(); ++i) x.numbers.push_back(static_cast<double>(i));
  return plot(x, y, style);
}

Axes& Axes::scatter(const Values& x, const Values& y, const Style& style) {
  Series s = make("scatter", Series::Kind::scatter, style, 0.65);
  check_points("scatter", x.numbers, y.numbers);
  if (s.marker.empty()) s.marker = "o";
  s.x = x.numbers;
  s.y = y.numbers;
  return add(std::move(s), style.color.rgb);
}

Axes& Axes::axhline(double y, const Style& style) {
  Series s = make("axhline", Series::Kind::hline, style);
  CT_CHECK_VALUE(std::isfinite(y), "axhline: y must be finite, got ", y);
  if (style.width <= 0) s.width = 1.2;
  s.y = {y};
  return add(std::move(s), style.color.rgb < 0 ? 0x505050 : style.color.rgb);
}

Axes& Axes::axvline(double x, const Style& style) {
  Series s = make("axvline", Series::Kind::vline, style);
  CT_CHECK_VALUE(std::isfinite(x), "axvline: x must be finite, got ", x);
  if (style.width <= 0) s.width = 1.2;
  s.x = {x};
  return add(std::move(s), style.color.rgb < 0 ? 0x505050 : style.color.rgb);
}

Axes& Axes::bar(const Values& x, const Values& heights, const BarOptions& o) {
  Series s = make("bar", Series::Kind::bar, {.label = o.label, .alpha = o.alpha});
  check_pair("bar", "x", x.numbers, "heights", heights.numbers);
  check_given("bar", "x", x.numbers);
  check_given("bar", "heights", heights.numbers);
  if (!o.bottom.numbers.empty()) check_pair("bar", "heights", heights.numbers, "bottom", o.bottom.numbers);
  CT_CHECK_VALUE(o.width > 0, "bar: width must be positive, got ", o.width);
  s.x = x.numbers;
  s.y = heights.numbers;
  for (size_t i = 0; i < s.x.size(); ++i) {
    s.low.push_back(o.bottom.numbers.empty() ? 0 : o.bottom.numbers[i]);
    s.high.push_back(s.low[i] + s.y[i]);
    s.u.push_back(s.x[i] - o.width / 2);
    s.v.push_back(s.x[i] + o.width / 2);
  }
  return add(std::move(s), o.color.rgb);
}

Axes& Axes::bar(const std::vector<std::string>& names, const Values& heights, const BarOptions& o) {
  CT_CHECK_VALUE(names.size() == heights.numbers.size(), "bar: there are ", names.size(), " names and ", heights.numbers.size(), " heights");
  Values at;
  for (size_t i = 0; i < names.size(); ++i) at.numbers.push_back(static_cast<double>(i));
  for (const std::string& n : names) check_utf8(n, "bar");
  bar(at, heights, o);
  return xticks(at, names);
}

Axes& Axes::hist(const Values& values, const HistOptions& o) {
  Series s = make("hist", Series::Kind::hist, {.label = o.label, .alpha = o.alpha}, 0.85);
  check_given("hist", "values", values.numbers);
  CT_CHECK_VALUE(o.bins >= 1 && o.bins <= 100000, "hist: bins must be in [1, 100000], got ", o.bins);
  double lo = o.lo, hi = o.hi;
  if (lo == 0 && hi == 0) {
    lo = INFINITY, hi = -INFINITY;
    for (double v : values.numbers)
      if (std::isfinite(v)) lo = std::min(lo, v), hi = std::max(hi, v);
    if (lo == hi) lo -= 0.5, hi += 0.5;
  }
  CT_CHECK_VALUE(lo < hi && std::isfinite(hi - lo), "hist: lo must be less than hi, got ", lo, " and ", hi);
  const size_t bins = static_cast<size_t>(o.bins);
  const double step = (hi - lo) / o.bins;
  Numbers counts(bins);
  double total = 0;
  for (double v : values.numbers) {
    if (!(v >= lo && v <= hi)) continue;
    ++counts[std::min(bins - 1, static_cast<size_t>((v - lo) / step))];
    ++total;
  }
  CT_CHECK_VALUE(total > 0, "hist: none of the ", values.numbers.size(), " values is between ", lo, " and ", hi);
  for (size_t i = 0; i < bins; ++i) {
    const double height = o.density ? counts[i] / (total * step) : counts[i];
    s.u.push_back(lo + step * static_cast<double>(i));
    s.v.push_back(lo + step * static_cast<double>(i + 1));
    s.x.push_back((s.u[i] + s.v[i]) / 2);
    s.y.push_back(height);
    s.low.push_back(0);
    s.high.push_back(height);
  }
  return add(std::move(s), o.color.rgb);
}

Axes& Axes::fill_between(const Values& x, const Values& low, const Values& high, const Style& style) {
  Series s = make("fill_between", Series::Kind::band, style, 0.25);
  check_pair("fill_between", "x", x.numbers, "low", low.numbers);
  check_pair("fill_between", "x", x.numbers, "high", high.numbers);
  check_given("fill_between", "x", x.numbers);
  check_given("fill_between", "low", low.numbers);
  check_given("fill_between", "high", high.numbers);
  s.x = x.numbers;
  s.low = low.numbers;
  s.high = high.numbers;
  return add(std::move(s), style.color.rgb);
}

Axes& Axes::errorbar(const Values& x, const Values& y, const Values& err, const Style& style) {
  Series s = make("errorbar", Series::Kind::errorbar, style);
  check_points("errorbar", x.numbers, y.numbers);
  check_pair("errorbar", "y", y.numbers, "err", err.numbers);
  for (double e : err.numbers) CT_CHECK_VALUE(!(e < 0), "errorbar: err must not be negative, got ", e);
  if (s.marker.empty()) s.marker = "o";
  if (style.width <= 0) s.width = 1.5;
  s.x = x.numbers;
  s.y = y.numbers;
  for (size_t i = 0; i < s.y.size(); ++i) {
    const double e = std::isfinite(err.numbers[i]) ? err.numbers[i] : 0;
    s.low.push_back(s.y[i] - e);
    s.high.push_back(s.y[i] + e);
  }
  return add(std::move(s), style.color.rgb);
}

Axes& Axes::imshow(const Grid& z, const ImageOptions& o) {
  Series s = make("imshow", Series::Kind::image, {});
  check_given("imshow", "z", z.numbers);
  check_cmap("imshow", o.cmap.value);
  check_utf8(o.label.value, "imshow");
  CT_CHECK_VALUE(o.vmin <= o.vmax, "imshow: vmin must not exceed vmax, got ", o.vmin, " and ", o.vmax);
  s.vmin = o.vmin, s.vmax = o.vmax;
  if (s.vmin == s.vmax) {
    s.vmin = INFINITY, s.vmax = -INFINITY;
    for (double v : z.numbers)
      if (std::isfinite(v)) s.vmin = std::min(s.vmin, v), s.vmax = std::max(s.vmax, v);
    if (o.cmap.value == "RdBu") s.vmax = std::max(std::fabs(s.vmin), std::fabs(s.vmax)), s.vmin = -s.vmax;
    if (s.vmin == s.vmax) s.vmin -= 0.5, s.vmax += 0.5;
  }
  s.z = z.numbers, s.rows = z.rows, s.cols = z.cols;
  s.cmap = o.cmap.value, s.colorbar = o.colorbar, s.bar_label = o.label.value, s.digits = std::min(o.digits, 17);
  equal_ = true;
  return add(std::move(s), black);
}

Axes& Axes::contour(const Values& x, const Values& y, const Grid& z, const ContourOptions& o) {
  Series s = make("contour", Series::Kind::contour, {.width = or_default(o.width, 1.2)});
  check_given("contour", "x", x.numbers);
  check_given("contour", "y", y.numbers);
  check_given("contour", "z", z.numbers);
  CT_CHECK_VALUE(z.cols == static_cast<std::int64_t>(x.numbers.size()) && z.rows == static_cast<std::int64_t>(y.numbers.size()), "contour: z is ",
                 z.rows, " x ", z.cols, ", but y has ", y.numbers.size(), " and x has ", x.numbers.size(), " values\n  z[r][c] belongs to (x[c], y[r]).");
  CT_CHECK_VALUE(z.rows >= 2 && z.cols >= 2, "contour: z must be at least 2 x 2, got ", z.rows, " x ", z.cols);
  CT_CHECK_VALUE(!o.at.numbers.empty() || (o.levels >= 1 && o.levels <= 1000), "contour: levels must be in [1, 1000], got ", o.levels);
  check_cmap("contour", o.cmap.value);
  check_utf8(o.label.value, "contour");
  s.vmin = INFINITY, s.vmax = -INFINITY;
  for (double v : z.numbers)
    if (std::isfinite(v)) s.vmin = std::min(s.vmin, v), s.vmax = std::max(s.vmax, v);
  CT_CHECK_VALUE(s.vmin < s.vmax, "contour: all values of z are ", s.vmin, ": there are no level lines");
  s.levels = o.at.numbers;
  for (int i = 0; s.levels.size() < static_cast<size_t>(o.levels) && o.at.numbers.empty(); ++i)
    s.levels.push_back(s.vmin + (s.vmax - s.vmin) * (i + 1) / (o.levels + 1));
  const bool crossed = std::any_of(s.levels.begin(), s.levels.end(), [&s](double l) { return l >= s.vmin && l <= s.vmax; });
  CT_CHECK_VALUE(crossed, "contour: no level lies between the extremes of z, ", s.vmin, " and ", s.vmax);
  s.x = x.numbers, s.y = y.numbers, s.z = z.numbers, s.rows = z.rows, s.cols = z.cols;
  s.cmap = o.color.rgb < 0 ? o.cmap.value : "", s.colorbar = o.colorbar && o.color.rgb < 0, s.bar_label = o.label.value;
  return add(std::move(s), o.color.rgb < 0 ? black : o.color.rgb);
}

Axes& Axes::quiver(const Values& x, const Values& y, const Values& u, const Values& v, const QuiverOptions& o) {
  Series s = make("quiver", Series::Kind::quiver, {.label = o.label, .width = or_default(o.width, 1.2), .alpha = o.alpha});
  check_pair("quiver", "x", x.numbers, "y", y.numbers);
  check_pair("quiver", "x", x.numbers, "u", u.numbers);
  check_pair("quiver", "x", x.numbers, "v", v.numbers);
  check_given("quiver", "x", x.numbers);
  check_given("quiver", "y", y.numbers);
  check_given("quiver", "u", u.numbers);
  check_given("quiver", "v", v.numbers);
  s.x = x.numbers, s.y = y.numbers, s.u = u.numbers, s.v = v.numbers, s.scale = o.scale;
  if (s.scale == 0) {  // on an even grid of n arrows over an area A, neighbours are sqrt(A / n) apart
    double longest = 0, lo[2] = {INFINITY, INFINITY}, hi[2] = {-INFINITY, -INFINITY};
    for (size_t i = 0; i < s.x.size(); ++i) {
      const double p[2] = {s.x[i], s.y[i]};
      for (int k = 0; k < 2; ++k)
        if (std::isfinite(p[k])) lo[k] = std::min(lo[k], p[k]), hi[k] = std::max(hi[k], p[k]);
      if (std::isfinite(s.u[i]) && std::isfinite(s.v[i])) longest = std::max(longest, std::hypot(s.u[i], s.v[i]));
    }
    const double extent = std::max(hi[0] - lo[0], hi[1] - lo[1]);
    const double gap = extent > 0 ? extent / std::max(1.0, std::sqrt(static_cast<double>(s.x.size())) - 1) : 1;
    s.scale = longest > 0 ? 0.9 * gap / longest : 1;
  }
  return add(std::move(s), o.color.rgb);
}

}  // namespace ct::plot
