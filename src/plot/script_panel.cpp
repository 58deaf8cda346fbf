// plot/script_panel.cpp -- the gnuplot commands that draw one panel.
#include <algorithm>
#include <cmath>

#include "plot/layout.h"
#include "plot/script.h"
#include "plot/style.h"
#include "plot/text.h"

namespace ct::plot {

namespace {

using Kind = Series::Kind;

std::string true_minus(std::string s) {
  for (std::size_t i = s.find('-'); i != std::string::npos; i = s.find('-', i + 3)) s.replace(i, 1, "−");
  return s;
}

std::string tick_list(const std::vector<double>& at, const std::vector<std::string>& labels) {
  std::string out = "(";
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (i) out += ", ";
    if (!labels.empty()) out += quoted(labels[i]) + " ";
    out += shortest(at[i]);
  }
  return out + ")";
}

// Twelve digits, unless the two ends of a range might need more to be told apart.
std::string limit(double v) { return std::fabs(v) < 1e9 ? brief(v, 12) : shortest(v); }

void write_axis(std::string& out, const Axes& a, const PanelFrame& f, bool is_x) {
  const std::string x = is_x ? "x" : "y";
  const Range r = is_x ? f.x : f.y;
  const bool log = (is_x ? a.xscale() : a.yscale()) == "log";
  out += "set " + x + "label " + quoted(is_x ? a.xlabel() : a.ylabel()) + " noenhanced" + (is_x ? " offset 0,0.55*closer\n" : "\n");
  // In this order: the range of the panel before may not fit a log axis, and this one may not fit the scale before.
  out += "unset logscale " + x + "\nset " + x + "range [" + brief(r.lo, 12) + ":" + brief(r.hi, 12) + "]\n";
  if (log) out += "set logscale " + x + "\n";
  const auto& ticks = Layout::ticks(a, is_x);
  const std::vector<double> few = log ? short_log_ticks(r) : std::vector<double>{};
  const bool powers = log && few.size() < 2;
  out += "set format " + x + (powers ? " '10^{%T}'\n" : " '%h'\n");
  out += "set " + x + "tics enhanced norotate autofreq" + (is_x ? " offset 0,0.25*closer\n" : "\n");
  if (ticks.set) {
    out += "set " + x + "tics " + (ticks.rotate != 0 ? "rotate by " + brief(ticks.rotate) + (ticks.rotate > 0 ? " right " : " left ") : std::string()) +
           tick_list(ticks.at, ticks.labels) + " noenhanced\n";
  } else if (log && !powers) {
    out += "set " + x + "tics " + tick_list(few, {}) + "\n";
  } else if (!log) {
    const bool cells = !a.series().empty() && a.series()[0].kind == Kind::image;
    out += "set " + x + "tics " + brief(cells ? std::max(1.0, tick_step(a, f, is_x)) : tick_step(a, f, is_x)) + "\n";
  }
  out += (log && !ticks.set ? "set m" : "unset m") + x + "tics\n";
}

void write_top_axis(std::string& out, const Axes& a, const PanelFrame& f) {
  const TopAxis& top = a.top_axis();
  if (top.at.empty()) {
    out += "unset logscale x2\nunset x2tics\nset x2label ''\n";
    return;
  }
  std::vector<std::string> labels;
  for (double v : top.shown) labels.push_back(true_minus(brief(v, 4)));
  out += "unset logscale x2\nset x2range [" + limit(f.x.lo) + ":" + limit(f.x.hi) + "]\n";
  if (a.xscale() == "log") out += "set logscale x2\n";
  out += "set x2tics " + tick_list(top.at, labels) + "\nset x2label " + quoted(top.label) + " noenhanced\n";
}

void write_key(std::string& out, const Axes& a, const PanelFrame& f) {
  if (f.legend.empty()) {
    out += "unset key\n";
    return;
  }
  const KeySize key = key_size(a);
  out += "set key ";
  // gnuplot's own places outside and below go by its equal cells, and leave no room for labels beside fixed margins.
  if (f.legend == "outside") out += "at screen " + brief(f.key_x, 5) + "," + brief(f.top, 5) + " left top vertical";
  else if (f.legend == "below")
    out += "at screen " + brief(f.key_x, 5) + "," + brief(f.key_y, 5) + " center bottom horizontal maxcols " + std::to_string(f.key_columns);
  else {
    const auto has = [&](std::string_view word) { return f.legend.find(word) != f.legend.npos; };
    out += std::string("inside vertical ") + (has("left") ? "left " : has("right") ? "right " : "center ") + (has("upper") ? "top" : has("lower") ? "bottom" : "center");
  }
  // gnuplot takes all characters to be of one width; `width` puts that right.
  out += " Left reverse noenhanced samplen 2 spacing " + brief(f.key_spacing) + " width " + brief((key.widest + 0.3) / f.key_char - key.longest, 3) + " nobox ";
  out += f.legend_covers_data ? "opaque fillcolor rgb '#40FFFFFF'\n" : "noopaque\n";
}

void write_colors(std::string& out, const Axes& a) {
  const Series* mapped = nullptr;
  bool bar = false;
  std::string label;
  for (const Series& s : a.series()) {
    if (s.cmap.empty()) continue;
    if (!mapped || s.kind == Kind::image) mapped = &s;
    bar = bar || s.colorbar;
    if (s.colorbar) label = s.bar_label;
  }
  if (!mapped) return;
  out += std::string("set palette defined (") + gnuplot_palette(mapped->cmap) + ")\n";
  out += "set cbrange [" + brief(mapped->vmin, 12) + ":" + brief(mapped->vmax, 12) + "]\nset format cb '%h'\n";
  out += "set cblabel " + quoted(label) + " noenhanced offset 1.5,0\n" + (bar ? "set colorbox\n" : "unset colorbox\n");
}

std::string line_style(const Series& s) {
  return " linewidth " + brief(s.width) + " dashtype " + gnuplot_dashes(s.dashes) + " linecolor rgb " + gnuplot_color(s.rgb, s.alpha);
}

std::string point_style(const Series& s) {
  const double size = s.marker == "." ? s.size / 2 : s.size;
  return " pointtype " + std::to_string(gnuplot_marker(s.marker)) + " pointsize " + brief(size) + "*point";
}

std::string point_series(const Series& s) {
  return " with points" + point_style(s) + " linewidth 1.2 linecolor rgb " + gnuplot_color(s.rgb, s.alpha);
}

std::string drawn_as(const Axes& a, const PanelFrame& f, const Series& s) {
  const std::string fill = " fillstyle solid 1 noborder fillcolor rgb " + gnuplot_color(s.rgb, s.alpha);
  switch (s.kind) {
    case Kind::line:
      if (s.dashes == "none") return " using 1:2" + (s.marker.empty() ? std::string(" with dots") : point_series(s));
      return s.marker.empty() ? " using 1:2 with lines" + line_style(s) : " using 1:2 with linespoints" + point_style(s) + line_style(s);
    case Kind::hline:
    case Kind::vline: return " using 1:2 with lines" + line_style(s);
    case Kind::scatter: return " using 1:2" + point_series(s);
    case Kind::bar:
    case Kind::hist: return " using 1:2:3:4:5:6 with boxxyerror" + fill;
    case Kind::band: return " using 1:2:3 with filledcurves" + fill;
    case Kind::errorbar: return " using 1:2:3:4 with yerrorbars" + point_style(s) + " linewidth " + brief(s.width) + " linecolor rgb " + gnuplot_color(s.rgb, s.alpha);
    case Kind::image:
      // Each cell reaches a pixel under the next one, so that nothing shines through between them.
      if (drawn_as_boxes(s)) {
        const auto end = [&](bool x) { return brief(0.5 + std::min(0.4, 1.2 * std::fabs(x ? f.x.hi - f.x.lo : f.y.hi - f.y.lo) / used(a, f, x)), 4); };
        return " using 1:2:($1-0.5):($1+" + end(true) + "):($2-0.5):($2+" + end(false) + "):3 with boxxyerror fillstyle solid 1 noborder linecolor palette";
      }
      return " using 1:2:3 with image";
    case Kind::contour:
      return " using 1:2:3 with lines linewidth " + brief(s.width) + " linecolor " + (s.cmap.empty() ? "rgb " + gnuplot_color(s.rgb, s.alpha) : "palette");
    case Kind::quiver:
      return " using 1:2:3:4 with vectors head filled size graph 0.014,20 linewidth " + brief(s.width) + " linecolor rgb " + gnuplot_color(s.rgb, s.alpha);
  }
  return "";
}

// So that the widest number fits its cell.
double word_size(const Axes& a, const PanelFrame& f, const Series& s) {
  double widest = 1;
  for (double v : s.z) widest = std::max(widest, text_width(number(v, s.digits)));
  const double cell = std::min(used(a, f, true) / std::fabs(f.x.hi - f.x.lo) / (widest + 0.4), used(a, f, false) / std::fabs(f.y.hi - f.y.lo) / 1.4);
  return std::clamp(cell / f.font, 0.3, 1.0);
}

void write_plots(std::string& out, const Axes& a, const PanelFrame& f) {
  std::string separator = "plot ";
  for (std::size_t k = 0; k < a.series().size(); ++k) {
    const Series& s = a.series()[k];
    const std::string name = "$p" + std::to_string(f.index) + "s" + std::to_string(k + 1);
    // gnuplot gives every entry one line's height: the further lines are entries of their own, without a sample.
    const std::vector<std::string> words = f.legend == "below" ? std::vector<std::string>{on_one_line(s.label)} : lines_of(s.label);
    const std::string title = s.label.empty() ? " notitle" : " title " + quoted(words[0]);
    const auto add = [&](const std::string& what) {
      out += separator + what;
      separator = ", \\\n     ";
    };
    const auto further_lines = [&] {
      for (std::size_t i = 1; i < words.size() && !f.legend.empty(); ++i) add("NaN with lines linewidth 0 linecolor rgb '#FFFFFFFF' title " + quoted(words[i]));
    };
    if (s.kind == Kind::band) {
      int part = 0;
      bool open = false;
      for (std::size_t i = 0; i < s.x.size(); ++i) {
        const bool gap = !std::isfinite(s.x[i]) || !std::isfinite(s.low[i]) || !std::isfinite(s.high[i]);
        if (!gap && !open) ++part, add(name + "x" + std::to_string(part) + drawn_as(a, f, s) + (part == 1 ? title : " notitle"));
        open = !gap;
      }
      further_lines();
      continue;
    }
    add(name + (s.kind == Kind::contour ? "lines" : "") + drawn_as(a, f, s) + title);
    if (s.kind == Kind::image && s.digits >= 0) add(name + "words using 1:2:3:4 with labels noenhanced font sprintf(',%g', " + brief(word_size(a, f, s), 3) + "*em) textcolor rgb variable notitle");
    further_lines();
  }
  out += "\n";
}

}  // namespace

