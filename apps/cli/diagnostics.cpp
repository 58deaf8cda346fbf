// cli/diagnostics.cpp -- what a compiler said, taken apart and reduced to the lines that the learner wrote.
#include "diagnostics.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;

namespace cli {
namespace {

using Kind = Diagnostic::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// ":12" at the beginning of s is taken off; 0 if there is none.
int take_number(std::string_view& s) {
  if (s.size() < 2 || s[0] != ':' || !is_digit(s[1])) return 0;
  std::size_t end = 1;
  while (end < s.size() && is_digit(s[end])) ++end;
  const int value = end <= 9 ? std::atoi(std::string(s.substr(1, end - 1)).c_str()) : 0;
  s.remove_prefix(end);
  return value;
}

// "file:12:5" followed by ':' or ',' or the end, or "file:12"; what follows is left in `line`.
bool take_place(std::string_view& line, Place& place) {
  for (std::size_t colon = line.find(':'); colon != line.npos; colon = line.find(':', colon + 1)) {
    std::string_view rest = line.substr(colon);
    const int number = take_number(rest);
    if (number == 0 || colon == 0) continue;
    place = {std::string(line.substr(0, colon)), number, take_number(rest)};
    line = rest;
    return true;
  }
  return false;
}

bool take(std::string_view& s, std::string_view word) {
  if (!s.starts_with(word)) return false;
  s.remove_prefix(word.size());
  return true;
}

bool take_kind(std::string_view& s, Kind& kind) {
  if (take(s, ": error: ") || take(s, ": fatal error: ") || take(s, ": sorry, unimplemented: ")) kind = Kind::error;
  else if (take(s, ": warning: ")) kind = Kind::warning;
  else if (take(s, ": note: ")) kind = Kind::note;
  else return false;
  return true;
}

// GCC's excerpts: "   12 |   text" and "      |   ^~~".
bool is_bar(std::string_view line) {
  const std::size_t at = line.find_first_not_of(" 0123456789");
  return at != line.npos && at >= 4 && line.substr(at).starts_with('|') && line.substr(0, at).ends_with(' ');
}

bool leads_here(std::string_view message) {
  return message.starts_with("in instantiation of") || message.starts_with("in expansion of macro") ||
         message.starts_with("expanded from macro") || message.find("requested here") != message.npos ||
         message.starts_with("while substituting");
}

std::string bar(int line, std::string_view text) {
  std::string number = line > 0 ? std::to_string(line) : "";
  number.insert(0, 5 - std::min<std::size_t>(5, number.size()), ' ');
  return number + " | " + std::string(text) + "\n";
}

bool is_within(const fs::path& file, const fs::path& folder) {
  const auto [a, b] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  (void)b;
  return a == folder.end();
}

// The learner's are the source and all in its folder, unless that is where our headers lie.
bool is_own(const Place& place, const fs::path& source) {
  const fs::path file = fs::absolute(place.file).lexically_normal(), course = CT_COURSE_DIR;
  if (file == source) return true;
  return is_within(file, source.parent_path()) && !is_within(file, course.parent_path() / "include") &&
         !is_within(file, course / "common");
}

std::string line_of(const Place& place) {
  std::ifstream in(place.file);
  std::string line;
  for (int i = 0; i < place.line; ++i) {
    if (!std::getline(in, line)) return "";
  }
  return line;
}

void replace_all(std::string& s, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = s.find(from, at)) != s.npos; at += to.size()) s.replace(at, from.size(), to);
}

// std::vector<double, std::allocator<double> > -> std::vector<double>
std::string shorter(std::string s) {
  replace_all(s, "std::__cxx11::", "std::");
  replace_all(s, "std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string");
  replace_all(s, "std::basic_string<char>", "std::string");
  for (std::size_t at = 0; (at = s.find(", std::allocator<", at)) != s.npos;) {
    std::size_t end = at + 17;
    for (int depth = 1; end < s.size() && depth > 0; ++end) depth += s[end] == '<' ? 1 : s[end] == '>' ? -1 : 0;
    s.erase(at, end - at + (end < s.size() && s[end] == ' '));
  }
  if (s.size() > 400) s = s.substr(0, 400) + " ...";
  return s;
}

