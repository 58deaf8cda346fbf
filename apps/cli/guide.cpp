// cli/guide.cpp -- the commands of the guide: what was typed, and who does it.
#include "guide.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "exercise_check.h"
#include "learn.h"
#include "learner_folder.h"
#include "practice.h"
#include "progress.h"
#include "steps.h"

namespace cli {
namespace {

constexpr int kUsage = 2;

using Words = std::vector<std::string>;

bool on_terminal() { return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO); }

bool agreed(const std::string& question) {
  std::cout << question << " [y/N] " << std::flush;
  std::string answer;
  return std::getline(std::cin, answer) && (answer == "y" || answer == "Y" || answer == "yes");
}

int reset_all(bool yes) {
  if (!yes && !on_terminal()) {
    std::cerr << "cotangent: reset --all forgets what you ran, answered and passed. To do it: ./cotangent reset --all --yes\n";
    return kUsage;
  }
  if (!yes && !agreed("Forget what you ran, answered and passed? Your own files stay as they are.")) {
    std::cout << "Nothing was changed.\n";
    return 1;
  }
  // Where the learner's files lie is no progress, and they stay.
  const bool done = change_progress([](Progress& p) {
    Progress fresh;
    fresh.folder = p.folder;
    p = fresh;
  });
  if (done) std::cout << "Your progress is forgotten; your own files stay as they are.\n";
  return done ? 0 : 1;
}

int reset(Words words) {
  const bool all = take_flag(words, "--all"), yes = take_flag(words, "--yes");
  return all && words.empty() ? reset_all(yes) : reset_command(words);
}

// "3 files" with their names, as long as these are few.
void say_files(const char* what, const std::vector<std::string>& files) {
  if (files.empty()) return;
  std::cout << "  " << what << ' ' << files.size() << (files.size() == 1 ? " file" : " files");
  if (files.size() <= 4) {
    for (std::size_t i = 0; i < files.size(); ++i) std::cout << (i ? ", " : ": ") << files[i];
  }
  std::cout << '\n';
}

int start(Words words) {
  const bool anyway = take_flag(words, "--anyway");
  const Progress before = read_progress();
  if (words.empty() && !before.folder.empty()) words.push_back(before.folder);
  if (words.size() != 1 || words[0].empty() || words[0].starts_with("-")) {
    std::cerr << "cotangent: start makes a folder of your own, for example: ./cotangent start ~/cotangent-course\n";
    return kUsage;
  }
  const auto steps = course_steps(course_folder());
  const Started s = start_folder(words[0], steps, anyway);
  if (!s.problem.empty()) {
    std::cerr << "cotangent: " << s.problem << '\n';
    return kUsage;
  }
  const bool moved = !before.folder.empty() && before.folder != s.folder;
  change_progress([&](Progress& p) { p.folder = s.folder; });
  std::cout << (s.first ? "Your folder is ready: " : "Your folder is up to date: ") << shown(s.folder) << '\n';
  if (!s.first) {
    say_files("added", s.added);
    say_files("took the new version of", s.updated);
  }
  if (!s.beside.empty()) {
    std::cout << "You and we both changed these files; yours stay, and ours lie beside them:\n";
    for (const std::string& name : s.beside) std::cout << "  " << name << '\n';
  }
  if (!s.failed.empty()) {
    std::cerr << "cotangent: " << s.failed << "\n  The rest was left out. Once that is mended: ./cotangent start "
              << shown(s.folder) << '\n';
    return 1;
  }
  if (moved) std::cout << "From now on this folder is used; what is in " << shown(before.folder) << " stays as it is.\n";
  if (s.first)
    std::cout << "  lessons/, workshops/ and exercises/ are yours to change; README.md says what is where.\n\nNow: ./cotangent learn\n";
  return 0;
}

// For scripts and tests: record run 01, record finished 01, record answer 01 "question" right|wrong, record show.
int record(const Words& words) {
  if (words.size() == 2 && words[0] == "run") return !record_run(words[1]);
  if (words.size() == 2 && words[0] == "finished") return !record_finished(words[1]);
  if (words.size() == 4 && words[0] == "answer") return !record_answer(words[1], words[2], words[3] == "right");
  if (words.size() == 1 && words[0] == "show") {
    const Progress p = read_progress();
    std::cout << "folder " << p.folder << "\nplace " << p.place << '\n';
    for (const auto& [id, l] : p.lessons)
      std::cout << "lesson " << id << " runs " << l.runs << (l.finished ? " finished\n" : "\n");
    for (const auto& [id, asked] : p.questions) {
      for (const auto& [print, q] : asked)
        std::cout << "question " << id << ' ' << print << " tries " << q.tries << " right at " << q.right_at << '\n';
    }
    for (const auto& [id, e] : p.exercises)
      std::cout << "exercise " << id << " attempts " << e.attempts << " hints " << e.hints << (e.passed ? " passed" : "")
                << (e.solution_seen ? " solution seen\n" : "\n");
    return 0;
  }
  return kUsage;
}

// For scripts and tests: the file of an exercise or a workshop as a learner gets it.
int print_fresh(const Words& words) {
  const auto steps = course_steps(course_folder());
  const auto it = std::find_if(steps.begin(), steps.end(), [&](const Step& s) {
    return words.size() == 1 && s.exercise() && (s.id() == words[0] || s.source.stem == words[0]);
  });
  const auto text = it == steps.end() ? std::nullopt : it->fresh();
  if (!text) return kUsage;
  std::cout << *text;
  return 0;
}

// learn starts this in the background.
int warm(const Words& words) {
  const auto steps = course_steps(course_folder());
  const auto at = words.size() == 1 ? find_step(steps, words[0]) : std::nullopt;
  const auto file = at && steps[*at].exercise() ? learner_file(steps[*at], read_progress().folder) : std::nullopt;
  if (!file) return kUsage;
  compile_checks(steps[*at], *file);
  return 0;
}

}  // namespace

std::optional<int> guide(std::string_view command, int count, char** arguments) {
  const Words words(arguments, arguments + count);
  if (command == "start") return start(words);
  if (command == "learn") return learn_command(words);
  if (command == "check") return check_command(words);
  if (command == "hint") return hint_command(words);
  if (command == "solution") return solution_command(words);
  if (command == "reset") return reset(words);
  if (command == "record") return record(words);
  if (command == "fresh") return print_fresh(words);
  if (command == "warm") return warm(words);
  return std::nullopt;
}

}  // namespace cli
