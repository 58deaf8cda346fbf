// plot/script_data.cpp -- the numbers of a panel as gnuplot data blocks, and tables of level lines made from them.
#include <algorithm>
#include <cmath>

#include "plot/layout.h"
#include "plot/script.h"
#include "plot/text.h"

namespace ct::plot {

namespace {

using Kind = Series::Kind;

void row(std::string& out, std::initializer_list<double> numbers) {
  bool gap = false;
  for (double v : numbers) gap = gap || !std::isfinite(v);
  bool first = true;
  for (double v : numbers) {
    if (!first) out += ' ';
    out += gap ? "NaN" : shortest(v);
    first = false;
  }
  out += '\n';
}

// Column, row, value: gnuplot's own matrix format warns about cells without a value, and boxes have no colour for it.
void write_image(std::string& out, const Series& s) {
  const std::size_t cols = static_cast<std::size_t>(s.cols);
  for (std::size_t i = 0; i < s.z.size(); ++i)
    if (!drawn_as_boxes(s) || std::isfinite(s.z[i])) out += std::to_string(i % cols) + " " + std::to_string(i / cols) + " " + brief(s.z[i], 7) + "\n";
}

// White words on dark cells, black ones on light cells.
void write_cell_words(std::string& out, const Series& s) {
  for (std::size_t i = 0; i < s.z.size(); ++i) {
    if (!std::isfinite(s.z[i])) continue;
    const double part = std::clamp((s.z[i] - s.vmin) / (s.vmax - s.vmin), 0.0, 1.0);
    const bool dark = s.cmap == "RdBu" ? std::fabs(part - 0.5) > 0.33 : part < 0.55;
    const std::size_t cols = static_cast<std::size_t>(s.cols);
    out += std::to_string(i % cols) + " " + std::to_string(i / cols) + " \"" + number(s.z[i], s.digits) + "\" " + (dark ? "0xFFFFFF\n" : "0x000000\n");
  }
}

void write_contour(std::string& out, const Series& s, const std::string& name) {
  out += "$" + name + " << EOD\n";
  for (std::size_t r = 0; r < s.y.size(); ++r) {
    for (std::size_t c = 0; c < s.x.size(); ++c) {
      const double z = s.z[r * s.x.size() + c];
      out += brief(s.x[c], 7) + " " + brief(s.y[r], 7) + " " + brief(z, 9) + "\n";  // gnuplot's table has no more
    }
    out += "\n";
  }
  out += "EOD\nset contour base\nunset surface\nset cntrparam linear\nset format '%.9g'\nset cntrparam levels discrete ";
  for (std::size_t i = 0; i < s.levels.size(); ++i) out.append(i ? "," : "").append(shortest(s.levels[i]));
  out += "\nset table $" + name + "lines\nsplot $" + name + " using 1:2:3 notitle\nunset table\nunset contour\nset surface\nset format\n";
}

// One block for each part of a band without gaps: gnuplot would otherwise fill across the gap.
void write_band(std::string& out, const Series& s, const std::string& name) {
  int part = 0;
  bool open = false;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    const bool gap = !std::isfinite(s.x[i]) || !std::isfinite(s.low[i]) || !std::isfinite(s.high[i]);
    if (gap && open) out += "EOD\n";
    if (!gap && !open) out += "$" + name + "x" + std::to_string(++part) + " << EOD\n";
    open = !gap;
    if (!gap) row(out, {s.x[i], s.low[i], s.high[i]});
  }
  if (open) out += "EOD\n";
}

}  // namespace

void write_panel_data(std::string& out, const Axes& a, const PanelFrame& f) {
  const bool ylog = a.yscale() == "log";
  for (std::size_t k = 0; k < a.series().size(); ++k) {
    const Series& s = a.series()[k];
    const std::string name = "p" + std::to_string(f.index) + "s" + std::to_string(k + 1);
    if (s.kind == Kind::contour) { write_contour(out, s, name); continue; }
    if (s.kind == Kind::band) { write_band(out, s, name); continue; }
    out += "$" + name + " << EOD\n";
    if (s.kind == Kind::image) write_image(out, s);
    else if (s.kind == Kind::hline) row(out, {f.x.lo, s.y[0]}), row(out, {f.x.hi, s.y[0]});
    else if (s.kind == Kind::vline) row(out, {s.x[0], f.y.lo}), row(out, {s.x[0], f.y.hi});
    for (std::size_t i = 0; i < s.x.size() && s.kind != Kind::vline; ++i) {
      switch (s.kind) {
        case Kind::bar:
        case Kind::hist: {  // on a log axis a bar from 0 starts at the lower edge of the panel
          const double low = ylog && s.low[i] <= 0 ? std::min(f.y.lo, f.y.hi) : s.low[i];
          row(out, {s.x[i], s.high[i], s.u[i], s.v[i], low, s.high[i]});
          break;
        }
        case Kind::errorbar: row(out, {s.x[i], s.y[i], s.low[i], s.high[i]}); break;
        case Kind::quiver: row(out, {s.x[i], s.y[i], s.scale * s.u[i], s.scale * s.v[i]}); break;
        default: row(out, {s.x[i], s.y[i]});
      }
    }
    out += "EOD\n";
    if (s.kind == Kind::image && s.digits >= 0) {
      out += "$" + name + "words << EOD\n";
      write_cell_words(out, s);
      out += "EOD\n";
    }
  }
}

}  // namespace ct::plot
