// core/process.h -- runs a program without a shell: text in, bytes and complaints out.
#pragma once

#include <string>
#include <vector>

#include "cotangent/api.h"

namespace ct::detail {

struct ProcessResult {
  bool found = true;       // false: there is no such program on the PATH
  int error = 0;           // errno when it could not be started or talked to
  bool timed_out = false;
  int exit_code = 0;       // 128 + signal when killed
  std::string out{}, err{};
};

// Feeds `input` to the program's stdin and collects stdout and stderr until it ends. Ended by force after `seconds`.
CT_API ProcessResult run_process(const std::vector<std::string>& argv, const std::string& input, int seconds);

}  // namespace ct::detail
