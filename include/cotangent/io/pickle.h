// cotangent/io/pickle.h -- PyTorch's checkpoints: what torch.save writes and torch.load reads.
#pragma once

#include <vector>

#include "cotangent/ivalue.h"

namespace ct {

/// Writes a value as torch.save does: a zip archive with a pickle and the elements of all tensors. Tensors that share memory
/// still share it when they are read; of a large storage only the part that these tensors span is written.
/// Errors: ct::IoError with the system's reason; the file that was there stays then.
CT_API void save_pt(const IValue& value, const std::string& path);
CT_API void save_pt(const IValue& value, std::ostream& stream);

/// Reads what torch.save wrote (since PyTorch 1.6): tensors, numbers, text, None, and lists, tuples and dicts of them, among
/// them state_dicts of modules and optimizers. Also modules that C++ programs saved with torch::save, as nested dicts. Tensors
/// from other devices come to the CPU. Nothing in the file is ever executed.
/// Errors: ct::IoError, naming file and place, for a damaged file, and for any other object, with its name.
CT_API IValue load_pt(const std::string& path);
CT_API IValue load_pt(std::istream& stream);

/// The same to and from memory, with libtorch's names.
CT_API std::vector<char> pickle_save(const IValue& value);
CT_API IValue pickle_load(const std::vector<char>& data);

}  // namespace ct
