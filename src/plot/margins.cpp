// plot/margins.cpp -- ticks that have room, and margins just wide enough for what stands in them.
#include <algorithm>
#include <cmath>

#include "plot/layout.h"
#include "plot/text.h"

namespace ct::plot {

// gnuplot labels only the powers of ten; on a short log axis that is one label or none, so take 1, 2, 5 as well.
std::vector<double> short_log_ticks(Range r) {
  std::vector<double> at;
  const double lo = std::min(r.lo, r.hi), hi = std::max(r.lo, r.hi);
  if (hi / lo >= 100) return at;
  for (int e = static_cast<int>(std::floor(std::log10(lo))); std::pow(10, e) <= hi; ++e)
    for (double m : {1.0, 2.0, 5.0}) {
      const double v = e < 0 ? m / std::pow(10, -e) : m * std::pow(10, e);  // rounded once, so that 0.2 stays 0.2
      if (v >= lo && v <= hi) at.push_back(v);
    }
  return at;
}

// The largest part of the panel that is used when x and y have the same unit.
double used(const Axes& a, const PanelFrame& f, bool is_x) {
  if (!Layout::is_equal(a)) return is_x ? f.width : f.height;
  const double rx = std::fabs(f.x.hi - f.x.lo), ry = std::fabs(f.y.hi - f.y.lo);
  const double unit = std::min(f.width / rx, f.height / ry);
  return unit * (is_x ? rx : ry);
}

// 1, 2 or 5 times a power of ten, so that the labels have room.
double tick_step(const Axes& a, const PanelFrame& f, bool is_x) {
  const Range r = is_x ? f.x : f.y;
  const double room = std::clamp(used(a, f, is_x) / (f.font * (is_x ? 3.0 : 2.4)), 2.5, 8.0);
  const double least = std::fabs(r.hi - r.lo) / room, power = std::pow(10, std::floor(std::log10(least)));
  for (double m : {1.0, 2.0, 5.0})
    if (m * power >= least) return m * power;
  return 10 * power;
}

namespace {

// The width of the widest tick label, in units of the font size.
double tick_label_width(const Axes& a, const PanelFrame& f, bool is_x) {
  const auto& ticks = Layout::ticks(a, is_x);
  const Range r = is_x ? f.x : f.y;
  double widest = 0;
  const auto see = [&](double v) {
    if (v != 0 && (std::fabs(v) >= 1e6 || std::fabs(v) < 1e-4)) widest = std::max(widest, 3.9);  // 1.5x10^-5
    else widest = std::max(widest, text_width(brief(v)) + (v < 0 ? 0.48 : 0));                     // a minus sign is wider than a hyphen
  };
  if (ticks.set) {
    for (const std::string& l : ticks.labels) widest = std::max(widest, text_width(l));
    if (ticks.labels.empty()) for (double v : ticks.at) see(v);
  } else if ((is_x ? a.xscale() : a.yscale()) == "log") {
    const std::vector<double> few = short_log_ticks(r);
    if (few.size() < 2) return 2.4;  // 10^-3
    for (double v : few) see(v);
  } else {
    const double step = tick_step(a, f, is_x), lo = std::min(r.lo, r.hi), hi = std::max(r.lo, r.hi);
    for (int i = 0; i < 50 && (std::ceil(lo / step) + i) * step <= hi; ++i) see((std::ceil(lo / step) + i) * step);
  }
  return widest;
}

int lines(const std::string& s) { return s.empty() ? 0 : 1 + static_cast<int>(std::count(s.begin(), s.end(), '\n')); }

}  // namespace

void Layout::place_panel(const Axes& a, PanelFrame& f, double x0, double y0, double width, double height, double sheet_width, double sheet_height) {
  double bar = 0, bar_label = 0, key = 0;
  for (const Series& s : a.series_) {
    if (s.colorbar) bar = 5, bar_label = std::max(bar_label, 1.7 * lines(s.bar_label));
    if (!s.label.empty()) key = std::max(key, text_width(s.label) + 4.6);
  }
  const double em = f.font;
  const auto& xt = a.xticks_;
  double below = 2.3 + 1.9 * lines(a.xlabel_) + (a.legend_ == "below" ? 2 : 0);
  if (xt.rotate != 0) below += tick_label_width(a, f, true) * std::fabs(std::sin(xt.rotate * 3.14159265358979 / 180));
  const double above = 0.9 + 1.7 * lines(a.title_) + (a.top_.at.empty() ? 0 : 2.1 + 2.6 * lines(a.top_.label));
  f.height = std::max(em, height - (below + above) * em);
  f.width = std::max(em, width - 6 * em);
  const double left = 1.6 + 1.6 * lines(a.ylabel_) + tick_label_width(a, f, false);
  const double right = 1.2 + bar + bar_label + (a.legend_ == "outside" ? key : 0);
  f.width = std::max(em, width - (left + right) * em);
  f.left = (x0 + left * em) / sheet_width;
  f.right = (x0 + left * em + f.width) / sheet_width;
  f.bottom = (y0 + below * em) / sheet_height;
  f.top = (y0 + below * em + f.height) / sheet_height;
}

}  // namespace ct::plot
