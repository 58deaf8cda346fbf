// kernels/gemm.cpp -- own loops for products, and the choice between them and BLAS.
#include "kernels/gemm.h"

#include <algorithm>
#include <climits>
#include <type_traits>

#include "core/parallel.h"
#include "cotangent/threads.h"
#include "kernels/blas.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gemm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "kernels/cpu/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace ct::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::int64_t k_block = 256, row_block = 128;

// R rows (1 to 4) times V vectors of columns (1 or 2), over `depth` steps of k. The accumulators are named because arrays
// of vectors do not exist on every target.
template <int R, int V, class D, class T = hn::TFromD<D>>
HWY_INLINE void micro(D d, std::int64_t depth, const T* a, std::int64_t a_row, std::int64_t a_col, const T* b, std::int64_t ldb,
                      T alpha, T beta, T* c, std::int64_t ldc) {
  const std::size_t lanes = hn::Lanes(d);
  auto c00 = hn::Zero(d), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  for (std::int64_t k = 0; k < depth; ++k, a += a_col, b += ldb) {
    const auto b0 = hn::LoadU(d, b);
    auto b1 = b0;
    if constexpr (V > 1) b1 = hn::LoadU(d, b + lanes);
    const auto a0 = hn::Set(d, a[0]);
    c00 = hn::MulAdd(a0, b0, c00);
    if constexpr (V > 1) c01 = hn::MulAdd(a0, b1, c01);
    if constexpr (R > 1) {
      const auto a1 = hn::Set(d, a[a_row]);
      c10 = hn::MulAdd(a1, b0, c10);
      if constexpr (V > 1) c11 = hn::MulAdd(a1, b1, c11);
    }
    if constexpr (R > 2) {
      const auto a2 = hn::Set(d, a[2 * a_row]);
      c20 = hn::MulAdd(a2, b0, c20);
      if constexpr (V > 1) c21 = hn::MulAdd(a2, b1, c21);
    }
    if constexpr (R > 3) {
      const auto a3 = hn::Set(d, a[3 * a_row]);
      c30 = hn::MulAdd(a3, b0, c30);
      if constexpr (V > 1) c31 = hn::MulAdd(a3, b1, c31);
    }
  }
  const auto va = hn::Set(d, alpha), vb = hn::Set(d, beta);
  auto store = [&](auto v, T* to) HWY_ATTR {
    v = hn::Mul(v, va);
    if (beta != 0) v = hn::MulAdd(vb, hn::LoadU(d, to), v);
    hn::StoreU(v, d, to);
  };
  auto store_row = [&](auto v0, auto v1, T* to) HWY_ATTR {
    store(v0, to);
    if constexpr (V > 1) store(v1, to + lanes);
  };
  store_row(c00, c01, c);
  if constexpr (R > 1) store_row(c10, c11, c + ldc);
  if constexpr (R > 2) store_row(c20, c21, c + 2 * ldc);
  if constexpr (R > 3) store_row(c30, c31, c + 3 * ldc);
}

// Rows [first, last) of one panel of V vectors of columns, from column j.
template <int V, class D, class T = hn::TFromD<D>>
HWY_NOINLINE void panel(D d, const Gemm<T>& p, std::int64_t first, std::int64_t last, std::int64_t j) {
  const std::int64_t width = V * static_cast<std::int64_t>(hn::Lanes(d)), columns = std::min(width, p.n - j);
  const bool partial = columns < width;
  HWY_ALIGN T packed[k_block * 2 * HWY_MAX_BYTES / sizeof(T)];
  HWY_ALIGN T edge[4 * 2 * HWY_MAX_BYTES / sizeof(T)];
  for (std::int64_t k0 = 0; k0 < p.k; k0 += k_block) {
    const std::int64_t depth = std::min(k_block, p.k - k0);
    const T* b = p.b + k0 * p.b_row + j * p.b_col;
    std::int64_t ldb = p.b_row;
    if (partial || p.b_col != 1 || last - first > 64) {
      for (std::int64_t k = 0; k < depth; ++k) {
        T* to = packed + k * width;
        const T* from = b + k * p.b_row;
        for (std::int64_t i = 0; i < columns; ++i) to[i] = from[i * p.b_col];
        for (std::int64_t i = columns; i < width; ++i) to[i] = 0;
      }
      b = packed;
      ldb = width;
    }
    const T beta = k0 == 0 ? p.beta : T(1);
    for (std::int64_t i = first; i < last; i += 4) {
      const std::int64_t rows = std::min<std::int64_t>(4, last - i);
      const T* a = p.a + i * p.a_row + k0 * p.a_col;
      T* c = p.c + i * p.ldc + j;
      T* to = partial ? edge : c;
      const std::int64_t ldc = partial ? width : p.ldc;
      const T own_beta = partial ? T(0) : beta;
      switch (rows) {
        case 1: micro<1, V>(d, depth, a, p.a_row, p.a_col, b, ldb, p.alpha, own_beta, to, ldc); break;
        case 2: micro<2, V>(d, depth, a, p.a_row, p.a_col, b, ldb, p.alpha, own_beta, to, ldc); break;
        case 3: micro<3, V>(d, depth, a, p.a_row, p.a_col, b, ldb, p.alpha, own_beta, to, ldc); break;
        default: micro<4, V>(d, depth, a, p.a_row, p.a_col, b, ldb, p.alpha, own_beta, to, ldc);
      }
      if (!partial) continue;
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t q = 0; q < columns; ++q) {
          T& out = c[r * p.ldc + q];
          out = beta == 0 ? edge[r * width + q] : beta * out + edge[r * width + q];
        }
    }
  }
}

