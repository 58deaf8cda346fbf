// cli/steps.cpp -- the order of the course, and how far the learner is in it.
#include "steps.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "files.h"
#include "fresh.h"

namespace cli {
namespace {

// Lessons ask by ask("...") at the beginning of a statement. Running each of them to know the number would take half a minute.
int count_questions(const std::string& text) {
  int count = 0;
  for (std::size_t at = 0; (at = text.find("ask(", at)) != text.npos; at += 4) {
    const std::size_t line = text.rfind('\n', at) + 1;
    if (text.find_first_not_of(" \t", line) == at) ++count;
  }
  return count;
}

int number_of(const Lesson& lesson) {
  const bool digits =
      !lesson.id.empty() && std::all_of(lesson.id.begin(), lesson.id.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits && lesson.id.size() < 5 ? std::atoi(lesson.id.c_str()) : 0;
}

// Where something stands: the first number decides, what has the same stays in the catalog's order.
int rank(const Step& step) {
  if (step.kind == Step::Kind::exercise) return step.id() == "exercise_01" ? 102 : step.id() == "exercise_02" ? 202 : 900;
  if (const int number = number_of(step.source)) return number <= 10 ? 100 : number <= 21 ? 200 : 300;
  return step.source.folder == "lecture" ? 101 : step.source.folder == "part_2" ? 500 : 400;
}

}  // namespace

std::string course_folder() {
  const char* set = std::getenv("COTANGENT_COURSE");
  return set && *set ? set : CT_COURSE_DIR;
}

std::string Step::title() const {
  std::string name = number_of(source) ? "lesson " + source.id : source.id;
  std::replace(name.begin(), name.end(), '_', ' ');
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name + ": " + source.title;
}

std::optional<std::string> Step::fresh() const {
  auto text = read_file(file);
  if (text && workshop()) text = fresh_text(*text);
  return text;
}

namespace {
// course/exercises/FOLDER/, which serves the workshops as well.
std::string beside_exercises(const Step& step, const char* folder, const std::string& name) {
  const auto place = std::filesystem::path(step.file).parent_path().parent_path() / "exercises" / folder / name;
  return place.string();
}
}  // namespace

std::string Step::worked_file() const { return workshop() ? file : beside_exercises(*this, "worked", file_name()); }
std::string Step::checks_file() const { return beside_exercises(*this, "checks", file_name()); }
std::string Step::hints_file() const { return beside_exercises(*this, "hints", source.stem + ".md"); }

std::vector<Step> course_steps(const std::string& course) {
  std::vector<std::string> ignored;
  std::vector<Step> steps;
  for (const Lesson& lesson : read_catalog(course, ignored)) {
    Step step{Step::Kind::lesson, lesson, course + "/" + lesson.folder + "/" + lesson.stem + ".cpp"};
    // A workshop is a lesson that something marks.
    if (std::error_code error; lesson.id.starts_with("workshop_") && std::filesystem::exists(step.checks_file(), error))
      step.kind = Step::Kind::workshop;
    step.questions = count_questions(read_file(step.file).value_or(""));
    steps.push_back(step);
  }
  for (const Lesson& exercise : read_exercises(course, ignored))
    steps.push_back({Step::Kind::exercise, exercise, course + "/exercises/" + exercise.stem + ".cpp"});
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return rank(a) < rank(b); });
  return steps;
}

Standing standing(const Step& step, const Progress& progress) {
  Standing s;
  if (step.exercise()) {
    const auto it = progress.exercises.find(step.id());
    s.done = s.passed = it != progress.exercises.end() && it->second.passed;
    if (!step.workshop()) return s;
  }
  if (const auto it = progress.lessons.find(step.id()); it != progress.lessons.end()) s.run = it->second.finished;
  if (const auto it = progress.questions.find(step.id()); it != progress.questions.end()) {
    for (const auto& [print, question] : it->second) s.right += question.right_at > 0;
  }
  s.right = std::min(s.right, step.questions);  // questions that were reworded since are on record, too
  s.done = (step.workshop() ? s.passed : s.run) && s.right == step.questions;
  return s;
}

std::string mark(const Step& step, const Progress& progress) {
  const Standing s = standing(step, progress);
  if (step.exercise()) {
    const auto it = progress.exercises.find(step.id());
    if (s.passed && step.workshop()) return "\u2713 " + std::to_string(s.right) + '/' + std::to_string(step.questions);
    if (s.passed) return "\u2713 passed";
    if (step.workshop() && s.right > 0) return "  " + std::to_string(s.right) + '/' + std::to_string(step.questions);
    return it != progress.exercises.end() && it->second.attempts > 0 ? "tried" : "";
  }
  std::string out = s.run ? "\u2713" : "";
  if (step.questions > 0 && (s.run || s.right > 0)) {
    if (!s.run) out += ' ';
    out += ' ' + std::to_string(s.right) + '/' + std::to_string(step.questions);
  }
  return out;
}

std::optional<std::size_t> find_step(const std::vector<Step>& steps, std::string_view id) {
  const auto it = std::find_if(steps.begin(), steps.end(), [&](const Step& step) { return step.id() == id; });
  if (it == steps.end()) return std::nullopt;
  return static_cast<std::size_t>(it - steps.begin());
}

std::size_t here(const std::vector<Step>& steps, const Progress& progress) {
  if (const auto place = find_step(steps, progress.place)) return *place;
  return next_undone(steps, progress, 0).value_or(0);
}

std::optional<std::size_t> next_undone(const std::vector<Step>& steps, const Progress& progress, std::size_t from) {
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const std::size_t i = (from + k) % steps.size();
    if (!standing(steps[i], progress).done) return i;
  }
  return std::nullopt;
}

}  // namespace cli
