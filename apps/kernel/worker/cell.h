// cell.h -- one cell from its text to its effect.
#pragma once

#include <string>

#include "redefine.h"
#include "session.h"

namespace kernel {

struct Worker {
  std::unique_ptr<Session> session;
  Redefinitions redefinitions;
  int cells = 0;
  int optimise = 1;

  /// Parses and runs text that is not a cell's: the prelude. Returns an error text, or nothing.
  std::string run_prelude(const std::string& text);
  /// Runs a cell, sends its errors, and in the end "done". Returns in another process if the cell failed (see snapshot.h).
  void execute(const std::string& code, const std::string& label, int optimise);
};

}  // namespace kernel
