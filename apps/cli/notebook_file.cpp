// cli/notebook_file.cpp -- turns the cells of a notebook into a program, and lines of the program into lines of cells.
#include "notebook_file.h"

#include <cctype>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "text.h"

namespace cli {
namespace {

using nlohmann::json;

struct Cell {
  std::string text;
  bool markdown = false, before_main = false, solution = false;
  json tags;
  int number = 0;
};

// A text of a notebook is a string, or a list of its lines.
std::string text_of(const json& source) {
  if (source.is_string()) return source.get<std::string>();
  std::string text;
  if (source.is_array())
    for (const json& line : source)
      if (line.is_string()) text += line.get<std::string>();
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  while (!lines.empty() && trim(lines.back()).empty()) lines.pop_back();
  return lines;
}

// The code with comments and the insides of literals as blanks; places stay what they are.
std::string blanked(std::string text) {
  enum { code, line, block, string, character } state = code;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i], next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (state == code) {
      if (c == '/' && next == '/') state = line;
      else if (c == '/' && next == '*') state = block;
      else if (c == '"') state = string;
      else if (c == '\'' && !(i > 0 && std::isalnum(static_cast<unsigned char>(text[i - 1])))) state = character;
      if (state == line || state == block) text[i] = ' ';
      continue;
    }
    if (c == '\n') {
      if (state != block) state = code;
      continue;
    }
    const bool ends = state == block ? c == '*' && next == '/' : (state == string && c == '"') || (state == character && c == '\'');
    if (!ends || state == block) text[i] = ' ';
    if (c == '\\' && (state == string || state == character) && i + 1 < text.size()) text[++i] = ' ';
    if (ends && state == block) text[++i] = ' ';
    if (ends) state = code;
  }
  return text;
}

// What a notebook alone allows becomes C++: ?name asks the kernel, and a last expression without a semicolon is shown.
std::string program_text(const std::string& text) {
  static const std::regex question("\\s*(\\?{1,2}\\s*[\\w:.]+|[\\w:.]+\\s*\\?{1,2})\\s*");
  if (std::regex_match(text, question)) return "// " + std::string(trim(text));
  const std::string code = blanked(text);
  const std::size_t last = code.find_last_not_of(" \t\r\n");
  if (last == code.npos || code[last] == ';' || code[last] == '}') return text;
  const std::size_t begins = code.rfind('\n', last) == code.npos ? 0 : code.rfind('\n', last) + 1;
  if (trim(std::string_view(code).substr(begins)).starts_with("#")) return text;
  return text.substr(0, last + 1) + ';' + text.substr(last + 1);
}

// A cell that was added in Jupyter and has what the body of a function cannot have: an include, a template, a function.
bool belongs_before_main(const std::string& text) {
  static const std::regex outside(
      "#\\s*include\\b|template\\s*<|(inline\\s+)?namespace\\b[\\w\\s:]*\\{|"
      "(?!(?:if|for|while|switch|do|else|catch|return|case)\\b)[A-Za-z_][\\w:<>,&* ]*[ *&][A-Za-z_]\\w*\\s*\\([^;{}()]*(\\([^;{}()]*\\)[^;{}()]*)*"
      "\\)[\\w\\s]*\\{");
  const std::string code = blanked(text);
  for (std::size_t at = 0; at < code.size();) {
    if (std::regex_search(code.begin() + static_cast<std::ptrdiff_t>(at), code.end(), outside, std::regex_constants::match_continuous)) return true;
    const std::size_t next = code.find('\n', at);
    at = next == code.npos ? code.size() : next + 1;
  }
  return false;
}

bool has_tag(const json& tags, const char* tag) {
  if (tags.is_array())
    for (const json& t : tags)
      if (t == tag) return true;
  return false;
}

std::vector<Cell> cells_of(const json& notebook) {
  std::vector<Cell> cells;
  int number = 0;
  for (const json& c : notebook.value("cells", json::array())) {
    ++number;
    if (!c.is_object()) continue;
    Cell cell;
    const json metadata = c.value("metadata", json::object()), ours = metadata.value("cotangent", json::object());
    cell.text = text_of(c.value("source", json("")));
    cell.markdown = c.value("cell_type", "") == "markdown";
    cell.tags = metadata.value("tags", json::array());
    cell.solution = has_tag(cell.tags, "solution");
    cell.before_main = ours.is_object() && ours.value("before_main", false);
    cell.number = number;
    const std::string kind = c.value("cell_type", "");
    const bool ours_alone = has_tag(cell.tags, "finish") || has_tag(cell.tags, "about");
    if ((kind != "code" && kind != "markdown") || ours_alone || trim(cell.text).empty()) continue;
    static const std::regex last("\\s*(return )?(lesson::)?finish\\((\".*\")?\\);?\\s*");
    if (!cell.markdown && std::regex_match(cell.text, last)) continue;  // the program has it anyhow
    if (!cell.markdown) cell.text = program_text(cell.text);
    cell.before_main = cell.before_main || (!cell.markdown && belongs_before_main(cell.text));
    cells.push_back(cell);
  }
  return cells;
}

// The number in the first hand_in(N, ..) of the cells from `from` on.
int next_problem(const std::vector<Cell>& cells, std::size_t from) {
  for (; from < cells.size(); ++from) {
    if (cells[from].solution || cells[from].markdown) continue;
    if (const auto at = cells[from].text.find("hand_in("); at != std::string::npos)
      return std::atoi(cells[from].text.c_str() + at + 8);
  }
  return 0;
}

