// cli/records.cpp -- reading and writing the JSON texts of the guide.
#include "records.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "questions.h"

namespace cli {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

// The value of a field, or `otherwise` if there is none. A value of another type throws, which means damage.
template <class T>
T field(const json& object, const char* name, T otherwise) {
  if (!object.is_object()) throw std::invalid_argument(name);
  const auto it = object.find(name);
  return it == object.end() ? otherwise : it->get<T>();
}
const json& part(const json& object, const char* name) {
  static const json nothing = json::object();
  const auto it = object.find(name);
  if (it == object.end()) return nothing;
  if (!it->is_object()) throw std::invalid_argument(name);
  return *it;
}

// Drops what is no longer on record, so that a reset reaches the file.
template <class Map>
void keep_only(json& object, const Map& map) {
  if (!object.is_object()) object = json::object();
  for (auto it = object.begin(); it != object.end();) it = map.count(it.key()) ? std::next(it) : object.erase(it);
}

}  // namespace

std::optional<Progress> progress_from_json(const std::string& text, bool* newer) {
  try {
    const json whole = json::parse(text);
    if (!whole.is_object()) return std::nullopt;
    if (newer) *newer = field(whole, "format", kFormat) > kFormat;
    Progress p;
    p.folder = field<std::string>(whole, "folder", "");
    p.place = field<std::string>(whole, "place", "");
    for (const auto& [id, entry] : part(whole, "lessons").items())
      p.lessons[id] = {field(entry, "runs", 0), field(entry, "finished", false)};
    for (const auto& [id, entry] : part(whole, "exercises").items()) {
      ExerciseProgress& e = p.exercises[id] = {field(entry, "attempts", 0), field(entry, "hints", 0), field(entry, "passed", false),
                                               field(entry, "solution_seen", false)};
      for (const auto& [gap, shown] : part(entry, "gap_hints").items()) e.gap_hints[std::stoi(gap)] = shown.get<int>();
    }
    for (const auto& [id, asked] : part(whole, "questions").items()) {
      if (!asked.is_object()) return std::nullopt;
      auto& list = p.questions[id];
      for (const auto& [print, entry] : asked.items()) list[print] = {field(entry, "tries", 0), field(entry, "right_at", 0)};
    }
    return p;
  } catch (const std::exception&) { return std::nullopt; }
}

std::string to_json(const Progress& p, const std::string& before) {
  json whole = json::parse(before, nullptr, /*allow_exceptions=*/false);
  if (!whole.is_object()) whole = json::object();
  whole["format"] = kFormat;
  whole["folder"] = p.folder;
  whole["place"] = p.place;
  json& lessons = whole["lessons"];
  keep_only(lessons, p.lessons);
  for (const auto& [id, l] : p.lessons) {
    lessons[id]["runs"] = l.runs;
    lessons[id]["finished"] = l.finished;
  }
  json& exercises = whole["exercises"];
  keep_only(exercises, p.exercises);
  for (const auto& [id, e] : p.exercises) {
    exercises[id]["attempts"] = e.attempts;
    exercises[id]["hints"] = e.hints;
    exercises[id]["gap_hints"] = json::object();
    for (const auto& [gap, shown] : e.gap_hints) exercises[id]["gap_hints"][std::to_string(gap)] = shown;
    exercises[id]["passed"] = e.passed;
    exercises[id]["solution_seen"] = e.solution_seen;
  }
  json& questions = whole["questions"];
  keep_only(questions, p.questions);
  for (const auto& [id, asked] : p.questions) {
    keep_only(questions[id], asked);
    for (const auto& [print, q] : asked) {
      questions[id][print]["tries"] = q.tries;
      questions[id][print]["right_at"] = q.right_at;
    }
  }
  return whole.dump(1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace) + "\n";
}

std::optional<Manifest> manifest_from_json(const std::string& text) {
  const json whole = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!whole.is_object() || !whole.contains("files") || !whole["files"].is_object()) return std::nullopt;
  Manifest manifest;
  for (const auto& [name, hash] : whole["files"].items()) {
    if (hash.is_string()) manifest[name] = hash.get<std::string>();
  }
  return manifest;
}

std::string to_json(const Manifest& manifest) {
  json whole{{"format", kFormat},
             {"about", "what `./cotangent start` copied here, so that it can tell your changes from its own"}};
  whole["files"] = json(manifest);
  return whole.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::optional<CheckLine> check_from_json(const std::string& line) {
  const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return std::nullopt;
  try {
    CheckLine c;
    c.number = field(object, "check", 0);
    c.name = field<std::string>(object, "name", "");
    c.diagnosis = field<std::string>(object, "diagnosis", "");
    c.line = field(object, "line", 0);
    c.gap = field(object, "gap", 0);
    c.untouched = field<std::string>(object, "state", "") == "untouched";
    if (object.contains("ok")) c.ok = object["ok"].get<bool>();
    return c;
  } catch (const json::exception&) { return std::nullopt; }
}

std::vector<Question> questions_from_json(const std::string& text, std::vector<std::string>& problems) {
  static constexpr const char* kinds[] = {"number", "yes_no", "choice", "several"};
  std::vector<Question> all;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.empty()) continue;
    try {
      const json whole = json::parse(line);
      Question q;
      q.text = field<std::string>(whole, "question", "");
      q.why = field<std::string>(whole, "why", "");
      q.key = field(whole, "key", 0.0);
      q.tolerance = field(whole, "tolerance", 0.0);
      const auto kind = std::find(std::begin(kinds), std::end(kinds), field<std::string>(whole, "kind", ""));
      if (kind == std::end(kinds) || q.text.empty()) throw std::invalid_argument("kind");
      q.kind = static_cast<Question::Kind>(kind - std::begin(kinds));
      if (const auto options = whole.find("options"); options != whole.end()) {
        for (const json& o : *options) q.options.push_back({field<std::string>(o, "text", ""), field(o, "right", false)});
      }
      const bool lettered = q.kind == Question::Kind::choice || q.kind == Question::Kind::several;
      if (lettered != !q.options.empty()) throw std::invalid_argument("options");
      all.push_back(std::move(q));
    } catch (const std::exception& e) { problems.push_back("a question that it wrote cannot be read: " + std::string(e.what())); }
  }
  return all;
}

}  // namespace cli
