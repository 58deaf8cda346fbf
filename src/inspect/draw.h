// inspect/draw.h -- starting the program dot.
#pragma once

#include <string>

namespace ct::inspect {

// What dot makes of the text. `what` begins the message of errors, `kept` says what is there nevertheless.
std::string draw(const std::string& dot, const char* format, int dpi, const std::string& what, const std::string& size, const std::string& kept, int seconds);

// Makes the SVG the same with every version of dot, says what it shows to those who cannot see it, and names fonts for readers
// without DejaVu Sans. Both texts are words, not markup.
void finish_svg(std::string& svg, const std::string& title, const std::string& description);

}  // namespace ct::inspect
