// checks/workshop.h -- marks a workshop: runs the learner's program once, and marks each problem where its answers are handed in.
//
// A workshop is one program, whose problems stand one below the other in main. So it is not cut into functions: the line
// hand_in(3, {..}) in it calls the marking of problem 3. An exception or a crash on the way is problem 3's diagnosis, and what
// comes behind it waits.
#pragma once

#include <cotangent/inspect.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "exercises/checks/check.h"

namespace exercise {

using Answers = std::vector<lesson::Answered>;

struct Problem {
  const char* name;
  std::size_t answers;            // that are handed in
  void (*mark)(const Answers&);  // returns if they are right, else calls no()
};
struct Workshop {
  const char* title;
  std::vector<Problem> problems;  // 1, 2, ..: also the numbers of the gaps
};
Workshop workshop_1();
Workshop workshop_2();
Workshop workshop_3();

/// Runs the program, and returns the exit status.
int mark_workshop(const Workshop& workshop, int (*program)(), const char* file);

// ---- For the marking of one problem ----

/// The last line of the learner's answer that matches the first pattern that any matches; where none does, its first line.
int answer_line(std::initializer_list<const char*> patterns = {});
/// The last line of the answer that gives a variable its value; where none does, the first that uses it.
int where_set(const char* variable);
/// The one number of an answer; no number, more than one and one that is not finite are diagnoses.
double number_of(const lesson::Answered& answer, const char* variable);
/// The numbers of an answer; another count than `count` is a diagnosis, which knows an off-by-one.
const std::vector<double>& list_of(const lesson::Answered& answer, const char* variable, std::size_t count);

/// A mistake that people make, and the number that it leads to.
struct Known {
  double value;
  const char* mistake;
};
/// Calls no() with the first mistake that explains the number, or with `otherwise`.
[[noreturn]] void explain(const char* variable, double got, std::initializer_list<Known> mistakes, const std::string& otherwise,
                          double rtol = 1e-3);

}  // namespace exercise

template <>
inline void lesson::save<ct::inspect::Graph>(const ct::inspect::Graph&, const std::string&, int) {}
