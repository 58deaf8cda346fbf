// cotangent/dlpack.h -- tensors to and from other libraries in the same process, without copies.
#pragma once

#include "cotangent/tensor.h"

// The structures are those of DLPack's own dlpack/dlpack.h, or of any library that exchanges them: nothing here defines them
// again, so that every version of that header may be included beside this one.
struct DLManagedTensor;

namespace ct {

/// The memory of a tensor, for another library. The memory lives until that library calls the deleter of the result.
/// The result has no history; what is written through it is seen by no version counter.
/// Errors: ct::Error if the tensor is undefined or requires a gradient (detach() it, as in Python).
CT_API DLManagedTensor* toDLPack(const Tensor& src);
/// Takes over a tensor of another library: its deleter is called when the last tensor on this memory is gone. After an error
/// it stays the caller's.
/// Errors: ct::Error for other memory than the CPU's, and for dtypes and layouts that do not exist here.
CT_API Tensor fromDLPack(DLManagedTensor* src);
inline Tensor fromDLPack(const DLManagedTensor* src) { return fromDLPack(const_cast<DLManagedTensor*>(src)); }

}  // namespace ct
