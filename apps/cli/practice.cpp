// cli/practice.cpp -- the commands for one exercise: check, hint, solution, reset.
#include "practice.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <sstream>

#include "exercise_check.h"
#include "files.h"
#include "gaps.h"
#include "learner_folder.h"
#include "notebook_check.h"
#include "paint.h"
#include "process.h"
#include "progress.h"
#include "step_run.h"
#include "steps.h"

namespace fs = std::filesystem;

namespace cli {
namespace {

using Words = std::vector<std::string>;
constexpr int kUsage = 2;

std::optional<fs::file_time_type> saved_at(const std::string& file) {
  std::error_code error;
  const auto time = fs::last_write_time(file, error);
  if (error) return std::nullopt;
  return time;
}

// Without a name: the exercise where the learner is, else the one that they saved last, else the first that is not passed.
const Step* current_exercise(const std::vector<Step>& steps, const Progress& progress) {
  if (const auto place = find_step(steps, progress.place); place && steps[*place].exercise()) return &steps[*place];
  const Step *latest = nullptr, *undone = nullptr, *first = nullptr;
  std::optional<fs::file_time_type> when;
  for (const Step& step : steps) {
    if (!step.exercise()) continue;
    if (!first) first = &step;
    if (standing(step, progress).passed) continue;
    if (!undone) undone = &step;
    const auto file = learner_file(step, progress.folder);
    if (!file || read_file(*file) == step.fresh()) continue;
    if (const auto time = saved_at(*file); time && (!when || *time > *when)) {
      when = time;
      latest = &step;
    }
  }
  return latest ? latest : undone ? undone : first;
}

// By number ("1"), id, name or a part of it, among `wanted`; says what to type if it is none.
const Step* named_step(const std::vector<Step>& steps, const std::string& word, bool lessons, const char* command) {
  std::vector<Lesson> exercises, all;
  for (const Step& step : steps) {
    all.push_back(step.source);
    if (step.exercise()) exercises.push_back(step.source);
  }
  const auto at = [&](const Lesson& lesson) { return &steps[*find_step(steps, lesson.id)]; };
  const bool digits = !word.empty() && word.size() < 3 && word.find_first_not_of("0123456789") == word.npos;
  // "check 1" can only mean an exercise; "reset 1" is lesson 01.
  Found found =
      find_lesson(lessons ? all : exercises, digits && !lessons ? (word.size() < 2 ? "exercise_0" : "exercise_") + word : word);
  if (found.lesson) return at(*found.lesson);
  const Found other = lessons ? Found{} : find_lesson(all, word);
  if (other.lesson) {
    std::cerr << "cotangent: '" << word << "' is " << at(*other.lesson)->title() << ", and only exercises can be given here:\n";
  } else {
    std::cerr << "cotangent: " << (found.several ? "more than one fits '" : "nothing here is called '") << word
              << "'. There are:\n";
  }
  for (const Lesson& l : found.candidates.empty() ? exercises : found.candidates)
    std::cerr << "  ./cotangent " << command << ' ' << l.id << "  (" << l.title << ")\n";
  return nullptr;
}

// The exercise that the words name, or the current one.
const Step* pick_exercise(const std::vector<Step>& steps, const Progress& progress, const Words& words, const char* command) {
  if (words.size() > 1) {
    std::cerr << "cotangent: one exercise at a time: ./cotangent " << command << ' ' << words[0] << '\n';
    return nullptr;
  }
  if (words.size() == 1) return named_step(steps, words[0], /*lessons=*/false, command);
  const Step* current = current_exercise(steps, progress);
  if (!current) std::cerr << "cotangent: there are no exercises in " << course_folder() << '\n';
  return current;
}

void ask_to_start(const Progress& progress) {
  if (progress.folder.empty()) {
    std::cerr << "cotangent: your files are not there yet. This makes a folder for them, for example:\n  ./cotangent start "
                 "~/cotangent-course\n";
  } else {
    std::cerr << "cotangent: your folder " << shown(progress.folder)
              << " does not have this file (any more). To get it back:\n  ./cotangent start " << shown(progress.folder)
              << "\nor, if the folder was moved, with its new place.\n";
  }
}

// A name like "exercise_01_mine.cpp" says which exercise it is by its first two words.
const Step* step_of_file(const std::vector<Step>& steps, const std::string& file) {
  const std::string stem = fs::path(file).stem().string();
  const auto it = std::find_if(steps.begin(), steps.end(), [&](const Step& s) { return s.exercise() && id_of(stem) == s.id(); });
  return it == steps.end() ? nullptr : &*it;
}

}  // namespace

bool take_flag(Words& words, const char* flag) {
  const auto it = std::find(words.begin(), words.end(), flag);
  if (it == words.end()) return false;
  words.erase(it);
  return true;
}

int check_command(Words words) {
  const bool full = take_flag(words, "--full");
  std::string as;
  if (const auto it = std::find(words.begin(), words.end(), "--as"); it != words.end() && it + 1 != words.end()) {
    as = it[1];
    words.erase(it, it + 2);
  }
  const auto steps = course_steps(course_folder());
  const Progress progress = read_progress();
  const Step* step = nullptr;
  std::optional<std::string> file;
  std::error_code error;
  const bool notebook_name = words.size() == 1 && words[0].ends_with(".ipynb");
  const bool path = words.size() == 1 && (words[0].find('/') != std::string::npos || words[0].ends_with(".cpp") || notebook_name);
  if (words.size() == 1 && path && fs::is_regular_file(words[0], error)) {
    file = full_path(words[0]);
    step = as.empty() ? step_of_file(steps, *file) : named_step(steps, as, false, "check FILE --as");
    if (!step) {
      if (as.empty())
        std::cerr << "cotangent: which exercise is in " << words[0] << "? Say it: ./cotangent check " << words[0]
                  << " --as exercise_01\n";
      return kUsage;
    }
  } else if (notebook_name && words[0].find('/') == std::string::npos) {  // workshop_3.ipynb: the one in their folder
    step = named_step(steps, words[0].substr(0, words[0].size() - 6), /*lessons=*/false, "check");
    if (!step) return kUsage;
    file = notebook_of(*step, progress.folder);
    if (!file) {
      std::cerr << "cotangent: there is no file " << words[0] << " here, and no notebooks/" << step->source.stem
                << ".ipynb in your folder. To make one: ./cotangent notebook " << step->id() << '\n';
      return kUsage;
    }
  } else if (words.size() == 1 && path && words[0].find('/') != std::string::npos) {
    std::cerr << "cotangent: there is no file " << words[0] << '\n';
    return kUsage;
  } else {
    step = pick_exercise(steps, progress, words, "check");
    if (!step) return kUsage;
    file = notebook_in_use(*step, progress.folder);
    if (!file) file = learner_file(*step, progress.folder);
    if (!file) {
      ask_to_start(progress);
      return kUsage;
    }
  }

  std::cout << painted(Paint::bold, step->title()) << "\n" << painted(Paint::faint, shown(*file)) << "\n\n" << std::flush;
  const std::string folder = file->starts_with(progress.folder + "/") ? progress.folder : "";
  const bool notebook = file->ends_with(".ipynb");
  std::string problem;
  const Checked checked = notebook ? check_notebook(*step, *file, folder, problem) : check_and_record(*step, *file, folder);
  if (!problem.empty()) {
    std::cerr << "cotangent: " << shown(*file) << ' ' << problem << '\n';
    return kUsage;
  }
  const CheckResult& result = checked.result;
  std::cout << painted_checks(result.text);
  if (full && !result.compiler.empty()) std::cout << "\nThe compiler's full text:\n" << result.compiler;
  switch (result.end) {
    case CheckResult::End::passed:
      std::cout << '\n'
                << painted(Paint::green, "Passed: " + step->title() + ".")
                << (checked.passed_before ? "" : " Another way to write it: ./cotangent solution " + step->id())
                << (notebook ? "" : "\nSee it run, with its figures: ./cotangent run " + shown(*file)) << '\n';
      return 0;
    case CheckResult::End::interrupted: std::cout << "Interrupted.\n"; return 130;
    case CheckResult::End::broken: return 1;
    case CheckResult::End::not_compiled:
      if (!full)
        std::cout << painted(Paint::faint, "All that the compiler says: ./cotangent check " + step->id() + " --full") << '\n';
      return 1;
    case CheckResult::End::failed:
      std::cout << '\n';
      if (checked.fresh)
        std::cout << "This is the file as it was given: fill its gaps, which are marked "
                  << (notebook ? "\"Your code here\"" : "TODO") << ", then check again.\n";
      break;
    default: break;
  }
  std::cout << painted(Paint::faint, "A hint: ./cotangent hint " + step->id()) << '\n';
  return 1;
}

// --- Hints ----------------------------------------------------------------------------------------------------------------------

namespace {

struct Hint {
  std::string title;  // "Gap 2: the step", from the heading above; may be empty
  std::string text;
};

std::vector<Hint> read_hints(const Step& exercise) {
  std::vector<Hint> hints;
  std::istringstream in(read_file(exercise.hints_file()).value_or(""));
  std::string title;
  bool within = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("## Hint")) {
      hints.push_back({title, ""});
      within = true;
    } else if (line.starts_with("# ") || line.starts_with("## ")) {
      title = line.starts_with("# ") && hints.empty() ? "" : line.substr(line.find(' ') + 1);
      within = false;
    } else if (within && (!line.empty() || !hints.back().text.empty())) {
      hints.back().text += line + '\n';
    }
  }
  for (Hint& hint : hints) {
    while (hint.text.ends_with("\n\n")) hint.text.pop_back();
  }
  return hints;
}