bool is_word_char(char c) { return c == '_' || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The lines of the file that have the word in them.
std::vector<int> lines_with(const fs::path& file, const std::string& word) {
  std::ifstream in(file);
  std::string line;
  std::vector<int> found;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.starts_with("#include")) continue;
    for (std::size_t at = 0; (at = line.find(word, at)) != line.npos; at += word.size()) {
      const bool begins = at == 0 || !is_word_char(line[at - 1]),
                 ends = at + word.size() == line.size() || !is_word_char(line[at + word.size()]);
      if (!begins || !ends) continue;
      found.push_back(number);
      break;
    }
  }
  return found;
}

// The learner's line from which a place in a header was used. GCC does not tell it for a constructor that is inherited, as those
// of ct::nn::Linear are; then the class is looked for. `where` says what is known about the line.
Place leading_line(const Diagnostic& d, const fs::path& own, std::string& where) {
  const auto is_theirs = [&](const Place& p) { return is_own(p, own); };
  where = "which this line uses";
  if (const auto at = std::find_if(d.through.begin(), d.through.end(), is_theirs); at != d.through.end()) return *at;
  if (const std::size_t end = d.message.find("Impl"); end != d.message.npos && !d.through.empty()) {
    std::size_t begin = end;
    while (begin > 0 && is_word_char(d.message[begin - 1])) --begin;
    const std::string word = d.message.substr(begin, end - begin);
    const std::vector<int> lines = word.empty() ? std::vector<int>() : lines_with(own, word);
    if (lines.size() > 1) where = "for one of the lines with " + word;
    if (!lines.empty()) return {own.string(), lines[0], 0};
  }
  if (const auto at = std::find_if(d.included.begin(), d.included.end(), is_theirs); at != d.included.end()) return *at;
  return {};
}

// "      there is SGD(std::vector<ct::Tensor>, SGDOptions)", a line each, of the functions that would have been possible.
std::string there_are(const Diagnostic& d) {
  std::string out;
  int count = 0;
  for (const std::string& candidate : d.candidates) {
    std::string s = shorter(candidate);
    s = s.substr(0, s.find(" [with "));
    // X::X(const X&) and X::X(X&&) are not what was meant.
    const std::size_t open = s.find('('), colons = s.rfind("::", open);
    if (open == s.npos || s.starts_with("template<") || s.find("operator=") != s.npos) continue;
    const std::string name = s.substr(colons == s.npos ? 0 : colons + 2, open - (colons == s.npos ? 0 : colons + 2)),
                      scope = s.substr(0, colons == s.npos ? 0 : colons);
    if (s.ends_with(name + "&&)") || s.ends_with("(const " + scope + "&)") || s.ends_with("(" + name + "&&)")) continue;
    if (const std::string twice = name + "::" + name + "("; s.find(twice) != s.npos)
      s.replace(s.find(twice), twice.size(), name + "(");
    if (++count > 3) break;
    out += "      there is " + s + "\n";
  }
  return out;
}

// "/usr/bin/ld: x.cpp:12: undefined reference to `f()'", where the part before the file may be missing.
bool parse_linker(std::string_view line, Diagnostic& d) {
  const std::size_t at = line.find("undefined reference to ");
  const std::size_t twice = line.find("multiple definition of ");
  if (at == line.npos && twice == line.npos) return false;
  std::string_view before = line.substr(0, std::min(at, twice));
  take(before, "/usr/bin/ld: ");
  d = {};
  take_place(before, d.place);
  std::string_view name = line.substr(std::min(at, twice));
  name.remove_prefix(std::min<std::size_t>(name.size(), 23));
  std::string shown(name.substr(0, name.find(';')));
  if (shown.starts_with('`')) shown[0] = '\'';
  if (shown == "'main'") d.message = "the program has no main()";
  else
    d.message = (at != line.npos ? "undefined reference to " : "multiple definition of ") + shown +
                (at != line.npos ? ": it is declared, but defined nowhere" : "");
  return true;
}

}  // namespace

