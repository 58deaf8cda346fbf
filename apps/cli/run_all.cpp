// cli/run_all.cpp -- runs all lessons, and says how each went.
#include "run_all.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>

#include "process.h"
#include "run.h"
#include "text.h"

namespace fs = std::filesystem;

namespace cli {
namespace {

constexpr double kSeconds = 300;   // more than any lesson takes, even under sanitizers
constexpr std::size_t kTail = 12;  // lines of a failed one that are shown

std::string seconds(double s) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s", s);
  return text;
}

// Absolute, and made. Where nothing may be written here, the folder for temporary files must do.
std::string results_folder() {
  const char* set = std::getenv("COTANGENT_RESULTS");
  std::error_code ec;
  fs::path folder = fs::absolute(set && *set ? set : "results", ec).lexically_normal();
  fs::create_directories(folder / "output", ec);
  if (!ec && access((folder / "output").c_str(), W_OK) == 0) return folder.string();
  std::cerr << "cotangent: nothing can be written to " << folder.string() << (ec ? ": " + ec.message() : "") << "\n";
  std::string made = (fs::temp_directory_path(ec) / "cotangent-results-XXXXXX").string();
  if (!mkdtemp(made.data())) return "";
  fs::create_directories(fs::path(made) / "output", ec);
  return made;
}

std::string last_lines(const std::string& text, std::size_t count) {
  std::size_t from = text.size();
  while (from > 0 && text[from - 1] == '\n') --from;
  const std::size_t end = from;
  for (std::size_t lines = 0; from > 0; --from) {
    if (text[from - 1] == '\n' && ++lines == count) break;
  }
  std::string out, all = text.substr(from, end - from);
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t next = std::min(all.find('\n', at), all.size());
    out += "    " + all.substr(at, next - at) + "\n";
    at = next + 1;
  }
  return out;
}

class Progress {
 public:
  Progress(bool plain, std::size_t total, int name) : line_(!plain && isatty(STDOUT_FILENO)), total_(total), name_(name) {
    winsize w{};
    if (line_ && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0) width_ = w.ws_col;
  }
  void begun(const std::string& name) {
    const std::lock_guard<std::mutex> guard(mutex_);
    running_.push_back(name);
    show();
  }
  void done(const std::string& name, const Finished& f) {
    const std::lock_guard<std::mutex> guard(mutex_);
    running_.erase(std::find(running_.begin(), running_.end(), name));
    ++done_;
    failed_ += !f.ok();
    if (line_) return show();
    std::string filled = name;
    filled.append(static_cast<std::size_t>(std::max(0, name_ - display_width(name))), ' ');
    std::cout << (f.ok() ? "ok      " : "FAILED  ") << filled << "  " << seconds(f.seconds) << "\n" << std::flush;
  }
  void end() const {
    if (line_) std::cout << "\r\033[K" << std::flush;
  }

 private:
  void show() const {
    if (!line_) return;
    std::string text = "[" + std::to_string(done_) + "/" + std::to_string(total_) + "]";
    if (failed_) text += " " + std::to_string(failed_) + " failed";
    for (const std::string& name : running_) text += "  " + name;
    std::cout << "\r\033[K" << text.substr(0, static_cast<std::size_t>(width_ - 1)) << std::flush;
  }
  bool line_;
  std::size_t total_, done_ = 0, failed_ = 0;
  int name_, width_ = 80;
  std::vector<std::string> running_;
  std::mutex mutex_;
};

}  // namespace

int run_all(const std::vector<Lesson>& lessons, bool plain, int jobs) {
  if (lessons.empty()) {
    std::cerr << "cotangent: there are no lessons\n";
    return 1;
  }
  const std::string results = results_folder();
  if (results.empty()) return 1;
  std::error_code ec;
  std::string here = (fs::temp_directory_path(ec) / "cotangent-run-XXXXXX").string();
  if (!mkdtemp(here.data())) here.clear();

  int width = 6;
  for (const Lesson& l : lessons) width = std::max(width, display_width(l.stem));
  std::vector<Finished> finished(lessons.size());
  Progress progress(plain, lessons.size(), width);
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stopped{false};
  const auto work = [&] {
    for (std::size_t i; !stopped && (i = next++) < lessons.size();) {
      const Lesson& l = lessons[i];
      progress.begun(l.stem);
      Command command;
      command.arguments = {lesson_program(l)};
      command.environment = {{"COTANGENT_RESULTS", results}};
      command.folder = here;
      command.output = Command::Output::capture;
      command.seconds = kSeconds;
      finished[i] = run_process(command);
      if (finished[i].interrupted) stopped = true;
      std::ofstream(results + "/output/" + l.stem + ".txt") << finished[i].output;
      progress.done(l.stem, finished[i]);
    }
  };
  // A lesson mostly uses one processor; more than two at once would only make the times look bad.
  const std::size_t most =
      jobs > 0 ? static_cast<std::size_t>(jobs) : std::min(2U, std::max(1U, std::thread::hardware_concurrency()));
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < std::min(most, lessons.size()); ++i) others.emplace_back(work);
  work();
  for (std::thread& t : others) t.join();
  progress.end();
  if (!here.empty()) fs::remove_all(here, ec);
  if (stopped) {
    std::cout << "interrupted\n";
    return 128 + SIGINT;
  }

  std::vector<std::vector<std::string>> rows;
  std::size_t failed = 0;
  double total = 0;
  for (std::size_t i = 0; i < lessons.size(); ++i) {
    rows.push_back({lessons[i].stem, finished[i].ok() ? "ok" : "FAILED", seconds(finished[i].seconds)});
    failed += !finished[i].ok();
    total += finished[i].seconds;
  }
  std::cout << "\n" << table({{"Lesson", width}, {"", 6}, {"Time", 8}}, rows);
  for (std::size_t i = 0; i < lessons.size(); ++i) {
    const Finished& f = finished[i];
    if (f.ok()) continue;
    std::cout << "\n" << lessons[i].stem << ": " << what_happened(f) << "\n" << last_lines(f.output, kTail);
    if (f.error == "No such file or directory")
      std::cout << "    It has not been built; ./cotangent run --all builds all first.\n";
    else std::cout << "    All of it: " << results << "/output/" << lessons[i].stem << ".txt\n";
  }
  std::cout << "\n"
            << lessons.size() - failed << " of " << lessons.size() << " lessons ok, " << seconds(total) << " of lessons\n"
            << "Figures and what the lessons printed: " << results << "\n";
  return failed == 0 ? 0 : 1;
}

}  // namespace cli
