// cli/catalog.h -- the lessons of the course, read from the comments that their sources begin with.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// A lesson's source begins with
///   // Lesson 01: One scalar, one backward
///   // Level: beginner
///   // Concepts: leaf tensors, backward, grad, retain_grad
/// where the words before the first colon are free ("Lecture example 1: ..."), and the line of concepts may go on in further
/// lines that are indented by two spaces or more.
struct Lesson {
  std::string stem;    // file name without .cpp: 01_basic_scalar_backward
  std::string id;      // what `list` shows and `run` takes: 01, lecture_1, workshop_1
  std::string folder;  // beginner, lecture, ...
  std::string title;
  std::string level;
  std::string concepts;

  std::string target() const { return "lesson_" + stem; }  // in CMake, and the program's name
};

/// The short name in a file name: the leading digits, or the leading pairs of a word and a number, or all of it.
std::string id_of(std::string_view stem);

/// All lessons below `course`, numbered ones first. What is wrong with a header is added to `problems`.
std::vector<Lesson> read_catalog(const std::string& course, std::vector<std::string>& problems);

/// The exercises: the files of course/exercises, whose first lines have the same form ("// Exercise 01: Title").
std::vector<Lesson> read_exercises(const std::string& course, std::vector<std::string>& problems);

struct Found {
  std::optional<Lesson> lesson;
  std::vector<Lesson> candidates;  // where none or several fit
  bool several = false;            // candidates all fit, as opposed to being guesses
};
/// Finds a lesson by number ("1", "01"), id, file name, initials ("w1p1") or a part of the file name or title.
Found find_lesson(const std::vector<Lesson>& lessons, std::string_view query);

}  // namespace cli
