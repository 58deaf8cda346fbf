// show/show.cpp -- where shown values go: printed, or as marks within the output that a notebook turns into pictures.
//
// Note [Marks in the output]
// A notebook's kernel reads the standard output of the program. Between the printed lines stand marks, ESC ] ctnb ; kind ; type ;
// data BEL, whose data is base64 and which may repeat "type ; data"; so pictures keep their place among the lines.
#include "cotangent/show.h"

#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

#include "show/table.h"

namespace ct::detail {
namespace {

constexpr std::size_t most_elements = 200;

bool in_notebook() {
  const char* set = std::getenv("COTANGENT_NOTEBOOK");
  return set && *set && *set != '0';
}

std::string base64(std::string_view bytes) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t v = 0;
    for (std::size_t k = 0; k < 3; ++k) v = v << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += i + k <= bytes.size() ? digits[v >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

// The forms of one output, e.g. text/plain and text/html.
void mark(Shown how, std::initializer_list<std::pair<const char*, const std::string&>> forms) {
  std::string out = how == Shown::result ? "\x1b]ctnb;result" : "\x1b]ctnb;display";
  for (const auto& [type, data] : forms) out.append(";").append(type).append(";").append(base64(data));
  out += '\a';
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fflush(stdout);
}

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream all;
  all << file.rdbuf();
  return all.str();
}

// What a page shows by itself, such as the frames of ct::inspect::Steps.
std::string part_of_page(const std::string& page) {
  const std::string begin = "<!-- part -->\n", end = "<!-- end of part -->";
  const std::size_t from = page.find(begin), to = page.find(end);
  return from == std::string::npos || to == std::string::npos ? page : page.substr(from + begin.size(), to - from - begin.size());
}

// A folder that is gone when this is.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "cotangent-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw IoError("show: no temporary folder can be made in " + std::filesystem::temp_directory_path().string());
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace

void Description::add_part(const PrintPart& part) { out += print_text({part}); }

void Description::add_quoted(std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  out += '"';
}

void Description::add_type(const std::type_info& type) {
  int status = 0;
  char* name = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  out.append("<").append(status == 0 && name ? name : type.name()).append(">");
  std::free(name);
}

void Description::add_streamed(FunctionRef<void(std::ostream&)> write) {
  std::ostringstream stream;
  write(stream);
  out += stream.str();
}

bool Description::separate(std::size_t i) {
  if (i > 0) out += ", ";
  if (i < most_elements) return true;
  out += "...";
  return false;
}

void show_text(const std::string& text, Shown how) {
  if (in_notebook()) mark(how, {{"text/plain", text}});
  else print_line({PrintPart(text)});
}

void show_tensor(const Tensor& t, Shown how) {
  const std::string text = print_text({PrintPart(t)});
  if (!in_notebook()) return print_line({PrintPart(text)});
  const std::string html = html_table(t);
  if (html.empty()) mark(how, {{"text/plain", text}});
  else mark(how, {{"text/plain", text}, {"text/html", html}});
}

void show_picture(FunctionRef<std::vector<std::string>(const std::string&)> save, const std::string& name, Shown how) {
  static int number = 0;
  const std::string label = name.empty() ? "figure_" + std::to_string(++number) : name;
  if (in_notebook()) {
    const Folder folder;
    std::string svg, page;
    for (const std::string& path : save((folder.path / "picture").string())) {
      const auto ending = std::filesystem::path(path).extension();
      if (ending == ".svg" && svg.empty()) svg = read(path);
      if (ending == ".html" && page.empty()) page = part_of_page(read(path));
    }
    const std::string words = "<" + label + ">";
    if (!page.empty()) mark(how, {{"text/html", page}, {"image/svg+xml", svg}, {"text/plain", words}});
    else if (!svg.empty()) mark(how, {{"image/svg+xml", svg}, {"text/plain", words}});
    return;
  }
  const char* set = std::getenv("COTANGENT_RESULTS");
  const std::filesystem::path folder = set && *set ? set : "results";
  std::filesystem::create_directories((folder / label).parent_path());
  for (const std::string& path : save((std::filesystem::absolute(folder).lexically_normal() / label).string()))
    print_line({PrintPart("figure:"), PrintPart(path)});
}

}  // namespace ct::detail
