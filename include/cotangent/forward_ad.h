// cotangent/forward_ad.h -- forward mode by dual numbers: tensors that carry a tangent through every operation.
#pragma once

#include <cstdint>
#include <optional>

#include "cotangent/tensor.h"

namespace ct::forward_ad {

/// Enters a level and returns its number; tangents live until it is left. Levels nest, the innermost is left first.
CT_API std::uint64_t enter_dual_level();
/// Errors: ct::Error "Trying to exit a forward AD level that was not the last one that was created".
CT_API void exit_dual_level(std::optional<std::uint64_t> level = std::nullopt);

/// Python's `with dual_level():` for the rest of the scope.
///   dual_level level;
///   auto [y, dy] = unpack_dual(f(make_dual(x, t)));   // dy = J t
class CT_API dual_level {
 public:
  dual_level() : level_(enter_dual_level()) {}
  ~dual_level();
  dual_level(const dual_level&) = delete;
  dual_level& operator=(const dual_level&) = delete;
  std::uint64_t level() const { return level_; }

 private:
  std::uint64_t level_;
};

struct UnpackedDualTensor {
  Tensor primal;
  Tensor tangent;  // undefined if there is none
};

/// An alias of `tensor` with a tangent of the same shape and dtype, at the innermost level unless another is named.
/// Errors: ct::Error outside of all levels, or for a tangent of another shape or dtype.
CT_API Tensor make_dual(const Tensor& tensor, const Tensor& tangent, std::optional<std::uint64_t> level = std::nullopt);
/// The alias without the tangent, and the tangent.
CT_API UnpackedDualTensor unpack_dual(const Tensor& tensor, std::optional<std::uint64_t> level = std::nullopt);

}  // namespace ct::forward_ad
