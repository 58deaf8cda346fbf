// cli/progress.cpp -- the file with the learner's progress: where it is, and how it is changed safely.
#include "progress.h"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "files.h"
#include "records.h"

namespace fs = std::filesystem;

namespace cli {
namespace {

std::string record_path() { return data_folder() + "/progress.json"; }

// Once in a process is enough: an unwritable folder must not bury what the learner wants to read.
void complain_once(const std::string& problem) {
  static bool said = false;
  if (said) return;
  said = true;
  std::fflush(stdout);
  std::fprintf(stderr, "cotangent: your progress cannot be recorded: %s\n  COTANGENT_DATA names another folder for it.\n",
               problem.c_str());
}

// progress.json.damaged, .damaged-2, ...
std::string keep_aside(const std::string& path) {
  std::string aside = path + ".damaged";
  for (int n = 2; fs::exists(fs::symlink_status(aside)); ++n) aside = path + ".damaged-" + std::to_string(n);
  std::error_code error;
  fs::rename(path, aside, error);
  return error ? "" : aside;
}

// With the lock held. `text` becomes what is on disk; `problem` says why nothing may be written.
Progress load(std::string& text, std::string& problem) {
  const std::string path = record_path();
  const auto found = read_file(path);
  if (!found) {
    if (errno != ENOENT && errno != ENOTDIR) problem = path + ": " + std::strerror(errno);
    return {};
  }
  bool newer = false;
  if (auto progress = progress_from_json(*found, &newer)) {
    text = *found;
    if (newer) problem = path + " was written by a later version of Cotangent";
    return *progress;
  }
  const std::string aside = keep_aside(path);
  if (aside.empty()) {
    problem = path + " is damaged and cannot be renamed";
  } else {
    std::fflush(stdout);
    std::fprintf(stderr, "cotangent: the record of your progress was damaged; it is kept as %s, and a new one begins.\n",
                 aside.c_str());
  }
  return {};
}

}  // namespace

std::string fingerprint(std::string_view text) {
  std::string words;
  bool blank = false;
  for (char c : text) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      blank = true;
      continue;
    }
    if (blank && !words.empty()) words += ' ';
    blank = false;
    words += c;
  }
  return hash_of(words);
}

std::string data_folder() {
  const auto set = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  if (const std::string own = set("COTANGENT_DATA"); !own.empty()) return own;
  // The specification of these folders says that a relative path is to be ignored.
  if (const std::string xdg = set("XDG_DATA_HOME"); xdg.starts_with('/')) return xdg + "/cotangent";
  std::string home = set("HOME");
  if (home.empty()) {
    const passwd* user = getpwuid(getuid());
    home = user && user->pw_dir ? user->pw_dir : "/tmp";
  }
  return home + "/.local/share/cotangent";
}

Progress read_progress() {
  // Files are replaced as a whole, so reading needs no lock, except to put a damaged one aside.
  const auto text = read_file(record_path());
  if (!text) return {};
  if (auto progress = progress_from_json(*text, nullptr)) return *progress;
  FileLock lock(data_folder() + "/progress.lock");
  std::string ignored, problem;
  Progress progress = load(ignored, problem);  // another program may have mended it
  if (!problem.empty()) complain_once(problem);
  return progress;
}

bool change_progress(const std::function<void(Progress&)>& change) {
  const auto fail = [](const std::string& problem) {
    complain_once(problem);
    return false;
  };
  const std::string folder = data_folder();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(folder + ": " + error.message());
  FileLock lock(folder + "/progress.lock");
  if (!lock.problem().empty()) return fail(lock.problem());
  std::string before, problem;
  Progress progress = load(before, problem);
  if (!problem.empty()) return fail(problem);
  change(progress);
  const std::string after = to_json(progress, before);
  if (after == before) return true;
  problem = write_file(record_path(), after);
  return problem.empty() || fail(problem);
}

bool record_run(const std::string& lesson) {
  return change_progress([&](Progress& p) {
    ++p.lessons[lesson].runs;
    p.place = lesson;
  });
}

bool record_finished(const std::string& lesson) {
  return change_progress([&](Progress& p) { p.lessons[lesson].finished = true; });
}

bool record_answer(const std::string& lesson, std::string_view question, bool right) {
  return change_progress([&](Progress& p) {
    QuestionProgress& q = p.questions[lesson][fingerprint(question)];
    if (q.right_at) return;
    ++q.tries;
    if (right) q.right_at = q.tries;
  });
}

}  // namespace cli