std::vector<Diagnostic> parse_diagnostics(std::string_view text) {
  std::vector<Diagnostic> all;
  std::vector<Place> through, included;  // what was said before the next error
  Diagnostic* excerpt_of = nullptr;      // whose source lines come next
  bool first_of_excerpt = false;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    std::string_view rest = line;
    Place place;
    Kind kind{};
    if (excerpt_of && is_bar(line)) {
      excerpt_of->excerpt += std::string(line) + "\n";
      first_of_excerpt = false;
      continue;
    }
    // "In file included from a.h:3," and "                 from b.cpp:1:"
    std::string_view from = line;
    from.remove_prefix(std::min(from.find_first_not_of(' '), from.size()));
    if (take(from, "In file included from ") || (line.starts_with("     ") && take(from, "from "))) {
      if (line.starts_with("In file") && (excerpt_of || included.empty())) {
        included.clear();
        excerpt_of = nullptr;
      }
      // GCC begins with the nearest one, Clang with the farthest.
      if (take_place(from, place)) included.insert(line.starts_with("In file") ? included.begin() : included.end(), place);
      continue;
    }
    if (take_place(rest, place)) {
      if (take_kind(rest, kind)) {
        if (kind == Kind::note && !all.empty() && leads_here(rest)) {
          // The error that these notes belong to is the last one that is none.
          const auto it = std::find_if(all.rbegin(), all.rend(), [](const Diagnostic& d) { return d.kind != Kind::note; });
          if (it != all.rend()) it->through.push_back(place);
        }
        // "'std::map' is defined in header '<map>'; did you forget to '#include <map>'?"
        if (kind == Kind::note && rest.find("did you forget to") != rest.npos) {
          const auto it = std::find_if(all.rbegin(), all.rend(), [](const Diagnostic& d) { return d.kind != Kind::note; });
          if (it != all.rend()) it->message.append("; ").append(rest);
        }
        if (kind == Kind::note && rest.starts_with("candidate: '") && !place.file.starts_with("/usr/")) {
          const auto it = std::find_if(all.rbegin(), all.rend(), [](const Diagnostic& d) { return d.kind != Kind::note; });
          const std::string_view signature = rest.substr(12);
          if (it != all.rend()) it->candidates.emplace_back(signature.substr(0, signature.rfind('\'')));
        }
        all.push_back({kind, place, std::string(rest), "", {}, {}, {}});
        if (kind != Kind::note) all.back().through.swap(through), all.back().included.swap(included);
        through.clear();
        included.clear();
        excerpt_of = &all.back();
        first_of_excerpt = true;
        continue;
      }
      if (rest.find("required from") != rest.npos || rest.find("required by") != rest.npos ||
          rest.find("in 'constexpr' expansion") != rest.npos) {
        through.push_back(place);
        excerpt_of = nullptr;
        continue;
      }
    }
    Diagnostic linker;
    if (parse_linker(line, linker)) {
      all.push_back(linker);
      excerpt_of = nullptr;
      continue;
    }
    // "file: In instantiation of ...:" begins the story of an error; "In function" says only where.
    if (line.find(": In instantiation of ") != line.npos || line.find(": In substitution of ") != line.npos) {
      through.clear();
      excerpt_of = nullptr;
      continue;
    }
    // Clang's excerpts have no bar: a line of source, then marks that begin with a space.
    if (excerpt_of && excerpt_of->place.line > 0 && !line.empty() && line.find(": In ") == line.npos &&
        (first_of_excerpt || line.starts_with(' '))) {
      excerpt_of->excerpt += bar(first_of_excerpt ? excerpt_of->place.line : 0, line);
      first_of_excerpt = false;
      continue;
    }
    excerpt_of = nullptr;
    // "g++: error: ..." and "cc1plus: fatal error: ..." have no place.
    for (const char* mark : {": error: ", ": fatal error: "}) {
      const std::size_t at = line.find(mark);
      if (at != line.npos && line.substr(0, at).find_first_of(" :") == line.npos) {
        Diagnostic d;
        d.message = std::string(line.substr(at + std::string_view(mark).size()));
        all.push_back(d);
        break;
      }
    }
  }
  return all;
}