// An answer is a gap as long as there is no code in any of its cells, but comments: "// Your code here".
void mark_gaps(std::vector<Cell>& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!cells[i].solution || cells[i].markdown) continue;
    const int problem = next_problem(cells, i);
    bool open = true;
    std::size_t end = i;
    for (; end < cells.size() && next_problem(cells, end) == problem && (cells[end].solution || cells[end].markdown); ++end)
      if (cells[end].solution && !cells[end].markdown) open = open && trim(blanked(cells[end].text)).empty();
    if (open && problem > 0) cells[i].text = "// TODO(" + std::to_string(problem) + "): your answer\ntodo(" + std::to_string(problem) + ");";
    i = end > i ? end - 1 : i;
  }
}

class Writer {
 public:
  explicit Writer(NotebookFile& out) : out_(out) {}
  void put(const std::string& line, int cell = 0, int number = 0) {
    out_.source += line + '\n';
    out_.places.push_back({cell, number});
  }
  void put(const Cell& cell, const std::string& indent, bool mark, bool apart = true) {
    if (apart) put("");
    if (mark)
      put(indent + "// %%" + (cell.markdown ? " [markdown]" : "") +
          (cell.tags.is_array() && !cell.tags.empty() ? " {\"tags\": " + tags(cell.tags) + "}" : ""));
    int number = 0;
    for (const std::string& line : lines_of(cell.text)) {
      ++number;
      if (cell.markdown) put(line.empty() ? indent + "//" : indent + "// " + line, cell.number, number);
      else put(line.empty() || line[0] == '#' ? line : indent + line, cell.number, number);
    }
  }

 private:
  // As Python writes a list: a blank behind each comma.
  static std::string tags(const json& list) {
    std::string text;
    for (const json& tag : list) text += (text.empty() ? "[" : ", ") + tag.dump();
    return text + "]";
  }
  NotebookFile& out_;
};

}  // namespace

NotebookFile read_notebook(const std::string& text) {
  NotebookFile out;
  const json notebook = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!notebook.is_object() || !notebook.contains("cells")) {
    out.problem = "is no notebook (it is not JSON with \"cells\")";
    return out;
  }
  try {
    const json metadata = notebook.value("metadata", json::object()), ours = metadata.value("cotangent", json::object());
    const json header = ours.value("header", json::array());
    if (header.empty()) {
      out.problem = "was not made from a source of the course: its metadata has no \"cotangent\" entry";
      return out;
    }
    Writer writer(out);
    for (const json& pair : header) {
      const auto lines = lines_of(pair.at(1).get<std::string>());
      writer.put("// " + pair.at(0).get<std::string>() + ": " + (lines.empty() ? "" : lines[0]));
      for (std::size_t i = 1; i < lines.size(); ++i) writer.put("//   " + lines[i]);
    }
    auto cells = cells_of(notebook);
    mark_gaps(cells);
    bool first = true;
    for (const Cell& cell : cells) {
      if (!cell.before_main) continue;
      writer.put(cell, "", !first || cell.markdown);
      first = false;
    }
    writer.put("");
    writer.put("int main() {");
    first = true;
    for (const Cell& cell : cells) {
      if (cell.before_main) continue;
      writer.put(cell, "  ", true, !first);
      first = false;
    }
    writer.put("  return finish();");
    writer.put("}");
  } catch (const json::exception& e) {
    out.problem = std::string("is damaged: ") + e.what();
  }
  return out;
}

std::string in_cells(const std::string& text, const NotebookFile& notebook, const std::string& source_path, const std::string& notebook_name) {
  const std::string name = source_path.substr(source_path.find_last_of('/') + 1);
  const auto place_of = [&](long line) {
    const bool known = line > 0 && static_cast<std::size_t>(line) <= notebook.places.size();
    return known ? notebook.places[static_cast<std::size_t>(line - 1)] : NotebookFile::Place{};
  };
  std::string out;
  std::size_t from = 0;
  for (std::size_t at; (at = text.find(name, from)) != std::string::npos;) {
    std::size_t begins = at;  // with the folders before it, if they are there
    const std::size_t folders = source_path.size() - name.size();
    if (at - from >= folders && text.compare(at - folders, source_path.size(), source_path) == 0) begins = at - folders;
    out += text.substr(from, begins - from) + notebook_name;
    from = at + name.size();
    if (from >= text.size() || text[from] != ':') continue;
    char* end = nullptr;
    const long line = std::strtol(text.c_str() + from + 1, &end, 10);
    const auto place = place_of(line);
    if (end == text.c_str() + from + 1) continue;
    if (place.cell > 0) out += ", cell " + std::to_string(place.cell) + ", line " + std::to_string(place.line);
    from = static_cast<std::size_t>(end - text.c_str());
  }
  out += text.substr(from);
  // "not started yet: gap 2, line 104"
  for (std::size_t at = 0; (at = out.find(": gap ", at)) != std::string::npos; ++at) {
    const std::size_t comma = out.find_first_not_of("0123456789", at + 6);
    if (comma == std::string::npos || out.compare(comma, 7, ", line ") != 0) continue;
    char* end = nullptr;
    const auto place = place_of(std::strtol(out.c_str() + comma + 7, &end, 10));
    if (place.cell > 0) out.replace(comma, static_cast<std::size_t>(end - out.c_str()) - comma, ", cell " + std::to_string(place.cell));
  }
  return out;
}

}  // namespace cli
