// io/safetensors.cpp -- eight bytes of length, a JSON header, then the elements of all tensors without gaps.
#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "core/tensor_impl.h"
#include "io/formats.h"
#include "io/json.h"

namespace ct::io {

namespace {

constexpr std::uint64_t largest_header = 100'000'000;  // as the reference reader has it
constexpr const char* metadata_key = "__metadata__";

struct DtypeName {
  const char* name;
  ScalarType dtype;
};
constexpr DtypeName dtype_names[] = {{"BOOL", kBool}, {"U8", kByte}, {"I8", kChar}, {"I16", kShort}, {"I32", kInt}, {"I64", kLong},
                                     {"F16", kHalf}, {"BF16", kBFloat16}, {"F32", kFloat}, {"F64", kDouble}};

struct Entry {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> offsets;
  bool has_dtype = false, has_shape = false, has_offsets = false;
};

// The header has one form, three levels deep: whatever else comes is refused where it comes.
class Header final : public JsonHandler {
 public:
  Header(const Source& source, Metadata* metadata) : source_(source), metadata_(metadata) {}
  std::vector<Entry> entries;

 private:
  enum class Place { outside, top, tensor, shape, offsets, metadata };

  [[noreturn]] void refuse(const char* what) const {
    switch (place_) {
      case Place::outside: source_.fail({"the header is no JSON object, but ", what});
      case Place::top: source_.fail({"the header's entry '", shown(key_), "' is ", what, " instead of an object"});
      case Place::metadata: source_.fail({"the header's ", metadata_key, " has ", what, " as '", shown(key_), "', where a string must be"});
      default: source_.fail({"tensor '", shown(entries.back().name), "': unexpected ", what, " as its '", shown(key_), "'"});
    }
  }
  void null() override { refuse("null"); }
  void boolean(bool) override { refuse("a flag"); }
  void number(double) override { refuse("a number that is no integer of 64 bits"); }
  void integer(std::int64_t v) override {
    if (place_ == Place::shape || place_ == Place::offsets) {
      if (v < 0) refuse("negative number");
      std::vector<std::int64_t>& list = place_ == Place::shape ? entries.back().shape : entries.back().offsets;
      if (list.size() > static_cast<std::size_t>(max_dims)) source_.fail({"tensor '", shown(entries.back().name), "': more than ", max_dims, " numbers as its '", key_, "'"});
      list.push_back(v);
    } else {
      refuse("an integer");
    }
  }
  void string(std::string& v) override {
    if (place_ == Place::metadata) {
      if (metadata_) {
        if (metadata_->contains(key_)) source_.fail({"the header has the note '", shown(key_), "' twice"});
        metadata_->insert(key_, std::move(v));
      }
    } else if (place_ == Place::tensor && key_ == "dtype") {
      once(entries.back().has_dtype);
      entries.back().dtype = std::move(v);
    } else {
      refuse("a string");
    }
  }
  void key(std::string& k) override { key_ = std::move(k); }
  void begin_object() override {
    if (place_ == Place::outside && !seen_) {
      seen_ = true;
      place_ = Place::top;
    } else if (place_ == Place::top && key_ == metadata_key) {
      if (std::exchange(seen_metadata_, true)) source_.fail({"the header has ", metadata_key, " twice"});
      place_ = Place::metadata;
    } else if (place_ == Place::top) {
      entries.emplace_back();
      entries.back().name = key_;
      place_ = Place::tensor;
    } else {
      refuse("an object");
    }
  }
  void end_object() override {
    if (place_ == Place::tensor) {
      const Entry& e = entries.back();
      if (!e.has_dtype || !e.has_shape || !e.has_offsets)
        source_.fail({"tensor '", shown(e.name), "': the header lacks its '", !e.has_dtype ? "dtype" : !e.has_shape ? "shape" : "data_offsets", "'"});
    }
    place_ = place_ == Place::top ? Place::outside : Place::top;
  }
  void begin_array() override {
    if (place_ == Place::tensor && key_ == "shape") {
      once(entries.back().has_shape);
      place_ = Place::shape;
    } else if (place_ == Place::tensor && key_ == "data_offsets") {
      once(entries.back().has_offsets);
      place_ = Place::offsets;
    } else {
      refuse("an array");
    }
  }
  void end_array() override { place_ = Place::tensor; }
  void once(bool& seen) {
    if (std::exchange(seen, true)) source_.fail({"tensor '", shown(entries.back().name), "': the header has its '", key_, "' twice"});
  }