// The gap that a hint is wanted for: the first open one of the learner's file, or else what the first failing check is about.
// 0: none, and `why` says so.
int gap_for_hint(const Step& exercise, const Progress& progress, std::string& why) {
  const auto mine = learner_file(exercise, progress.folder);
  const std::string file = mine.value_or(exercise.file);
  const auto open = gaps_of_source((mine ? read_file(file) : exercise.fresh()).value_or(""));
  if (!open.empty()) {
    why = "Gap " + std::to_string(open.begin()->first) + " is open" +
          (mine ? ", in line " + std::to_string(open.begin()->second) + " of " + shown(file) : "") + ".";
    return open.begin()->first;
  }
  const CheckResult result = check_exercise(exercise, file, progress.folder);
  if (result.end == CheckResult::End::passed) {
    why = "No gap of " + shown(file) + " is open, and every check passes: there is nothing to hint at.";
    return 0;
  }
  if (result.gap == 0) {
    why = "No gap of " + shown(file) + " is open. What is wrong: ./cotangent check " + exercise.id();
    return 0;
  }
  why = "No gap of " + shown(file) + " is open, and check " + std::to_string(result.failed) + " is the first that fails. It is about gap " +
        std::to_string(result.gap) + ".";
  return result.gap;
}

}  // namespace

