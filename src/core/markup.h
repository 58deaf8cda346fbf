// core/markup.h -- text within HTML and SVG, between tags and in attributes.
#pragma once

#include <string>

namespace ct::detail {

inline void append_markup(std::string& out, char c) {
  if (c == '&') out += "&amp;";
  else if (c == '<') out += "&lt;";
  else if (c == '>') out += "&gt;";
  else if (c == '"') out += "&quot;";
  else out += c;
}

}  // namespace ct::detail
