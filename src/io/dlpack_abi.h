// io/dlpack_abi.h -- the structures of DLPack before version 1.0, which every library that speaks it has agreed on.
#pragma once

#include <cstddef>
#include <cstdint>

struct DLDevice {
  std::int32_t device_type;  // 1: CPU
  std::int32_t device_id;
};
struct DLDataType {
  std::uint8_t code;         // 0: signed integer, 1: unsigned, 2: IEEE floating, 4: bfloat16, 5: complex, 6: flag
  std::uint8_t bits;
  std::uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  DLDataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;     // in elements; null: row-major
  std::uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensor* self);
};

static_assert(sizeof(void*) != 8 || (sizeof(DLTensor) == 48 && sizeof(DLManagedTensor) == 64 && offsetof(DLManagedTensor, deleter) == 56));