int hint_command(Words words) {
  const bool again = take_flag(words, "--again");
  int gap = 0;
  if (const auto it = std::find(words.begin(), words.end(), "--gap"); it != words.end()) {
    gap = it + 1 != words.end() ? std::atoi(it[1].c_str()) : 0;
    words.erase(it, it + 1 != words.end() ? it + 2 : it + 1);
    if (gap < 1) {
      std::cerr << "cotangent: --gap wants the number of a gap: ./cotangent hint --gap 2\n";
      return kUsage;
    }
  }
  const auto steps = course_steps(course_folder());
  const Progress progress = read_progress();
  const Step* step = pick_exercise(steps, progress, words, "hint");
  if (!step) return kUsage;
  auto hints = read_hints(*step);
  if (hints.empty()) {
    std::cout << "There are no hints for " << step->title() << ".\n";
    return 1;
  }
  // Hints that are about single gaps are given for the one where the learner is.
  const std::vector<int> known = gaps_of_hint(hints[0].text);
  std::string why;
  if (!known.empty()) {
    if (gap == 0 && (gap = gap_for_hint(*step, progress, why)) == 0) {
      std::cout << why << '\n';
      return 1;
    }
    for (Hint& hint : hints) hint.text = hint_about(hint.text, gap);
    hints.erase(std::remove_if(hints.begin(), hints.end(), [](const Hint& h) { return h.text.empty(); }), hints.end());
    if (hints.empty()) {
      std::cout << "There is no hint for gap " << gap << " of " << step->title() << ". There are some for the gaps " << known.front()
                << " to " << known.back() << ".\n";
      return 1;
    }
  }
  const int all = static_cast<int>(hints.size());
  int number = 0;
  bool over = false;
  const auto move = [&](Progress& p) {
    ExerciseProgress& e = p.exercises[step->id()];
    int& shown = known.empty() ? e.hints : e.gap_hints[gap];
    const int before = shown;
    over = !again && shown >= all;
    if (!again || shown == 0) shown = std::min(shown + 1, all);
    number = std::min(shown, all);
    if (!known.empty()) e.hints += shown - before;
  };
  if (!change_progress(move)) {
    Progress unsaved = progress;
    move(unsaved);
  }
  const Hint& hint = hints[static_cast<std::size_t>(number - 1)];
  const std::string whose = known.empty() ? "" : " for gap " + std::to_string(gap);
  std::cout << painted(Paint::bold, step->title() + ", hint " + std::to_string(number) + " of " + std::to_string(all) + whose) << '\n';
  if (!hint.title.empty()) std::cout << hint.title << '\n';
  if (!why.empty()) std::cout << painted(Paint::faint, why) << '\n';
  std::cout << '\n' << hint.text << '\n';
  if (over)
    std::cout << "That was the last hint" << whose << " already. A worked solution: ./cotangent solution " << step->id() << '\n';
  else if (number == all)
    std::cout << "That was the last hint" << whose << ". A worked solution, once you have tried: ./cotangent solution " << step->id()
              << '\n';
  else
    std::cout << painted(Paint::faint,
                         "The next one: ./cotangent hint " + step->id() + "    This one again: ./cotangent hint --again")
              << '\n';
  return 0;
}

