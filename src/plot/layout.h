// plot/layout.h -- where things go: the ranges of the axes and the place of the legend.
#pragma once

#include <string>
#include <string_view>

#include "cotangent/plot.h"

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

  struct Place { std::string_view loc; bool covers_data; };
  // "best" resolved: the place whose box of `width` x `height` (parts of the panel, 0..1) covers the fewest data.
  static Place legend(const Axes& a, Range x, Range y, double width, double height);
};

}  // namespace ct::plot
