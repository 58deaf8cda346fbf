// io/formats.h -- the formats as functions between tensors and bytes.
#pragma once

#include "cotangent/io/numpy.h"
#include "cotangent/io/pickle.h"
#include "cotangent/io/safetensors.h"
#include "io/sink.h"
#include "io/source.h"

namespace ct::io {

void write_safetensors(const char* op, Sink& sink, const TensorDict& tensors, const Metadata& metadata);
TensorDict read_safetensors(const Source& source, bool mmap, Metadata* metadata);

void write_npy(Sink& sink, const Tensor& tensor);
Tensor read_npy(const Source& source);
void write_npz(const char* op, Sink& sink, const TensorDict& tensors, bool compressed);
TensorDict read_npz(const Source& source, std::int64_t max_bytes);

void write_pt(const char* op, Sink& sink, const IValue& value);
class ZipArchive;
IValue read_pt(const ZipArchive& zip);

// Elements that can be written from start to end, without history.
Tensor plain(const char* op, const std::string& name, const Tensor& t);
// A new tensor; numel * size of an element are known to fit into what was really there.
Tensor new_tensor(ScalarType dtype, IntArrayRef sizes);
// Whether sizes can be those of a tensor; its bytes.
bool byte_count(ScalarType dtype, IntArrayRef sizes, std::uint64_t& bytes);
// Flags other than 0 and 1 are no values of C++'s bool.
void make_flags_valid(const Tensor& t);

}  // namespace ct::io
