// cli/list.cpp -- the table of lessons and exercises, with the learner's progress once there is some.
#include "list.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "progress.h"
#include "steps.h"
#include "text.h"

namespace cli {
namespace {

// 80 to 100 columns, whatever the window.
int page_width() {
  winsize w{};
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
    return std::clamp<int>(w.ws_col, 80, 100);
  return 100;
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
  title = std::min(title, width >= 96 ? 34 : 26);
  std::vector<Column> columns{{"No", id}, {"Title", title}, {"Level", level}, {"Key concepts", width - id - level - title - 6}};
  if (done > 0) {
    done = std::max(done, 4);
    columns.back().width -= done + 2;
    columns.insert(columns.begin() + 1, {"Done", done});
  } else {
    for (auto& row : rows) row.erase(row.begin() + 1);
  }
  std::cout << table(columns, rows);
  return 0;
}

}  // namespace cli
