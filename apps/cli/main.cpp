// cli/main.cpp -- the program behind ./cotangent: lists the lessons and starts them.
#include <sys/ioctl.h>
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
#include "run.h"
#include "text.h"

namespace {

constexpr int kUsage = 2;  // the exit status of a call that was not understood

std::string course_folder() {
  const char* set = std::getenv("COTANGENT_COURSE");
  return set && *set ? set : CT_COURSE_DIR;
}

// 80 to 100 columns, whatever the window.
int page_width() {
  winsize w{};
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
    return std::clamp<int>(w.ws_col, 80, 100);
  return 100;
}

std::vector<cli::Lesson> catalog(std::vector<std::string>* problems = nullptr) {
  std::vector<std::string> ignored;
  return cli::read_catalog(course_folder(), problems ? *problems : ignored);
}

int help() {
  std::cout << "cotangent " CT_VERSION
               " -- compute, see and understand gradients in C++\n\n"
               "  list                    the lessons: number, title, level, key concepts\n"
               "  run LESSON [ARGUMENTS]  runs a lesson, by number (1, 01), name or a part of its name\n"
               "  run FILE.cpp            compiles and runs a file of your own\n"
               "  run --all [-j N]        runs all lessons and sums up; --plain: as a log\n"
               "  reset --all             forgets your progress; asks first\n"
               "  help                    this text\n"
               "  --version               the version\n";
  return 0;
}

int list() {
  const auto lessons = catalog();
  if (lessons.empty()) {
    std::cerr << "cotangent: no lessons in " << course_folder() << '\n';
    return 1;
  }
  std::vector<std::vector<std::string>> rows;
  int id = 2, level = 5, title = 5;
  for (const auto& l : lessons) {
    rows.push_back({l.id, l.title, l.level, l.concepts});
    id = std::max(id, cli::display_width(l.id));
    level = std::max(level, cli::display_width(l.level));
    title = std::max(title, cli::display_width(l.title));
  }
  const int width = page_width();
  id = std::min(id, 20);
  level = std::min(level, 12);
  title = std::min(title, width >= 96 ? 34 : 26);
  const int concepts = width - id - level - title - 6;
  std::cout << cli::table({{"No", id}, {"Title", title}, {"Level", level}, {"Key concepts", concepts}}, rows);
  return 0;
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
  }
  std::cout << targets << '\n';
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
  if (command == "list") return list();
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
  if (command == "target") return print_targets("run", words);
  if (command == "targets" && !words.empty()) return print_targets(words[0], {words.begin() + 1, words.end()});
  constexpr std::string_view known[] = {"run", "list", "reset", "help", "--version"};
  const auto* nearest = std::min_element(std::begin(known), std::end(known), [&](std::string_view a, std::string_view b) {
    return cli::edit_distance(command, a) < cli::edit_distance(command, b);
  });
  std::cerr << "cotangent: unknown command '" << command << "'. Did you mean '" << *nearest << "'?\n";
  return kUsage;
}
