// cli/notebook_file.cpp -- a notebook is read back as its program, and places in that as places in cells; fresh files have gaps.
#include "notebook_file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "fresh.h"

namespace {

constexpr const char* kProgram = R"(// Lesson 99: A title
// Concepts: one,
//   two

#include "common/lesson.h"

// %%
static int twice(int a) { return 2 * a; }

int main() {
  // %% [markdown]
  // # Heading

  // %%
  int a = 1, b = 0;

  // %% {"tags": ["solution"]}
  b = twice(a);

  // %% {"tags": ["solution"]}
  check(b, 2);

  // %%
  hand_in(1, {b});

  // %% [markdown] {"tags": ["solution"]}
  // The answer.
  return finish();
}
)";

std::string cell(const std::string& kind, const std::string& source, const std::string& metadata = "{}") {
  return "{\"cell_type\": \"" + kind + "\", \"metadata\": " + metadata + ", \"source\": " + source + "}";
}

std::string notebook(const std::string& answer, const std::string& more = "") {
  const std::string solution = "{\"tags\": [\"solution\"]}", before = "{\"cotangent\": {\"before_main\": true}}";
  return "{\"metadata\": {\"cotangent\": {\"header\": [[\"Lesson 99\", \"A title\"], [\"Concepts\", \"one,\\ntwo\"]]}}, \"cells\": [" +
         cell("code", "\"#include \\\"common/lesson.h\\\"\"", before) + ", " +
         cell("code", "[\"static int twice(int a) { return 2 * a; }\"]", before) + ", " + cell("markdown", "[\"# Heading\"]") + ", " +
         cell("code", "\"int a = 1, b = 0;\"") + ", " + cell("code", answer, solution) + ", " +
         cell("code", answer.find("Your code") == std::string::npos ? "\"check(b, 2);\"" : "\"// More room\"", solution) + ", " +
         cell("code", "\"hand_in(1, {b});\"") + ", " + more + cell("markdown", "\"The answer.\"", solution) + ", " +
         cell("code", "\"finish(\\\"99\\\");\"", "{\"tags\": [\"finish\"]}") + "]}";
}

}  // namespace

TEST_CASE("a notebook is the program that it was made from") {
  const auto read = cli::read_notebook(notebook("\"b = twice(a);\""));
  CHECK(read.problem == "");
  CHECK(read.source == kProgram);
}

TEST_CASE("an answer that is not begun is a gap") {
  const auto read = cli::read_notebook(notebook("\"// Your code here\""));
  CHECK(read.source.find("todo(1);") != std::string::npos);
  CHECK(read.source.find("twice(a)") == std::string::npos);
  const std::string fresh = cli::fresh_text(kProgram);
  CHECK(fresh.find("  // TODO(1): ") != std::string::npos);
  CHECK(fresh.find("  todo(1);\n\n  // %%\n  hand_in(1, {b});") != std::string::npos);
  CHECK(fresh.find("The answer.") == std::string::npos);
  CHECK(fresh.find("check(b, 2)") == std::string::npos);
}

TEST_CASE("what a notebook alone allows becomes C++") {
  const std::string more = cell("code", "\"b  // is shown\"") + ", " + cell("code", "\"?ct::randn\"") + ", " +
                           cell("code", "\"int half(int a) {\\n  return a / 2;\\n}\"") + ", ";
  const auto read = cli::read_notebook(notebook("\"b = twice(a);\"", more));
  CHECK(read.source.find("  b;  // is shown") != std::string::npos);
  CHECK(read.source.find("  // ?ct::randn") != std::string::npos);
  CHECK(read.source.find("int half(int a) {") < read.source.find("int main() {"));
}

TEST_CASE("lines of the program are told as lines of cells") {
  const auto read = cli::read_notebook(notebook("\"\\nb = 3;\\nb = twice(b);\""));
  const std::size_t at = read.source.find("b = twice(b);");
  REQUIRE(at != std::string::npos);
  const auto line = 1 + std::count(read.source.begin(), read.source.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  const std::string told = "wrong: /tmp/x/99_a.cpp:" + std::to_string(line) + ": b = twice(b);\nin 99_a.cpp\n";
  CHECK(cli::in_cells(told, read, "/tmp/x/99_a.cpp", "99_a.ipynb") ==
        "wrong: 99_a.ipynb, cell 5, line 3: b = twice(b);\nin 99_a.ipynb\n");
  CHECK(cli::in_cells("not started yet: gap 1, line " + std::to_string(line) + "\n", read, "/tmp/x/99_a.cpp", "99_a.ipynb") ==
        "not started yet: gap 1, cell 5\n");
}

TEST_CASE("what is no notebook of ours is said") {
  CHECK(cli::read_notebook("no json").problem.find("is no notebook") == 0);
  CHECK(cli::read_notebook("{\"cells\": []}").problem.find("was not made from a source of the course") == 0);
  CHECK(cli::read_notebook("{\"cells\": [{\"source\": 3}], \"metadata\": {\"cotangent\": {\"header\": [1]}}}").problem.find("is damaged") == 0);
  CHECK(cli::read_notebook("[]").problem != "");
}
