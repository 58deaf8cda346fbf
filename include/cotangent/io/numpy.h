// cotangent/io/numpy.h -- NumPy's files: one array (.npy) or named arrays (.npz).
#pragma once

#include <cstdint>

#include "cotangent/io/tensor_dict.h"

namespace ct {

/// Writes what numpy.load reads. bfloat16, which NumPy does not know, is written as two bytes without a meaning ('<V2'):
/// numpy.load(f).view(ml_dtypes.bfloat16). Errors: ct::IoError with the system's reason; the file that was there stays then.
CT_API void save_npy(const Tensor& tensor, const std::string& path);
CT_API void save_npy(const Tensor& tensor, std::ostream& stream);
/// Reads what numpy.save wrote, of any version, byte order and memory order; the result is contiguous.
/// Errors: ct::IoError, naming file and place, for a damaged file, Python objects (which are never loaded), and dtypes that
/// there are none of here (uint16, complex, strings, records).
CT_API Tensor load_npy(const std::string& path);
CT_API Tensor load_npy(std::istream& stream);

/// numpy.savez; with `compressed` numpy.savez_compressed.
CT_API void save_npz(const TensorDict& tensors, const std::string& path, bool compressed = false);
CT_API void save_npz(const TensorDict& tensors, std::ostream& stream, bool compressed = false);
/// The arrays by name. `max_bytes` is how much compressed arrays may grow to in all: a small file of zeros can claim any amount.
CT_API TensorDict load_npz(const std::string& path, std::int64_t max_bytes = std::int64_t{4} << 30);
CT_API TensorDict load_npz(std::istream& stream, std::int64_t max_bytes = std::int64_t{4} << 30);

}  // namespace ct
