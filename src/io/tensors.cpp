// io/tensors.cpp -- what the formats share about tensors.
#include "core/tensor_impl.h"
#include "cotangent/autograd.h"
#include "io/formats.h"

namespace ct::io {

Tensor plain(const char* op, const std::string& name, const Tensor& t) {
  CT_CHECK_VALUE(t.defined(), op, ": the tensor '", shown(name), "' is undefined");
  const NoGradGuard off;
  return t.detach().contiguous();
}

Tensor new_tensor(ScalarType dtype, IntArrayRef sizes) { return ct::detail::empty_like_dtype(dtype, sizes); }

bool byte_count(ScalarType dtype, IntArrayRef sizes, std::uint64_t& bytes) {
  if (sizes.size() > static_cast<std::size_t>(max_dims)) return false;
  std::int64_t nonzero = elementSize(dtype), n = nonzero;
  for (const std::int64_t s : sizes) {
    if (s < 0) return false;
    // Strides are products of sizes, so these must not overflow even where there is no element.
    if (s > 0 && __builtin_mul_overflow(nonzero, s, &nonzero)) return false;
    n = s == 0 ? 0 : n;
  }
  bytes = static_cast<std::uint64_t>(n == 0 ? 0 : nonzero);
  return true;
}

void make_flags_valid(const Tensor& t) {
  if (t.scalar_type() != kBool) return;
  auto* p = static_cast<unsigned char*>(t.data_ptr());
  for (std::int64_t i = 0, n = t.numel(); i < n; ++i)
    if (p[i] > 1) p[i] = 1;
}

}  // namespace ct::io
