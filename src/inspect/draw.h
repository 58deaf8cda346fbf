// inspect/draw.h -- starting the program dot.
#pragma once

#include <string>

namespace ct::inspect {

// What dot makes of the text. `what` begins the message of errors, `kept` says what is there nevertheless.
std::string draw(const std::string& dot, const char* format, int dpi, const std::string& what, const std::string& size, const std::string& kept, int seconds);

}  // namespace ct::inspect
