// cli/screen.h -- the whole terminal as a screen, given back as it was on every way out.
#pragma once

#include <string>
#include <vector>

namespace cli {

/// While one of these lives, the terminal shows our screen and hands over single keys. However the program ends -- return,
/// exception, exit(), or a signal that ends it -- the terminal is as it was; suspended (Ctrl-Z), it is lent back.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  /// Shows these lines from the top; what is below is empty. A line must not be wider than the screen, colours aside.
  void draw(const std::vector<std::string>& lines);
  /// Gives the terminal to another program, and takes it back.
  void lend();
  void take();

  enum Key { none = 0, resized = -1, interrupt = -2, end_of_input = -3, up = 1000, down, page_up, page_down, home, end, escape };
  /// The next key: a character, or one of the above. None after `milliseconds`, or as soon as `other`, a file descriptor, can be read.
  int key(int milliseconds, int other);

 private:
  void measure();
  int rows_ = 24, columns_ = 80;
  std::string waiting_;  // bytes that came with a key
};

/// A text as lines that fit: tabs become blanks, other control characters vanish, long lines go on in the next, broken between words.
std::vector<std::string> fitted(const std::string& text, int width);
/// Cuts a line that is too long.
std::string cut(const std::string& line, int width);

}  // namespace cli
