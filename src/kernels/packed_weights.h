// kernels/packed_weights.h -- products with weights that are used again at each step of a recurrent layer.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/parallel.h"
#include "kernels/gemm.h"

namespace ct::kernels {

// The weights are first laid out as our matrix product reads them: columns in groups of `packed_width`, one group after another,
// and within it row by row.
template <class T>
constexpr std::int64_t packed_width = 128 / sizeof(T);

inline std::int64_t groups_of(std::int64_t columns, std::int64_t width) { return (columns + width - 1) / width; }
// Elements of a packed matrix [k, n].
template <class T>
std::int64_t packed_size(std::int64_t k, std::int64_t n) { return groups_of(n, packed_width<T>) * k * packed_width<T>; }

// packed = the matrix b [k, n] with the given strides.
template <class T>
void pack_weights(T* packed, const T* b, std::int64_t k, std::int64_t n, std::int64_t row, std::int64_t column) {
  constexpr std::int64_t width = packed_width<T>;
  detail::parallel_for(groups_of(n, width), 8, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t group = begin; group < end; ++group) {
      T* to = packed + group * k * width;
      const std::int64_t first = group * width, columns = std::min(width, n - first);
      for (std::int64_t i = 0; i < k; ++i)
        for (std::int64_t j = 0; j < columns; ++j) to[i * width + j] = b[i * row + (first + j) * column];
    }
  });
}

// c [rows, n] = a [rows, k] b + beta c, with rows of a k apart and those of c ldc.
template <class T>
void times_packed(std::int64_t rows, std::int64_t n, std::int64_t k, const T* a, const T* packed, T beta, T* c, std::int64_t ldc) {
  constexpr std::int64_t width = packed_width<T>;
  for (std::int64_t group = 0; group < groups_of(n, width); ++group) {
    const std::int64_t first = group * width;
    own_gemm(Gemm<T>{rows, std::min(width, n - first), k, T(1), a, k, 1, packed + group * k * width, width, 1, beta, c + first, ldc});
  }
}

// Sequences have nothing to do with each other: every thread takes some of them from the first step to the last. f(begin, end);
// `work`: products of one sequence.
template <class F>
void each_part_of_batch(std::int64_t batch, std::int64_t work, const F& f) {
  constexpr std::int64_t block = 4;  // rows that our matrix product takes at once
  detail::parallel_for((batch + block - 1) / block, std::max<std::int64_t>(1, 2'000'000 / std::max<std::int64_t>(1, work * block)),
                       [&](std::int64_t begin, std::int64_t end) { f(begin * block, std::min(batch, end * block)); });
}

}  // namespace ct::kernels
