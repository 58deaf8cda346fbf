// plot/layout.cpp -- the ranges of the axes from the data, and the emptiest place for the legend.
#include "plot/layout.h"

#include <algorithm>
#include <cmath>

#include "cotangent/error.h"
#include "plot/text.h"

namespace ct::plot {

namespace {

using Kind = Series::Kind;

struct Extent {
  bool log;
  double lo = INFINITY, hi = -INFINITY;
  bool tight = false;    // an image or contour fills the panel: no margin
  bool from_zero = true; // only bars that start at 0: no margin below (above, for negative ones)
  bool any_number = false;

  void see(double v) {
    if (!std::isfinite(v)) return;
    any_number = true;
    if (log && v <= 0) return;
    lo = std::min(lo, v);
    hi = std::max(hi, v);
  }
  void see_all(const std::vector<double>& v) { for (double d : v) see(d); }
};

void extend(Extent& e, const Series& s, bool x) {
  const bool grid = s.kind == Kind::image || s.kind == Kind::contour;
  const bool bars = s.kind == Kind::bar || s.kind == Kind::hist;
  e.tight = e.tight || grid;
  if (!bars) e.from_zero = false;
  if (s.kind == Kind::image) {
    e.see(-0.5);
    e.see(static_cast<double>(x ? s.cols : s.rows) - 0.5);
  } else if (bars) {
    e.see_all(x ? s.u : s.low);
    e.see_all(x ? s.v : s.high);
    if (!x) for (double l : s.low) e.from_zero = e.from_zero && l >= 0;
  } else {
    e.see_all(x ? s.x : s.y);
    if (!x) e.see_all(s.low), e.see_all(s.high);
  }
  if (s.kind == Kind::quiver)
    for (std::size_t i = 0; i < s.x.size(); ++i) e.see(x ? s.x[i] + s.scale * s.u[i] : s.y[i] + s.scale * s.v[i]);
}

// A value as a part of the axis, 0 at its lower end.
double part(double v, Range r, bool log) {
  return log ? (std::log(v) - std::log(r.lo)) / (std::log(r.hi) - std::log(r.lo)) : (v - r.lo) / (r.hi - r.lo);
}

constexpr int places = 8;  // "upper right" .. "upper center", in the order of legend_places

struct Covered { int count[places] = {}; };

// How many data a box of `width` x `height` (parts of the panel, 0..1) covers in each corner and at each edge.
Covered covered_data(const Axes& a, Range x, Range y, double width, double height) {
  constexpr double corner_x[places] = {1, 0, 0, 1, 1, 0, 0.5, 0.5}, corner_y[places] = {1, 1, 0, 0, 0.5, 0.5, 0, 1};
  Covered covered;
  const bool xlog = a.xscale() == "log", ylog = a.yscale() == "log";
  const auto see = [&](double px, double py) {
    if (!(px >= 0 && px <= 1 && py >= 0 && py <= 1)) return;
    for (int i = 0; i < places; ++i) {
      const double left = corner_x[i] * (1 - width), bottom = corner_y[i] * (1 - height);
      covered.count[i] += px >= left && px <= left + width && py >= bottom && py <= bottom + height;
    }
  };
  const auto see_line = [&](double x0, double y0, double x1, double y1) {
    const double length = std::hypot(x1 - x0, y1 - y0);
    if (!std::isfinite(length)) return;
    const int steps = static_cast<int>(std::min(200.0, std::ceil(length * 80)));
    for (int i = 0; i <= steps; ++i) {
      const double t = steps ? static_cast<double>(i) / steps : 0;
      see(x0 + t * (x1 - x0), y0 + t * (y1 - y0));
    }
  };
  const auto px = [&](double v) { return part(v, x, xlog); };
  const auto py = [&](double v) { return part(v, y, ylog); };
  for (const Series& s : a.series()) {
    const bool curve = s.kind == Kind::line && s.dashes != "none";
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      if (curve && i > 0) see_line(px(s.x[i - 1]), py(s.y[i - 1]), px(s.x[i]), py(s.y[i]));
      else if (s.kind == Kind::line || s.kind == Kind::scatter) see(px(s.x[i]), py(s.y[i]));
      else if (s.kind == Kind::quiver) see_line(px(s.x[i]), py(s.y[i]), px(s.x[i] + s.scale * s.u[i]), py(s.y[i] + s.scale * s.v[i]));
      else if (s.kind == Kind::vline) see_line(px(s.x[i]), 0, px(s.x[i]), 1);
      else if (s.kind != Kind::contour) see_line(px(s.x[i]), ylog ? std::max(0.0, py(s.low[i])) : py(s.low[i]), px(s.x[i]), py(s.high[i]));
    }
    if (s.kind == Kind::hline) see_line(0, py(s.y[0]), 1, py(s.y[0]));
  }
  for (const Note& n : a.notes()) see_line(px(n.x), py(n.y), px(n.x) + 0.1, py(n.y));
  return covered;
}

}  // namespace

