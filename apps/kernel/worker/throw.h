// throw.h -- runs compiled code and says what it threw, and where.
#pragma once

#include <string>
#include <vector>

namespace kernel {

struct Thrown {
  std::string type, message;
  std::string lines;  // of cells: where it was thrown, and who called
  std::vector<std::string> text() const { return {type + (message.empty() ? "" : ": " + message) + "\n", lines}; }
};

/// Calls the functions in order. False if one of them threw.
bool call(const std::vector<void (*)()>& functions, Thrown& thrown);

}  // namespace kernel
