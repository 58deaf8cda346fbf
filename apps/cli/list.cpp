// cli/list.cpp -- the table of lessons and exercises, with the learner's progress once there is some.
#include "list.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "progress.h"
#include "steps.h"
#include "text.h"

namespace cli {
namespace {

// 80 to 140 columns, as the window; of what is no window, $COLUMNS or 100.
int page_width() {
  winsize w{};
  int columns = 0;
  if (isatty(STDOUT_FILENO)) columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
  else if (const char* set = std::getenv("COLUMNS")) columns = std::atoi(set);
  return columns > 0 ? std::clamp(columns, 80, 140) : 100;
}

}  // namespace

int list_command() {
  auto steps = course_steps(course_folder());
  if (steps.empty()) {
    std::cerr << "cotangent: no lessons in " << course_folder() << '\n';
    return 1;
  }
  // By number, as one looks things up; `learn` has the order in which they are best taken.
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
    const auto place = [](const Step& s) { return s.kind == Step::Kind::exercise ? 2 : s.id()[0] >= '0' && s.id()[0] <= '9' ? 0 : 1; };
    return place(a) < place(b);
  });
  const Progress progress = read_progress();
  std::vector<std::vector<std::string>> rows;
  int id = 2, level = 5, title = 5, done = 0;
  for (const Step& step : steps) {
    const Lesson& l = step.source;
    rows.push_back({l.id, mark(step, progress), l.title, l.level, l.concepts});
    id = std::max(id, display_width(l.id));
    done = std::max(done, display_width(rows.back()[1]));
    level = std::max(level, display_width(l.level));
    title = std::max(title, display_width(l.title));
  }
  const int width = page_width();
  id = std::min(id, 20);
  level = std::min(level, 12);
  title = std::min(title, 34);
  std::vector<Column> columns{{"No", id}, {"Done", std::max(done, 4)}, {"Title", title}, {"Level", level}};
  if (done == 0) {
    for (auto& row : rows) row.erase(row.begin() + 1);
    columns.erase(columns.begin() + 1);
  }
  int left = width;
  for (const Column& column : columns) left -= column.width + 2;
  const bool wide = width >= 96;  // else each lesson would have three or four lines
  if (wide) columns.push_back({"Key concepts", left});
  else
    for (auto& row : rows) row.pop_back();
  std::cout << table(columns, rows);
  if (!wide) std::cout << "\nA window of 96 columns also has room for the key concepts.\n";
  return 0;
}

}  // namespace cli