// All columns, with vectors no wider than what is left of them.
template <class T>
void columns(const Gemm<T>& p, std::int64_t first, std::int64_t last, std::int64_t j, std::int64_t end) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (; end - j >= 2 * lanes; j += 2 * lanes) panel<2>(d, p, first, last, j);
  for (; end - j >= lanes; j += lanes) panel<1>(d, p, first, last, j);
  const std::int64_t rest = end - j;
  if (rest == 0) return;
  if (rest > 8 && lanes > 8) panel<1>(d, p, first, last, j);
  else if (rest > 4 && lanes > 4) panel<1>(hn::CappedTag<T, 8>(), p, first, last, j);
  else if (rest > 2 && lanes > 2) panel<1>(hn::CappedTag<T, 4>(), p, first, last, j);
  else panel<1>(hn::CappedTag<T, 2>(), p, first, last, j);
}

template <class T>
void own_gemm(const Gemm<T>& p) { columns(p, 0, p.m, 0, p.n); }

// The same on several threads, by tiles of C; each element is summed in one order whatever their number.
template <class T>
void own_gemm_parallel(const Gemm<T>& p) {
  const hn::ScalableTag<T> d;
  const std::int64_t width = 2 * static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t across = (p.n + width - 1) / width, down = (p.m + row_block - 1) / row_block;
  detail::parallel_for(across * down, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t i = t / across * row_block, j = t % across * width;
      columns(p, i, std::min(p.m, i + row_block), j, std::min(p.n, j + width));
    }
  });
}

template <class T>
T dense_dot(const T* x, const T* y, std::int64_t n) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  std::int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::MulAdd(hn::LoadU(d, x + i), hn::LoadU(d, y + i), s0);
    s1 = hn::MulAdd(hn::LoadU(d, x + i + lanes), hn::LoadU(d, y + i + lanes), s1);
    s2 = hn::MulAdd(hn::LoadU(d, x + i + 2 * lanes), hn::LoadU(d, y + i + 2 * lanes), s2);
    s3 = hn::MulAdd(hn::LoadU(d, x + i + 3 * lanes), hn::LoadU(d, y + i + 3 * lanes), s3);
  }
  for (; i + lanes <= n; i += lanes) s0 = hn::MulAdd(hn::LoadU(d, x + i), hn::LoadU(d, y + i), s0);
  T total = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
  for (; i < n; ++i) total += x[i] * y[i];
  return total;
}

GemmTable gemm_table() {
  return {own_gemm<float>, own_gemm<double>, own_gemm_parallel<float>, own_gemm_parallel<double>, dense_dot<float>, dense_dot<double>};
}

}  // namespace ct::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ct::kernels {

