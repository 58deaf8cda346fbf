// io/pt.cpp -- PyTorch's checkpoints: a zip archive with data.pkl, which describes the value, and data/0, data/1, .., the storages.
#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/tensor_impl.h"
#include "cotangent/autograd.h"
#include "io/formats.h"
#include "io/pickle.h"
#include "io/zip.h"

namespace ct::io {

namespace {

constexpr std::string_view pickle_name = "data.pkl";

// The part of a storage that the tensors of one dtype span.
struct Span {
  std::string key;
  ScalarType dtype;
  const char *begin, *end;
  Tensor keep{};
  std::int64_t numel() const { return (end - begin) / elementSize(dtype); }
};

std::pair<const char*, const char*> extent(const Tensor& t) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < t.sizes().size(); ++i) last += (t.sizes()[i] - 1) * t.strides()[i];
  const char* p = static_cast<const char*>(t.data_ptr());
  return {p, p + (last + 1) * t.element_size()};
}

class Storages {
 public:
  // First all tensors are seen, then the place of each is known.
  void see(const IValue& v) {
    switch (v.kind()) {
      case IValue::Kind::Tensor: see(v.toTensor()); return;
      case IValue::Kind::List:
      case IValue::Kind::Tuple:
        for (const IValue& x : v.toListRef()) see(x);
        return;
      case IValue::Kind::Dict:
        for (const IValue::Pair& p : v.items()) see(p.second);
        return;
      default: return;
    }
  }
  StoredTensor place(const Tensor& t) const {
    const Span& s = spans_[index_.at(key(t))];
    const std::int64_t offset = t.numel() == 0 ? 0 : (static_cast<const char*>(t.data_ptr()) - s.begin) / t.element_size();
    return {{s.key, s.dtype, s.numel()}, offset};
  }
  const std::vector<Span>& spans() const { return spans_; }

 private:
  struct Key {
    const void* storage;
    ScalarType dtype;
    bool operator==(const Key& o) const { return storage == o.storage && dtype == o.dtype; }
  };
  struct Hash {
    std::size_t operator()(const Key& k) const { return std::hash<const void*>()(k.storage) * 16 + static_cast<std::size_t>(k.dtype); }
  };
  static Key key(const Tensor& t) {
    // Storages without elements are all the same.
    return {t.numel() == 0 ? nullptr : static_cast<const void*>(ct::detail::impl(t)->storage->owner()), t.scalar_type()};
  }
  void see(const Tensor& t) {
    const auto [at, is_new] = index_.emplace(key(t), spans_.size());
    if (is_new) spans_.push_back({std::to_string(spans_.size()), t.scalar_type(), nullptr, nullptr, t});
    if (t.numel() == 0) return;
    Span& s = spans_[at->second];
    const auto [begin, end] = extent(t);
    s.begin = s.begin ? std::min(s.begin, begin) : begin;
    s.end = s.end ? std::max(s.end, end) : end;
  }
  std::unordered_map<Key, std::size_t, Hash> index_;
  std::vector<Span> spans_;
};

}  // namespace

void write_pt(const char*, Sink& sink, const IValue& value) {
  Storages storages;
  storages.see(value);
  const std::string pickle = write_pickle(value, [&](const Tensor& t) { return storages.place(t); });
  ZipWriter zip(sink);
  zip.stored("archive/data.pkl", {{pickle.data(), pickle.size()}}, 64);
  for (const Span& s : storages.spans()) zip.stored("archive/data/" + s.key, {{s.begin, static_cast<std::uint64_t>(s.end - s.begin)}}, 64);
  zip.stored("archive/version", {{"3\n", 2}}, 64);
  zip.finish();
}

IValue read_pt(const ZipArchive& zip) {
  const Source& source = zip.source();
  const ZipEntry* pickle = nullptr;
  for (const ZipEntry& e : zip.entries()) {
    const std::size_t slash = e.name.find('/');
    if (slash == std::string::npos || std::string_view(e.name).substr(slash + 1) != pickle_name) continue;
    if (pickle) source.fail(e.data, {"there are two pickles, '", shown(pickle->name), "' and '", shown(e.name), "'"});
    pickle = &e;
  }
  if (!pickle) source.fail({"this is a zip archive without a data.pkl: no file of torch.save"});
  const auto stored = [&](const ZipEntry& e) -> const ZipEntry& {
    if (e.deflated) source.fail(e.data, {"entry '", shown(e.name), "' is compressed, which torch.save never does\n  Load it in Python and save it again."});
    return e;
  };
  const std::string root = pickle->name.substr(0, pickle->name.size() - pickle_name.size());
  if (const ZipEntry* order = zip.find(root + "byteorder")) {
    std::string text(std::min<std::uint64_t>(stored(*order).size, 16), '\0');
    ZipReader(source, *order).read(text.data(), text.size());
    if (text != "little") source.fail(order->data, {"its byte order is '", shown(text), "', and only 'little' can be read"});
  }
  std::string code(stored(*pickle).size, '\0');
  ZipReader reader(source, *pickle);
  reader.read(code.data(), code.size());
  reader.finish();

  std::unordered_map<std::string, Tensor> storages;
  return read_pickle(source, pickle->data, code, [&](const StorageRef& ref) {
    Tensor& t = storages[ref.key];
    const ZipEntry* e = zip.find(root + "data/" + ref.key);
    if (!e) source.fail(pickle->data, {"there is no entry for the storage '", shown(ref.key), "'"});
    std::uint64_t bytes = 0;
    if (!byte_count(ref.dtype, {ref.numel}, bytes) || bytes != stored(*e).size)
      source.fail(e->data, {"entry '", shown(e->name), "' has ", std::to_string(e->size), " bytes, but is to hold ", ref.numel, " elements of ", ref.dtype});
    if (t.defined()) return t;
    Tensor made = new_tensor(ref.dtype, {ref.numel});
    ZipReader r(source, *e);
    r.read(made.data_ptr(), bytes);
    r.finish();
    make_flags_valid(made);
    return t = made;
  });
}

}  // namespace ct::io

namespace ct {

void save_pt(const IValue& value, const std::string& path) {
  io::write_file("save_pt", path, [&](io::Sink& s) { io::write_pt("save_pt", s, value); });
}
void save_pt(const IValue& value, std::ostream& stream) {
  io::write_stream("save_pt", stream, [&](io::Sink& s) { io::write_pt("save_pt", s, value); });
}
IValue load_pt(const std::string& path) {
  const auto source = io::open_file("load_pt", path);
  return io::read_pt(io::ZipArchive(*source));
}
IValue load_pt(std::istream& stream) {
  const auto source = io::open_stream("load_pt", stream);
  return io::read_pt(io::ZipArchive(*source));
}
std::vector<char> pickle_save(const IValue& value) {
  return io::write_memory([&](io::Sink& s) { io::write_pt("pickle_save", s, value); });
}
IValue pickle_load(const std::vector<char>& data) {
  const auto source = io::open_memory("pickle_load", data.data(), data.size());
  return io::read_pt(io::ZipArchive(*source));
}

}  // namespace ct
