// io/dlpack.cpp -- tensors to and from DLPack.
#include "cotangent/dlpack.h"

#include <memory>
#include <vector>

#include "core/tensor_impl.h"
#include "cotangent/autograd.h"
#include "io/dlpack_abi.h"
#include "io/formats.h"

namespace ct {

namespace {

struct Code {
  ScalarType dtype;
  std::uint8_t code;
};
constexpr Code codes[] = {{kBool, 6}, {kByte, 1}, {kChar, 0}, {kShort, 0}, {kInt, 0}, {kLong, 0}, {kHalf, 2}, {kBFloat16, 4}, {kFloat, 2}, {kDouble, 2}};

struct Given {
  Tensor tensor;
  std::vector<std::int64_t> shape, strides;
  DLManagedTensor managed{};
};

}  // namespace

DLManagedTensor* toDLPack(const Tensor& src) {
  CT_CHECK(src.defined(), "toDLPack: the tensor is undefined");
  CT_CHECK(!src.requires_grad(), "toDLPack: Can't export tensors that require gradient, use tensor.detach()");
  auto given = std::make_unique<Given>();
  given->tensor = src;
  given->shape = src.sizes().vec();
  given->strides = src.strides().vec();
  DLTensor& t = given->managed.dl_tensor;
  t.data = src.data_ptr();
  t.device = {1, 0};
  t.ndim = static_cast<std::int32_t>(src.dim());
  for (const Code& c : codes)
    if (c.dtype == src.scalar_type()) t.dtype = {c.code, static_cast<std::uint8_t>(8 * src.element_size()), 1};
  t.shape = given->shape.data();
  t.strides = given->strides.data();
  given->managed.manager_ctx = given.get();
  given->managed.deleter = [](DLManagedTensor* self) { delete static_cast<Given*>(self->manager_ctx); };
  return &given.release()->managed;
}

Tensor fromDLPack(DLManagedTensor* src) {
  CT_CHECK(src, "fromDLPack: the pointer is null");
  const DLTensor& t = src->dl_tensor;
  CT_CHECK(t.device.device_type == 1, "fromDLPack: Unsupported device_type: ", t.device.device_type, "\n  The memory must be the CPU's, which is 1.");
  CT_CHECK(t.dtype.lanes == 1, "fromDLPack: Only supports lanes==1, but got ", t.dtype.lanes);
  CT_CHECK(t.ndim >= 0 && t.ndim <= max_dims, "fromDLPack: a tensor cannot have ", t.ndim, " dimensions");
  ScalarType dtype = ScalarType::Undefined;
  for (const Code& c : codes)
    if (c.code == t.dtype.code && 8 * elementSize(c.dtype) == t.dtype.bits) dtype = c.dtype;
  CT_CHECK(dtype != ScalarType::Undefined, "fromDLPack: no dtype here has the code ", t.dtype.code, " and ", t.dtype.bits, " bits");
  const IntArrayRef sizes(t.shape, static_cast<std::size_t>(t.ndim));
  std::uint64_t bytes = 0;
  CT_CHECK(io::byte_count(dtype, sizes, bytes), "fromDLPack: no tensor can have the shape ", sizes);
  char* data = static_cast<char*>(t.data) + (bytes ? t.byte_offset : 0);
  CT_CHECK(reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(elementSize(dtype)) == 0 || bytes == 0, "fromDLPack: the elements do not lie at multiples of their size");
  const auto deleter = [](void* managed) {
    auto* m = static_cast<DLManagedTensor*>(managed);
    if (m->deleter) m->deleter(m);
  };
  if (bytes == 0) {
    Tensor empty = io::new_tensor(dtype, sizes);
    deleter(src);
    return empty;
  }
  const IntArrayRef strides(t.strides, t.strides ? static_cast<std::size_t>(t.ndim) : 0);
  for (const std::int64_t s : strides) CT_CHECK(s >= 0, "fromDLPack: negative strides are not supported, but they are ", strides);
  return detail::from_blob(data, sizes, t.strides ? &strides : nullptr, deleter, src, ct::dtype(dtype));
}

}  // namespace ct
