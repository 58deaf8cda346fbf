// checks/source.h -- the text of the learner's file: where a function stands, and which of its lines matches a pattern.
#pragma once

#include <string>
#include <vector>

namespace exercise {

class Source {
 public:
  Source() = default;
  explicit Source(const std::string& path);
  /// Without the folders.
  std::string name() const { return path_.substr(path_.find_last_of('/') + 1); }
  const std::string& path() const { return path_; }
  /// Line n, from 1, without the blanks around it; "" outside the file.
  std::string line(int n) const;
  /// Lines of the definition of a function or class, first and last; {0, 0} if there is none.
  struct Range {
    int first = 0, last = 0;
  };
  Range definition(const std::string& name) const;
  Range whole() const { return {1, static_cast<int>(code_.size())}; }
  /// The first line in the range that matches the regular expression, 0 if none does.
  int match(const Range& range, const std::string& pattern) const;

 private:
  std::string path_;
  std::vector<std::string> lines_, code_;  // as written; with comments and the insides of strings blanked
};

}  // namespace exercise
