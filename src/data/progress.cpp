// data/progress.cpp -- drawing progress bars in terminals, files and notebooks.
#include "cotangent/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

namespace ct {

namespace {

enum class Mode { off, terminal, lines, notebook };

using Clock = std::chrono::steady_clock;
double seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

std::string_view environment(const char* name) {
  const char* v = std::getenv(name);
  return v ? v : "";
}

Mode mode_of(const ProgressOptions& o) {
  if (o.disable()) return Mode::off;
  const std::string_view m = o.mode().empty() ? environment("CT_PROGRESS") : std::string_view(o.mode());
  if (m == "off") return Mode::off;
  if (m == "terminal") return Mode::terminal;
  if (m == "lines") return Mode::lines;
  if (m == "notebook") return Mode::notebook;
  return ::isatty(o.fd()) && environment("TERM") != "dumb" ? Mode::terminal : Mode::lines;
}

bool speaks_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view v = environment(name);
    if (v.empty()) continue;
    return v.find("UTF-8") != v.npos || v.find("utf8") != v.npos || v.find("UTF8") != v.npos || v.find("utf-8") != v.npos;
  }
  return false;
}

// Columns that a character takes: none for marks that combine, two for wide ones.
int columns_of(std::uint32_t c) {
  if (c >= 0x300 && c <= 0x36f) return 0;
  const bool wide = (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
                    (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) || (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
  return wide ? 2 : 1;
}
// The length of the character at s[i] in bytes, and what it is; bytes that are not UTF-8 count as characters of their own.
std::size_t next_character(std::string_view s, std::size_t i, std::uint32_t* c) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(s[k]); };
  const unsigned char b = byte(i);
  const std::size_t n = b < 0xc0 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
  *c = n == 1 ? b : b & (0xff >> (n + 1));
  if (i + n > s.size()) return 1;
  for (std::size_t k = 1; k < n; ++k) {
    if ((byte(i + k) & 0xc0) != 0x80) return 1;
    *c = *c << 6 | (byte(i + k) & 0x3f);
  }
  return n;
}
int width_of(std::string_view s) {
  int width = 0;
  std::uint32_t c = 0;
  for (std::size_t i = 0; i < s.size();) i += next_character(s, i, &c), width += columns_of(c);
  return width;
}
std::string cut(const std::string& s, int width) {
  std::uint32_t c = 0;
  for (std::size_t i = 0; i < s.size();) {
    const std::size_t n = next_character(s, i, &c);
    if ((width -= columns_of(c)) < 0) return s.substr(0, i);
    i += n;
  }
  return s;
}
// Without control characters, which would move the cursor.
std::string harmless(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  return out;
}

std::string clock_text(double s) {
  if (!(s >= 0 && s < 1e9)) return "?";
  const auto t = static_cast<long long>(s);
  char text[32];
  if (t >= 3600) std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", t / 3600, t / 60 % 60, t % 60);
  else std::snprintf(text, sizeof text, "%02lld:%02lld", t / 60, t % 60);
  return text;
}
std::string number_text(const char* format, double v) {
  char text[48];
  std::snprintf(text, sizeof text, format, v);
  return text;
}

std::atomic<int> running{0};  // bars that are being shown

}  // namespace

struct Progress::Impl {
  ProgressOptions options;
  Mode mode;
  bool utf8, leave, drawn = false;
  Clock::time_point start = Clock::now(), last = start;
  std::int64_t last_n = 0;
  double rate = 0;  // steps a second, the recent ones weighing more
  int last_width = 0;
  std::vector<std::pair<std::string, std::string>> postfix{};

  void put(const std::string& text) const {
    const char* p = text.data();
    for (std::size_t left = text.size(); left > 0;) {
      const ssize_t n = ::write(options.fd(), p, left);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;
      p += n;
      left -= static_cast<std::size_t>(n);
    }
  }

