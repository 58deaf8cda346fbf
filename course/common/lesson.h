// common/lesson.h -- what lessons share: headings, checks of the printed numbers, errors shown on purpose, figures, questions, gaps.
#pragma once

#include <cotangent/cotangent.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace lesson {

/// A heading before a part of the lesson.
void section(const std::string& title);

// --- Checks: what was printed is what the lesson says ---------------------------------------------------------------------------

/// The tensor must have the shape of `expected` and its elements, up to rtol * |expected| + atol.
void check(const ct::Tensor& actual, const ct::Tensor& expected, double rtol = 1e-4, double atol = 1e-6, int line = __builtin_LINE());
void check(const ct::Tensor& actual, std::initializer_list<double> expected, double rtol = 1e-4, double atol = 1e-6, int line = __builtin_LINE());
void check(double actual, double expected, double rtol = 1e-4, double atol = 1e-6, int line = __builtin_LINE());
/// A statement that must hold.
void check_that(bool holds, const std::string& statement, int line = __builtin_LINE());

/// Runs something that must fail, and prints its error, which must contain `phrase`.
void show_error(ct::FunctionRef<void()> f, const std::string& phrase, int line = __builtin_LINE());
/// Runs something that must give a warning, and prints that instead of letting it go to stderr.
void show_warning(ct::FunctionRef<void()> f, const std::string& phrase, int line = __builtin_LINE());
/// Whether f raises no error: for the answers of questions.
bool works(ct::FunctionRef<void()> f);

// --- Figures ------------------------------------------------------------------------------------------------------------------

/// Where a lesson writes: $COTANGENT_RESULTS, or results/ in the current folder. Made if it is not there.
std::string results();
/// As ct::show() does: in a notebook the picture is shown, in a program write(results() + "/" + name) says what files it made, and
/// where they are is printed. If it cannot write (no gnuplot, say), the lesson goes on, and fails at its end.
void save(const std::string& name, ct::FunctionRef<std::vector<std::string>(const std::string& path)> write, int line = __builtin_LINE());
/// Shows a figure or a graph, or writes it as SVG and PNG. `name` begins with the lesson's number.
template <class Figure>
void save(const Figure& figure, const std::string& name, int line = __builtin_LINE()) {
  save(name, [&](const std::string& path) { return figure.save(path); }, line);
}

// --- Questions ----------------------------------------------------------------------------------------------------------------

/// One option of a question, and whether it is right: computed by the lesson's own code where that can be.
struct Option {
  std::string text;
  bool right;
};
struct Answer {
  enum class Kind { number, yes_no, choice, several } kind;
  double key = 0;                   // of number; of yes_no: 1 or 0
  double tolerance = 0;             // of number, relative to the key (absolute if the key is 0)
  std::vector<Option> options = {};
};
/// A typed number.
Answer number(double key, double tolerance = 1e-3);
Answer yes_no(bool key);
/// Exactly one of the options is right.
Answer choice(std::initializer_list<Option> options);
/// Any number of the options is right: the answer is a set.
Answer several(std::initializer_list<Option> options);

/// A question that the learner answers with `./cotangent quiz`, which compares with the answer and then says why.
void ask(const std::string& question, Answer answer, const std::string& why, int line = __builtin_LINE());

// --- Gaps of an exercise --------------------------------------------------------------------------------------------------------

/// The number of a gap, and the line of the call that it is converted in.
struct Gap {
  int number, line;
  Gap(int n, int l = __builtin_LINE()) : number(n), line(l) {}
};
void note_gap(Gap gap);
/// Stands in a gap until the learner's own lines do, and is named by finish(): todo(2); What is not used yet may be listed
/// behind the number, so that nobody warns of it.
template <class... Unused>
void todo(Gap gap, const Unused&...) { note_gap(gap); }

// --- Answers of a workshop ------------------------------------------------------------------------------------------------------

/// One answer of the learner's, whatever type it has: its numbers (of a tensor all elements), or its words.
struct Answered {
  std::vector<double> numbers;
  std::vector<std::string> words;
  std::vector<std::int64_t> shape;  // of a tensor
  Answered(double number) : numbers{number} {}
  Answered(const std::string& word) : words{word} {}
  Answered(const std::vector<std::string>& list) : words(list) {}
  Answered(const std::vector<int>& list) : numbers(list.begin(), list.end()) {}
  Answered(const std::vector<double>& list) : numbers(list) {}
  Answered(const ct::Tensor& tensor);  // an undefined one has no numbers
};
/// Hands the answers to a problem to what marks them, `./cotangent check workshop_3`. Does nothing otherwise: hand_in(2, {best_eta});
void hand_in(Gap problem, const std::vector<Answered>& answers);
/// Who gets them; null: nobody.
using Marking = void (*)(Gap problem, const std::vector<Answered>& answers);
void mark_by(Marking marking);

/// The last line of main: return lesson::finish();
/// Prints the gaps that are open and the questions. If $COTANGENT_QUESTIONS names a file, they are written there with their answers, a JSON object a line.
int finish(const char* file = __builtin_FILE());

}  // namespace lesson
