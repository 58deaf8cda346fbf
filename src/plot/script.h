// plot/script.h -- a figure as a gnuplot script.
#pragma once

#include <string>
#include <string_view>  // places of legends

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
  double left = 0, right = 1, bottom = 0, top = 1;  // parts of the sheet
  std::string_view legend{};               // one of legend_places but not "best"; empty: no legend
  bool legend_covers_data = false;
  double key_char = 0, key_spacing = 0;    // what the terminal takes for the width of a character; lines from entry to entry
  double key_x = 0, key_y = 0;             // of a legend below: the middle of its lower edge, and outside: its left edge, in parts of the sheet
  int key_columns = 1;
};
// Whether an image is drawn cell by cell, and not as one picture, whose pixels readers of SVG blur.
inline bool drawn_as_boxes(const Series& s) { return s.rows < 2 || s.cols < 2 || s.rows * s.cols <= 64 * 64; }
void write_panel_data(std::string& out, const Axes& a, const PanelFrame& f);
void write_panel(std::string& out, const Axes& a, const PanelFrame& f);

}  // namespace ct::plot
