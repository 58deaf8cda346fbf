// cli/step_text.h -- what a step of the course says of itself, for the guide's screen.
#pragma once

#include <string>

namespace cli {

/// Paragraphs become one line each, so that they fill the screen, whatever its width; lists, headings and code stay.
std::string joined(const std::string& prose);

/// Formulas between dollars as a terminal can show them: "$\frac{x^2}2$" is "x^2/2". Code in backquotes stays.
std::string without_tex(const std::string& prose);

/// The first cell of prose in a source: what it is about.
std::string introduction(const std::string& file);

/// The gaps that are still marked in the learner's file: "  line 26: TODO(1): ..."
std::string open_gaps(const std::string& file);

}  // namespace cli
