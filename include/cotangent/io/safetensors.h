// cotangent/io/safetensors.h -- named tensors in safetensors files, which other frameworks read too.
#pragma once

#include "cotangent/io/tensor_dict.h"

namespace ct {

/// Writes named tensors. The file is complete or the one that was there before; see docs/io.md.
/// Errors: ct::IoError with the system's reason; ct::ValueError for an undefined tensor, the name "__metadata__", or a name
/// or note that is not UTF-8.
CT_API void save_safetensors(const TensorDict& tensors, const std::string& path, const Metadata& metadata = Metadata());
CT_API void save_safetensors(const TensorDict& tensors, std::ostream& stream, const Metadata& metadata = Metadata());

/// Reads the tensors in the order of the file's header, and its notes if there is a place for them.
/// mmap: the tensors look at the file, and what is never touched is never read. Writing to them changes memory only. The
/// file must not be overwritten in place meanwhile (replacing it by a new one, as all writers here do, is fine).
/// Errors: ct::IoError, naming file and place, for anything but a complete and valid file, and for dtypes that there are none of
/// here (uint16, complex, ..).
CT_API TensorDict load_safetensors(const std::string& path, bool mmap = false, Metadata* metadata = nullptr);
/// Reads the stream to its end.
CT_API TensorDict load_safetensors(std::istream& stream, Metadata* metadata = nullptr);

}  // namespace ct
