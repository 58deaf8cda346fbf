// tests/data/progress.cpp -- progress bars: in a pseudo terminal, in a pipe, in a notebook, turned off.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "cotangent/progress.h"
#include "data/data_check.h"

using namespace data_check;
using ct::Progress;
using ct::ProgressOptions;

namespace {

std::string read_all(int fd) {
  std::string out;
  char buffer[4096];
  pollfd p{fd, POLLIN, 0};
  while (::poll(&p, 1, 50) > 0 && (p.revents & POLLIN)) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) break;
    out.append(buffer, static_cast<std::size_t>(n));
  }
  return out;
}

struct Terminal {
  explicit Terminal(unsigned short columns) : master(::posix_openpt(O_RDWR | O_NOCTTY)) {
    REQUIRE(master >= 0);
    REQUIRE(::grantpt(master) == 0);
    REQUIRE(::unlockpt(master) == 0);
    slave = ::open(::ptsname(master), O_RDWR | O_NOCTTY);
    REQUIRE(slave >= 0);
    resize(columns);
  }
  ~Terminal() { ::close(master), ::close(slave); }
  void resize(unsigned short columns) const {
    winsize size{};
    size.ws_col = columns;
    size.ws_row = 24;
    REQUIRE(::ioctl(slave, TIOCSWINSZ, &size) == 0);
  }
  std::string written() const { return read_all(master); }
  int master, slave = -1;
};
struct Pipe {
  Pipe() { REQUIRE(::pipe(ends) == 0); }
  ~Pipe() { ::close(ends[0]), ::close(ends[1]); }
  std::string written() const { return read_all(ends[0]); }
  int ends[2];
};
// Sets environment variables for a test.
struct Environment {
  Environment(const char* name, const char* value) : name(name) {
    if (const char* v = std::getenv(name)) before = v;
    ::setenv(name, value, 1);
  }
  ~Environment() { before ? ::setenv(name, before->c_str(), 1) : ::unsetenv(name); }
  const char* name;
  std::optional<std::string> before{};
};

// What is drawn between carriage returns, and its width.
std::vector<std::string> frames(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\r', at), text.size());
    if (end > at && text.substr(at, end - at) != "\n") out.push_back(text.substr(at, end - at));  // a terminal ends lines with both
    at = end + 1;
  }
  return out;
}
int columns(const std::string& s) {
  int n = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\x1b') i += 2;  // ESC [ K
    else n += (static_cast<unsigned char>(s[i]) & 0xc0) != 0x80 && s[i] != '\n';
  }
  return n;
}
int count(const std::string& s, const std::string& part) {
  int n = 0;
  for (std::size_t at = s.find(part); at != s.npos; at = s.find(part, at + 1)) ++n;
  return n;
}
void wait(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

}  // namespace

TEST_CASE("progress: a terminal has one line, no wider than itself, that ends when the loop does") {
  const Environment term("TERM", "xterm"), locale("LC_ALL", "C.UTF-8"), none("CT_PROGRESS", "");
  const Terminal t(50);
  {
    Progress bar(20, ProgressOptions("training").fd(t.slave).mininterval(0));
    for (int i = 0; i < 20; ++i) {
      if (i == 10) t.resize(30);
      bar.set_postfix("loss", 1.0 / (i + 1));
      wait(1);
      bar.update();
    }
  }
  const std::string text = t.written();
  const auto all = frames(text);
  REQUIRE(all.size() >= 21);
  CHECK(text[0] == '\r');
  CHECK(count(text, "\n") == 1);
  CHECK(text.substr(text.size() - 1) == "\n");
  CHECK(has(all[0], "training:   0%|"));
  CHECK(has(all[0], "| 0/20 [00:00<?, ?it/s]"));
  CHECK(has(all[5], "training:  25%"));
  CHECK(has(all[5], "5/20 ["));
  CHECK(has(all[5], "\x1b[K"));
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(columns(all[i]) <= (i <= 10 ? 49 : 29));
  CHECK(columns(all[4]) == 49);
  CHECK(has(all.back(), "training: 100%"));

  // Not a character of UTF-8 is cut in two, whatever the width.
  for (unsigned short width = 2; width < 40; ++width) {
    const Terminal narrow(width);
    Progress bar(3, ProgressOptions("größe \xe6\x95\xb0\xe6\x8d\xae").fd(narrow.slave));
    bar.update();
    bar.close();
    for (const std::string& f : frames(narrow.written())) CHECK(columns(f) <= width - 1);
  }
}

TEST_CASE("progress: updates are rare when the steps are short, and the rest of the bar is true") {
  const Environment term("TERM", "xterm"), locale("LC_ALL", "C"), none("CT_PROGRESS", "");
  const Terminal t(80);
  {
    Progress bar(2000000, ProgressOptions().fd(t.slave).mininterval(0.05));
    for (int i = 0; i < 2000000; ++i) bar.update();
  }
  const auto all = frames(t.written());
  CHECK(all.size() < 200);
  CHECK(has(all.back(), "100%|####"));
  CHECK(has(all.back(), "2000000/2000000 ["));

  // Steps that suddenly take long are seen soon.
  const Terminal slow(80);
  Progress bar(2000, ProgressOptions().fd(slow.slave).mininterval(0.01));
  for (int i = 0; i < 1900; ++i) bar.update();
  for (int i = 0; i < 80; ++i) wait(1), bar.update();
  CHECK(has(frames(slow.written()).back(), "19"));
}

