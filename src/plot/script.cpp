// plot/script.cpp -- the frame of a gnuplot script: terminal, house style, and the panels in their order.
#include "plot/script.h"

#include <algorithm>

#include "cotangent/error.h"
#include "plot/layout.h"
#include "plot/text.h"

namespace ct::plot {

namespace {

// `point` is the unit of marker sizes and `em` the font size, so that the rest is the same for all formats; `closer`
// takes back some of the distance that the SVG terminal puts between the axis and its labels.
// Sizes are given in SVG pixels; the cairo terminals count in points and have other units for markers and dashes.
void write_terminal(std::string& out, const Figure& f, const FigureOptions& o, const ScriptTarget& target, double font) {
  const std::string points = brief(font * 0.75);
  if (target.format == Format::svg) {
    out += "set terminal svg size " + std::to_string(f.width()) + "," + std::to_string(f.height()) + " font 'DejaVu Sans," + brief(font) +
           "' background '#FFFFFF'\npoint = 0.1\nem = " + brief(font) + "\ncloser = 1\n";
  } else if (target.format == Format::png) {
    const std::string scale = brief(o.png_scale);
    const auto pixels = [&](int n) { return std::to_string(static_cast<int>(n * o.png_scale + 0.5)); };
    out += "set terminal pngcairo size " + pixels(f.width()) + "," + pixels(f.height()) + " font 'DejaVu Sans," + points + "' fontscale " + scale +
           " linewidth " + scale + " pointscale " + scale + " dashlength " + brief(o.png_scale * 1.6) + " background '#FFFFFF'\npoint = 0.18\nem = " + points + "\ncloser = 0\n";
  } else {
    out += "set terminal pdfcairo size " + brief(f.width() / 96.0) + "in," + brief(f.height() / 96.0) + "in font 'DejaVu Sans," + points +
           "' fontscale 0.75 linewidth 1 dashlength 1.6 background '#FFFFFF'\npoint = 0.14\nem = " + points + "\ncloser = 0\n";
  }
  if (!target.output.empty()) out += "set output " + quoted("./" + target.output) + "\n";
}

constexpr const char* house_style = R"(set encoding utf8
set minussign
set tics nomirror out scale 0.5 textcolor rgb '#202020'
set errorbars 0.6
set style fill solid 1 noborder
)";

Range join(Range a, Range b) { return {std::min({a.lo, a.hi, b.lo, b.hi}), std::max({a.lo, a.hi, b.lo, b.hi})}; }

void share(std::vector<PanelFrame>& frames, const Figure& figure, bool x) {
  bool first = true;
  Range all{};
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (figure.ax(static_cast<int>(i)).series().empty()) continue;
    const Range r = x ? frames[i].x : frames[i].y;
    all = first ? r : join(all, r);
    first = false;
  }
  for (std::size_t i = 0; i < frames.size(); ++i)
    if (!Layout::is_set(figure.ax(static_cast<int>(i)), x)) (x ? frames[i].x : frames[i].y) = all;
}

}  // namespace

std::string write_script(const Figure& figure, const FigureOptions& o, const ScriptTarget& target) {
  const int panels = figure.rows() * figure.cols();
  const double font = font_size(figure, o);
  std::vector<PanelFrame> frames;
  bool any = false;
  for (int i = 0; i < panels; ++i) {
    const Axes& a = figure.ax(i);
    PanelFrame f;
    f.index = i + 1;
    f.font = font;
    if (!a.series().empty()) f.x = a.xlim(), f.y = a.ylim();
    f.key_char = target.format == Format::svg ? 0.7 : 0.667;    // measured, in units of the font size
    f.key_spacing = target.format == Format::svg ? 1.0 : 1.25;
    any = any || !a.series().empty();
    frames.push_back(f);
  }
  CT_CHECK_VALUE(any, "savefig: the figure is empty\n  Add a series first, e.g. fig.ax().plot(x, y).");
  if (o.sharex) share(frames, figure, true);
  if (o.sharey) share(frames, figure, false);

  const double title_height = o.title.value.empty() ? 0 : 2.2 * font, sheet_width = figure.width(), sheet_height = figure.height();
  Layout::place_panels(figure, frames, sheet_width, sheet_height, title_height);
  for (PanelFrame& f : frames)
    if (const Axes& a = figure.ax(f.index - 1); !a.series().empty()) Layout::place_legend(a, f, !o.sharey);

  std::string out;
  write_terminal(out, figure, o, target, font);
  for (int i = 0; i < panels; ++i) write_panel_data(out, figure.ax(i), frames[static_cast<std::size_t>(i)]);
  out += house_style;
  const bool multi = panels > 1 || !o.title.value.empty();
  if (multi) {
    out += "set multiplot layout " + std::to_string(figure.rows()) + "," + std::to_string(figure.cols());
    if (!o.title.value.empty()) out += " title " + quoted(o.title.value) + " font sprintf(',%g', 1.2*em) noenhanced";
    out += "\n";
  }
  for (int i = 0; i < panels; ++i) {
    if (figure.ax(i).series().empty()) out += "set multiplot next\n";
    else write_panel(out, figure.ax(i), frames[static_cast<std::size_t>(i)]);
  }
  if (multi) out += "unset multiplot\n";
  if (!target.output.empty()) out += "unset output\n";
  return out;
}

}  // namespace ct::plot
