// kernels/copy.cpp -- copies between layouts: whole rows, or tiles where rows of one are columns of the other.
#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "kernels/kernel.h"

namespace ct::kernels {

namespace {

// A plane of which the output's rows are dense and the input's columns are: out[i][j] = in[j][i].
struct Plane {
  std::int64_t rows, cols;             // of the output
  std::int64_t out_row, in_col;        // bytes from one row of the output, one column of the input, to the next
};

// Reads whole cache lines of the input into a tile on the stack and writes whole rows of the tile: no line is touched
// twice, whatever the strides.
template <class T>
void transpose_rows(char* out, const char* in, const Plane& p, std::int64_t row_begin, std::int64_t row_end) {
  constexpr std::int64_t height = 128 / sizeof(T), width = 64;
  T tile[height][width];
  for (std::int64_t i = row_begin; i < row_end; i += height) {
    const std::int64_t h = std::min(height, row_end - i);
    for (std::int64_t j = 0; j < p.cols; j += width) {
      const std::int64_t w = std::min(width, p.cols - j);
      std::int64_t b = 0;
      for (; b + 8 <= w && h == height; b += 8) {  // eight columns at once: the compiler interleaves them in registers
        const T* c[8];
        for (int k = 0; k < 8; ++k) c[k] = reinterpret_cast<const T*>(in + (j + b + k) * p.in_col) + i;
        for (std::int64_t a = 0; a < height; ++a) {
          T* to = &tile[a][b];
          to[0] = c[0][a], to[1] = c[1][a], to[2] = c[2][a], to[3] = c[3][a];
          to[4] = c[4][a], to[5] = c[5][a], to[6] = c[6][a], to[7] = c[7][a];
        }
      }
      for (; b < w; ++b) {
        const T* column = reinterpret_cast<const T*>(in + (j + b) * p.in_col) + i;
        for (std::int64_t a = 0; a < h; ++a) tile[a][b] = column[a];
      }
      char* to = out + i * p.out_row + j * static_cast<std::int64_t>(sizeof(T));
      for (std::int64_t a = 0; a < h; ++a, to += p.out_row) std::memcpy(to, tile[a], static_cast<std::size_t>(w) * sizeof(T));
    }
  }
}

}  // namespace

void copy(Strided& s) {
  const Loop loop = cast_loop(s.dtype[0], s.dtype[1]);
  const std::int64_t size = elementSize(s.dtype[0]);
  std::int64_t n = 1;
  for (int d = 0; d < s.ndim; ++d) n *= s.sizes[d];
  if (s.dtype[0] != s.dtype[1] || n < 4096) return run(loop, ScalarType::Undefined, s, nullptr);

  Strided c = s;
  coalesce(c);
  const int inner = c.ndim - 1;
  int rows = -1;
  for (int d = 0; d < inner; ++d)
    if (c.strides[1][d] == size) rows = d;
  if (rows < 0 || c.strides[0][inner] != size || c.strides[1][inner] == size || c.sizes[rows] < 8 || c.sizes[inner] < 8)
    return run(loop, ScalarType::Undefined, s, nullptr);

  const Plane plane{c.sizes[rows], c.sizes[inner], c.strides[0][rows], c.strides[1][inner]};
  std::int64_t planes = 1;
  for (int d = 0; d < inner; ++d)
    if (d != rows) planes *= c.sizes[d];
  const std::int64_t band = 128 / size, bands = (plane.rows + band - 1) / band;
  const std::int64_t grain = std::max<std::int64_t>(1, detail::elementwise_grain / (band * plane.cols));
  detail::parallel_for(planes * bands, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      char* out = c.data[0];
      const char* in = c.data[1];
      std::int64_t rest = t / bands;
      for (int d = inner; d-- > 0;) {
        if (d == rows) continue;
        out += rest % c.sizes[d] * c.strides[0][d];
        in += rest % c.sizes[d] * c.strides[1][d];
        rest /= c.sizes[d];
      }
      const std::int64_t first = t % bands * band, last = std::min(plane.rows, first + band);
      switch (size) {
        case 1: transpose_rows<std::uint8_t>(out, in, plane, first, last); break;
        case 2: transpose_rows<std::uint16_t>(out, in, plane, first, last); break;
        case 4: transpose_rows<std::uint32_t>(out, in, plane, first, last); break;
        default: transpose_rows<std::uint64_t>(out, in, plane, first, last); break;
      }
    }
  });
}

}  // namespace ct::kernels