namespace {


const GemmTable& table() {
  static const GemmTable t = CT_BEST_TARGET(gemm_table);
  return t;
}

template <class T>
void own(const Gemm<T>& p) {
  if constexpr (std::is_same_v<T, float>) table().gemm_f32(p);
  else table().gemm_f64(p);
}
template <class T>
void own_parallel(const Gemm<T>& p) {
  if constexpr (std::is_same_v<T, float>) table().parallel_f32(p);
  else table().parallel_f64(p);
}
template <class T>
T dense_dot(const T* x, const T* y, std::int64_t n) {
  if constexpr (std::is_same_v<T, float>) return table().dot_f32(x, y, n);
  else return table().dot_f64(x, y, n);
}

// Up to here our loops are at least as fast as a call of OpenBLAS (measured: equal near 32 x 32 x 32).
constexpr std::int64_t small_work = 32 * 32 * 32;

// How BLAS reads a matrix: as it is or transposed, and the distance between its rows or columns.
struct BlasOperand { int trans = 0, ld = 0; };
BlasOperand blas_operand(std::int64_t rows, std::int64_t cols, std::int64_t row, std::int64_t col) {
  if (cols == 1) col = 1;
  if (rows == 1) row = col == 1 ? std::max<std::int64_t>(cols, 1) : 1;
  if (col == 1 && row >= cols && row <= INT_MAX) return {blas_no_trans, static_cast<int>(std::max<std::int64_t>(row, 1))};
  if (row == 1 && col >= rows && col <= INT_MAX) return {blas_trans, static_cast<int>(std::max<std::int64_t>(col, 1))};
  return {};
}

bool fits_int(std::int64_t m, std::int64_t n, std::int64_t k) { return m <= INT_MAX && n <= INT_MAX && k <= INT_MAX; }

template <class T>
bool blas_gemm(const Gemm<T>& p) {
  const Blas* lib = blas();
  if (!lib || !fits_int(p.m, p.n, p.k) || p.ldc > INT_MAX) return false;
  const BlasOperand a = blas_operand(p.m, p.k, p.a_row, p.a_col), b = blas_operand(p.k, p.n, p.b_row, p.b_col);
  if (!a.trans || !b.trans) return false;
  lib->of<T>().gemm(blas_row_major, a.trans, b.trans, static_cast<int>(p.m), static_cast<int>(p.n), static_cast<int>(p.k), p.alpha, p.a, a.ld,
                    p.b, b.ld, p.beta, p.c, static_cast<int>(p.ldc));
  return true;
}

// C = beta C, where A B has nothing to add.
template <class T>
void scale(const Gemm<T>& p) {
  for (std::int64_t i = 0; i < p.m; ++i)
    for (std::int64_t j = 0; j < p.n; ++j) {
      T& c = p.c[i * p.ldc + j];
      c = p.beta == T(0) ? T(0) : static_cast<T>(p.beta * c);
    }
}

std::int64_t work(std::int64_t m, std::int64_t n, std::int64_t k) {
  return static_cast<std::int64_t>(std::min(static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k), 1e18));
}

// Integers: plain loops over unsigned numbers, so that they wrap around.
template <class T>
void integer_gemm(const Gemm<T>& p) {
  using U = std::uint64_t;
  const std::int64_t grain = std::max<std::int64_t>(1, 65536 / std::max<std::int64_t>(1, p.n * p.k));
  detail::parallel_for(p.m, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      T* c = p.c + i * p.ldc;
      for (std::int64_t j = 0; j < p.n; ++j) c[j] = p.beta == 0 ? T(0) : static_cast<T>(static_cast<U>(p.beta) * static_cast<U>(c[j]));
      for (std::int64_t k = 0; k < p.k; ++k) {
        const U x = static_cast<U>(p.alpha) * static_cast<U>(p.a[i * p.a_row + k * p.a_col]);
        const T* b = p.b + k * p.b_row;
        for (std::int64_t j = 0; j < p.n; ++j) c[j] = static_cast<T>(static_cast<U>(c[j]) + x * static_cast<U>(b[j * p.b_col]));
      }
    }
  });
}

}  // namespace

bool gemm_reads(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t rows, std::int64_t cols, std::int64_t row_stride, std::int64_t col_stride) {
  return work(m, n, k) <= small_work || blas_operand(rows, cols, row_stride, col_stride).trans;
}

template <class T>
void gemm(const Gemm<T>& p) {
  if (p.m == 0 || p.n == 0) return;
  if constexpr (!std::is_floating_point_v<T>) {
    integer_gemm(p);
  } else {
    if (p.k == 0) return scale(p);
    if (work(p.m, p.n, p.k) <= small_work) return own(p);
    set_blas_threads(get_num_threads());
    if (!blas_gemm(p)) own_parallel(p);
  }
}

