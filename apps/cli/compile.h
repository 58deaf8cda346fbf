// cli/compile.h -- makes a program of one C++ file of the learner's own: the compiler is called directly, results are kept.
#pragma once

#include <string>
#include <vector>

#include "diagnostics.h"

namespace cli {

struct CompileOptions {
  std::vector<std::string> definitions = {};  // "NAME" or "NAME=VALUE"; VALUE is not seen by a shell
  std::vector<std::string> folders = {};      // further folders of headers, searched before ours
  std::vector<std::string> with = {};         // further files to link; a .cpp among them is compiled (and kept) by itself
  std::vector<std::string> flags = {};        // further flags
  bool object = false;                        // make an object file instead of a program
  double seconds = 120;                       // the compiler's time limit
};

struct Compiled {
  bool ok = false;
  bool kept = false;                    // nothing had to be done: the same source was compiled before
  bool interrupted = false;             // Ctrl-C
  std::string program;                  // the program (or object), if ok; it stays where it is for at least an hour
  std::string log;                      // a file with the compiler's full text
  std::string text;                     // that text
  std::vector<Diagnostic> diagnostics;  // for the learner: errors, then warnings (see for_learner)
  double seconds = 0;
};

/// Compiles `source` against this build tree's library and the lessons' helpers (common/lesson.h), with CT_COURSE_DIR defined, as
/// CMake would compile a lesson. A program is known by the contents of its source and of all that it includes, by its path and
/// by the flags, so a second call costs a millisecond. Any number of calls may run at once, in one process or in many.
Compiled compile(const std::string& source, const CompileOptions& options = {});

/// What must be built before `file` is compiled, or any file if it is empty: names of targets, a space between them.
std::string targets_of_compile(const std::string& file = "");

/// What to show of a result: its errors (or else its warnings), how many more there are and where the full text lies; empty if
/// there is nothing to say.
std::string report(const Compiled& result, std::size_t most = 3);

/// Our folder in the user's cache ($XDG_CACHE_HOME or ~/.cache, else the folder for temporary files), with a subfolder in it.
/// Both are there after the call.
std::string cache_folder(const std::string& subfolder);

/// Where find_package(cotangent) finds this build tree; empty if it cannot be found.
std::string package_folder();

}  // namespace cli