Range Layout::range(const Axes& a, bool x) {
  const bool log = (x ? a.xscale_ : a.yscale_) == "log";
  const char* name = x ? "x" : "y";
  if (is_set(a, x)) {
    const Range r = x ? a.xlim_ : a.ylim_;
    CT_CHECK_VALUE(!log || (r.lo > 0 && r.hi > 0), name, "lim: a log axis needs positive limits, got ", r.lo, " and ", r.hi);
    return r;
  }
  Extent e{log};
  for (const Series& s : a.series_) extend(e, s, x);
  for (const Note& n : a.notes_) e.see(x ? n.x : n.y);
  if (!e.any_number) return log ? Range{1, 10} : Range{0, 1};  // e.g. only an axhline: nothing is said about x
  CT_CHECK_VALUE(e.lo <= e.hi, name, "scale: the axis is logarithmic, and none of its values is positive");
  const bool image = !a.series_.empty() && a.series_[0].kind == Kind::image;
  if (image && !x && !log) return {e.hi, e.lo};  // row 0 at the top
  if (e.tight && e.lo < e.hi) return {e.lo, e.hi};
  if (log) {
    const double margin = e.lo == e.hi ? 2 : std::exp(0.05 * (std::log(e.hi) - std::log(e.lo)));
    const bool room = e.lo / margin > 0 && std::isfinite(e.hi * margin);
    return room ? Range{e.lo / margin, e.hi * margin} : Range{e.lo, e.hi};
  }
  const bool zero_base = e.from_zero && !x;
  if (zero_base) e.see(0);
  double margin = 0.05 * (e.hi - e.lo);
  if (!(margin > 1e-12 * std::max(std::fabs(e.lo), std::fabs(e.hi)))) margin = e.lo == 0 ? 0.5 : 0.05 * std::fabs(e.lo);
  if (!std::isfinite(margin)) margin = 0;
  return {zero_base ? e.lo : e.lo - margin, e.hi + margin};
}

void Layout::place_legend(const Axes& a, PanelFrame& f, bool may_extend) {
  const KeySize key = key_size(a);
  if (a.legend_.empty() || key.lines == 0) return;
  f.legend = a.legend_;
  const double width = std::min(1.0, (key.widest + 4.2) * f.font / f.width), height = std::min(1.0, (key.lines * 1.5 + 0.3) * f.font / f.height);
  const Covered covered = covered_data(a, f.x, f.y, width, height);
  const bool filled = std::any_of(a.series_.begin(), a.series_.end(), [](const Series& s) { return s.kind == Kind::image || s.kind == Kind::contour; });
  bool lower = false;
  if (f.legend != "best") {
    const bool inside = f.legend != "outside" && f.legend != "below";
    f.legend_covers_data = inside && (filled || f.legend == "center");
    for (int i = 0; i < places; ++i)
      if (f.legend == legend_places[i + 1]) f.legend_covers_data = filled || covered.count[i] > 0;
    lower = f.legend.substr(0, 5) == "lower";
    if (!lower && f.legend.substr(0, 5) != "upper") return;
  } else {
    const int best = static_cast<int>(std::min_element(covered.count, covered.count + places) - covered.count);
    f.legend = legend_places[best + 1];
    f.legend_covers_data = filled || covered.count[best] > 0;
  }
  // Room is made above the data (below, for a legend that is asked for there), unless that would be most of the panel.
  const bool bars = std::any_of(a.series_.begin(), a.series_.end(), [](const Series& s) { return s.kind == Kind::bar || s.kind == Kind::hist; });
  if (!f.legend_covers_data || filled || !may_extend || is_set(a, false) || height > 0.5 || f.y.lo >= f.y.hi || (lower && bars)) return;
  const double grow = 1 / (1 - height);
  double& end = lower ? f.y.lo : f.y.hi;
  const double other = lower ? f.y.hi : f.y.lo, before = end;
  if (a.yscale_ == "log") end = other * std::exp(grow * (std::log(end) - std::log(other)));
  else end = other + (end - other) * grow;
  if (!std::isfinite(end) || (a.yscale_ == "log" && !(end > 0))) {
    end = before;
    return;
  }
  if (a.legend_ == "best") f.legend = "upper right";
  f.legend_covers_data = false;
}

}  // namespace ct::plot
