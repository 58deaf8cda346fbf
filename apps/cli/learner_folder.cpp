// cli/learner_folder.cpp -- making the learner's folder, and bringing it up to date without touching their work.
#include "learner_folder.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "files.h"
#include "records.h"

namespace fs = std::filesystem;

namespace cli {
namespace {

constexpr const char* kManifest = ".cotangent.json";

struct Ours {
  std::string name;  // below the folder
  std::string text;
};

std::string readme(const std::vector<Step>& steps) {
  std::size_t lessons = 0, workshops = 0, exercises = 0;
  for (const Step& step : steps) ++(step.workshop() ? workshops : step.exercise() ? exercises : lessons);
  std::string text =
      "# Your course\n"
      "\n"
      "This folder is yours. Change what you like: `./cotangent start` brings new lessons and never overwrites what you "
      "changed.\n"
      "All commands below are given in Cotangent's own folder (or with the path of its `cotangent` in front).\n"
      "\n"
      "    ./cotangent learn               where you are, what is next; checks your file whenever you save it\n"
      "    ./cotangent run 01              runs a lesson\n"
      "    ./cotangent run FILE            runs a file of yours, for example a changed lesson\n"
      "    ./cotangent quiz 01             its questions\n"
      "    ./cotangent check exercise_01   checks your file of an exercise or a workshop and says what is wrong\n"
      "    ./cotangent hint                the next of three hints\n"
      "    ./cotangent solution            a worked solution, once you have tried\n"
      "    ./cotangent reset exercise_01   the fresh file; yours is kept beside it\n"
      "    ./cotangent list                everything, with your progress\n"
      "\n"
      "- `lessons/` has a copy of each of the " +
      std::to_string(lessons) +
      " lessons. Change a number and run it again: the fastest way to understand it.\n"
      "- `exercises/` has the files of the " +
      std::to_string(exercises) +
      " exercises. Fill the gaps, which are marked `// TODO(1): ...`.\n"
      "- `workshops/` has the " +
      std::to_string(workshops) +
      " workshops, with a gap for each of their problems. `./cotangent run workshop_1` shows the worked one.\n"
      "- `compile_flags.txt` tells editors with clangd where the headers are, so that they complete names and mark errors.\n"
      "- `.cotangent.json` remembers what was copied here. A file that ends in `.new` is our new version of a file that you "
      "changed,\n"
      "  one that ends in `.bak-1` is yours from before a reset. Both may be deleted.\n"
      "\n"
      "The way: lessons 01 to 10, the lecture, exercise 01, lessons 11 to 21, exercise 02, the rest. Any other order works as "
      "well.\n";
  return text;
}

std::string source_folder() { return fs::path(CT_COURSE_DIR).parent_path().string(); }

// One argument a line, taken as it is: blanks in a path need no quotes.
std::string compile_flags() {
  const std::string course = fs::path(course_folder()).lexically_normal().string();
  return "-std=c++20\n-xc++\n-Wall\n-Wextra\n-I" + source_folder() + "/include\n-I" + course + "\n-DCT_COURSE_DIR=\"" + course +
         "\"\n";
}

std::vector<Ours> our_files(const std::vector<Step>& steps) {
  std::vector<Ours> files{{"README.md", readme(steps)}, {"compile_flags.txt", compile_flags()}};
  for (const Step& step : steps) {
    if (auto text = step.fresh()) files.push_back({learner_name(step), std::move(*text)});
  }
  return files;
}

bool inside(const fs::path& path, const fs::path& folder) {
  const auto relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

// Why a folder cannot be used, or nothing.
std::string objection(const std::string& folder, bool anyway) {
  std::error_code error;
  const fs::path place = fs::weakly_canonical(folder, error);
  if (error) return shown(folder) + ": " + error.message() + ".";
  for (const std::string& ours : {source_folder(), course_folder()}) {
    if (inside(place, fs::weakly_canonical(ours, error)))
      return shown(folder) +
             " lies in Cotangent's own folder, where an update could meet your work. Choose a place outside, for example\n"
             "  ./cotangent start ~/cotangent-course";
  }
  const auto status = fs::status(place, error);
  if (fs::exists(status) && !fs::is_directory(status))
    return shown(folder) + " is a file, and a folder is needed: choose another name.";
  if (!fs::exists(status) || fs::exists(place / kManifest)) return "";
  const bool empty = fs::is_empty(place, error);
  if (error) return shown(folder) + " cannot be read: " + error.message() + ".";
  if (!empty && !anyway)
    return shown(folder) + " has other files in it. Choose a new name, for example\n  ./cotangent start " +
           shown(place / "cotangent-course") +
           "\nor, if you mean this folder (no file in it will be overwritten):\n  ./cotangent start --anyway " + shown(folder);
  return "";
}

// The first of NAME.new, NAME.new-2, ... that does not hold a change of the learner's.
std::string name_beside(const fs::path& folder, const std::string& name, const Manifest& manifest) {
  std::string beside = name + ".new";
  for (int n = 2;; ++n) {
    const auto there = read_file(folder / beside);
    const auto known = manifest.find(beside);
    if (!there || (known != manifest.end() && hash_of(*there) == known->second)) return beside;
    beside = name + ".new-" + std::to_string(n);
  }
}

}  // namespace

std::string learner_name(const Step& step) {
  return (step.workshop() ? "workshops/" : step.exercise() ? "exercises/" : "lessons/") + step.file_name();
}

std::optional<std::string> learner_file(const Step& step, const std::string& folder) {
  if (folder.empty()) return std::nullopt;
  const std::string path = folder + "/" + learner_name(step);
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  return path;
}

Started start_folder(const std::string& wanted, const std::vector<Step>& steps, bool anyway) {
  Started s;
  s.folder = full_path(wanted);
  s.problem = objection(s.folder, anyway);
  if (!s.problem.empty()) return s;
  const fs::path folder = s.folder;
  std::error_code error;
  s.first = !fs::exists(folder / kManifest, error);
  for (const char* part : {"", "lessons", "workshops", "exercises"}) {
    fs::create_directories(folder / part, error);
    if (error) {
      s.problem = shown((folder / part).string()) + " cannot be made: " + error.message() + ".";
      return s;
    }
  }
  fs::create_directories(data_folder(), error);
  FileLock lock(data_folder() + "/start.lock");  // two calls at once take turns; without a place for locks, they are not likely

  Manifest manifest = manifest_from_json(read_file(folder / kManifest).value_or("")).value_or(Manifest{});
  for (const Ours& ours : our_files(steps)) {
    const std::string path = folder / ours.name;
    const std::string hash = hash_of(ours.text);
    std::string& copied = manifest[ours.name];
    std::string target;
    errno = 0;
    const auto theirs = read_file(path);
    if (!theirs && errno != ENOENT) {
      s.failed = shown(path) + ": " + std::strerror(errno);
      break;
    }
    if (!theirs) {
      target = ours.name;
      s.added.push_back(target);
    } else if (*theirs == ours.text) {
      copied = hash;
    } else if (hash_of(*theirs) == copied) {
      target = ours.name;
      s.updated.push_back(target);
    } else if (hash != copied) {  // both changed; told once for each version of ours
      target = name_beside(folder, ours.name, manifest);
      s.beside.push_back(target);
      manifest[target] = hash;
    }
    if (target.empty()) continue;
    s.failed = write_file(folder / target, ours.text);
    if (!s.failed.empty()) break;
    copied = hash;
  }
  // Also when something went wrong: what was copied is ours, and the next call goes on from there.
  const std::string problem = write_file(folder / kManifest, to_json(manifest));
  if (s.failed.empty()) s.failed = problem;
  return s;
}

std::string refresh(const Step& step, const std::string& folder, std::string& problem) {
  const std::string path = folder + "/" + learner_name(step);
  const auto fresh = step.fresh();
  if (!fresh) {
    problem = step.file + ": " + std::strerror(errno);
    return "";
  }
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  std::string kept;
  if (const auto theirs = read_file(path); theirs && *theirs != *fresh) {
    for (int n = 1; kept.empty() || fs::exists(fs::symlink_status(kept)); ++n) kept = path + ".bak-" + std::to_string(n);
    // A copy, so that at every moment one of the names has the learner's text.
    problem = write_file(kept, *theirs);
    if (!problem.empty()) return "";
  }
  problem = write_file(path, *fresh);
  if (!problem.empty()) return kept;
  const std::string manifest_path = folder + "/" + kManifest;
  if (auto manifest = manifest_from_json(read_file(manifest_path).value_or(""))) {
    (*manifest)[learner_name(step)] = hash_of(*fresh);
    write_file(manifest_path, to_json(*manifest));
  }
  return kept;
}

std::string full_path(const std::string& path) {
  const char* home = std::getenv("HOME");
  if (home && *home && (path == "~" || path.starts_with("~/"))) return full_path(home + path.substr(1));
  std::string full = fs::absolute(path).lexically_normal().string();
  while (full.size() > 1 && full.back() == '/') full.pop_back();
  return full;
}

std::string shown(const std::string& path) {
  const char* home = std::getenv("HOME");
  std::string text = path;
  const bool blanks = text.find_first_of(" '\"$\\&()") != text.npos;
  if (blanks) return "\"" + text + "\"";
  if (home && std::strlen(home) > 1 && text.starts_with(std::string(home) + "/")) text = "~" + text.substr(std::strlen(home));
  return text;
}

}  // namespace cli
