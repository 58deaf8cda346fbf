// cli/text.h -- small helpers for text: suggestions, widths, columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// Edits that turn one word into another: insert, delete, replace, or swap two neighbours.
int edit_distance(std::string_view a, std::string_view b);

/// Characters as a terminal counts them: UTF-8 continuation bytes have no width.
int display_width(std::string_view s);

/// Cuts text into lines of at most `width` characters, at spaces where possible.
std::vector<std::string> wrap(std::string_view text, int width);

std::string lower(std::string_view s);
std::string_view trim(std::string_view s);

struct Column {
  std::string heading;
  int width;
};
/// One table: a heading, a rule, then the rows, whose cells wrap within their columns.
std::string table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows);

}  // namespace cli
