// common/lesson.cpp -- checks that are counted, errors that are shown, questions that are kept until the end.
#include "common/lesson.h"

#include <cotangent/show.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace lesson {
namespace {

int checks = 0, failures = 0;

struct Question {
  std::string text, why;
  Answer answer;
  int line;
};
std::vector<Question>& questions() {
  static std::vector<Question> list;
  return list;
}

std::vector<Gap>& gaps() {
  static std::vector<Gap> list;
  return list;
}

void report(bool ok, int line, const std::string& what) {
  ++checks;
  if (ok) return;
  ++failures;
  std::fflush(stdout);
  std::fprintf(stderr, "\n  line %d: %s\n", line, what.c_str());
}

// The message of an error or a warning, indented.
void quote(std::string message) {
  for (std::size_t at = 0; (at = message.find('\n', at)) != std::string::npos; at += 5) message.replace(at, 1, "\n  | ");
  ct::print("  | " + message);
}

Marking marking = nullptr;
std::string warnings;  // what came while show_warning ran

std::string json(const std::string& s) {
  std::string out = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else if (c == '\t') out += "\\t";
    else out += c;
  }
  return out + "\"";
}

void write_questions(const char* path) {
  static const char* const kinds[] = {"number", "yes_no", "choice", "several"};
  std::FILE* file = std::fopen(path, "w");
  if (!file) return;
  for (const Question& q : questions()) {
    std::string options;
    for (const Option& o : q.answer.options) {
      if (!options.empty()) options += ", ";
      options += "{\"text\": " + json(o.text) + ", \"right\": " + (o.right ? "true}" : "false}");
    }
    std::fprintf(file, "{\"question\": %s, \"kind\": \"%s\", \"key\": %.17g, \"tolerance\": %.17g, \"options\": [%s], \"why\": %s, \"line\": %d}\n",
                 json(q.text).c_str(), kinds[static_cast<int>(q.answer.kind)], q.answer.key, q.answer.tolerance, options.c_str(),
                 json(q.why).c_str(), q.line);
  }
  std::fclose(file);
}

// What ./cotangent calls it: "course/beginner/03_retain_graph.cpp" -> "03", "../tutorial_1_tensor_fundamentals.cpp" -> "tutorial_1".
std::string name_of(const char* file) {
  std::string stem = std::filesystem::path(file).stem().string();
  std::size_t end = 0, number = stem.find_first_of("0123456789");
  while (number != std::string::npos && (number == 0 || stem[number - 1] == '_')) {
    end = std::min(stem.find_first_not_of("0123456789", number), stem.size());
    const std::size_t word = stem.find('_', end + 1);  // "part_2_tutorial_1": a further word and its number
    if (number == 0 || word == std::string::npos || word + 1 >= stem.size() || stem[word + 1] < '0' || stem[word + 1] > '9') break;
    number = word + 1;
  }
  return end > 0 ? stem.substr(0, end) : stem;
}

}  // namespace

void section(const std::string& title) { ct::print("\n==", title, "=="); }

void check(const ct::Tensor& actual, const ct::Tensor& expected, double rtol, double atol, int line) {
  const bool ok = actual.defined() && actual.sizes() == expected.sizes() &&
                  ct::allclose(actual.detach().to(ct::kDouble), expected.detach().to(ct::kDouble), rtol, atol);
  // Expected numbers come as float64: printed in the dtype of the others, they differ only where they are different.
  const bool alike = actual.defined() && actual.is_floating_point() && expected.is_floating_point();
  report(ok, line,
         "got " + (actual.defined() ? ct::to_string(actual) : "an undefined tensor") + ", and the lesson says " +
             ct::to_string(alike ? expected.to(actual.scalar_type()) : expected));
}
void check(const ct::Tensor& actual, std::initializer_list<double> expected, double rtol, double atol, int line) {
  check(actual, ct::tensor(expected, ct::kDouble), rtol, atol, line);
}
void check(double actual, double expected, double rtol, double atol, int line) {
  report(std::abs(actual - expected) <= rtol * std::abs(expected) + atol, line,
         "got " + std::to_string(actual) + ", and the lesson says " + std::to_string(expected));
}
void check_that(bool holds, const std::string& statement, int line) { report(holds, line, "does not hold: " + statement); }

