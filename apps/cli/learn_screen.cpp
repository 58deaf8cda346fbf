// cli/learn_screen.cpp -- the guide on a terminal: one step of the course at a time, with keys and a check on every save.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <utility>

#include "learn.h"
#include "learner_folder.h"
#include "paint.h"
#include "process.h"
#include "progress.h"
#include "screen.h"
#include "step_run.h"
#include "step_text.h"
#include "text.h"
#include "watch.h"

namespace fs = std::filesystem;

namespace cli {
namespace {

// Compiles the checks of an exercise in the background, so that the first save is answered as soon as the later ones. Twice forked,
// so that nobody has to wait for it; it ends by itself.
void warm_up(const std::string& exercise) {
  const pid_t child = fork();
  if (child < 0) return;
  if (child > 0) {
    waitpid(child, nullptr, 0);
    return;
  }
  if (fork() != 0) _exit(0);
  setsid();
  const int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  if (nice(10) < 0) {}
  for (const int signal : {SIGINT, SIGTSTP, SIGWINCH, SIGPIPE}) ::signal(signal, SIG_DFL);
  execl("/proc/self/exe", "cotangent-cli", "warm", exercise.c_str(), static_cast<char*>(nullptr));
  _exit(127);
}

class Learn {
 public:
  explicit Learn(const std::vector<Step>& steps)
      : steps_(steps), progress_(read_progress()), folder_(progress_.folder), at_(here(steps, progress_)), watch_(files()) {
    std::error_code error;
    if (!fs::is_directory(folder_, error)) folder_.clear();
    introduce();
  }

  int run() {
    for (;;) {
      draw();
      const int key = screen_.key(1000, watch_.fd());
      notice_saves();
      switch (key) {
        case Screen::none:
        case Screen::resized: continue;
        case 'x':
        case 'Q':
        case Screen::interrupt:
        case Screen::end_of_input: return 0;
        case Screen::up:
        case 'k': top_ -= 1; continue;
        case Screen::down:
        case 'j': top_ += 1; continue;
        case Screen::page_up: top_ -= pane() - 1; continue;
        case Screen::page_down:
        case ' ': top_ += pane() - 1; continue;
        case Screen::home: top_ = 0; continue;
        case Screen::end: top_ = 1 << 20; continue;
        default: break;
      }
      message_.clear();
      act(key);
    }
  }

 private:
  const Step& step() const { return steps_[at_]; }
  bool exercise() const { return step().exercise(); }

  std::vector<std::string> files() const {
    std::vector<std::string> all;
    if (folder_.empty()) return all;
    for (const Step& step : steps_) all.push_back(folder_ + "/" + learner_name(step));
    return all;
  }

  void act(int key) {
    if (key >= '0' && key <= '9') {
      wanted_ += static_cast<char>(key);
      message_ = "Lesson " + wanted_ + "? Enter goes there.";
      return;
    }
    const std::string number = std::exchange(wanted_, "");
    if (!number.empty()) {
      if (key == '\n' || key == '\r') go_to_lesson(number);
      return;
    }
    switch (key) {
      case 'r': work(exercise() ? "checking" : "running"); break;
      case 'q': quiz(); break;
      case 'h':
      case 'H': hint(key == 'H'); break;
      case 's':
      case 'S': solution(key == 'S'); break;
      case 'd': show("your file and the worked one", "solution", {step().id(), "--diff"}); break;
      case 'f':
        if (compiler_.empty()) message_ = "The compiler had nothing to say.";
        else set_pane("all that the compiler says", compiler_);
        break;
      case 'l': overview(); break;
      case 'u': show("your folder", "start", {}); break;
      case 'i': introduce(); break;
      case 'e': edit(); break;
      case 'n': move(1); break;
      case 'b': move(-1); break;
      case 'g':
        if (elsewhere_) go(*elsewhere_);
        break;
      case Screen::escape:
      case '\n':
      case '\r': break;
      default: message_ = "There is no such key; those below work."; break;
    }
  }

