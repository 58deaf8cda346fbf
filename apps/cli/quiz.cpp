// cli/quiz.cpp -- asks the questions of a lesson in the terminal.
#include "quiz.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "files.h"
#include "paint.h"
#include "process.h"
#include "progress.h"
#include "run.h"
#include "steps.h"
#include "text.h"

namespace fs = std::filesystem;

namespace cli {
namespace {

constexpr int kUsage = 2;
constexpr double kSeconds = 300;  // of the lesson's program

int page_width() {
  winsize w{};
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
    return std::clamp<int>(w.ws_col, 40, 100);
  return 100;
}

// Paragraphs, with `first` before the first line and as much space before the others.
std::string paragraph(const std::string& text, const std::string& first) {
  const std::string space(first.size(), ' ');
  std::string out, before = first;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    for (const std::string& line : wrap(text.substr(at, end - at), page_width() - static_cast<int>(first.size()))) {
      out += before + line + "\n";
      before = space;
    }
    at = end + 1;
  }
  return out;
}

std::string asked(const Question& q, std::size_t number) {
  std::string out = "\n" + paragraph(q.text, std::to_string(number) + ". ");
  for (std::size_t i = 0; i < q.options.size(); ++i) out += paragraph(q.options[i].text, "   " + option_name(q, i) + ") ");
  return out;
}

// The beginning of a text in a colour, after its lines were broken.
std::string coloured(Paint paint, const std::string& beginning, const std::string& text) {
  return painted(paint, beginning) + text.substr(beginning.size());
}

const char* wanted(const Question& q) {
  switch (q.kind) {
    case Question::Kind::number: return "a number";
    case Question::Kind::yes_no: return "yes or no";
    case Question::Kind::choice: return option_name(q, 0) == "1" ? "one number" : "one letter";
    case Question::Kind::several: return option_name(q, 0) == "1" ? "numbers, or none" : "letters, or none";
  }
  return "";
}

enum class Outcome { first, second, wrong, skipped, quit, end };

// One question, at most two tries. What cannot be understood is no try.
Outcome ask(const Lesson& lesson, const Question& q, bool first_question) {
  std::string line, hint;
  for (int tries = 1;;) {
    std::cout << "   [" << wanted(q) << (first_question && tries == 1 ? "; s to skip, q to quit" : "") << "] > " << std::flush;
    if (!std::getline(std::cin, line)) {
      std::cout << "\n";
      return Outcome::end;
    }
    // A pipe does not show what was typed, so the line has not ended yet.
    if (!isatty(STDIN_FILENO)) std::cout << "\n";
    const std::string word = lower(trim(line));
    if (word.empty()) continue;
    if (word == "s" || word == "skip") {
      std::cout << "   Skipped.\n";
      return Outcome::skipped;
    }
    if (word == "q" || word == "quit" || word == "exit") return Outcome::quit;
    const Verdict verdict = judge(q, line, hint);
    if (verdict == Verdict::unclear) {
      std::cout << "   (" << hint << ")\n";
      continue;
    }
    record_answer(lesson.id, q.text, verdict == Verdict::right);
    if (verdict == Verdict::right) {
      std::cout << coloured(Paint::green, "   Right.", paragraph(q.why, "   Right. "));
      return tries == 1 ? Outcome::first : Outcome::second;
    }
    if (++tries > 2) {
      std::cout << coloured(Paint::red, "   No.", paragraph("The answer is " + right_answer(q) + ".", "   No. "))
                << paragraph(q.why, "   ");
      return Outcome::wrong;
    }
    std::cout << painted(Paint::red, "   No.") << " Once more:\n";
  }
}

std::string heading(const Lesson& lesson, std::size_t count) {
  return lesson.id + ": " + lesson.title + " (" + std::to_string(count) + (count == 1 ? " question)\n" : " questions)\n");
}

int answers(const Lesson& lesson) {
  std::string problem;
  const auto all = questions_of(lesson, problem);
  if (!problem.empty()) {
    std::cerr << "cotangent: " << problem << "\n";
    return 1;
  }
  std::cout << heading(lesson, all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    std::cout << asked(all[i], i + 1) << paragraph("Answer: " + right_answer(all[i]) + ".", "   ")
              << paragraph(all[i].why, "   ");
  return 0;
}

struct Call {
  bool answers = false;
  std::string lesson, problem;
};
Call understand(const std::vector<std::string>& words) {
  Call call;
  for (const std::string& w : words) {
    if (w == "--answers") call.answers = true;
    else if (w.starts_with('-') && w.size() > 1) call.problem = "quiz has no option " + w + "; there is --answers";
    else if (!call.lesson.empty()) call.problem = "quiz takes one lesson; '" + w + "' is one word too many";
    else if (w.empty()) call.problem = "which lesson? For example: ./cotangent quiz 01";
    else call.lesson = w;
  }
  if (call.answers && call.lesson.empty())
    call.problem = "the answers of which lesson? For example: ./cotangent quiz 01 --answers";
  return call;
}

// The lesson of the call; else the first in the course that has questions which were not answered right.
std::optional<Lesson> chosen(const Call& call) {
  if (!call.problem.empty()) {
    std::cerr << "cotangent: " << call.problem << "\n";
    return std::nullopt;
  }
  if (!call.lesson.empty()) {
    std::vector<std::string> ignored;
    auto exercise = find_lesson(read_exercises(course_folder(), ignored), call.lesson).lesson;
    if (!exercise || find_lesson(all_lessons(), call.lesson).lesson) return pick_lesson(call.lesson, "quiz");
    exercise->stem += "_worked";  // the program that knows the answers
    return exercise;
  }
  const Progress progress = read_progress();
  for (const Step& step : course_steps(course_folder())) {
    if (step.questions > 0 && standing(step, progress).right < step.questions) return step.source;
  }
  std::cerr << "cotangent: you have answered all questions. Once more, for example: ./cotangent quiz 01\n";
  return std::nullopt;
}

}  // namespace

std::vector<Question> questions_of(const Lesson& lesson, std::string& problem) {
  const std::string program = lesson_program(lesson);
  std::error_code ec;
  std::string folder = (fs::temp_directory_path(ec) / "cotangent-quiz-XXXXXX").string();
  if (!mkdtemp(folder.data())) {
    problem = "no folder for temporary files can be made: " + std::string(std::strerror(errno));
    return {};
  }
  Command command;
  command.arguments = {program};
  command.environment = {{"COTANGENT_QUESTIONS", folder + "/questions"}, {"COTANGENT_RESULTS", folder}};
  command.folder = folder;
  command.output = Command::Output::discard;
  command.seconds = kSeconds;
  const Finished finished = run_process(command);
  const auto text = read_file(folder + "/questions");
  fs::remove_all(folder, ec);
  std::vector<std::string> problems;
  std::vector<Question> all = questions_from_json(text.value_or(""), problems);
  for (Question& q : all) shuffle(q);
  if (finished.interrupted) problem = "interrupted";
  else if (!finished.error.empty())
    problem = "lesson " + lesson.id + " has not been built; ./cotangent quiz " + lesson.id + " builds it first";
  else if (!text)
    problem = "lesson " + lesson.id +
              " did not come to its questions: " + (finished.ok() ? "it wrote none" : what_happened(finished)) +
              ". ./cotangent run " + lesson.id + " shows what it says";
  else if (!problems.empty() && all.empty()) problem = "lesson " + lesson.id + ": " + problems[0];
  return all;
}

int quiz(const Lesson& lesson, bool open) {
  std::string problem;
  std::vector<Question> all = questions_of(lesson, problem);
  if (!problem.empty()) {
    std::cerr << "cotangent: " << problem << "\n";
    return problem == "interrupted" ? 128 + SIGINT : 1;
  }
  const std::size_t of_lesson = all.size();
  if (open) {
    const Progress progress = read_progress();
    const auto known = progress.questions.find(lesson.id);
    std::erase_if(all, [&](const Question& q) {
      if (known == progress.questions.end()) return false;
      const auto it = known->second.find(fingerprint(q.text));
      return it != known->second.end() && it->second.right_at > 0;
    });
  }
  if (all.empty()) {
    std::cout << (of_lesson ? "All questions of lesson " + lesson.id + " are answered.\n"
                            : "Lesson " + lesson.id + " asks no questions.\n");
    return 0;
  }
  std::cout << heading(lesson, all.size());
  std::size_t first = 0, second = 0, wrong = 0, skipped = 0;
  bool ended = false;
  for (std::size_t i = 0; i < all.size() && !ended; ++i) {
    std::cout << asked(all[i], i + 1);
    switch (ask(lesson, all[i], i == 0)) {
      case Outcome::first: ++first; break;
      case Outcome::second: ++second; break;
      case Outcome::wrong: ++wrong; break;
      case Outcome::skipped: ++skipped; break;
      case Outcome::quit:
      case Outcome::end: ended = true; break;
    }
  }
  std::cout << "\n" << first + second << " of " << all.size() << " right";
  if (second) std::cout << ", " << second << " at the second try";
  if (skipped) std::cout << ", " << skipped << " skipped";
  if (ended) std::cout << ", " << all.size() - first - second - wrong - skipped << " left for another time";
  std::cout << ".\n";
  return 0;
}

std::string targets_of_quiz(std::vector<std::string> words) {
  const auto lesson = chosen(understand(words));
  return lesson ? lesson->target() : "";
}

int quiz_command(std::vector<std::string> words) {
  const Call call = understand(words);
  const auto lesson = chosen(call);
  if (!lesson) return kUsage;
  if (call.answers) return answers(*lesson);
  return quiz(*lesson, call.lesson.empty());
}

}  // namespace cli
