// cli/fresh.cpp -- takes the solutions out of a source of the course.
#include "fresh.h"

#include <sstream>
#include <vector>

#include "text.h"

namespace cli {
namespace {

struct Cell {
  std::vector<std::string> lines;  // with the mark, if it has one
  bool marked = false, text = false, solution = false;
};

// "  // %% [markdown] {"tags": ["solution"]}" begins a cell.
bool is_mark(const std::string& line) { return trim(line).starts_with("// %%"); }

std::vector<Cell> cells_of(const std::string& source) {
  std::vector<Cell> cells(1);
  std::istringstream in(source);
  for (std::string line; std::getline(in, line);) {
    if (is_mark(line)) {
      Cell cell;
      cell.marked = true;
      cell.text = line.find("[markdown]") != line.npos;
      cell.solution = line.find("\"solution\"") != line.npos;
      cells.push_back(cell);
    }
    cells.back().lines.push_back(line);
  }
  return cells;
}

// The number of the first hand_in(N, ..) in the cells from `from` on; 0 if there is none.
int next_problem(const std::vector<Cell>& cells, std::size_t from) {
  for (; from < cells.size(); ++from) {
    if (cells[from].solution) continue;
    for (const std::string& line : cells[from].lines) {
      const auto code = trim(line);
      if (code.starts_with("hand_in(")) return std::atoi(code.data() + 8);
    }
  }
  return 0;
}

}  // namespace

std::string fresh_text(const std::string& source) {
  const auto cells = cells_of(source);
  std::string out;
  const auto put = [&](const std::string& line) { out += line + '\n'; };
  bool open = false;  // a gap stands already for the answers that are handed in next
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Cell& cell = cells[i];
    if (!cell.solution) {
      for (const std::string& line : cell.lines) {
        put(line);
        if (trim(line).starts_with("hand_in(")) open = false;
      }
      continue;
    }
    const std::string& mark = cell.lines[0];
    const std::string indent = mark.substr(0, mark.find('/'));
    const int problem = next_problem(cells, i + 1);
    if (cell.text) {
      put(mark);
      put(indent + "// *Your answer here*");
      put("");
    } else if (!open && problem > 0) {
      put(mark);
      put(indent + "// TODO(" + std::to_string(problem) + "): your answer, in as many lines as you like.");
      put(indent + "todo(" + std::to_string(problem) + ");");
      put("");
      open = true;
    }
  }
  return out;
}

}  // namespace cli
