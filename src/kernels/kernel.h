// kernels/kernel.h -- what a kernel is: a loop over raw strided memory, one for each dtype.
#pragma once

#include <cstdint>

#include "cotangent/scalar.h"
#include "cotangent/scalar_type.h"

namespace ct::kernels {

// One-dimensional loop over n elements. args[0] is the output, args[1..] the inputs; strides are in bytes (0 repeats an
// element). Parameters come as Scalars. A loop allocates nothing and knows neither tensors nor the graph.
using Loop = void (*)(char* const* args, const std::int64_t* strides, std::int64_t n, const Scalar* params);

// Indexed by compute dtype; null where the op is not defined. Half and BFloat16 may be null: they run the Float loop on
// converted blocks.
struct Kernel {
  Loop loop[num_dtypes] = {};
  Loop operator[](ScalarType t) const { return loop[static_cast<int>(t)]; }
};

inline constexpr int max_args = 5;

// An elementwise call over n-dimensional operands of one shape; strides in bytes, 0 where an operand is broadcast.
struct Strided {
  int nargs = 0;                                 // output included
  int ndim = 0;
  std::int64_t sizes[16];
  std::int64_t strides[max_args][16];
  char* data[max_args];
  ScalarType dtype[max_args];                    // of each operand in memory
};

// Merges dimensions, runs the loop over all of them on as many threads as pay off.
// `compute` is the dtype the loop was chosen for; operands stored in Half/BFloat16 are converted in blocks when
// the loop computes in Float.
void run(Loop loop, ScalarType compute, Strided& s, const Scalar* params);

// Drops and merges dimensions, and sorts them so that the output's smallest stride is innermost.
void coalesce(Strided& s);
// The copy of operand 1 into operand 0, of the same dtype or not. Transposed memory goes through small tiles.
void copy(Strided& s);

// Copies with conversion between any two dtypes: args[0] of dtype `to`, args[1] of dtype `from`.
Loop cast_loop(ScalarType to, ScalarType from);

}  // namespace ct::kernels
