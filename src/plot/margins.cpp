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

KeySize key_size(const Axes& a) {
  KeySize k;
  for (const Series& s : a.series()) {
    if (s.label.empty()) continue;
    for (const std::string& line : a.legend_loc() == "below" ? std::vector<std::string>{on_one_line(s.label)} : lines_of(s.label)) {
      ++k.lines;
      k.widest = std::max(k.widest, text_width(line));
      k.longest = std::max(k.longest, length_utf8(line));
    }
  }
  return k;
}

Margins Layout::above_and_below(const Axes& a, PanelFrame& f, double cell_width) {
  const KeySize key = key_size(a);
  Margins m;
  if (a.legend_ == "below" && key.lines > 0) {
    f.key_columns = std::clamp(static_cast<int>(cell_width / f.font / (key.widest + 4.6)), 1, key.lines);
    m.key = 0.7 + 1.45 * ((key.lines + f.key_columns - 1) / f.key_columns);
  }
  const auto& xt = a.xticks_;
  m.below = 2.3 + 1.9 * lines(a.xlabel_) + m.key;
  if (xt.rotate != 0) m.below += tick_label_width(a, f, true) * std::fabs(std::sin(xt.rotate * 3.14159265358979 / 180));
  m.above = 0.9 + 1.7 * lines(a.title_) + (a.top_.at.empty() ? 0 : 2.1 + 2.6 * lines(a.top_.label));
  return m;
}

Margins Layout::margins(const Axes& a, PanelFrame& f, double cell_width, double cell_height) {
  const double em = f.font;
  const KeySize key = key_size(a);
  double bar = 0, bar_label = 0;
  for (const Series& s : a.series_)
    if (s.colorbar) bar = 5, bar_label = std::max(bar_label, 1.7 * lines(s.bar_label));
  Margins m = above_and_below(a, f, cell_width);
  f.height = std::max(em, cell_height - (m.below + m.above) * em);
  f.width = std::max(em, cell_width - 6 * em);
  m.left = 1.6 + 1.6 * lines(a.ylabel_) + tick_label_width(a, f, false);
  m.right = 1.2 + bar + bar_label + (a.legend_ == "outside" && key.lines > 0 ? key.widest + 4.6 : 0);
  return m;
}

double font_size(const Figure& figure, const FigureOptions& options) {
  return options.font_size > 0 ? options.font_size : std::max(13.0, figure.width() / 62.0);
}

double Layout::extra_height(const Figure& figure, double font) {
  constexpr double plain = 2.3 + 1.9 + 0.9 + 1.7;  // tick labels, the label of the axis, a title
  double extra = 0;
  for (int r = 0; r < figure.rows(); ++r) {
    double below = 0, above = 0;
    for (int c = 0; c < figure.cols(); ++c) {
      const Axes& a = figure.ax(r * figure.cols() + c);
      if (a.series_.empty()) continue;
      PanelFrame f;
      f.font = font;
      const Margins m = above_and_below(a, f, static_cast<double>(figure.width()) / figure.cols());
      below = std::max(below, m.below), above = std::max(above, m.above);
    }
    extra += std::max(0.0, below + above - plain) * font;
  }
  return extra;
}

void Layout::place_panels(const Figure& figure, std::vector<PanelFrame>& frames, double width, double height, double title_height) {
  const int rows = figure.rows(), cols = figure.cols();
  const auto index = [](int i) { return static_cast<std::size_t>(i); };
  std::vector<Margins> each(frames.size()), column(index(cols)), row(index(rows));
  double em = 1;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const Axes& a = figure.ax(static_cast<int>(i));
    em = frames[i].font;
    if (a.series_.empty()) continue;
    const Margins& m = each[i] = margins(a, frames[i], width / cols, (height - title_height) / rows);
    Margins &c = column[i % index(cols)], &r = row[i / index(cols)];
    c.left = std::max(c.left, m.left), c.right = std::max(c.right, m.right);
    r.below = std::max(r.below, m.below), r.above = std::max(r.above, m.above);
  }
  double across = 0, down = title_height;
  for (const Margins& c : column) across += (c.left + c.right) * em;
  for (const Margins& r : row) down += (r.below + r.above) * em;
  const double panel_width = std::max(em, (width - across) / cols), panel_height = std::max(em, (height - down) / rows);
  double top = height - title_height;
  for (int r = 0; r < rows; ++r) {
    const Margins& mr = row[index(r)];
    const double cell_height = panel_height + (mr.below + mr.above) * em;
    double x0 = 0;
    for (int c = 0; c < cols; ++c) {
      const Margins& mc = column[index(c)];
      const double cell_width = panel_width + (mc.left + mc.right) * em;
      PanelFrame& f = frames[index(r * cols + c)];
      f.width = panel_width, f.height = panel_height;
      f.left = (x0 + mc.left * em) / width, f.right = (x0 + mc.left * em + panel_width) / width;
      f.bottom = (top - mr.above * em - panel_height) / height, f.top = (top - mr.above * em) / height;
      // A legend below stands under the middle of its panel, or of its cell if it is wider than the panel.
      const KeySize key = key_size(figure.ax(r * cols + c));
      const double key_width = f.key_columns * (key.widest + 4.6) * em;
      f.key_x = (key_width > panel_width ? x0 + cell_width / 2 : x0 + mc.left * em + panel_width / 2) / width;
      const Margins& own = each[index(r * cols + c)];
      f.key_y = f.bottom - (own.below - 0.3) * em / height;
      if (figure.ax(r * cols + c).legend_ == "outside") f.key_x = f.right + (own.right - key.widest - 4.2) * em / width;
      x0 += cell_width;
    }
    top -= cell_height;
  }
}

}  // namespace ct::plot