  const Source& source_;
  Metadata* metadata_;
  Place place_ = Place::outside;
  std::string key_;
  bool seen_ = false, seen_metadata_ = false;
};

ScalarType dtype_of(const Source& source, const Entry& e) {
  for (const DtypeName& d : dtype_names)
    if (e.dtype == d.name) return d.dtype;
  source.fail({"tensor '", shown(e.name), "': its dtype ", shown(e.dtype), " does not exist here\n  There are: BOOL, U8, I8, I16, I32, I64, F16, BF16, F32, F64. Convert it before saving."});
}

}  // namespace

void write_safetensors(const char* op, Sink& sink, const TensorDict& tensors, const Metadata& metadata) {
  std::vector<Tensor> data;
  for (const auto& item : tensors) {
    CT_CHECK_VALUE(item.key() != metadata_key, op, ": no tensor can have the name ", metadata_key, ", which safetensors reserves");
    CT_CHECK_VALUE(is_utf8(item.key()), op, ": the name '", shown(item.key()), "' is no UTF-8 text");
    data.push_back(plain(op, item.key(), item.value()));
  }
  // There may be no gaps, so large elements come first: then all of them are aligned. The header keeps the order.
  std::vector<std::size_t> order(data.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return data[a].element_size() > data[b].element_size(); });
  std::vector<std::uint64_t> begin(data.size());
  std::uint64_t end = 0;
  for (const std::size_t i : order) {
    begin[i] = end;
    end += data[i].nbytes();
  }

  std::string header = "{";
  if (!metadata.is_empty()) {
    header += "\"__metadata__\":{";
    for (const auto& note : metadata) {
      CT_CHECK_VALUE(is_utf8(note.key()) && is_utf8(note.value()), op, ": the note '", shown(note.key()), "' is no UTF-8 text");
      if (header.back() != '{') header += ',';
      header += json_quoted(note.key()) += ':';
      header += json_quoted(note.value());
    }
    header += '}';
  }
  std::size_t at = 0;
  for (const auto& item : tensors) {
    const Tensor& t = data[at];
    const char* dtype = "";
    for (const DtypeName& d : dtype_names)
      if (d.dtype == t.scalar_type()) dtype = d.name;
    if (header.size() > 1) header += ',';
    header += json_quoted(item.key());
    header += ct::detail::join({":{\"dtype\":\"", dtype, "\",\"shape\":["});
    for (std::size_t i = 0; i < t.sizes().size(); ++i) header += ct::detail::join({i ? "," : "", t.sizes()[i]});
    header += ct::detail::join({"],\"data_offsets\":[", std::to_string(begin[at]), ",", std::to_string(begin[at] + t.nbytes()), "]}"});
    ++at;
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');
  CT_CHECK_VALUE(header.size() <= largest_header, op, ": names and notes take ", header.size(), " bytes, and the format allows ", largest_header);

  sink.write_le(static_cast<std::uint64_t>(header.size()));
  sink.write(header);
  for (const std::size_t i : order) sink.write(data[i].data_ptr(), data[i].nbytes());
}

TensorDict read_safetensors(const Source& source, bool mmap, Metadata* metadata) {
  const std::uint64_t length = read_le<std::uint64_t>(source, 0);
  if (length > largest_header) source.fail(0, {"the header is said to have ", std::to_string(length), " bytes, more than the 100,000,000 that the format allows\n  Is this a safetensors file?"});
  std::string text;
  source.expect(8, length);
  text.resize(length);
  source.read(8, text.data(), length);
  if (text.empty() || text[0] != '{') source.fail(8, {"the header does not begin with '{'\n  Is this a safetensors file?"});

  Metadata notes;
  Header header(source, metadata ? &notes : nullptr);
  std::uint64_t where = 0;
  if (const std::string error = parse_json(text, header, where); !error.empty()) source.fail(8 + where, {"the header is no valid JSON: ", error});
  text = {};

  // Ranges of all tensors, first by their place: each begins where the one before it ends.
  const std::uint64_t start = 8 + length, available = source.size() - start;
  const std::vector<Entry>& entries = header.entries;
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (const Entry& e : entries) {
    std::uint64_t bytes = 0;
    if (e.offsets.size() != 2) source.fail({"tensor '", shown(e.name), "': data_offsets must be two numbers"});
    const std::int64_t begin = e.offsets[0], end = e.offsets[1];
    const ScalarType dtype = io::dtype_of(source, e);
    if (!byte_count(dtype, e.shape, bytes))
      source.fail({"tensor '", shown(e.name), "': no tensor can have the shape ", IntArrayRef(e.shape), e.shape.size() > static_cast<std::size_t>(max_dims) ? ", which has too many dimensions" : ", which is too large"});
    if (end < begin || static_cast<std::uint64_t>(end - begin) != bytes)
      source.fail({"tensor '", shown(e.name), "': data_offsets [", begin, ", ", end, "] do not fit the ", std::to_string(bytes), " bytes of dtype ", e.dtype, " and shape ", IntArrayRef(e.shape)});
    if (static_cast<std::uint64_t>(end) > available)
      source.fail(start + static_cast<std::uint64_t>(begin), {"the file is cut off or damaged: tensor '", shown(e.name), "' ends at byte ", end, " of the data, which has ", std::to_string(available)});
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return entries[a].offsets < entries[b].offsets; });
  std::int64_t last = 0;
  for (const std::size_t i : order) {
    const Entry& e = entries[i];
    if (e.offsets[0] != last)
      source.fail(start + static_cast<std::uint64_t>(e.offsets[0]), {"tensor '", shown(e.name), "' ", e.offsets[0] < last ? "overlaps another tensor" : "leaves a gap behind the tensor before it"});
    last = e.offsets[1];
  }
  if (static_cast<std::uint64_t>(last) != available) source.fail(start + static_cast<std::uint64_t>(last), {"no tensor owns the last ", std::to_string(available - static_cast<std::uint64_t>(last)), " bytes"});

