// cli/main.cpp -- the program behind ./cotangent: lists the lessons and starts them.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "catalog.h"
#include "compile.h"
#include "cotangent/version.h"
#include "guide.h"
#include "list.h"
#include "new.h"
#include "progress.h"
#include "quiz.h"
#include "run.h"
#include "steps.h"
#include "text.h"

namespace {

constexpr int kUsage = 2;  // the exit status of a call that was not understood

std::vector<cli::Lesson> catalog(std::vector<std::string>* problems = nullptr) {
  std::vector<std::string> ignored;
  return cli::read_catalog(cli::course_folder(), problems ? *problems : ignored);
}

// The help has one place: the launcher, which must have it before this program is built.
int help() {
  const std::string launcher = std::string(CT_COURSE_DIR) + "/../cotangent";
  execl(launcher.c_str(), launcher.c_str(), "help", static_cast<char*>(nullptr));
  std::cerr << "cotangent: the help is in " << launcher << ", which cannot be started\n";
  return 1;
}

// The comments that the lessons begin with: a test runs this.
int headers() {
  std::vector<std::string> problems;
  const auto lessons = catalog(&problems);
  for (const auto& p : problems) std::cerr << p << '\n';
  std::cout << lessons.size() << " lessons, " << problems.size() << " problems\n";
  return problems.empty() ? 0 : 1;
}

// For ./cotangent: what to build before a command can do its work.
int print_targets(std::string_view command, const std::vector<std::string>& words) {
  std::string targets;
  if (command == "run") {
    targets = cli::targets_of_run(words);
    if (targets.empty()) return kUsage;
  } else if (command == "quiz") {
    targets = cli::targets_of_quiz(words);
    if (targets.empty()) return kUsage;
  }
  if (command == "new") targets = "cotangent";
  // These compile the learner's files, against the library and the lessons' helpers.
  if (command == "check" || command == "learn") targets = cli::targets_of_compile();
  std::cout << targets << '\n';
  return 0;
}

// For ./cotangent notebook and export: the learner's folder (an empty line if there is none), and the sources of a lesson or exercise,
// or of all. `command` is what the learner typed.
int print_sources(const std::vector<std::string>& words, const std::string& command) {
  std::vector<std::string> ignored;
  std::vector<cli::Lesson> all = cli::all_lessons();
  const auto exercises = cli::read_exercises(cli::course_folder(), ignored);
  all.insert(all.end(), exercises.begin(), exercises.end());
  if (!words.empty()) {
    auto found = cli::find_lesson(all, words[0]).lesson;
    if (!found) found = cli::pick_lesson(words[0], command);  // says what there is
    if (!found) return kUsage;
    all = {*found};
  }
  std::cout << cli::read_progress().folder << '\n';
  for (const auto& l : all) std::cout << cli::course_folder() << '/' << l.folder << '/' << l.stem << ".cpp\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "help";
  if (command == "help" || command == "--help" || command == "-h") return help();
  if (command == "--version") {
    std::cout << "cotangent " CT_VERSION "\n";
    return 0;
  }
  if (command == "list") return cli::list_command();
  if (command == "headers") return headers();
  if (const auto status = cli::guide(command, std::max(argc - 2, 0), argv + std::min(argc, 2))) return *status;
  if (command == "compile" && argc > 2) {
    const auto compiled = cli::compile(argv[2]);
    (compiled.ok ? std::cerr : std::cout) << cli::report(compiled);
    if (compiled.ok) std::cout << compiled.program << '\n';
    return compiled.ok ? 0 : 1;
  }
  const std::vector<std::string> words(argv + std::min(argc, 2), argv + argc);
  if (command == "run") return cli::run_command(words);
  if (command == "quiz") return cli::quiz_command(words);
  if (command == "new") return cli::new_command(words);
  if (command == "sources" || command == "sources-to-export") return print_sources(words, command == "sources" ? "notebook" : "export");
  if (command == "target") return print_targets("run", words);
  if (command == "targets" && !words.empty()) return print_targets(words[0], {words.begin() + 1, words.end()});
  constexpr std::string_view known[] = {"run",   "list", "learn",    "quiz",  "new",  "start",
                                        "check", "hint", "solution", "reset", "help", "--version"};
  const auto* nearest = std::min_element(std::begin(known), std::end(known), [&](std::string_view a, std::string_view b) {
    return cli::edit_distance(command, a) < cli::edit_distance(command, b);
  });
  std::cerr << "cotangent: unknown command '" << command << "'. Did you mean '" << *nearest << "'?\n";
  return kUsage;
}
