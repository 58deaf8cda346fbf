// cli/screen.cpp -- the terminal: raw keys, drawing, and giving it back as it was.
#include "screen.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "text.h"

namespace cli {
namespace {

// What signal handlers need.
termios before;
volatile sig_atomic_t taken = 0;
int bell[2] = {-1, -1};  // a byte for each signal that the loop must hear of: 'w' a new size, 'i' Ctrl-C

constexpr int kEnding[] = {SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr const char* kEnter = "\033[?1049h\033[?25l\033[2J";  // the other screen, no cursor, empty
constexpr const char* kLeave = "\033[0m\033[?25h\033[?1049l";

void say(const char* text) {
  std::size_t left = std::strlen(text);
  while (left > 0) {
    const ssize_t n = write(STDOUT_FILENO, text, left);
    if (n < 0 && errno != EINTR && errno != EAGAIN) return;
    if (n > 0) text += n, left -= static_cast<std::size_t>(n);
  }
}

void set_keys() {
  termios t = before;
  t.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // signals stay: Ctrl-C stops a check that runs
  t.c_cc[VMIN] = 1;
  t.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}

// Only system calls: this runs in signal handlers, too.
void leave() {
  if (!taken) return;
  taken = 0;
  say(kLeave);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

void enter() {
  if (taken) return;
  set_keys();
  say(kEnter);
  taken = 1;
}

void ring(char c) {
  const int error = errno;
  if (bell[1] >= 0 && write(bell[1], &c, 1) < 0) {}  // full: it rings already
  errno = error;
}

void on_end(int signal) {
  leave();
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  raise(signal);
}

void on_stop(int signal) {
  const int error = errno;
  const bool was = taken;
  leave();
  struct sigaction action {
  }, ours{};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, &ours);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  raise(signal);
  sigprocmask(SIG_UNBLOCK, &one, nullptr);  // here we stop, and go on when the shell says so
  sigaction(signal, &ours, nullptr);
  if (was) enter();
  ring('w');
  errno = error;
}

void install() {
  struct sigaction action {};
  action.sa_handler = on_end;
  for (const int signal : kEnding) sigaction(signal, &action, nullptr);
  action.sa_handler = on_stop;
  sigaction(SIGTSTP, &action, nullptr);
  action.sa_handler = [](int) { ring('w'); };
  sigaction(SIGWINCH, &action, nullptr);
  action.sa_handler = [](int) { ring('i'); };
  sigaction(SIGINT, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

// "\033[A" and its like.
int special(std::string& bytes) {
  struct Sequence {
    const char* bytes;
    int key;
  };
  static constexpr Sequence known[] = {{"[A", Screen::up},   {"OA", Screen::up},       {"[B", Screen::down},
                                       {"OB", Screen::down}, {"[5~", Screen::page_up}, {"[6~", Screen::page_down},
                                       {"[H", Screen::home}, {"OH", Screen::home},     {"[1~", Screen::home},
                                       {"[F", Screen::end},  {"OF", Screen::end},      {"[4~", Screen::end}};
  for (const Sequence& s : known) {
    if (!bytes.starts_with(s.bytes)) continue;
    bytes.erase(0, std::strlen(s.bytes));
    return s.key;
  }
  // Another one: dropped as a whole, so that its letters are no keys.
  if (bytes.starts_with('[')) {
    std::size_t end = 1;
    while (end < bytes.size() && (bytes[end] < '@' || bytes[end] > '~')) ++end;
    bytes.erase(0, std::min(bytes.size(), end + 1));
    return Screen::none;
  }
  if (bytes.starts_with('O')) {
    bytes.erase(0, 2);
    return Screen::none;
  }
  return Screen::escape;
}

}  // namespace

Screen::Screen() {
  tcgetattr(STDIN_FILENO, &before);
  if (bell[0] < 0 && pipe2(bell, O_CLOEXEC | O_NONBLOCK) != 0) bell[0] = bell[1] = -1;
  install();
  static const bool once = std::atexit(leave) == 0;
  (void)once;
  enter();
  measure();
}

Screen::~Screen() {
  leave();
  for (const int signal : kEnding) ::signal(signal, SIG_DFL);
  for (const int signal : {SIGTSTP, SIGWINCH, SIGINT, SIGPIPE}) ::signal(signal, SIG_DFL);
}

void Screen::measure() {
  winsize w{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0 || w.ws_row == 0) w.ws_row = 24, w.ws_col = 80;
  rows_ = w.ws_row;
  columns_ = w.ws_col;
}

void Screen::lend() { leave(); }
void Screen::take() {
  tcflush(STDIN_FILENO, TCIFLUSH);
  enter();
  measure();
}

void Screen::draw(const std::vector<std::string>& lines) {
  std::string out = "\033[H";
  for (int i = 0; i < rows_; ++i) {
    if (i < static_cast<int>(lines.size())) out += lines[static_cast<std::size_t>(i)];
    out += "\033[0m\033[K";
    if (i + 1 < rows_) out += "\r\n";
  }
  say(out.c_str());
}

int Screen::key(int milliseconds, int other) {
  if (waiting_.empty()) {
    pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {bell[0], POLLIN, 0}, {other, POLLIN, 0}};
    if (poll(fds, 3, milliseconds) <= 0) return none;
    if (fds[1].revents & POLLIN) {
      char c = 0;
      bool stop = false;
      while (read(bell[0], &c, 1) == 1) stop = stop || c == 'i';
      measure();
      return stop ? interrupt : resized;
    }
    if (!(fds[0].revents & (POLLIN | POLLHUP | POLLERR))) return none;
    char bytes[64];
    const ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n <= 0) return n < 0 && errno == EINTR ? none : end_of_input;
    waiting_.assign(bytes, static_cast<std::size_t>(n));
  }
  const char first = waiting_[0];
  waiting_.erase(0, 1);
  if (first == '\033') return special(waiting_);
  if (first == '\004') return end_of_input;
  return static_cast<unsigned char>(first);
}

std::vector<std::string> fitted(const std::string& text, int width) {
  std::vector<std::string> lines;
  std::string line;
  int used = 0;
  const auto end_line = [&] {
    lines.push_back(line);
    line.clear();
    used = 0;
  };
  // At the last blank if there is one not too far back; what follows begins where the line began.
  const auto break_line = [&](char next) {
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    const std::size_t blank = line.rfind(' ');
    std::string rest;
    if (next != ' ' && blank != line.npos && blank > indent && display_width(line.substr(blank)) < width / 3) {
      rest = line.substr(blank + 1);
      line.resize(blank);
    }
    lines.push_back(line);
    line = std::string(static_cast<int>(indent) < width / 2 ? indent : 0, ' ') + rest;
    used = display_width(line);
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c == '\n') {
      end_line();
    } else if (c == '\033') {  // a colour, or another order to the terminal: none of it is for this screen
      if (i + 1 < text.size() && text[i + 1] == '[') {
        i += 2;
        while (i < text.size() && (text[i] < '@' || text[i] > '~')) ++i;
      }
    } else if (c == '\t') {
      do line += ' ', ++used;
      while (used % 8 != 0 && used < width);
    } else if (c >= 0x20 && c != 0x7f) {
      const bool begins = (c & 0xC0) != 0x80;
      if (begins && used >= width) {
        break_line(text[i]);
        if (c == ' ' && trim(line).empty()) continue;
      }
      line += static_cast<char>(c);
      used += begins;
    }
  }
  if (!line.empty()) end_line();
  return lines;
}

std::string cut(const std::string& line, int width) {
  if (display_width(line) <= width) return line;
  std::string out;
  int used = 0;
  for (const char c : line) {
    const bool begins = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (begins && used + 1 >= width) break;
    out += c;
    used += begins;
  }
  return width > 0 ? out + "\u2026" : "";
}

}  // namespace cli
