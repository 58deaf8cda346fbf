// data/number.h -- decimal numbers from text, the same in every locale.
#pragma once

#include <string_view>

namespace ct::data {

enum class NumberResult { ok, not_a_number, too_large };

// All of `text` must be one number: [+-] digits [. digits] [e [+-] digits], or inf, infinity, nan in any case.
NumberResult parse_number(std::string_view text, double& value);

}  // namespace ct::data
