// plot/layout.h -- where things go: the ranges of the axes and the place of the legend.
#pragma once

#include <string>
#include <string_view>

#include "cotangent/plot.h"
#include "plot/script.h"

namespace ct::plot {

inline constexpr std::string_view legend_places[] = {
    "best",        "upper right",  "upper left",   "lower left", "lower right", "center right",
    "center left", "lower center", "upper center", "center",     "outside",     "below"};

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
  // Margins and size of a panel in the cell at (x0, y0) from the bottom left of the sheet, all in pixels.
  static void place_panel(const Axes& a, PanelFrame& f, double x0, double y0, double width, double height, double sheet_width, double sheet_height);
};

std::vector<double> short_log_ticks(Range r);                        // empty: powers of ten will do
double used(const Axes& a, const PanelFrame& f, bool is_x);          // pixels
double tick_step(const Axes& a, const PanelFrame& f, bool is_x);

}  // namespace ct::plot
