// tests/random_programs/alone.cpp -- stands in for theirs.cpp where libtorch is missing.
#include "random_programs/program.h"

namespace programs {
bool has_theirs() { return false; }
Outcome run_theirs(const Program&) { return {}; }
}  // namespace programs
