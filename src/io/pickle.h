// io/pickle.h -- the part of Python's pickle language that checkpoints of tensors are written in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cotangent/callable.h"
#include "cotangent/ivalue.h"
#include "io/sink.h"
#include "io/source.h"

namespace ct::io {

// What a pickle says of a tensor: elements of a storage, which is a record of the archive.
struct StorageRef {
  std::string key;
  ScalarType dtype;
  std::int64_t numel;
};

// Note [Pickles without Python]
// A pickle is a program for a small stack machine, and Python's machine may call anything that can be imported. This one knows
// the instructions that make values, and a list of names: those that torch.save writes for tensors, sizes and dicts, each with
// its own few lines below. Everything else is refused by its name before anything is made of it. No name is ever looked up.
// Instructions that take many bytes of text say so beforehand, and are held against what is left; lists and dicts are
// nested at most 200 deep and cannot contain themselves (IValue sees to that); and a value may be used again, but not so that
// the whole would look much larger than the pickle is.
//
// `storage` gives the elements of a storage as a one-dimensional tensor, the same one for the same key.
IValue read_pickle(const Source& source, std::uint64_t where, std::string_view pickle, FunctionRef<Tensor(const StorageRef&)> storage);

// `tensor` gives the storage of a tensor, and where in it the tensor begins.
struct StoredTensor {
  StorageRef storage;
  std::int64_t offset;
};
std::string write_pickle(const IValue& value, FunctionRef<StoredTensor(const Tensor&)> tensor);

}  // namespace ct::io
