// cli/exercise_check.cpp -- checking an exercise: the compiler, the check program under its limits, and what to say about it.
#include "exercise_check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <vector>

#include "compile.h"
#include "diagnostics.h"
#include "files.h"
#include "process.h"
#include "records.h"

namespace fs = std::filesystem;

namespace cli {
namespace {

using End = CheckResult::End;

// A check program takes about one second and watches each of its checks itself, with a limit of its own; this is for what it
// cannot see, such as a program that only waits.
double time_limit() {
  const char* set = std::getenv("COTANGENT_CHECK_SECONDS");
  const double seconds = set ? std::atof(set) : 0;
  return seconds > 0 ? seconds : 60;
}

constexpr std::size_t kLines = 200;  // of its output; a loop that prints must not bury the rest
constexpr const char* kLimits =
    "ulimit -c 0 || :; ulimit -d 8388608 2>/dev/null || :; exec \"$0\"";  // 8 GiB: a loop that allocates must not stop the machine

// A string literal of C++.
std::string quoted(const std::string& s) {
  std::string out = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// A file that other programs cannot meet; removed at the end.
struct Scratch {
  std::string path;
  Scratch() {
    path = (fs::temp_directory_path() / "cotangent-check-XXXXXX").string();
    const int fd = mkstemp(path.data());
    if (fd >= 0) close(fd);
  }
  ~Scratch() { unlink(path.c_str()); }
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

bool is_verdict(const std::string& line) {
  return line.starts_with("ok ") || line.starts_with("NO ") || line.starts_with(".. ") || line.starts_with("-- ");
}

// What the learner's code printed may be long; the checks' own lines all stay.
std::string shortened(const std::string& output) {
  const auto lines = lines_of(output);
  std::string text;
  std::size_t others = 0, dropped = 0;
  for (const std::string& line : lines) {
    if (!is_verdict(line) && ++others > kLines) {
      ++dropped;
      continue;
    }
    text += line + '\n';
  }
  if (dropped) text += "... and " + std::to_string(dropped) + " more lines.\n";
  return text;
}

// Warnings often name the reason: a function without a return, a value that is not set. Unused names are no news in a fresh file.
std::string warnings(const Compiled& compiled, const std::string& file) {
  std::vector<Diagnostic> some;
  for (const Diagnostic& d : for_learner(parse_diagnostics(compiled.text), file)) {
    if (d.kind == Diagnostic::Kind::warning && d.message.find("[-Wunused") == std::string::npos) some.push_back(d);
  }
  return some.empty() ? "" : "\nThe compiler warns:\n" + to_text(some, 3);
}

void does_not_compile(CheckResult& result, const Compiled& compiled, const std::string& file, const std::string& checks) {
  result.end = End::not_compiled;
  const auto all = parse_diagnostics(compiled.text);
  auto own = for_learner(all, file);
  const std::string folder = fs::path(file).parent_path().string() + "/";
  const auto no_use = [&](const Diagnostic& d) {
    return d.kind == Diagnostic::Kind::warning || !fs::absolute(d.place.file).lexically_normal().string().starts_with(folder);
  };
  own.erase(std::remove_if(own.begin(), own.end(), no_use), own.end());
  if (!own.empty()) {
    const std::size_t most = 3;
    result.text += to_text(own, most);
    if (own.size() > most) result.text += "... and " + std::to_string(own.size() - most) + " more, often from the same cause.\n";
    return;
  }
  // Nothing is wrong in the file by itself: the checks use it in a way that it does not allow.
  auto theirs = for_learner(all, checks);
  if (theirs.empty()) {
    result.text += compiled.text;
    return;
  }
  theirs.resize(1);
  result.text +=
      "Your file compiles by itself, but the checks cannot use it: a name, a parameter or a type differs from what the\n"
      "exercise asks for. What the compiler says where the check uses it:\n" +
      to_text(theirs, 1);
}

// " while check 4 ran (momentum)", from what the program wrote before it ended.
std::string during(const std::vector<CheckLine>& lines) {
  if (lines.empty()) return " before the first check was done";
  const CheckLine& last = lines.back();
  const std::string name = std::to_string(last.number) + (last.name.empty() ? "" : " (" + last.name + ")");
  return last.ok ? " in the check after " + name : " in check " + name;
}

// SIGSEGV and its like, and what they mostly mean.
std::string about_signal(int signal, const std::string& output) {
  switch (signal) {
    case SIGSEGV:
    case SIGBUS:
      return "memory was used that is not there (" + std::string(signal == SIGSEGV ? "SIGSEGV" : "SIGBUS") +
             "). Often: an index past the end, a reference to something that is gone, a function without\n  its return, or a "
             "function that calls itself for ever.";
    case SIGFPE: return "a whole number was divided by zero (SIGFPE).";
    case SIGILL: return "an instruction was met that must not be reached (SIGILL). Often: a function without its return.";
    case SIGKILL: return "it was killed (SIGKILL), perhaps because the memory ran out.";
    case SIGABRT:
      if (const auto at = output.rfind("  what():  "); at != output.npos)
        return "an error was thrown and not caught (SIGABRT). It says:\n  " +
               output.substr(at + 11, output.find('\n', at) - at - 11);
      return "it stopped itself (SIGABRT).";
    default: return "it was stopped by signal " + std::to_string(signal) + ".";
  }
}

Compiled compile_with(const Step& exercise, const std::string& file, const std::string& checks) {
  CompileOptions options;
  // The parts of this exercise's checks (exercise_01_*.cpp, workshop_3_*.cpp), what all checks of its kind share (workshop.cpp),
  // and what all share.
  for (const auto& entry : fs::directory_iterator(fs::path(checks).parent_path())) {
    const std::string name = entry.path().filename().string();
    const bool own = name.starts_with("exercise_") || name.starts_with("workshop_");
    const bool part = own ? id_of(entry.path().stem().string()) == exercise.id() : name != "workshop.cpp" || exercise.workshop();
    if (entry.path().extension() == ".cpp" && part && name != exercise.file_name()) options.with.push_back(entry.path().string());
  }
  if (course_folder() == CT_COURSE_DIR) options.with.clear();  // those of the course that was built are in its library
  std::sort(options.with.begin(), options.with.end());
  options.definitions = {"CT_EXERCISE_FILE=" + quoted(file)};
  options.folders = {fs::path(file).parent_path().string(), course_folder()};
  return compile(checks, options);
}

}  // namespace

std::string CheckResult::summary() const {
  const std::string count = std::to_string(right) + " of " + std::to_string(all) + " checks";
  switch (end) {
    case End::passed: return "passed";
    case End::failed: return count;
    case End::not_compiled: return "does not compile";
    case End::crashed: return "crashed";
    case End::endless: return "does not end";
    case End::interrupted: return "interrupted";
    case End::broken: break;
  }
  return "could not be checked";
}

CheckResult check_exercise(const Step& exercise, const std::string& file, const std::string& folder) {
  CheckResult result;
  const std::string checks = exercise.checks_file();
  if (access(checks.c_str(), R_OK) != 0) {
    result.text = "cotangent: the checks of this exercise are missing: " + checks + "\n";
    return result;
  }
  const Compiled compiled = compile_with(exercise, file, checks);
  result.compiler = compiled.text;
  if (compiled.interrupted) {
    result.end = End::interrupted;
    return result;
  }
  if (!compiled.ok) {
    does_not_compile(result, compiled, file, checks);
    return result;
  }

  const Scratch scratch;
  Command command;
  command.arguments = {"/bin/sh", "-c", kLimits, compiled.program};
  command.environment = {{"COTANGENT_CHECK", scratch.path}};
  if (!folder.empty() && !std::getenv("COTANGENT_RESULTS"))
    command.environment.emplace_back("COTANGENT_RESULTS", folder + "/results");
  command.folder = folder;
  command.output = Command::Output::capture;
  command.seconds = time_limit();
  const Finished ran = run_process(command);

  std::vector<CheckLine> lines;
  for (const std::string& line : lines_of(read_file(scratch.path).value_or(""))) {
    if (auto check = check_from_json(line)) lines.push_back(*check);
  }
  for (const CheckLine& line : lines) {
    if (!line.ok || line.untouched) continue;
    ++result.all;
    result.right += *line.ok;
    if (!*line.ok && result.failed == 0) {
      result.failed = line.number;
      result.gap = line.gap;
    }
  }
  result.text += shortened(ran.output);
  if (ran.interrupted) {
    result.end = End::interrupted;
  } else if (ran.timed_out) {
    result.end = End::endless;
    result.text += "\nStopped after " + std::to_string(static_cast<int>(command.seconds)) + " seconds" + during(lines) +
                   ". Everything else takes about one: does a loop of yours have no end?\n";
  } else if (!ran.error.empty()) {
    result.text += "cotangent: the checks could not be started: " + ran.error + "\n";
  } else if (ran.status == 0) {
    result.end = End::passed;
  } else if (ran.status == 1) {
    result.end = End::failed;
  } else {
    result.end = End::crashed;
    const std::string why = ran.status > 128 ? about_signal(ran.status - 128, ran.output)
                                             : "it ended with exit status " + std::to_string(ran.status) + ".";
    result.text += "\nYour code crashed" + during(lines) + ": " + why + "\n";
  }
  if (result.end != End::passed && result.end != End::interrupted) result.text += warnings(compiled, file);
  return result;
}

void compile_checks(const Step& exercise, const std::string& file) {
  const std::string checks = exercise.checks_file();
  if (access(checks.c_str(), R_OK) == 0) compile_with(exercise, file, checks);
}

}  // namespace cli