void show_error(ct::FunctionRef<void()> f, const std::string& phrase, int line) {
  try {
    f();
  } catch (const std::exception& e) {
    const std::string message = e.what();
    report(message.find(phrase) != std::string::npos, line, "the error does not say \"" + phrase + "\"");
    quote(message);
    return;
  }
  report(false, line, "no error, although one saying \"" + phrase + "\" was expected");
}

void show_warning(ct::FunctionRef<void()> f, const std::string& phrase, int line) {
  warnings.clear();
  struct Restore {
    ct::WarningHandler before = ct::set_warning_handler([](std::string_view text) { warnings += (warnings.empty() ? "" : "\n") + std::string(text); });
    ~Restore() { ct::set_warning_handler(before); }
  } restore;
  f();
  report(warnings.find(phrase) != std::string::npos, line, "no warning says \"" + phrase + "\"");
  quote(warnings.empty() ? "(no warning)" : warnings);
}

bool works(ct::FunctionRef<void()> f) {
  try {
    f();
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

std::string results() {
  const char* set = std::getenv("COTANGENT_RESULTS");
  const std::string folder = set && *set ? set : "results";
  std::filesystem::create_directories(folder);
  return std::filesystem::absolute(folder).lexically_normal().string();
}

void save(const std::string& name, ct::FunctionRef<std::vector<std::string>(const std::string&)> write, int line) {
  try {
    ct::detail::show_picture(write, name, ct::detail::Shown::display);
  } catch (const std::exception& e) {
    report(false, line, "no figure " + name + ": " + e.what());
  }
}

Answer number(double key, double tolerance) { return {Answer::Kind::number, key, tolerance}; }
Answer yes_no(bool key) { return {Answer::Kind::yes_no, key ? 1.0 : 0.0}; }
Answer choice(std::initializer_list<Option> options) { return {Answer::Kind::choice, 0, 0, options}; }
Answer several(std::initializer_list<Option> options) { return {Answer::Kind::several, 0, 0, options}; }

void ask(const std::string& question, Answer answer, const std::string& why, int line) {
  int right = 0;
  for (const Option& o : answer.options) right += o.right;
  if (answer.kind == Answer::Kind::number) check_that(std::isfinite(answer.key), "the answer is a number that can be typed", line);
  if (answer.kind == Answer::Kind::choice) check_that(right == 1, "exactly one option of the question is right", line);
  questions().push_back({question, why, std::move(answer), line});
}

void note_gap(Gap gap) {
  for (const Gap& known : gaps())
    if (known.line == gap.line) return;
  gaps().push_back(gap);
}

Answered::Answered(const ct::Tensor& tensor) {
  if (!tensor.defined()) return;
  for (std::int64_t size : tensor.sizes()) shape.push_back(size);
  const ct::Tensor flat = tensor.detach().to(ct::kDouble).contiguous().flatten();
  const double* p = flat.data_ptr<double>();
  numbers.assign(p, p + flat.numel());
}

void mark_by(Marking m) { marking = m; }
void hand_in(Gap problem, const std::vector<Answered>& answers) {
  if (marking) marking(problem, answers);
}

int finish(const char* file) {
  if (!gaps().empty()) {
    section("Not done yet");
    for (const Gap& gap : gaps()) ct::print("the run came to gap " + std::to_string(gap.number) + ", line " + std::to_string(gap.line));
    ct::print("Put your own lines in place of todo(..), and have them checked by: ./cotangent check", name_of(file));
  }
  if (const char* path = std::getenv("COTANGENT_QUESTIONS")) write_questions(path);
  if (!questions().empty()) {
    section("Questions");
    for (std::size_t i = 0; i < questions().size(); ++i) ct::print(std::to_string(i + 1) + ". " + questions()[i].text);
    ct::print("Answer them with: ./cotangent quiz", name_of(file));
  }
  if (failures == 0) {
    if (gaps().empty()) ct::print("\n" + std::to_string(checks) + " checks of the numbers above passed.");
    return 0;
  }
  std::fflush(stdout);
  std::fprintf(stderr, "\n%d of %d checks failed. If you changed the numbers on purpose, that is expected.\n", failures, checks);
  return 1;
}

}  // namespace lesson
