// checks/check.h -- marks an exercise: checks by number, and for each that fails a diagnosis that names the learner's line.
//
// A check is a program with the learner's file inside it. It is compiled with the flags of a lesson and
//   -DCT_EXERCISE_FILE='"/path/learner.cpp"'   and linked with ct_lesson, which has the marking, and the library.
// It prints a line for each check ("ok", "NO", ".." for what is not started or waits, "--" for an untouched bonus part), and
// writes an object of JSON for each to the file that $COTANGENT_CHECK names. Exit status 0: passed, untouched bonus parts aside.
//
// The body of a check returns if all is well and calls no(..) if not. What the learner's code throws, a crash and an endless
// loop become diagnoses as well. Nothing is asked of the learner's names at compile time: a body finds out what is there
// with requires-expressions, in templates.
#pragma once

#include <cotangent/plot.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "common/lesson.h"

namespace exercise {

struct Spec {
  int number;
  const char* name;
  std::vector<int> gaps = {};   // if it fails while one of these is open, it is not started rather than wrong; hints are for the first
  std::vector<int> after = {};  // checks without which this one says nothing
  bool bonus = false;
};

/// Reads the learner's file. `names`: what the checks rely on, for the sentence about a name that is missing.
void begin(const char* title, const char* file);
void check(const Spec& spec, ct::FunctionRef<void()> body);
/// Prints the summary; main returns it.
int report();

/// Ends the body: what is wrong, and the line (0: unknown).
[[noreturn]] void no(const std::string& diagnosis, int line = 0);
/// Ends the body of a bonus part that is not begun.
[[noreturn]] void untouched(const std::string& what, int line = 0);
/// What is being done with the learner's code, for the diagnosis if it throws: "a step with lr = 0.1".
void during(const std::string& what);

/// The line of todo(number) in the learner's file; 0 if it is gone.
int gap(int number);
/// The first line of the function (or class) that matches the first of the patterns that any line matches; its first line if
/// none does; 0 if there is no such function. An empty name: the whole file. Comments and strings do not match.
int line_of(const std::string& function, std::initializer_list<const char*> patterns = {});
/// The same, but 0 if no pattern matches.
int match(const std::string& function, std::initializer_list<const char*> patterns);
/// The last line from `first` to `last` that matches the first of the patterns that any of them matches; 0 if none does.
int last_match(int first, int last, std::initializer_list<const char*> patterns);
/// A line as it is written, without the blanks around it.
std::string line_text(int line);
/// The learner's line that recorded the tensor's node; 0 if there is none.
int recorded_at(const ct::Tensor& t);
/// The learner's line that threw the exception caught last; 0 if it is not known.
int thrown_at();
/// How many nodes this thread has recorded so far.
std::uint64_t nodes_recorded();

/// "0.1", "11.4966"
std::string shown(double v);
std::string shown(const std::vector<double>& v, std::size_t most = 8);
std::vector<double> numbers(const ct::Tensor& t);
bool near(double a, double b, double rtol = 1e-4, double atol = 1e-6);
bool near(const std::vector<double>& a, const std::vector<double>& b, double rtol = 1e-4, double atol = 1e-6);

/// What the learner's program saved.
struct Saved {
  std::string name;
  ct::plot::Figure figure;
};
std::vector<Saved>& figures();
/// Runs the learner's program in a folder of its own that is removed afterwards; its figures are kept and not drawn.
void run_program(ct::FunctionRef<int()> program);

void note_throw() noexcept;

/// While it lives, what runs belongs to a check whose body comes later: it prints nothing, has the time of one check, and if it
/// crashes, that is the check's diagnosis.
class Watch {
 public:
  Watch(const Spec& spec, const std::string& doing);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
};

}  // namespace exercise

template <>
inline void lesson::save<ct::plot::Figure>(const ct::plot::Figure& figure, const std::string& name, int) {
  exercise::figures().push_back({name, figure});
}
