// cli/catalog.cpp -- reading the course folder and finding a lesson in it.
#include "catalog.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <tuple>

#include "text.h"

namespace fs = std::filesystem;

namespace cli {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view s) { return !s.empty() && std::all_of(s.begin(), s.end(), is_digit); }

// "01" and "1" are one number; digits are compared as text so that no number is too long.
std::string_view without_zeros(std::string_view digits) {
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  return digits;
}

std::vector<std::string_view> split(std::string_view s, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from <= s.size();) {
    const std::size_t to = std::min(s.find(separator, from), s.size());
    parts.push_back(s.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

// The value of a header line "// Key: value", where any key will do if `key` is empty.
std::optional<std::string> header_value(std::string_view line, std::string_view key) {
  if (!line.starts_with("// ")) return std::nullopt;
  line.remove_prefix(3);
  const std::size_t colon = line.find(':');
  if (colon == line.npos || line.starts_with(' ')) return std::nullopt;
  if (!key.empty() && lower(line.substr(0, colon)) != key) return std::nullopt;
  return std::string(trim(line.substr(colon + 1)));
}

Lesson read_lesson(const fs::path& file, std::vector<std::string>& problems) {
  Lesson lesson;
  lesson.stem = file.stem().string();
  lesson.id = id_of(lesson.stem);
  lesson.folder = file.parent_path().filename().string();
  std::ifstream in(file);
  std::string line;
  bool in_concepts = false;
  for (int number = 1; std::getline(in, line) && line.starts_with("//"); ++number) {
    if (number == 1) {
      lesson.title = header_value(line, "").value_or("");
    } else if (auto level = header_value(line, "level")) {
      lesson.level = *level;
      in_concepts = false;
    } else if (auto concepts = header_value(line, "concepts")) {
      lesson.concepts = *concepts;
      in_concepts = true;
    } else if (in_concepts && line.starts_with("//  ")) {
      lesson.concepts += ' ' + std::string(trim(std::string_view(line).substr(2)));
    } else {
      in_concepts = false;
    }
  }
  const auto need = [&](const std::string& value, const char* form) {
    if (value.empty()) problems.push_back(file.string() + ": no line '" + form + "' in the comment that it begins with");
  };
  need(lesson.title, "// Lesson NN: Title");
  need(lesson.level, "// Level: ...");
  need(lesson.concepts, "// Concepts: ...");
  if (lesson.title.empty()) lesson.title = lesson.stem;
  return lesson;
}

// Spaces, dashes and case do not matter; neither do a path before and an ending behind.
std::string normal_form(std::string_view query) {
  if (const auto slash = query.rfind('/'); slash != query.npos) query.remove_prefix(slash + 1);
  std::string s = lower(trim(query));
  if (s.ends_with(".cpp")) s.resize(s.size() - 4);
  if (s.starts_with("lesson_") || s.starts_with("lesson ") || s.starts_with("lesson-")) s.erase(0, 7);
  std::replace_if(
      s.begin(), s.end(), [](char c) { return c == ' ' || c == '-'; }, '_');
  return s;
}

// workshop_1 -> w1
std::string initials(const Lesson& lesson) {
  std::string out;
  for (std::string_view word : split(lesson.id, '_')) out += all_digits(word) ? word : word.substr(0, 1);
  return out;
}

std::string name_without_id(const Lesson& lesson) {
  return lesson.stem.size() > lesson.id.size() ? lesson.stem.substr(lesson.id.size() + 1) : lesson.stem;
}

}  // namespace

std::string id_of(std::string_view stem) {
  const auto words = split(stem, '_');
  if (all_digits(words[0])) return std::string(words[0]);
  std::size_t length = 0, used = 0;
  for (std::size_t i = 0; i + 1 < words.size() && all_digits(words[i + 1]); i += 2) {
    used += words[i].size() + words[i + 1].size() + 2;
    length = used - 1;
  }
  return std::string(stem.substr(0, length ? length : stem.size()));
}

std::vector<Lesson> read_catalog(const std::string& course, std::vector<std::string>& problems) {
  std::vector<Lesson> lessons;
  std::error_code ec;
  for (fs::recursive_directory_iterator it(course, ec), end; !ec && it != end; it.increment(ec)) {
    // Exercises have a place of their own, with worked files and checks beside them.
    if (it->is_directory() && (it->path().filename() == "common" || it->path().filename() == "exercises")) it.disable_recursion_pending();
    // Lessons lie in folders: a source at the top of the course is none, as in course/CMakeLists.txt.
    if (it.depth() > 0 && it->is_regular_file() && it->path().extension() == ".cpp")
      lessons.push_back(read_lesson(it->path(), problems));
  }
  if (ec) problems.push_back(course + ": " + ec.message());
  const auto key = [](const Lesson& l) {
    const bool numbered = all_digits(l.id);
    const std::string number(numbered ? without_zeros(l.id) : "");
    return std::tuple(!numbered, number.size(), number, l.stem);
  };
  std::sort(lessons.begin(), lessons.end(), [&](const Lesson& a, const Lesson& b) { return key(a) < key(b); });
  return lessons;
}

std::vector<Lesson> read_exercises(const std::string& course, std::vector<std::string>& problems) {
  std::vector<Lesson> exercises;
  std::error_code ec;
  for (fs::directory_iterator it(course + "/exercises", ec), end; !ec && it != end; it.increment(ec)) {
    if (it->is_regular_file() && it->path().extension() == ".cpp") exercises.push_back(read_lesson(it->path(), problems));
  }
  std::sort(exercises.begin(), exercises.end(), [](const Lesson& a, const Lesson& b) { return a.stem < b.stem; });
  return exercises;
}

Found find_lesson(const std::vector<Lesson>& lessons, std::string_view query) {
  const std::string q = normal_form(query);
  // The first rule that any lesson fits decides, so that "1" is lesson 01 although 10 contains it.
  using Rule = bool (*)(const Lesson&, const std::string&);
  static constexpr Rule rules[] = {
      [](const Lesson& l, const std::string& s) {
        return all_digits(s) && all_digits(l.id) && without_zeros(s) == without_zeros(l.id);
      },
      [](const Lesson& l, const std::string& s) { return s == l.stem || s == l.id; },
      [](const Lesson& l, const std::string& s) { return s == name_without_id(l) || (s.size() > 1 && s == initials(l)); },
      [](const Lesson& l, const std::string& s) { return l.stem.starts_with(s) || name_without_id(l).starts_with(s); },
      [](const Lesson& l, const std::string& s) { return l.stem.find(s) != std::string::npos; },
      [](const Lesson& l, const std::string& s) {
        std::string title = lower(l.title);
        std::replace_if(
            title.begin(), title.end(), [](char c) { return c == ' ' || c == '-'; }, '_');
        return title.find(s) != std::string::npos;
      },
  };
  Found found;
  if (q.empty()) return found;
  for (std::size_t r = 0; r < std::size(rules); ++r) {
    if (r >= 3 && all_digits(q)) break;  // a number is never a part of a name
    std::vector<Lesson> fitting;
    std::copy_if(lessons.begin(), lessons.end(), std::back_inserter(fitting), [&](const Lesson& l) { return rules[r](l, q); });
    if (fitting.size() == 1) {
      found.lesson = fitting[0];
      return found;
    }
    if (!fitting.empty()) {
      found.candidates = fitting;
      found.several = true;
      return found;
    }
  }
  if (all_digits(q)) return found;  // 99 is not nearly 09
  // Nothing fits: the nearest names, each lesson judged by the best of its names and of the words in them.
  std::vector<std::pair<int, std::size_t>> near;
  for (std::size_t i = 0; i < lessons.size(); ++i) {
    const Lesson& l = lessons[i];
    std::vector<std::string> names{l.stem, l.id, name_without_id(l)};
    for (std::string_view word : split(l.stem, '_')) {
      if (word.size() > 2) names.emplace_back(word);
    }
    int best = 1000;
    for (const std::string& name : names) best = std::min(best, edit_distance(q, name));
    if (best <= std::max<int>(1, static_cast<int>(q.size()) / 3)) near.emplace_back(best, i);
  }
  std::sort(near.begin(), near.end());
  for (std::size_t i = 0; i < near.size() && i < 3; ++i) found.candidates.push_back(lessons[near[i].second]);
  return found;
}

}  // namespace cli
