// plot/script.h -- a figure as a gnuplot script.
#pragma once

#include <string>
#include <string_view>

#include "cotangent/plot.h"

namespace ct::plot {

enum class Format { svg, png, pdf };

struct ScriptTarget {
  Format format = Format::svg;
  std::string output{};  // file name for `set output`; empty: the picture goes to stdout
};

std::string write_script(const Figure& figure, const FigureOptions& options, const ScriptTarget& target);

// One panel: the data blocks of its series, named $p<i>s<j>, and the commands that draw it.
struct PanelFrame {
  int index = 0;      // from 1, for names
  Range x{}, y{};     // as drawn
  double width = 0, height = 0, font = 0;  // pixels
};
void write_panel_data(std::string& out, const Axes& a, const PanelFrame& f);
void write_panel(std::string& out, const Axes& a, const PanelFrame& f);

}  // namespace ct::plot
