// io/value_json.h -- values as JSON, so that safetensors files hold numbers, text, lists and dicts beside their tensors.
#pragma once

#include <string>

#include "cotangent/io/tensor_dict.h"
#include "cotangent/ivalue.h"
#include "io/source.h"

namespace ct::io {

// The key of the note that holds them.
inline constexpr const char* values_note = "cotangent";

// Tensors within the value go to `tensors`, under names that begin with `name`.
//   {"lr": 0.1, "betas": {"$tuple": [0.9, 0.999]}, "exp_avg": {"$tensor": "state.0.exp_avg"}, "loss": {"$float": "nan"}}
// A dict with keys that are no plain text is {"$items": [[0, ..], ..]}.
std::string to_json(const IValue& value, const std::string& name, TensorDict& tensors);
// Errors: IoError if the text is not of this form; names of tensors that are used are added to `used`.
IValue from_json(const Source& source, const std::string& text, const TensorDict& tensors, OrderedDict<std::string, bool>& used);

}  // namespace ct::io