// --- Solutions ------------------------------------------------------------------------------------------------------------------

int solution_command(Words words) {
  const bool insist = take_flag(words, "--insist"), difference = take_flag(words, "--diff");
  const auto steps = course_steps(course_folder());
  const Progress progress = read_progress();
  const Step* step = pick_exercise(steps, progress, words, "solution");
  if (!step) return kUsage;
  const auto record = progress.exercises.find(step->id());
  const bool tried = record != progress.exercises.end() && (record->second.attempts > 0 || record->second.solution_seen);
  if (!tried && !insist) {
    std::cout << step->title()
              << ": you have not tried it yet. Trying first is what makes the solution worth reading.\n"
                 "  ./cotangent hint "
              << step->id()
              << "                a hint\n"
                 "  ./cotangent check "
              << step->id()
              << "               counts as a try once your changed file compiles and runs\n"
                 "  ./cotangent solution "
              << step->id() << " --insist   shows it all the same\n";
    return 1;
  }
  const std::string worked = step->worked_file();
  const auto text = read_file(worked);
  if (!text) {
    std::cerr << "cotangent: the worked file is missing: " << worked << '\n';
    return 1;
  }
  if (difference) {
    const auto file = learner_file(*step, progress.folder);
    if (!file) {
      ask_to_start(progress);
      return kUsage;
    }
    Command command;
    command.arguments = {"diff", "-u", "--label", "yours: " + learner_name(*step), "--label", "worked", *file, worked};
    command.output = Command::Output::capture;
    const Finished ran = run_process(command);
    if (ran.status > 1 || !ran.error.empty()) {
      std::cerr << "cotangent: diff: " << (ran.error.empty() ? ran.output : ran.error) << '\n';
      return 1;
    }
    for (std::istringstream in(ran.output); std::getline(in, words.emplace_back());) {
      const std::string& line = words.back();
      std::cout << painted(line.starts_with('+')   ? Paint::green
                           : line.starts_with('-') ? Paint::red
                                                   : Paint::plain,
                           line)
                << '\n';
    }
    if (ran.status == 0) std::cout << "Your file is the worked file.\n";
  } else {
    std::cout << *text;
  }
  change_progress([&](Progress& p) { p.exercises[step->id()].solution_seen = true; });
  return 0;
}

// --- Reset ----------------------------------------------------------------------------------------------------------------------

int reset_command(Words words) {
  const auto steps = course_steps(course_folder());
  const Progress progress = read_progress();
  if (words.size() != 1) {
    std::cerr << "cotangent: reset what?\n  ./cotangent reset exercise_01   the fresh file; yours is kept beside it\n"
                 "  ./cotangent reset --all         forgets all progress\n";
    return kUsage;
  }
  const Step* step = named_step(steps, words[0], /*lessons=*/true, "reset");
  if (!step) return kUsage;
  std::error_code error;
  if (progress.folder.empty() || !fs::is_directory(progress.folder, error)) {
    ask_to_start(progress);
    return kUsage;
  }
  std::string problem;
  const std::string kept = refresh(*step, progress.folder, problem);
  if (!problem.empty()) {
    std::cerr << "cotangent: " << problem << '\n';
    return 1;
  }
  // A fresh start, also for the hints. That it was passed once stays true.
  if (step->exercise()) {
    change_progress([&](Progress& p) {
      ExerciseProgress& e = p.exercises[step->id()];
      e.attempts = e.hints = 0;
      e.gap_hints.clear();
    });
  }
  std::cout << shown(progress.folder + "/" + learner_name(*step)) << " is fresh.";
  if (!kept.empty()) std::cout << " Yours is kept as " << fs::path(kept).filename().string() << '.';
  std::cout << '\n';
  return 0;
}

}  // namespace cli
