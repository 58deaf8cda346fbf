// plot/style.h -- names of colours, markers, dashes and colour maps, and what gnuplot calls them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ct::plot {

inline constexpr std::int32_t black = 0x000000;
std::int32_t cycle_color(int i);                              // 0..7, then again from 0
std::string gnuplot_color(std::int32_t rgb, double alpha = 1);  // '#AARRGGBB' with AA = transparency
int gnuplot_marker(std::string_view marker);                  // -1: unknown
const char* gnuplot_dashes(std::string_view dashes);          // nullptr: unknown
const char* gnuplot_palette(std::string_view cmap);           // nullptr: unknown
std::string known_names(std::string_view of);                 // "marker", "dashes", "cmap": for messages

}  // namespace ct::plot
