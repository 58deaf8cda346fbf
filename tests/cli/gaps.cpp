// cli/gaps.cpp -- the open gaps of a file, and what a hint says about one of them.
#include "gaps.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

TEST_CASE("gaps are open where todo(N) stands in code") {
  const auto gaps = cli::gaps_of_source(
      "// TODO(1): the constructor, todo(1) goes away\n"
      "int f() { todo(3, x); }  // todo(4)\n"
      "  todo (2); mytodo(5); todos(6);\n"
      "todo(); todo\n"
      "todo(3);");
  CHECK(gaps == std::map<int, int>{{2, 3}, {3, 2}});
  CHECK(cli::gaps_of_source("").empty());
}

TEST_CASE("a hint's paragraphs belong to the gap that they begin with") {
  const std::string hint = "Before.\n\n**Gap 1, a list.** One.\nMore.\n\n**Gap 12.**\n\n```cpp\ncode\n```\n\nEnd.\n\n**Gap 2**, two.\n";
  CHECK(cli::gaps_of_hint(hint) == std::vector<int>{1, 12, 2});
  CHECK(cli::hint_about(hint, 1) == "**Gap 1, a list.** One.\nMore.\n");
  CHECK(cli::hint_about(hint, 12) == "**Gap 12.**\n\n```cpp\ncode\n```\n\nEnd.\n");
  CHECK(cli::hint_about(hint, 2) == "**Gap 2**, two.\n");
  CHECK(cli::hint_about(hint, 3).empty());
  CHECK(cli::gaps_of_hint("Think of a factor.\n").empty());
}