std::vector<Diagnostic> for_learner(const std::vector<Diagnostic>& all, const std::string& source) {
  const fs::path own = fs::absolute(source).lexically_normal();
  std::vector<Diagnostic> out;
  const Diagnostic* before = nullptr;  // the last error of all
  Place moved_to;                      // where that one was moved, if it was
  std::string moved_where;
  for (const Diagnostic& d : all) {
    if (d.kind == Kind::note || d.message.starts_with("ld returned") || d.message.starts_with("linker command failed")) continue;
    Diagnostic mine{d.kind, d.place, shorter(d.message), d.excerpt, {}, {}, {}};
    if (d.place.line > 0 && !is_own(d.place, own)) {
      std::string where;
      Place led = leading_line(d, own, where);
      // GCC tells the way once for several errors of one place.
      if (led.line == 0 && before && d.through.empty() && d.included.empty() && d.place.file == before->place.file)
        led = moved_to, where = moved_where;
      if (led.line == 0 && d.kind == Kind::warning) continue;  // nothing that the learner could do about
      if (led.line > 0) {
        mine.place = led;
        mine.excerpt = bar(led.line, line_of(led));
        mine.message +=
            " (said in " + fs::path(d.place.file).filename().string() + ":" + std::to_string(d.place.line) + ", " + where + ")";
      }
      moved_to = led;
      moved_where = where;
    } else {
      moved_to = {};
    }
    before = &d;
    if (mine.excerpt.empty() && mine.place.line > 0) mine.excerpt = bar(mine.place.line, line_of(mine.place));
    mine.excerpt += there_are(d);
    if (d.message.find("discards qualifiers") != d.message.npos && mine.excerpt.find(".grad()") != mine.excerpt.npos)
      mine.excerpt += "      grad() is for reading; mutable_grad() can be changed\n";
    // One error for each line and kind: those behind it mostly follow from it. Of several in headers, the first one that knows
    // what would fit says most.
    const auto known = std::find_if(out.begin(), out.end(), [&](const Diagnostic& o) {
      return o.kind == mine.kind && o.place.file == mine.place.file && o.place.line == mine.place.line &&
             (mine.place.line > 0 || o.message == mine.message);
    });
    mine.candidates = d.candidates;
    if (known == out.end()) out.push_back(mine);
    else if (moved_to.line > 0 && known->candidates.empty() && !mine.candidates.empty()) *known = mine;
  }
  std::stable_sort(out.begin(), out.end(), [](const Diagnostic& a, const Diagnostic& b) { return a.kind < b.kind; });
  return out;
}

std::string shown_path(const std::string& path) {
  std::error_code ec;
  const fs::path here = fs::current_path(ec);
  if (ec || path.empty()) return path;
  const fs::path file = (here / path).lexically_normal();
  return is_within(file, here) ? file.lexically_relative(here).string() : file.string();
}

std::string to_text(const std::vector<Diagnostic>& diagnostics, std::size_t most) {
  static constexpr const char* kinds[] = {"error", "warning", "note"};
  std::string out;
  for (std::size_t i = 0; i < diagnostics.size() && i < most; ++i) {
    const Diagnostic& d = diagnostics[i];
    if (!d.place.file.empty()) {
      out += shown_path(d.place.file);
      for (const int n : {d.place.line, d.place.column}) out += n > 0 ? ":" + std::to_string(n) : "";
      out += ": ";
    }
    out += std::string(kinds[static_cast<int>(d.kind)]) + ": " + d.message + "\n" + d.excerpt;
  }
  if (diagnostics.size() > most) out += "and " + std::to_string(diagnostics.size() - most) + " more\n";
  return out;
}

}  // namespace cli
