// cli/steps.h -- the way through the course: lessons, workshops and exercises in the order in which they are best taken.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog.h"
#include "progress.h"

namespace cli {

/// $COTANGENT_COURSE, or the course of this source tree.
std::string course_folder();

struct Step {
  enum class Kind { lesson, workshop, exercise } kind;
  Lesson source;      // of all kinds: what the file's first lines say
  std::string file;   // in the course
  int questions = 0;  // that a lesson or a workshop asks

  const std::string& id() const { return source.id; }
  /// It has gaps to fill, and a program that marks them: an exercise or a workshop.
  bool exercise() const { return kind != Kind::lesson; }
  bool workshop() const { return kind == Kind::workshop; }
  /// The file as the learner gets it: of a workshop the source without its solutions. None if it cannot be read.
  std::optional<std::string> fresh() const;
  /// Files of an exercise or a workshop: with all solved, the program that marks it, and the hints.
  std::string worked_file() const, checks_file() const, hints_file() const;
  /// "Lesson 03: The life of a graph"
  std::string title() const;
  std::string file_name() const { return source.stem + ".cpp"; }
};

/// Lessons 1-10, the lecture, exercise 1, lessons 11-21, exercise 2, the rest; what is not there is left out.
std::vector<Step> course_steps(const std::string& course);

/// How far a step is.
struct Standing {
  bool run = false;     // a lesson came to its end
  int right = 0;        // its questions that are answered right
  bool passed = false;  // an exercise or a workshop
  bool done = false;    // nothing is left to do in it
};
Standing standing(const Step& step, const Progress& progress);
/// "ran  2/3", "passed", "tried", ...: at most nine columns, empty if nothing was done yet.
std::string mark(const Step& step, const Progress& progress);

/// The index of the step with this id; none if there is none.
std::optional<std::size_t> find_step(const std::vector<Step>& steps, std::string_view id);
/// Where the learner is: the place on record, or the first step that is not done.
std::size_t here(const std::vector<Step>& steps, const Progress& progress);
/// What comes next after `from`: the first step behind it that is not done, else the first one before it; none if all are done.
std::optional<std::size_t> next_undone(const std::vector<Step>& steps, const Progress& progress, std::size_t from);

}  // namespace cli
