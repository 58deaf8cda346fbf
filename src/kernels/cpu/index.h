// kernels/cpu/index.h -- reading and writing places that index tensors name.
#pragma once

#include <cstdint>

#include "kernels/kernel.h"

namespace ct::kernels {

// Dimensions that an index does not touch, merged where memory allows; strides in bytes.
struct Walk {
  int n = 0;
  std::int64_t sizes[16], strides[16], numel = 1;

  void add(std::int64_t size, std::int64_t stride);  // the next inner dimension
  std::int64_t offset(std::int64_t i) const;         // in bytes, of the i-th place in row-major order
};

// The places data + outer(o) + offsets[j] + inner(k) of a strided tensor, in the order (o, j, k). The values read from
// them or written to them lie densely in that order.
struct Places {
  char* data = nullptr;
  int element_size = 0;
  Walk outer, inner;
  const std::int64_t* offsets = nullptr;  // in bytes
  std::int64_t n = 0;
};

void read_places(char* out, const Places& p);
// Of places named twice the last value stays, whatever the number of threads.
void write_places(const Places& p, const char* values);
// One value, of element_size bytes, to all places.
void fill_places(const Places& p, const char* value);
// place += alpha * value, in order.
void add_places(ScalarType dtype, const Places& p, const char* values, const Scalar& alpha);

// One index for each value: the places data + outer(o) + index[o][j][k] * stride + inner(k), where index and values
// lie densely as [outer][n][inner].
struct Lines {
  char* data = nullptr;
  int element_size = 0;
  Walk outer, inner;
  const std::int64_t* index = nullptr;
  std::int64_t n = 0, stride = 0;         // stride in bytes
};

// False if an index was outside [0, size); what was read is then of no use.
bool read_lines(char* out, const Lines& p, std::int64_t size);
void write_lines(const Lines& p, const char* values);
void fill_lines(const Lines& p, const char* value);
void add_lines(ScalarType dtype, const Lines& p, const char* values);

// Masks, as bytes that are 0 or 1. count_true fills counts[b] for each block of mask_block bytes; write_true writes the
// positions of the ones, block b from out[starts[b]] on.
inline constexpr std::int64_t mask_block = 16384;
void count_true(const char* mask, std::int64_t n, std::int64_t* counts);
void write_true(const char* mask, std::int64_t n, const std::int64_t* starts, std::int64_t* out);
// args: out, x, mask, value. out = mask ? value : x
Loop masked_fill_loop(int element_size);

// Position of the first index outside [low, high), or -1.
std::int64_t find_outside(const std::int64_t* index, std::int64_t n, std::int64_t low, std::int64_t high);

}  // namespace ct::kernels
