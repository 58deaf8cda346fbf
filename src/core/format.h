// core/format.h -- numbers as text, as Python writes them, whatever the locale of the process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ct::detail {

// f"{v:.{digits}f}" and f"{v:.{digits}e}"; nan, inf and -inf have no digits.
std::string format_fixed(double v, int digits);
std::string format_scientific(double v, int digits);
// What snprintf wrote of one number, with a point where the process's locale has a comma or a sign of several bytes.
std::string with_point(std::string number);
// repr(v): the shortest digits that read back as the same double (or float): 0.1, 1.0, 1e-05, 1e+16.
std::string format_shortest(double v);
std::string format_shortest(float v);

}  // namespace ct::detail