TEST_CASE("progress: a file or pipe gets plain lines, rarely") {
  const Environment none("CT_PROGRESS", "");
  const Pipe p;
  {
    Progress bar(500, ProgressOptions("epoch 1").fd(p.ends[1]));
    for (int i = 0; i < 500; ++i) bar.update();
    bar.write("a word");
    bar.set_postfix("loss", 0.3125f);
    bar.set_postfix("best", 7);
  }
  const std::string text = p.written();
  CHECK(count(text, "\r") == 0);
  CHECK(count(text, "\x1b") == 0);
  CHECK(count(text, "\n") == 2);
  CHECK(text.substr(0, 7) == "a word\n");
  CHECK(has(text, "epoch 1: 100% 500/500 [00:00<00:00, "));
  CHECK(has(text, "it/s, loss=0.312, best=7]\n"));

  const Pipe often;
  Progress bar(4, ProgressOptions().fd(often.ends[1]).line_interval(0));
  for (int i = 0; i < 4; ++i) bar.update();
  bar.close();
  bar.update();
  CHECK(bar.n() == 5);
  CHECK(count(often.written(), "\n") == 5);
}

TEST_CASE("progress: a notebook is drawn over without escape codes") {
  const Pipe p;
  {
    Progress bar(std::nullopt, ProgressOptions("a long description").fd(p.ends[1]).mode("notebook").ncols(60).mininterval(0).unit("batch"));
    bar.update(3);
    bar.set_description("short");
    bar.update(4);
  }
  const std::string text = p.written();
  CHECK(count(text, "\x1b") == 0);
  const auto all = frames(text);
  REQUIRE(all.size() == 4);
  CHECK(has(all[0], "a long description: 0batch [00:00, ?batch/s]"));
  CHECK(has(all[1], "3batch [00:00, "));
  CHECK(all[2].size() >= all[1].size());  // blanks over what was longer
  CHECK(has(all[2], "short: 7batch ["));
  CHECK(text.back() == '\n');

  const Environment set("CT_PROGRESS", "notebook");
  const Pipe q;
  Progress(2, ProgressOptions().fd(q.ends[1]));
  CHECK(has(q.written(), "\r  0%|"));
}

TEST_CASE("progress: turned off it writes nothing") {
  const Pipe p;
  {
    Progress bar(3, ProgressOptions().fd(p.ends[1]).disable(true));
    bar.update();
    bar.set_postfix("a", "b");
    bar.write("nothing");
    bar.refresh();
    CHECK(bar.n() == 1);
    const Environment off("CT_PROGRESS", "off");
    for (const auto i : ct::progress(5, ProgressOptions().fd(p.ends[1]))) (void)i;
  }
  CHECK(p.written().empty());
  Progress closed(3, ProgressOptions().fd(-1).mode("terminal"));  // nowhere to write to
  for (int i = 0; i < 3; ++i) closed.update();
  CHECK(closed.n() == 3);
}

TEST_CASE("progress: ranges, loaders, loops that are left") {
  const Pipe p;
  const auto options = ProgressOptions().fd(p.ends[1]).mode("lines");
  std::int64_t sum = 0;
  for (const auto i : ct::progress(4, options)) sum += i;
  CHECK(sum == 6);
  CHECK(has(p.written(), "100% 4/4 ["));
  std::vector<int> v{1, 2, 3};
  for (int& x : ct::progress(v, options)) x *= 2;
  CHECK(v == std::vector<int>{2, 4, 6});
  CHECK(has(p.written(), "100% 3/3 ["));
  ct::data::DataLoader loader(ct::data::TensorDataset(ct::arange(10), ct::arange(10)), 4);
  int batches = 0;
  for (auto& [x, y] : ct::progress(loader, options)) batches += x.size(0) == y.size(0);
  CHECK(batches == 3);
  CHECK(has(p.written(), "100% 3/3 ["));
  for (const auto& x : ct::progress(ct::data::DataLoader(ct::data::TensorDataset(ct::arange(10)), 5), options)) {
    (void)x;
    break;
  }
  CHECK(has(p.written(), "0% 0/2 ["));
  auto stream = ct::data::make_data_loader(ct::data::datasets::TensorDataset(ct::arange(10)), 5);
  for (auto& b : ct::progress(*stream, options)) (void)b;
  CHECK(has(p.written(), "2it [00:00, "));
  for (const auto i : ct::progress(0, options)) (void)i;
  CHECK(has(p.written(), "0it [00:00, ?it/s]"));

  // An exception leaves the line, so that what is written next has one of its own.
  const Terminal t(60);
  try {
    for (const auto i : ct::progress(9, ProgressOptions().fd(t.slave).mode("terminal")))
      if (i == 3) throw std::runtime_error("stop");
  } catch (const std::runtime_error&) {
  }
  const std::string text = t.written();
  CHECK(has(text, "3/9 ["));
  CHECK(text.back() == '\n');
}

TEST_CASE("progress: a loop inside a loop is wiped off when it is done") {
  const Terminal t(60);
  const auto options = ProgressOptions().fd(t.slave).mode("terminal").mininterval(0);
  for (const auto e : ct::progress(2, ProgressOptions(options).desc("outer"))) {
    (void)e;
    for (const auto i : ct::progress(2, ProgressOptions(options).desc("inner"))) (void)i;
  }
  const std::string text = t.written();
  CHECK(count(text, "\n") == 1);
  CHECK(has(frames(text).back(), "outer: 100%"));
  CHECK(has(text, "inner: 100%"));
}
