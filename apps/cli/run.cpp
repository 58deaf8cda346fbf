// cli/run.cpp -- runs one lesson, or a C++ file of the learner's own. All lessons at once: run_all.cpp.
#include "run.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "compile.h"
#include "process.h"
#include "progress.h"
#include "run_all.h"
#include "steps.h"
#include "text.h"

namespace fs = std::filesystem;

namespace cli {
namespace {

constexpr int kUsage = 2;  // the exit status of a call that was not understood

struct Call {
  bool all = false, plain = false;
  int jobs = 0;
  std::vector<std::string> rest;  // the lesson and its arguments
  std::string problem;
};

// Our options stand before the lesson; what stands behind it is the lesson's.
Call understand(const std::vector<std::string>& words) {
  Call call;
  std::size_t i = 0;
  for (; i < words.size() && words[i].starts_with('-') && words[i].size() > 1; ++i) {
    const std::string& w = words[i];
    if (w == "--all") call.all = true;
    else if (w == "--plain") call.plain = true;
    else if (w.starts_with("-j")) {
      const std::string number = w.size() > 2 ? w.substr(2) : i + 1 < words.size() ? words[++i] : "";
      call.jobs = number.size() < 4 ? std::atoi(number.c_str()) : 0;
      if (call.jobs < 1) call.problem = "-j takes the number of lessons that run at once, for example -j 2";
    } else {
      call.problem = "run has no option " + w + "; there are --all, --plain and -j N";
    }
  }
  call.rest.assign(words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
  if (!call.problem.empty()) return call;
  // "run 01 --all" would be easy to type.
  if (call.all && !call.rest.empty())
    call.problem = "run --all runs every lesson, so '" + call.rest[0] + "' is one word too many";
  if (!call.all && call.jobs > 0) call.problem = "-j goes with --all";
  if (!call.all && call.rest.empty())
    call.problem =
        "which lesson? For example: ./cotangent run 01  (./cotangent list shows all of them)\n  A file of your own runs too: "
        "./cotangent run my.cpp";
  return call;
}

bool is_source_name(std::string_view s) {
  for (const char* ending : {".cpp", ".cc", ".cxx", ".C"}) {
    if (s.ends_with(ending)) return true;
  }
  return false;
}

bool is_within(const fs::path& file, const fs::path& folder) {
  const auto ends = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return ends.first == folder.end();
}

// The file that the word means, if it means one: a file that is there and is no lesson of the course.
std::optional<std::string> own_file(const std::string& word) {
  std::error_code ec;
  if (!is_source_name(word) || !fs::exists(word, ec)) return std::nullopt;
  const fs::path file = fs::canonical(word, ec), course = fs::canonical(course_folder(), ec);
  const auto lessons = all_lessons();
  const bool lesson = !ec && is_within(file, course) && std::any_of(lessons.begin(), lessons.end(), [&](const Lesson& l) {
    return l.stem == file.stem().string() && l.folder == file.parent_path().filename().string();
  });
  return lesson ? std::nullopt : std::optional<std::string>(word);
}

// Said where a word looks like a file, but there is none.
bool complain_about_file(const std::string& word) {
  std::error_code ec;
  const bool there = fs::exists(word, ec), path = word.starts_with('.') || word.starts_with('/');
  if (!there && !path && !is_source_name(word)) return false;
  if (there && (is_source_name(word) || (!path && word.find('/') == word.npos)))
    return false;                                                       // a file "scalar" may well be here
  if (!there && find_lesson(all_lessons(), word).lesson) return false;  // course/beginner/01_....cpp from elsewhere
  if (there) {
    std::cerr << "cotangent: " << word << (fs::is_directory(word, ec) ? " is a folder" : " is no C++ source")
              << "; run takes a lesson or a .cpp file\n";
    return true;
  }
  std::cerr << "cotangent: there is no file " << word << " in " << fs::current_path(ec).string()
            << ", and no lesson has that name\n";
  const auto found = find_lesson(all_lessons(), word);
  for (const Lesson& l : found.candidates)
    std::cerr << "  lesson " << l.id << " is ./cotangent run " << l.id << "  (" << l.title << ")\n";
  return true;
}

void set_plain() {
  setenv("NO_COLOR", "1", 1);
  setenv("TERM", "dumb", 1);
  setenv("CT_PROGRESS", "lines", 1);  // progress bars of data loaders: lines, which a log can hold
}

int cannot_start(const std::string& program, int error, const std::string& lesson) {
  std::cerr << "cotangent: cannot start " << program << ": " << std::strerror(error) << '\n';
  if (error == ENOENT && !lesson.empty())
    std::cerr << "  It has not been built; ./cotangent run " << lesson << " builds it first.\n";
  return error == ENOENT ? 127 : 126;
}

std::vector<std::string> with_program(const std::string& program, const std::vector<std::string>& rest) {
  std::vector<std::string> all{program};
  all.insert(all.end(), rest.begin() + 1, rest.end());
  return all;
}

int run_file(const std::string& file, const std::vector<std::string>& rest, bool plain) {
  const bool tell = !plain && isatty(STDERR_FILENO);
  if (tell) std::cerr << "compiling " << shown_path(file) << std::flush;
  const Compiled compiled = compile(file);
  if (tell) std::cerr << "\r\033[K" << std::flush;
  std::cerr << report(compiled);
  if (compiled.interrupted) return 128 + SIGINT;
  if (!compiled.ok) return 1;
  // What a file in the learner's folder draws goes there, wherever it is called from.
  std::error_code ec;
  const std::string folder = read_progress().folder;
  if (!folder.empty() && is_within(fs::canonical(file, ec), fs::canonical(folder, ec)) && !ec)
    setenv("COTANGENT_RESULTS", (folder + "/results").c_str(), 0);
  const auto words = with_program(compiled.program, rest);
  std::vector<char*> arguments;
  for (const std::string& w : words) arguments.push_back(const_cast<char*>(w.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());  // the program takes this process over, and so its exit status is ours
  return cannot_start(compiled.program, errno, "");
}

int run_lesson(const Lesson& lesson, const std::vector<std::string>& rest) {
  const std::string program = lesson_program(lesson);
  if (access(program.c_str(), X_OK) != 0) return cannot_start(program, errno, lesson.id);
  std::cout << lesson.id << ": " << lesson.title << "   course/" << lesson.folder << '/' << lesson.stem << ".cpp\n" << std::flush;
  Command command;
  command.arguments = with_program(program, rest);
  command.input = true;
  const Finished finished = run_process(command);
  if (!finished.error.empty()) {
    std::cerr << "cotangent: " << program << " " << what_happened(finished) << '\n';
    return finished.status;
  }
  if (finished.status > 128 && !finished.interrupted)
    std::cerr << "cotangent: lesson " << lesson.id << " was " << what_happened(finished) << '\n';
  // As record_run() and record_finished() do, but in one step: each waits for the disk.
  change_progress([&](Progress& p) {
    ++p.lessons[lesson.id].runs;
    if (finished.ok()) p.lessons[lesson.id].finished = true;
    p.place = lesson.id;
  });
  return finished.status;
}

}  // namespace

std::vector<Lesson> all_lessons() {
  std::vector<std::string> ignored;
  return read_catalog(course_folder(), ignored);
}

std::string lesson_program(const Lesson& lesson) {
  const char* set = std::getenv("COTANGENT_LESSONS");
  return std::string(set && *set ? set : CT_LESSON_DIR) + "/" + lesson.target();
}

std::optional<Lesson> pick_lesson(std::string_view query, const std::string& command) {
  const auto found = find_lesson(all_lessons(), query);
  if (found.lesson) return found.lesson;
  std::vector<std::string> ignored;
  if (const auto exercise = find_lesson(read_exercises(course_folder(), ignored), query).lesson; exercise && !found.several) {
    std::cerr << "cotangent: " << exercise->id << " is an exercise (" << exercise->title << "): ./cotangent check "
              << exercise->id << '\n';
    return std::nullopt;
  }
  std::cerr << "cotangent: " << (found.several ? "more than one lesson fits '" : "no lesson fits '") << query << "'.";
  if (!found.candidates.empty()) {
    std::cerr << (found.several ? " They are:" : " Did you mean:") << '\n';
    for (const auto& l : found.candidates)
      std::cerr << "  ./cotangent " << command << " " << l.id << "  (" << l.stem << ": " << l.title << ")\n";
  } else {
    // Lessons with numbers come first, in their order.
    const auto all = all_lessons();
    const auto numbers = std::count_if(all.begin(), all.end(), [](const Lesson& l) { return l.id.find_first_not_of("0123456789") == l.id.npos; });
    if (numbers > 0 && query.find_first_not_of("0123456789") == query.npos && !query.empty())
      std::cerr << " The numbers are " << all.front().id << " to " << all[static_cast<std::size_t>(numbers - 1)].id << ";";
    std::cerr << " ./cotangent list shows all of them.\n";
  }
  return std::nullopt;
}

std::string targets_of_run(std::vector<std::string> words) {
  const Call call = understand(words);
  if (!call.problem.empty()) {
    std::cerr << "cotangent: " << call.problem << '\n';
    return "";
  }
  if (call.all) return "lessons";
  if (const auto file = own_file(call.rest[0])) return targets_of_compile(*file);
  if (complain_about_file(call.rest[0])) return "";
  const auto lesson = pick_lesson(call.rest[0], "run");
  return lesson ? lesson->target() : "";
}

int run_command(std::vector<std::string> words) {
  const Call call = understand(words);
  if (!call.problem.empty()) {
    std::cerr << "cotangent: " << call.problem << '\n';
    return kUsage;
  }
  if (call.plain) set_plain();
  if (call.all) return run_all(all_lessons(), call.plain, call.jobs);
  if (const auto file = own_file(call.rest[0])) return run_file(*file, call.rest, call.plain);
  if (complain_about_file(call.rest[0])) return kUsage;
  const auto lesson = pick_lesson(call.rest[0], "run");
  return lesson ? run_lesson(*lesson, call.rest) : kUsage;
}

}  // namespace cli
