// cli/exercise_check.h -- compiles the learner's file of an exercise together with its checks, runs them, and says how it went.
#pragma once

#include <string>

#include "steps.h"

namespace cli {

struct CheckResult {
  enum class End {
    passed,
    failed,        // some check did not hold
    not_compiled,  // errors in the learner's file
    crashed,       // a signal, or an exit status that is none of ours
    endless,       // the time limit
    interrupted,   // Ctrl-C
    broken,        // no fault of the learner's: a file of the course is missing
  } end = End::broken;
  std::string text;        // for people, ends with a newline
  std::string compiler;    // the compiler's full text, if it said anything
  int right = 0, all = 0;  // checks
  int failed = 0, gap = 0;  // the first check that fails, and the gap that it is about; 0: none

  bool ran() const { return end == End::passed || end == End::failed || end == End::crashed || end == End::endless; }
  /// "7 of 9 checks", "does not compile", ...
  std::string summary() const;
};

/// Runs in `folder`, where figures go to results/; empty: where we are.
CheckResult check_exercise(const Step& exercise, const std::string& file, const std::string& folder);

/// Only compiles, which makes the next check quick.
void compile_checks(const Step& exercise, const std::string& file);

}  // namespace cli