  // --- What the keys do ---------------------------------------------------------------------------------------------------------

  void work(const char* doing) {
    message_ = std::string(doing) + " ...  (Ctrl-C stops it)";
    draw();
    const bool before = standing(step(), progress_).done;
    const auto start = std::chrono::steady_clock::now();
    const Outcome out = work_on(step(), folder_);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    progress_ = read_progress();
    compiler_ = out.compiler;
    const bool done = standing(step(), progress_).done;
    std::string text = out.text;
    if (done && (!before || exercise()) && out.ok) text += "\n" + achieved(step()) + next_line();
    char time[32];
    std::snprintf(time, sizeof time, "  (%.1f s)", seconds);
    set_pane(out.summary + time, text);
    // What is wrong first is what to look at first.
    const auto bad = std::find_if(lines_.begin(), lines_.end(), [](const std::string& line) { return line.starts_with("NO "); });
    if (bad != lines_.end() && bad - lines_.begin() > pane() - 4) top_ = static_cast<int>(bad - lines_.begin());
    if (out.ok) message_ = done ? next_line() : "Now its questions: q";
    else if (compiler_.empty()) message_ = "Change your file and save it: it is looked at again.";
    else message_ = "Change your file and save it. f shows all that the compiler says.";
    while (!message_.empty() && message_.back() == '\n') message_.pop_back();
  }

  std::string next_line() const {
    if (at_ + 1 < steps_.size()) return "n for the next: " + steps_[at_ + 1].title() + '\n';
    if (next_undone(steps_, progress_, 0)) return "This was the last step; b goes back to what is still open.\n";
    return "That was all of it: every lesson, every question, every exercise.\n";
  }

  void quiz() {
    if (step().questions == 0) {
      message_ = exercise() ? "An exercise has no questions; r checks it." : "This lesson asks nothing; n for the next.";
      return;
    }
    const bool before = standing(step(), progress_).done;
    hand_over(own_command({"quiz", step().id()}, true), true);
    progress_ = read_progress();
    if (!before && standing(step(), progress_).done) set_pane("", achieved(step()) + next_line());
  }

  // Another program has the terminal; `wait`: its last lines stay until a key.
  void hand_over(const std::vector<std::string>& words, bool wait) {
    screen_.lend();
    Command command;
    command.arguments = words;
    command.input = true;
    const Finished finished = run_process(command);
    if (!finished.error.empty()) std::cout << words[0] << ": " << what_happened(finished) << '\n';
    if (wait || !finished.error.empty()) {
      std::cout << "\nEnter: back to the guide " << std::flush;
      for (int c = std::getchar(); c != '\n' && c != EOF; c = std::getchar()) {}
      std::clearerr(stdin);
    }
    screen_.take();
  }

  void show(const std::string& title, const std::string& command_name, std::vector<std::string> words) {
    words.insert(words.begin(), command_name);
    Command command;
    command.arguments = own_command(words, false);
    command.output = Command::Output::capture;
    command.seconds = 20;
    const Finished finished = run_process(command);
    progress_ = read_progress();
    set_pane(title, finished.error.empty() ? finished.output : what_happened(finished));
    status_ = finished.status;
  }

  void hint(bool again) {
    if (!exercise()) {
      message_ = "Hints are for exercises and workshops; a lesson is to be run (r), changed and run again.";
      return;
    }
    show("hint", "hint", again ? std::vector<std::string>{step().id(), "--again"} : std::vector<std::string>{step().id()});
    set_pane("hint", joined(text_));
    message_ = "h: the next hint   H: this one again";
  }

