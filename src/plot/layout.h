// plot/layout.h -- where things go: the ranges of the axes and the place of the legend.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cotangent/plot.h"
#include "plot/script.h"

namespace ct::plot {

inline constexpr std::string_view legend_places[] = {
    "best",        "upper right",  "upper left",   "lower left", "lower right", "center right",
    "center left", "lower center", "upper center", "center",     "outside",     "below"};

// What a panel needs around its plot, in units of the font size.
struct Margins { double left = 0, right = 0, below = 0, above = 0, key = 0; };  // `key` is the part of `below` that a legend takes

// The legend's entries: of one line each, but below the panel, where they stand side by side.
struct KeySize {
  int lines = 0;      // in all
  double widest = 0;  // line, in units of the font size
  int longest = 0;    // in characters
};
KeySize key_size(const Axes& a);

double font_size(const Figure& figure, const FigureOptions& options);  // pixels

// Sees into Axes for the files that draw.
struct Layout {
  // The range set by the user, or that of the data; `x` chooses the axis. ValueError if a log axis has nothing positive.
  static Range range(const Axes& a, bool x);
  static bool is_set(const Axes& a, bool x) { return x ? a.xlim_set_ : a.ylim_set_; }
  static bool is_equal(const Axes& a) { return a.equal_; }
  static const Axes::Ticks& ticks(const Axes& a, bool x) { return x ? a.xticks_ : a.yticks_; }

  // Resolves "best" to the place that covers the fewest data; when all cover some, and the y range is not fixed, the
  // panel is extended upwards (f.y) to make room.
  static void place_legend(const Axes& a, PanelFrame& f, bool may_extend);
  // What stands above and below a panel; sets f.key_columns.
  static Margins above_and_below(const Axes& a, PanelFrame& f, double cell_width);
  // What stands around a panel in a cell of this size; estimates f.width and f.height, as the ticks depend on them.
  static Margins margins(const Axes& a, PanelFrame& f, double cell_width, double cell_height);
  // By how much the sheet should be higher than it would be for plain panels, in pixels.
  static double extra_height(const Figure& figure, double font);
  // All panels of the sheet get the same size: rows and columns of cells are as wide as their margins ask for.
  static void place_panels(const Figure& figure, std::vector<PanelFrame>& frames, double width, double height, double title_height);
};

std::vector<double> short_log_ticks(Range r);                        // empty: powers of ten will do
double used(const Axes& a, const PanelFrame& f, bool is_x);          // pixels
double tick_step(const Axes& a, const PanelFrame& f, bool is_x);

}  // namespace ct::plot