  const std::shared_ptr<char> mapped = mmap ? source.map() : nullptr;
  TensorDict out;
  out.reserve(entries.size());
  for (const Entry& e : entries) {
    if (out.contains(e.name)) source.fail({"the header has the tensor '", shown(e.name), "' twice"});
    const ScalarType dtype = io::dtype_of(source, e);
    const std::uint64_t at = start + static_cast<std::uint64_t>(e.offsets[0]), n = static_cast<std::uint64_t>(e.offsets[1] - e.offsets[0]);
    // Elements that lie askew, as some writers leave them, and flags, which must be looked at, are copied.
    if (mapped && n > 0 && dtype != kBool && at % static_cast<std::uint64_t>(elementSize(dtype)) == 0) {
      out.insert(e.name, from_blob(mapped.get() + at, e.shape, [mapped](void*) {}, ct::dtype(dtype)));
      continue;
    }
    Tensor t = new_tensor(dtype, e.shape);
    source.read(at, t.data_ptr(), n);
    make_flags_valid(t);
    out.insert(e.name, std::move(t));
  }
  if (metadata) *metadata = std::move(notes);
  return out;
}

}  // namespace ct::io

namespace ct {

void save_safetensors(const TensorDict& tensors, const std::string& path, const Metadata& metadata) {
  io::write_file("save_safetensors", path, [&](io::Sink& s) { io::write_safetensors("save_safetensors", s, tensors, metadata); });
}
void save_safetensors(const TensorDict& tensors, std::ostream& stream, const Metadata& metadata) {
  io::write_stream("save_safetensors", stream, [&](io::Sink& s) { io::write_safetensors("save_safetensors", s, tensors, metadata); });
}
TensorDict load_safetensors(const std::string& path, bool mmap, Metadata* metadata) {
  return io::read_safetensors(*io::open_file("load_safetensors", path), mmap, metadata);
}
TensorDict load_safetensors(std::istream& stream, Metadata* metadata) {
  return io::read_safetensors(*io::open_stream("load_safetensors", stream), false, metadata);
}

}  // namespace ct