  void solution(bool insist) {
    if (!exercise()) {
      message_ = "Solutions are for exercises and workshops.";
      return;
    }
    show("a worked solution", "solution",
         insist ? std::vector<std::string>{step().id(), "--insist"} : std::vector<std::string>{step().id()});
    if (status_ == 1) {
      set_pane("",
               "You have not tried it yet. Trying first is what makes the solution worth reading.\n\n  h   a hint\n  r   checks "
               "your file: a try, once you have changed it\n  S   shows the solution all the same\n");
    } else {
      message_ = "d: beside your file";
    }
  }

  void edit() {
    const char* editor = std::getenv("VISUAL");
    if (!editor || !*editor) editor = std::getenv("EDITOR");
    const auto file = learner_file(step(), folder_);
    if (!file) message_ = "There is no file of yours to edit.";
    else if (!editor || !*editor)
      message_ = "Open " + shown(*file) + " in your editor. (With the variable EDITOR set, e does it.)";
    else hand_over({"/bin/sh", "-c", std::string(editor) + " \"$0\"", *file}, false);
  }

  void move(int by) {
    if (by < 0 && at_ == 0) message_ = "This is the first step.";
    else if (by > 0 && at_ + 1 == steps_.size()) message_ = next_line();
    else go(by < 0 ? at_ - 1 : at_ + 1);
    while (!message_.empty() && message_.back() == '\n') message_.pop_back();
  }

  void go(std::size_t where) {
    at_ = where;
    elsewhere_.reset();
    compiler_.clear();
    change_progress([&](Progress& p) { p.place = step().id(); });
    progress_ = read_progress();
    introduce();
  }

  void go_to_lesson(const std::string& number) {
    std::vector<Lesson> lessons;
    for (const Step& step : steps_) lessons.push_back(step.source);
    const Found found = find_lesson(lessons, number);
    if (found.lesson) go(*find_step(steps_, found.lesson->id));
    else message_ = "There is no lesson " + number + ".";
  }

  // All steps in their order, a line each.
  void overview() {
    std::string text;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      std::string done = mark(steps_[i], progress_);
      for (int w = display_width(done); w < 9; ++w) done += ' ';
      text += (i == at_ ? "\u25b8 " : "  ") + done + ' ' + steps_[i].title() + '\n';
    }
    set_pane("the course; a lesson's number and Enter go there", text);
    top_ = static_cast<int>(at_) - pane() / 2;
  }

  void introduce() {
    std::string text = introduction(step().file);
    const auto file = learner_file(step(), folder_);
    if (exercise()) {
      if (!file) {
        text += folder_.empty()
                    ? "\nExercises and workshops are done in a folder of your own: leave with x, then  ./cotangent start ~/cotangent-course\n"
                    : "\nYour folder lacks this file: u brings it.\n";
      } else {
        const std::string gaps = open_gaps(*file);
        text += (gaps.empty() ? "\nr checks your file."
                              : "\nThe gaps in your file:\n" + gaps +
                                    "\nFill them in your editor, and save: your file is checked at once.");
        text += step().questions > 0 ? " h is a hint. q asks its questions.\n" : " h is a hint.\n";
      }
    } else {
      text += file ? "\nr runs it. It is yours to change: save it, and it runs again." : "\nr runs it.";
      text += step().questions > 0 ? " q asks its questions.\n" : "\n";
    }
    set_pane("", text);
    if (exercise() && file && std::exchange(warm_, step().id()) != step().id()) warm_up(step().id());
  }

  void notice_saves() {
    for (const std::size_t i : watch_.saved()) {
      if (i == at_) {
        work("saved: looking at it");
        elsewhere_.reset();
      } else {
        elsewhere_ = i;
        message_ = "You saved " + learner_name(steps_[i]) + ": g goes there.";
      }
    }
  }

  // --- Drawing ------------------------------------------------------------------------------------------------------------------

  int pane() const { return std::max(1, screen_.rows() - 8); }

  void set_pane(const std::string& title, const std::string& text) {
    pane_title_ = title;
    text_ = text;
    top_ = 0;
    lines_ = fitted(text_, screen_.columns());
  }

