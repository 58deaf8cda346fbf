// cli/learn.cpp -- the guide in lines: where the learner is, what is next, and checks on every save.
#include "learn.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "learner_folder.h"
#include "paint.h"
#include "practice.h"
#include "process.h"
#include "progress.h"
#include "step_run.h"
#include "watch.h"

namespace fs = std::filesystem;

namespace cli {
namespace {

constexpr int kUsage = 2;
constexpr const char* kFolder = "~/cotangent-course";

volatile std::sig_atomic_t stopped = 0;

bool has_folder(const Progress& progress) {
  std::error_code error;
  return !progress.folder.empty() && fs::is_directory(progress.folder, error);
}

std::string about_folder(const Progress& progress) {
  return progress.folder.empty()
             ? "You have no folder of your own yet: a place for your copies of the lessons and exercises, to change as you like."
             : "Your folder " + shown(progress.folder) + " is not there (any more).";
}

// On a terminal: asks for a place until there is one, or until the learner goes on without.
void offer_folder(const Progress& progress) {
  std::cout << about_folder(progress) << '\n';
  for (;;) {
    std::cout << "Make it as " << kFolder << "? Enter: yes; n: not now; or another place: " << std::flush;
    std::string answer;
    if (!std::getline(std::cin, answer)) {
      std::cout << '\n';
      return;
    }
    if (answer == "n" || answer == "N" || answer == "no") return;
    if (answer.empty() || answer == "y" || answer == "Y" || answer == "yes") answer = kFolder;
    const Started s = start_folder(answer, course_steps(course_folder()), false);
    if (s.problem.empty()) change_progress([&](Progress& p) { p.folder = s.folder; });
    if (s.problem.empty() && s.failed.empty()) return;
    std::cout << (s.problem.empty() ? s.failed : s.problem) << '\n';
  }
}

void print_place(const std::vector<Step>& steps, const Progress& progress) {
  const std::size_t at = here(steps, progress);
  const Step& step = steps[at];
  std::cout << "You are at " << painted(Paint::bold, step.title()) << "  (" << count_done(steps, progress) << " of "
            << steps.size() << " steps done)\n"
            << "  " << status_line(step, progress) << '\n';
  if (const auto file = learner_file(step, progress.folder)) std::cout << "  your file: " << shown(*file) << '\n';
  const Advice now = advice(step, progress);
  if (!now.command.empty()) std::cout << "Now:   " << now.command << "   " << now.what << '\n';
  if (const auto next = next_undone(steps, progress, at + 1); next && *next != at) {
    const Advice then = advice(steps[*next], progress);
    std::cout << (now.command.empty() ? "Next:  " : "Then:  ") << then.command << "   " << steps[*next].title() << '\n';
  } else if (now.command.empty()) {
    std::cout << "That was all of it: every lesson, every question, every exercise.\n";
  }
  if (!has_folder(progress)) std::cout << about_folder(progress) << "\n       ./cotangent start " << kFolder << '\n';
}

// Lines on every save of a file in the learner's folder, until Ctrl-C.
int watch_plainly(const std::vector<Step>& steps) {
  const Progress progress = read_progress();
  if (!has_folder(progress)) {
    std::cerr << "cotangent: " << about_folder(progress) << " To make one:\n  ./cotangent start " << kFolder << '\n';
    return kUsage;
  }
  std::vector<std::string> files;
  for (const Step& step : steps) files.push_back(progress.folder + "/" + learner_name(step));
  Watch watch(files);
  std::cout << "Watching " << shown(progress.folder) << ": save a file, and it is run or checked. Ctrl-C ends this.\n"
            << std::flush;
  struct sigaction action {};
  action.sa_handler = [](int) { stopped = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  while (!stopped) {
    pollfd told{watch.fd(), POLLIN, 0};
    poll(&told, 1, 1000);
    if (stopped) break;
    for (const std::size_t i : watch.saved()) {
      const Step& step = steps[i];
      std::cout << "\n== " << step.title() << " (saved)\n" << std::flush;
      const bool before = standing(step, read_progress()).done;
      const Outcome out = work_on(step, progress.folder);
      std::cout << painted_checks(out.text) << "== " << out.summary << '\n';
      const Progress now = read_progress();
      if (standing(step, now).done && !before) std::cout << achieved(step);
      const Advice next = advice(step, now);
      if (out.ok && !next.command.empty()) std::cout << "Now:   " << next.command << "   " << next.what << '\n';
      if (out.ok && next.command.empty()) {
        if (const auto behind = next_undone(steps, now, i + 1))
          std::cout << "Next:  " << advice(steps[*behind], now).command << "   " << steps[*behind].title() << '\n';
      }
      std::cout << std::flush;
    }
  }
  std::cout << "\nUntil next time.\n";
  return 0;
}

}  // namespace

Advice advice(const Step& step, const Progress& progress) {
  const Standing s = standing(step, progress);
  if (s.done) return {};
  if (step.exercise() && !s.passed) {
    const auto it = progress.exercises.find(step.id());
    const bool tried = it != progress.exercises.end() && it->second.attempts > 0;
    return {tried ? "checks your file again; ./cotangent hint helps" : "checks your file, once its gaps are filled",
            "./cotangent check " + step.id()};
  }
  if (!s.run && !step.exercise()) return {"runs it", "./cotangent run " + step.id()};
  return {"its questions: " + std::to_string(s.right) + " of " + std::to_string(step.questions) + " are right",
          "./cotangent quiz " + step.id()};
}

std::string status_line(const Step& step, const Progress& progress) {
  const Standing s = standing(step, progress);
  if (step.exercise()) {
    const auto it = progress.exercises.find(step.id());
    const ExerciseProgress e = it == progress.exercises.end() ? ExerciseProgress{} : it->second;
    std::string line = e.passed          ? "passed"
                       : e.attempts == 0 ? "not tried yet"
                       : e.attempts == 1 ? "tried once"
                                         : "tried " + std::to_string(e.attempts) + " times";
    if (e.hints > 0) line += e.hints == 1 ? ", 1 hint seen" : ", " + std::to_string(e.hints) + " hints seen";
    if (e.solution_seen) line += ", solution seen";
    if (step.questions > 0) line += ", " + std::to_string(s.right) + " of " + std::to_string(step.questions) + " questions right";
    return line;
  }
  std::string line = s.run ? "ran" : "not run yet";
  if (step.questions > 0) line += ", " + std::to_string(s.right) + " of " + std::to_string(step.questions) + " questions right";
  return line;
}

std::size_t count_done(const std::vector<Step>& steps, const Progress& progress) {
  return static_cast<std::size_t>(
      std::count_if(steps.begin(), steps.end(), [&](const Step& step) { return standing(step, progress).done; }));
}

std::vector<std::string> own_command(const std::vector<std::string>& words, bool builds) {
  std::error_code error;
  std::string program = fs::read_symlink("/proc/self/exe", error).string();
  // A course elsewhere is a test's or an author's, with programs of its own.
  const std::string launcher = (fs::path(CT_COURSE_DIR).parent_path() / "cotangent").string();
  if (builds && !std::getenv("COTANGENT_COURSE") && access(launcher.c_str(), X_OK) == 0) program = launcher;
  std::vector<std::string> out{program};
  out.insert(out.end(), words.begin(), words.end());
  return out;
}

int learn_command(std::vector<std::string> words) {
  const bool watch = take_flag(words, "--watch");
  bool plain = take_flag(words, "--plain");
  if (!words.empty()) {
    std::cerr << "cotangent: learn has no '" << words[0]
              << "'; there are --watch and --plain. To go to a lesson: ./cotangent run " << words[0] << '\n';
    return kUsage;
  }
  const auto steps = course_steps(course_folder());
  if (steps.empty()) {
    std::cerr << "cotangent: no lessons in " << course_folder() << '\n';
    return 1;
  }
  const char* terminal = std::getenv("TERM");
  plain = plain || watch || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !terminal || std::string_view(terminal) == "dumb";
  if (watch) return watch_plainly(steps);
  if (plain) {
    print_place(steps, read_progress());
    return 0;
  }
  if (const Progress progress = read_progress(); !has_folder(progress)) offer_folder(progress);
  return learn_on_screen(steps);
}

}  // namespace cli
