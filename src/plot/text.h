// plot/text.h -- numbers and words as gnuplot reads them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ct::plot {

// The shortest decimal text that reads back as the same double, with a point in every locale; NaN for gaps.
std::string shortest(double v);
// The same with at most `digits` significant digits: for positions and sizes, which need no more.
std::string brief(double v, int digits = 6);
// A gnuplot string expression for user text. Single quotes, so that nothing in it is expanded.
std::string quoted(std::string_view text);
// Throws ValueError unless the text is UTF-8. `what` is for the message: "title".
void check_utf8(std::string_view text, const char* what);
// The number of characters, as gnuplot counts them.
int length_utf8(std::string_view text);
// The width of a line in DejaVu Sans, in units of the font size.
double text_width(std::string_view text);
// The text between line breaks; at least one line.
std::vector<std::string> lines_of(std::string_view text);
// The text on one line.
std::string on_one_line(std::string_view text);

}  // namespace ct::plot