  // Columns to fill. The last one stays free: some terminals break the line when it is written.
  int columns() const {
    if (options.ncols()) return static_cast<int>(*options.ncols());
    winsize size{};
    if (mode == Mode::terminal && ::ioctl(options.fd(), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col - 1;
    const int n = std::atoi(std::string(environment("COLUMNS")).c_str());
    return n > 1 ? n - 1 : 79;
  }

  std::string bar(double share, int width) const {
    static constexpr const char* eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    std::string out;
    if (utf8) {
      const int filled = static_cast<int>(share * 8 * width);
      for (int i = 0; i < width; ++i) out += eighths[filled >= 8 * (i + 1) ? 8 : filled > 8 * i ? filled - 8 * i : 0];
    } else {
      const int filled = static_cast<int>(share * 10 * width);
      for (int i = 0; i < width; ++i) out += filled >= 10 * (i + 1) ? '#' : filled > 10 * i ? static_cast<char>('0' + filled - 10 * i) : ' ';
    }
    return out;
  }

  std::string line(std::int64_t n, Clock::time_point now, int width) const {
    const double elapsed = seconds(now - start), speed = rate > 0 ? rate : elapsed > 0 ? static_cast<double>(n) / elapsed : 0;
    const bool known = options.total() && *options.total() > 0 && n <= *options.total();
    std::string head = options.desc().empty() ? "" : harmless(options.desc()) + ": ";
    std::string tail = std::to_string(n);
    if (known) tail.append("/").append(std::to_string(*options.total()));
    else tail += options.unit();
    tail.append(" [").append(clock_text(elapsed));
    if (known) tail.append("<").append(speed > 0 ? clock_text(static_cast<double>(*options.total() - n) / speed) : "?");
    tail.append(", ");
    if (speed <= 0) tail.append("?").append(options.unit()).append("/s");
    else if (speed < 1) tail.append(number_text("%.2f", 1 / speed)).append("s/").append(options.unit());
    else tail.append(number_text("%.2f", speed)).append(options.unit()).append("/s");
    for (const auto& [name, value] : postfix) tail.append(", ").append(name).append("=").append(value);
    tail += "]";
    if (!known) return width > 0 ? cut(head + tail, width) : head + tail;

    const double share = static_cast<double>(n) / static_cast<double>(*options.total());
    head += number_text("%3.0f%%", std::floor(share * 100));
    if (width <= 0) return head.append(" ").append(tail);  // a file needs no bar
    const int room = width - width_of(head) - width_of(tail) - 3;
    if (room >= 3) head.append("|").append(bar(share, room > 60 ? 60 : room)).append("|");
    return cut(head.append(" ").append(tail), width);
  }

  void draw(std::int64_t n, Clock::time_point now) {
    if (mode == Mode::lines) {
      put(line(n, now, 0) + "\n");
    } else {
      const std::string text = line(n, now, columns());
      const int width = width_of(text);
      std::string out = "\r" + text;
      if (mode == Mode::terminal) out += "\x1b[K";  // what was there before and is longer
      else if (width < last_width) out.append(static_cast<std::size_t>(last_width - width), ' ');
      put(out);
      last_width = width;
    }
    drawn = true;
  }
  void erase() {
    if (!drawn || mode == Mode::lines) return;
    if (mode == Mode::terminal) put("\r\x1b[K");
    else put("\r" + std::string(static_cast<std::size_t>(last_width), ' ') + "\r");
  }
  double interval() const { return mode == Mode::lines ? options.line_interval() : options.mininterval(); }
};

Progress::Progress(std::optional<std::int64_t> total, const ProgressOptions& options) noexcept {
  try {
    const Mode mode = mode_of(options);
    if (mode == Mode::off) return;
    impl_ = new Impl{options, mode, mode == Mode::notebook || speaks_utf8(), options.leave().value_or(running == 0)};
    if (!impl_->options.total()) impl_->options.total() = total;
    ++running;
    next_ = 1;
    if (mode != Mode::lines) impl_->draw(0, impl_->start);
  } catch (...) {  // no memory: no bar
    next_ = INT64_MAX;
  }
}
Progress::Progress(const ProgressOptions& options) noexcept : Progress(options.total(), options) {}
Progress::~Progress() { close(); }

void Progress::look() noexcept {
  if (!impl_) return;
  const Clock::time_point now = Clock::now();
  const double since = seconds(now - impl_->last);
  if (since < impl_->interval()) {
    // Loops of short steps look less often, but soon enough to see that their steps become long.
    const double per_step = since / static_cast<double>(n_ - impl_->last_n > 0 ? n_ - impl_->last_n : 1);
    const double ahead = per_step > 0 ? impl_->interval() / per_step / 16 : 64;
    next_ = n_ + (ahead < 1 ? 1 : ahead > 64 ? 64 : static_cast<std::int64_t>(ahead));
    return;
  }
  refresh();
  next_ = n_ + 1;
}

void Progress::refresh() noexcept {
  if (!impl_) return;
  try {
    const Clock::time_point now = Clock::now();
    const double since = seconds(now - impl_->last);
    if (since > 0 && n_ > impl_->last_n) {
      const double speed = static_cast<double>(n_ - impl_->last_n) / since;
      impl_->rate = impl_->rate > 0 ? 0.3 * speed + 0.7 * impl_->rate : speed;
      impl_->last = now;
      impl_->last_n = n_;
    }
    impl_->draw(n_, now);
  } catch (...) {
  }
}

void Progress::set_description(std::string_view desc) noexcept {
  if (!impl_) return;
  try {
    impl_->options.desc() = std::string(desc);
  } catch (...) {
  }
}
void Progress::set_postfix(std::string_view name, std::string_view value) noexcept {
  if (!impl_) return;
  try {
    for (auto& [n, v] : impl_->postfix) {
      if (n != name) continue;
      v = harmless(value);
      return;
    }
    impl_->postfix.emplace_back(harmless(name), harmless(value));
  } catch (...) {
  }
}
void Progress::set_number(std::string_view name, double value) noexcept {
  char text[48];
  std::snprintf(text, sizeof text, "%.3g", value);
  set_postfix(name, std::string_view(text));
}
void Progress::set_number(std::string_view name, std::int64_t value) noexcept {
  char text[32];
  std::snprintf(text, sizeof text, "%lld", static_cast<long long>(value));
  set_postfix(name, std::string_view(text));
}

void Progress::write(std::string_view text) noexcept {
  if (!impl_) return;
  try {
    impl_->erase();
    impl_->put(std::string(text) + "\n");
    if (impl_->mode != Mode::lines) impl_->draw(n_, Clock::now());
  } catch (...) {
  }
}

void Progress::close() noexcept {
  if (!impl_) return;
  try {
    // The rate of the whole loop says more now than that of its last steps.
    impl_->rate = 0;
    if (!impl_->leave) {
      impl_->erase();
    } else {
      impl_->draw(n_, Clock::now());
      if (impl_->mode != Mode::lines) impl_->put("\n");
    }
  } catch (...) {
  }
  --running;
  delete impl_;
  impl_ = nullptr;
  next_ = INT64_MAX;
}

}  // namespace ct
