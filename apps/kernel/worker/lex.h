// lex.h -- a look at a cell's tokens before clang's parser sees it: what it would stumble over, and where the cell's head ends.
#pragma once

#include <string>

namespace kernel {

struct Lexed {
  /// A bracket that does not fit, an open comment, a `return` outside a function. Empty: nothing to complain about.
  std::string problem;
  unsigned problem_at = 0;
  /// The problem is only that something is still open: a reader may be about to type the rest.
  bool incomplete = false;
  /// Behind the leading lines that only include and define; they are parsed first and as they stand.
  unsigned head_end = 0;
  /// From a first line "// -O2"; -1 if there is none.
  int optimise = -1;
};

Lexed look_at(const std::string& code);

/// The line (from 1) and column (from 1) of an offset.
struct Place { unsigned line, column; };
Place place_of(const std::string& text, unsigned offset);

}  // namespace kernel
