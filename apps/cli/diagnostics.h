// cli/diagnostics.h -- what a compiler said, taken apart and reduced to the lines that the learner wrote.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cli {

struct Place {
  std::string file;
  int line = 0, column = 0;  // 0: not known
};

struct Diagnostic {
  enum class Kind { error, warning, note } kind = Kind::error;
  Place place;
  std::string message;
  std::string excerpt;                       // the source line and the mark below it, each with a newline; may be empty
  std::vector<Place> through = {};           // from where the template or macro at that place was used, the nearest first
  std::vector<Place> included = {};          // from where its file was included, the nearest first
  std::vector<std::string> candidates = {};  // of an error: the functions of ours that were considered, as GCC writes them
};

/// Takes the output of GCC or Clang (or of the linker) apart.
std::vector<Diagnostic> parse_diagnostics(std::string_view text);

/// The errors and warnings as the learner can use them: each is on a line of `source` or of another file in its folder. An error
/// inside a header is moved to the learner's line that led there; notes, backtraces and repetitions are dropped, long names of
/// the standard library are shortened. Where no function fits, the excerpt goes on with those that there are. Errors come first.
std::vector<Diagnostic> for_learner(const std::vector<Diagnostic>& all, const std::string& source);

/// "file.cpp:12:5: error: ..." with the excerpt, at most `most` of them, with paths as shown_path() gives them.
std::string to_text(const std::vector<Diagnostic>& diagnostics, std::size_t most = 5);

/// A path as it is shown to people: from the current folder if it lies in there.
std::string shown_path(const std::string& path);

}  // namespace cli