  std::string bar() const {
    const std::size_t done = count_done(steps_, progress_), all = steps_.size();
    const std::string count = "  " + std::to_string(done) + " of " + std::to_string(all);
    const int width = std::min(40, screen_.columns() - display_width(count) - 14);
    if (width < 5) return "Cotangent" + count;
    const int full = static_cast<int>(done * static_cast<std::size_t>(width) / all);
    std::string filled, empty;
    for (int i = 0; i < width; ++i) (i < full ? filled : empty) += i < full ? "\u2588" : "\u2591";
    return painted(Paint::bold, "Cotangent") + "  " + painted(Paint::green, filled) + painted(Paint::faint, empty) + count;
  }

  std::string rule(const std::string& text) const {
    const int width = screen_.columns();
    std::string line = text.empty() ? "" : "\u2500\u2500 " + cut(text, std::max(0, width - 6)) + ' ';
    for (int i = display_width(line); i < width; ++i) line += "\u2500";
    return line;
  }

  void draw() {
    const int width = screen_.columns();
    lines_ = fitted(text_, width);
    const int all = static_cast<int>(lines_.size());
    top_ = std::clamp(top_, 0, std::max(0, all - pane()));
    const auto file = learner_file(step(), folder_);
    std::vector<std::string> out;
    out.push_back(bar());
    out.push_back("");
    const std::string title = cut(step().title(), width);
    const std::string status = status_line(step(), progress_);
    const bool fits = display_width(title) + display_width(status) + 4 <= width;
    out.push_back(painted(Paint::bold, title) +
                  (fits ? "    " + painted(standing(step(), progress_).done ? Paint::green : Paint::yellow, status) : ""));
    out.push_back(painted(Paint::faint, cut(file ? shown(*file) : step().source.concepts, width)));
    out.push_back(painted(Paint::faint, rule(pane_title_)));
    for (int i = 0; i < pane(); ++i) {
      out.push_back(top_ + i < all ? painted_checks(lines_[static_cast<std::size_t>(top_ + i)]) : "");
    }
    std::string place;
    if (all > pane())
      place = std::to_string(top_ + 1) + "-" + std::to_string(std::min(all, top_ + pane())) + " of " + std::to_string(all) +
              " lines, space and arrows move";
    out.push_back(painted(Paint::faint, rule(place)));
    out.push_back(painted(Paint::yellow, cut(message_, width)));
    out.push_back(cut(exercise() && step().questions > 0
                          ? "r check  q quiz  h hint  s solution  f compiler  e edit  i intro  l list  n next  b back  x quit"
                      : exercise() ? "r check  h hint  s solution  f compiler  e edit  i intro  l list  n next  b back  x quit"
                                 : "r run  q quiz  f compiler  e edit  i intro  l list  n next  b back  x quit",
                      width));
    if (static_cast<int>(out.size()) > screen_.rows()) out.resize(static_cast<std::size_t>(screen_.rows()));
    screen_.draw(out);
  }

  const std::vector<Step>& steps_;
  Progress progress_;
  std::string folder_;
  std::size_t at_;
  Watch watch_;
  Screen screen_;
  std::string pane_title_, text_, message_, compiler_;
  std::vector<std::string> lines_;        // text_ as it fits
  int top_ = 0;                           // the first of them that is seen
  std::string warm_;                      // the exercise whose checks are compiled already
  std::string wanted_;                    // the digits of a lesson's number, as typed so far
  int status_ = 0;                        // of the last command that was shown
  std::optional<std::size_t> elsewhere_;  // another step's file that was saved
};

}  // namespace

int learn_on_screen(const std::vector<Step>& steps) {
  {
    Learn learn(steps);
    learn.run();
  }
  const Progress progress = read_progress();
  const Step& step = steps[here(steps, progress)];
  std::cout << "Until next time. You are at " << step.title() << "; ./cotangent learn goes on from there.\n";
  return 0;
}

}  // namespace cli
