// checks/workshop.cpp -- runs a workshop's program under the marking, and what the marking of its problems shares.
#include "exercises/checks/workshop.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>

namespace exercise {
namespace {

const Workshop* workshop = nullptr;
std::vector<Spec> specs;          // one for each problem, and one for what comes behind the last
std::size_t next = 0;             // the problem whose answers come next
int first_line = 1, last_line = 0;  // of the learner's file: where its answer stands
std::optional<Watch> watching;
bool over = false;

void watch() { watching.emplace(specs[next], "your program"); }

std::string handing_in() { return "hand_in(" + std::to_string(next + 1) + ", ..)"; }

void mark_next(ct::FunctionRef<void()> body) {
  watching.reset();
  check(specs[next], body);
  ++next;
}

// Called by the learner's program.
void take(lesson::Gap problem, const Answers& answers) {
  const auto count = workshop->problems.size();
  if (over || problem.number < static_cast<int>(next) + 1 || problem.number > static_cast<int>(count)) return;
  last_line = problem.line;
  while (problem.number > static_cast<int>(next) + 1)
    mark_next([] { no("its answers were not handed in: is the line " + handing_in() + " gone?"); });
  const Problem& p = workshop->problems[next];
  mark_next([&] {
    if (answers.size() != p.answers)
      no(handing_in() + " hands in " + std::to_string(answers.size()) + " answers, and the problem has " +
             std::to_string(p.answers) + ": put the line back as it was given",
         last_line);
    p.mark(answers);
  });
  first_line = problem.line + 1;
  watch();
}

struct Exited {};

// The program is over: what was not handed in is told.
void conclude(const std::exception_ptr& error) {
  over = true;
  watching.reset();
  const auto count = workshop->problems.size();
  last_line = first_line;
  const std::size_t stopped = next;
  if (error && next <= count)
    mark_next([&] {
      during("your program");
      try {
        std::rethrow_exception(error);
      } catch (const Exited&) {
        no("your program called exit(), so that what stands below never ran", match("", {"\\bexit\\s*\\("}));
      }
    });
  while (next < count) {
    if (error) specs[next].after = {static_cast<int>(stopped) + 1};
    mark_next([] { no("its answers were not handed in: is the line " + handing_in() + " gone?"); });
  }
}

void at_exit() {
  if (over) return;
  conclude(std::make_exception_ptr(Exited{}));
  std::fflush(nullptr);
  _exit(1);
}

}  // namespace

int mark_workshop(const Workshop& w, int (*program)(), const char* file) {
  begin(w.title, file);
  workshop = &w;
  int number = 0;
  for (const Problem& p : w.problems) {
    ++number;
    specs.push_back({number, p.name, {number}});
  }
  specs.push_back({number + 1, "the rest of your program"});
  if (const int main = match("", {"\\bmain\\b"})) first_line = main + 1;
  lesson::mark_by(take);
  std::atexit(at_exit);
  std::exception_ptr error;
  watch();
  try {
    run_program([&] { return program(); });
  } catch (...) { error = std::current_exception(); }
  conclude(error);
  return report();
}

namespace {
// The line of the first mark of a solution in the part of the file that belongs to this problem; its first line if there is none.
int answer_begins() {
  for (int n = first_line; n < last_line; ++n)
    if (line_text(n).find("\"solution\"") != std::string::npos) return n;
  return first_line;
}
int first_match(int first, const char* pattern) {
  for (int n = first; n < last_line; ++n)
    if (last_match(n, n, {pattern})) return n;
  return 0;
}
}  // namespace

int answer_line(std::initializer_list<const char*> patterns) {
  const int begins = answer_begins();
  if (const int line = last_match(begins, last_line - 1, patterns)) return line;
  const int line = first_match(begins + 1, "\\S");
  return line ? line : last_line;
}

int where_set(const char* variable) {
  const std::string name = "\\b" + std::string(variable);
  const std::string grown = name + "\\.(push_back|emplace_back|assign|insert)", set = name + "(\\[.*\\])?\\s*[-+*/]?=(?!=)", used = name + "\\b";
  const int begins = answer_begins();
  if (const int line = last_match(begins, last_line - 1, {grown.c_str(), set.c_str()})) return line;
  if (const int line = first_match(begins, used.c_str())) return line;
  return answer_line();
}

double number_of(const lesson::Answered& answer, const char* variable) {
  if (answer.numbers.size() != 1)
    no(std::string(variable) + " has " + std::to_string(answer.numbers.size()) + " numbers, and one is asked for", where_set(variable));
  if (!std::isfinite(answer.numbers[0])) no(std::string(variable) + " is " + shown(answer.numbers[0]), where_set(variable));
  return answer.numbers[0];
}

const std::vector<double>& list_of(const lesson::Answered& answer, const char* variable, std::size_t count) {
  const std::size_t has = answer.numbers.size();
  const std::string name = variable;
  if (has == 0) no(name + " is still empty: " + std::to_string(count) + " numbers are asked for", where_set(variable));
  if (has != count)
    no(name + " has " + std::to_string(has) + " numbers instead of " + std::to_string(count) +
           (has + 1 == count   ? ": off by one. Is the start, or the last one, missing?"
            : has == count + 1 ? ": off by one. Does the loop run once too often?"
                               : ""),
       where_set(variable));
  return answer.numbers;
}

void explain(const char* variable, double got, std::initializer_list<Known> mistakes, const std::string& otherwise, double rtol) {
  const std::string is = std::string(variable) + " is " + shown(got);
  for (const Known& known : mistakes)
    if (near(got, known.value, rtol, 1e-12)) no(is + ": " + known.mistake, where_set(variable));
  no(is + (otherwise.empty() ? "" : ": " + otherwise), where_set(variable));
}

}  // namespace exercise