void write_panel(std::string& out, const Axes& a, const PanelFrame& f) {
  const bool image = std::any_of(a.series().begin(), a.series().end(), [](const Series& s) { return s.kind == Kind::image; });
  const bool top = !a.top_axis().at.empty();
  out += "# panel " + std::to_string(f.index) + "\n";
  const auto margin = [&](const char* side, double at) { out += std::string("set ") + side + "margin at screen " + brief(at, 5) + "\n"; };
  margin("l", f.left), margin("r", f.right), margin("b", f.bottom), margin("t", f.top);
  out += "set title " + quoted(a.title()) + " noenhanced font sprintf(',%g', 1.1*em) offset 0," + (top ? "0.4*closer\n" : "-0.3-0.4*closer\n");
  out += std::string("set border ") + (image ? "15" : top ? "7" : "3") + " linewidth 1 linecolor rgb '#404040'\n";
  write_axis(out, a, f, true);
  write_axis(out, a, f, false);
  write_top_axis(out, a, f);
  out += a.has_grid() ? "set grid back linetype 1 linewidth 1 linecolor rgb '#E4E4E4'\n" : "unset grid\n";
  out += Layout::is_equal(a) ? "set size ratio -1\n" : "set size noratio\n";
  write_key(out, a, f);
  write_colors(out, a);
  out += "unset label\n";
  for (const Note& n : a.notes()) {
    const TextOptions& o = n.options;
    out += "set label " + quoted(n.text) + " at " + shortest(n.x) + "," + shortest(n.y) + " " + o.align.value + (o.rotate != 0 ? " rotate by " + brief(o.rotate) : std::string()) +
           " noenhanced front font sprintf(',%g', " + brief(o.size > 0 ? o.size : 0.9) + "*em) textcolor rgb " + gnuplot_color(o.color.rgb < 0 ? black : o.color.rgb) + "\n";
  }
  write_plots(out, a, f);
}

}  // namespace ct::plot