template <class T>
void batched_gemm(const Gemm<T>& first, std::int64_t batch, std::int64_t a_step, std::int64_t b_step, std::int64_t c_step) {
  auto item = [=](std::int64_t i) {
    Gemm<T> p = first;
    p.a += i * a_step, p.b += i * b_step, p.c += i * c_step;
    return p;
  };
  if (first.m == 0 || first.n == 0) return;
  if constexpr (std::is_floating_point_v<T>) {
    const std::int64_t each = work(first.m, first.n, first.k), threads = get_num_threads();
    if (first.k > 0 && (each <= small_work || (batch >= threads && threads > 1))) {
      const bool small = each <= small_work;
      if (!small) set_blas_threads(1);  // one product a thread instead
      const std::int64_t grain = std::max<std::int64_t>(1, 65536 / std::max<std::int64_t>(1, each));
      detail::parallel_for(batch, grain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const Gemm<T> p = item(i);
          if (small || !blas_gemm(p)) own(p);
        }
      });
      return;
    }
  }
  for (std::int64_t i = 0; i < batch; ++i) gemm(item(i));
}

template <class T>
T dot(std::int64_t n, const T* x, std::int64_t x_step, const T* y, std::int64_t y_step) {
  if constexpr (std::is_floating_point_v<T>) {
    if (x_step == 1 && y_step == 1) {
      // Fixed parts, so that the result does not depend on the number of threads.
      constexpr std::int64_t part = std::int64_t{1} << 16, most = 256;
      if (n <= part) return dense_dot(x, y, n);
      const std::int64_t step = std::max(part, (n + most - 1) / most), parts = (n + step - 1) / step;
      T partial[most];
      detail::parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) partial[i] = dense_dot(x + i * step, y + i * step, std::min(step, n - i * step));
      });
      T total = 0;
      for (std::int64_t i = 0; i < parts; ++i) total += partial[i];
      return total;
    }
    T total = 0;
    for (std::int64_t i = 0; i < n; ++i) total += x[i * x_step] * y[i * y_step];
    return total;
  } else {
    std::uint64_t total = 0;
    for (std::int64_t i = 0; i < n; ++i) total += static_cast<std::uint64_t>(x[i * x_step]) * static_cast<std::uint64_t>(y[i * y_step]);
    return static_cast<T>(total);
  }
}

template <class T>
void gemv(std::int64_t m, std::int64_t n, T alpha, const T* a, std::int64_t a_row, std::int64_t a_col, const T* x, std::int64_t x_step, T beta, T* y) {
  if (m == 0) return;
  if constexpr (std::is_floating_point_v<T>) {
    if (n > 0 && work(m, n, 1) > small_work) {
      const Blas* lib = blas();
      const BlasOperand op = blas_operand(m, n, a_row, a_col);
      if (lib && op.trans && x_step > 0 && x_step <= INT_MAX && fits_int(m, n, 1)) {
        set_blas_threads(get_num_threads());
        if (beta == 0) std::fill(y, y + m, T(0));  // whatever was there must not get through, not even NaN
        const bool plain = op.trans == blas_no_trans;
        lib->of<T>().gemv(blas_row_major, op.trans, static_cast<int>(plain ? m : n), static_cast<int>(plain ? n : m), alpha, a, op.ld, x,
                          static_cast<int>(x_step), beta, y, 1);
        return;
      }
    }
    if (a_col == 1 && x_step == 1) {
      for (std::int64_t i = 0; i < m; ++i) {
        const T v = alpha * dense_dot(a + i * a_row, x, n);
        y[i] = beta == 0 ? v : beta * y[i] + v;
      }
      return;
    }
  }
  gemm(Gemm<T>{1, m, n, alpha, x, 0, x_step, a, a_col, a_row, beta, y, m});  // y^T = x^T A^T
}

template <class T>
void own_gemm(const Gemm<T>& p) {
  if (p.m == 0 || p.n == 0) return;
  if (p.k == 0) return scale(p);
  own(p);
}
template void own_gemm<float>(const Gemm<float>&);
template void own_gemm<double>(const Gemm<double>&);

#define CT_X(T)                                                                                                             \
  template void gemm<T>(const Gemm<T>&);                                                                                    \
  template void batched_gemm<T>(const Gemm<T>&, std::int64_t, std::int64_t, std::int64_t, std::int64_t);                    \
  template T dot<T>(std::int64_t, const T*, std::int64_t, const T*, std::int64_t);                                          \
  template void gemv<T>(std::int64_t, std::int64_t, T, const T*, std::int64_t, std::int64_t, const T*, std::int64_t, T, T*);
CT_X(float)
CT_X(double)
CT_X(std::uint8_t)
CT_X(std::int8_t)
CT_X(std::int16_t)
CT_X(std::int32_t)
CT_X(std::int64_t)
#undef CT_X

}  // namespace ct::kernels
#endif
