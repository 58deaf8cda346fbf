// io/archive.cpp -- trees of named values, to and from each format.
#include "cotangent/io.h"

#include <algorithm>

#include "cotangent/autograd.h"
#include "io/formats.h"
#include "io/json.h"
#include "io/value_json.h"
#include "io/zip.h"

namespace ct::serialize {

// ---- out -------------------------------------------------------------------------------------------------------------------

struct OutputArchive::State {
  struct Entry {
    IValue value{};
    std::unique_ptr<State> nested{};
  };
  OrderedDict<std::string, std::shared_ptr<Entry>> entries;
  bool joined = false;
  bool has_whole = false;
  IValue whole;

  Entry& add(const std::string& key) {
    CT_CHECK_VALUE(!entries.contains(key), "OutputArchive: the key '", io::shown(key), "' is already there");
    return *entries.insert(key, std::make_shared<Entry>());
  }
  void flatten(const std::string& prefix, OrderedDict<std::string, IValue>& out) const {
    for (const auto& e : entries) {
      const std::string key = prefix + e.key();
      if (e.value()->nested) {
        // One without entries is to be found again, too.
        if (e.value()->nested->entries.is_empty() && !joined) out.insert(key, IValue::dict());
        e.value()->nested->flatten(key + ".", out);
      } else {
        CT_CHECK_VALUE(!out.contains(key), "OutputArchive: the key '", io::shown(key), "' is already there");
        out.insert(key, e.value()->value);
      }
    }
  }
  IValue tree() const {
    if (has_whole) return whole;
    if (joined) {
      OrderedDict<std::string, IValue> all;
      flatten({}, all);
      return all;
    }
    IValue out = IValue::dict();
    for (const auto& e : entries) out.insert(e.key(), e.value()->nested ? e.value()->nested->tree() : e.value()->value);
    return out;
  }
};

OutputArchive::OutputArchive() : state_(std::make_unique<State>()) {}
OutputArchive::OutputArchive(OutputArchive&&) noexcept = default;
OutputArchive& OutputArchive::operator=(OutputArchive&&) noexcept = default;
OutputArchive::~OutputArchive() = default;

void OutputArchive::write(const std::string& key, const IValue& v) { state_->add(key).value = v; }
void OutputArchive::write(const std::string& key, const Tensor& t, bool) { state_->add(key).value = IValue(t); }
void OutputArchive::write(const std::string& key, OutputArchive& nested) {
  CT_CHECK_VALUE(nested.state_ && &nested != this, "OutputArchive: an archive cannot be part of itself");
  State::Entry& e = state_->add(key);
  e.nested = std::move(nested.state_);
  nested.state_ = std::make_unique<State>();
}
void OutputArchive::join_keys() { state_->joined = true; }
void OutputArchive::set_whole(IValue v) {
  state_->has_whole = true;
  state_->whole = std::move(v);
}
IValue OutputArchive::value() const { return state_->tree(); }
OrderedDict<std::string, IValue> OutputArchive::flat() const {
  OrderedDict<std::string, IValue> all;
  state_->flatten({}, all);
  return all;
}

namespace {

void write_format(const char* op, io::Sink& sink, const OutputArchive& archive, FileFormat format) {
  if (format == FileFormat::pt) return io::write_pt(op, sink, archive.value());
  const OrderedDict<std::string, IValue> all = archive.flat();
  TensorDict tensors;
  for (const auto& e : all)
    if (e->isTensor()) tensors.insert(e.key(), e->toTensor());
  if (format == FileFormat::safetensors) {
    std::string values;
    for (const auto& e : all)
      if (!e->isTensor()) values += ct::detail::join({values.empty() ? "{" : ",", io::json_quoted(e.key()), ":", io::to_json(*e, e.key(), tensors)});
    Metadata notes;
    if (!values.empty()) notes.insert(io::values_note, values + "}");
    return io::write_safetensors(op, sink, tensors, notes);
  }
  CT_CHECK_VALUE(tensors.size() == all.size(), op, ": NumPy's files hold tensors only, but '", io::shown(all[tensors.size() < all.size() ? 0 : 0].key()),
                 "' or another entry is something else\n  Choose a name that ends in .safetensors or .pt.");
  if (format == FileFormat::npz) return io::write_npz(op, sink, tensors, false);
  CT_CHECK_VALUE(tensors.size() == 1, op, ": a .npy file holds one tensor, but there are ", tensors.size(), "\n  Choose a name that ends in .npz, .safetensors or .pt.");
  io::write_npy(sink, tensors[0].value());
}

bool ends_with(const std::string& s, std::string_view ending) { return s.size() >= ending.size() && s.compare(s.size() - ending.size(), ending.size(), ending) == 0; }

FileFormat format_of(const std::string& path) {
  if (ends_with(path, ".pt") || ends_with(path, ".pth")) return FileFormat::pt;
  return ends_with(path, ".npz") ? FileFormat::npz : ends_with(path, ".npy") ? FileFormat::npy : FileFormat::safetensors;
}

}  // namespace

void OutputArchive::save_to(const std::string& path) {
  io::write_file("save", path, [&](io::Sink& s) { write_format("save", s, *this, format_of(path)); });
}
void OutputArchive::save_to(std::ostream& stream, FileFormat format) {
  io::write_stream("save", stream, [&](io::Sink& s) { write_format("save", s, *this, format); });
}
void OutputArchive::save_to(FunctionRef<std::size_t(const void*, std::size_t)> func) {
  const std::vector<char> bytes = io::write_memory([&](io::Sink& s) { write_format("save", s, *this, FileFormat::safetensors); });
  for (std::size_t done = 0; done < bytes.size();) {
    const std::size_t n = func(bytes.data() + done, bytes.size() - done);
    if (n == 0 || n > bytes.size() - done) CT_THROW(io, "save: the function given wrote ", n, " of ", bytes.size() - done, " bytes");
    done += n;
  }
}

// ---- in ----------------------------------------------------------------------------------------------------------------------

struct InputArchive::State {
  std::string name = "<nothing>";
  IValue whole;                                  // as it was in the file
  std::vector<IValue> keep;                      // what `dict` may be made of
};

namespace {

IValue read_format(const io::Source& source) {
  char start[9] = {};
  source.read(0, start, std::min<std::uint64_t>(source.size(), sizeof start));
  const std::string_view begin(start, sizeof start);
  if (begin.substr(0, 2) == "PK") {
    const io::ZipArchive zip(source);
    for (const io::ZipEntry& e : zip.entries())
      if (ends_with(e.name, "/data.pkl")) return io::read_pt(zip);
    return io::read_npz(source, std::int64_t{4} << 30);
  }
  if (begin.substr(0, 6) == "\x93NUMPY") return io::read_npy(source);
  if (start[8] == '{') {
    Metadata notes;
    const TensorDict tensors = io::read_safetensors(source, false, &notes);
    const std::string* values = notes.find(io::values_note);
    if (!values) return tensors;
    OrderedDict<std::string, bool> used;
    const IValue v = io::from_json(source, *values, tensors, used);
    if (!v.isGenericDict()) source.fail({"the values in the header are damaged: they are no object"});
    IValue out = IValue::dict();
    for (const auto& t : tensors)
      if (!used.contains(t.key())) out.insert(t.key(), t.value());
    for (const IValue::Pair& p : v.items()) {
      const std::string key = p.first.isInt() ? std::to_string(p.first.toInt()) : p.first.toStringRef();
      if (out.contains(key)) source.fail({"'", io::shown(key), "' is a tensor and a value"});
      out.insert(key, p.second);
    }
    return out;
  }
  if (source.size() == 0) source.fail({"the file is empty"});
  if (start[0] == '\x80') source.fail({"this is a pickle by itself, as torch.save wrote it before PyTorch 1.6\n  Convert it in Python: torch.save(torch.load(f), f)."});
  source.fail({"this is none of the formats that can be read: safetensors, .pt, .npy, .npz"});
}

// Values by number where a file holds one tensor or a list of them.
IValue as_dict(const IValue& v) {
  if (v.isGenericDict()) return v;
  IValue out = IValue::dict();
  if (v.isList() || v.isTuple()) {
    for (std::size_t i = 0; i < v.size(); ++i) out.insert(std::to_string(i), v[i]);
  } else {
    out.insert("0", v);
  }
  return out;
}

const char* kind_of(const IValue& v) { return v.isTensor() ? "a tensor" : v.isGenericDict() ? "a dict" : "a value"; }

}  // namespace

InputArchive::InputArchive() : state_(std::make_shared<State>()) { state_->keep.push_back(IValue::dict()); }
InputArchive::InputArchive(const IValue& v) { set(v, "<value>"); }
InputArchive::InputArchive(InputArchive&&) noexcept = default;
InputArchive& InputArchive::operator=(InputArchive&&) noexcept = default;
InputArchive::~InputArchive() = default;

void InputArchive::set(IValue v, std::string name) {
  auto state = std::make_shared<State>();
  state->name = std::move(name);
  state->keep.push_back(as_dict(v));
  state->whole = std::move(v);
  state_ = std::move(state);
  prefix_.clear();
}
const IValue& InputArchive::value() const { return state_->whole; }
const std::string& InputArchive::name() const { return state_->name; }

namespace {
void check_device(const std::optional<Device>& device) {
  if (device) (void)empty({0}).to(*device);
}
}  // namespace
void InputArchive::load_from(const std::string& path, std::optional<Device> device) {
  check_device(device);
  set(read_format(*io::open_file("load", path)), path);
}
void InputArchive::load_from(std::istream& stream, std::optional<Device> device) {
  check_device(device);
  set(read_format(*io::open_stream("load", stream)), "<stream>");
}
void InputArchive::load_from(const char* data, std::size_t size, std::optional<Device> device) {
  check_device(device);
  set(read_format(*io::open_memory("load", data, size)), "<memory>");
}
void InputArchive::load_from(FunctionRef<std::size_t(std::uint64_t, void*, std::size_t)> read_func, FunctionRef<std::size_t()> size_func, std::optional<Device> device) {
  std::string bytes;
  char buffer[65536];
  for (const std::size_t size = size_func(); bytes.size() < size;) {
    const std::size_t n = read_func(bytes.size(), buffer, std::min(sizeof buffer, size - bytes.size()));
    if (n == 0 || n > sizeof buffer) CT_THROW(io, "load: the function given read ", n, " bytes at ", bytes.size(), " of ", size);
    bytes.append(buffer, n);
  }
  load_from(bytes.data(), bytes.size(), device);
}

// Looks for "a.b.c" under every way of taking it apart: names with dots, dicts within dicts, lists by number.
namespace {
const IValue* find_path(const IValue& in, std::string_view path) {
  if (in.isList() || in.isTuple()) {
    const std::size_t dot = path.find('.');
    const std::string_view first = path.substr(0, dot);
    std::size_t i = 0;
    if (first.empty() || first.size() > 9) return nullptr;
    for (const char c : first) {
      if (c < '0' || c > '9') return nullptr;
      i = 10 * i + static_cast<std::size_t>(c - '0');
    }
    if (i >= in.size()) return nullptr;
    return dot == std::string_view::npos ? &in[i] : find_path(in[i], path.substr(dot + 1));
  }
  if (!in.isGenericDict()) return nullptr;
  if (const IValue* v = in.find(path)) return v;
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.', dot + 1))
    if (const IValue* v = in.find(path.substr(0, dot)))
      if (const IValue* inner = find_path(*v, path.substr(dot + 1))) return inner;
  return nullptr;
}

std::string key_text(const IValue& key) { return key.isInt() ? std::to_string(key.toInt()) : key.toStringRef(); }

// Calls f with what follows "path." in all names, under every way of taking the path apart.
void below(const IValue& in, std::string_view path, FunctionRef<void(std::string_view)> f) {
  if (!in.isGenericDict()) {
    if (const std::size_t dot = path.find('.'); in.isList() || in.isTuple())
      if (const IValue* v = find_path(in, path.substr(0, dot))) {
        if (dot != std::string_view::npos) below(*v, path.substr(dot + 1), f);
        else if (v->isGenericDict()) below(*v, {}, f);
      }
    return;
  }
  for (const IValue::Pair& p : in.items()) {
    const std::string key = key_text(p.first);
    if (path.empty()) {
      f(key);
    } else if (key == path) {
      if (p.second.isGenericDict()) below(p.second, {}, f);
    } else if (key.size() > path.size() && key[path.size()] == '.' && key.compare(0, path.size(), path) == 0) {
      f(std::string_view(key).substr(path.size() + 1));
    } else if (path.size() > key.size() && path[key.size()] == '.' && path.substr(0, key.size()) == key) {
      below(p.second, path.substr(key.size() + 1), f);
    }
  }
}
}  // namespace

const IValue* InputArchive::find(const std::string& key) const { return find_path(state_->keep[0], prefix_ + key); }

std::vector<std::string> InputArchive::keys() const {
  std::vector<std::string> out;
  OrderedDict<std::string, bool> seen;
  const auto add = [&](std::string_view name) {
    std::string first(name.substr(0, name.find('.')));
    if (seen.contains(first)) return;
    seen.insert(first, true);
    out.push_back(std::move(first));
  };
  below(state_->keep[0], prefix_.empty() ? std::string_view() : std::string_view(prefix_).substr(0, prefix_.size() - 1), add);
  return out;
}

namespace {
[[noreturn]] void missing(const InputArchive& archive, const char* what, const std::string& prefix, const std::string& key) {
  std::string there;
  for (const std::string& k : archive.keys()) {
    if (there.size() > 300) {
      there += ", ..";
      break;
    }
    there += ct::detail::join({there.empty() ? "" : ", ", io::shown(k)});
  }
  CT_THROW(io, "load: '", io::shown(archive.name()), "': No such serialized ", what, " '", io::shown(prefix + key), "'\n  There are: ", there);
}
}  // namespace

bool InputArchive::try_read(const std::string& key, IValue& out) {
  const IValue* v = find(key);
  if (!v) return false;
  out = *v;
  return true;
}
void InputArchive::read(const std::string& key, IValue& out) {
  if (!try_read(key, out)) missing(*this, "value", prefix_, key);
}
bool InputArchive::try_read(const std::string& key, Tensor& out, bool) {
  const IValue* v = find(key);
  if (!v || !v->isTensor()) return false;
  const Tensor t = v->toTensor();
  const NoGradGuard off;
  if (out.defined() && out.sizes() == t.sizes() && out.scalar_type() == t.scalar_type()) {
    out.copy_(t);
  } else if (out.defined() && out.requires_grad()) {
    if (out.sizes() != t.sizes())
      CT_THROW(io, "load: '", io::shown(name()), "': the tensor '", io::shown(prefix_ + key), "' has shape ", t.sizes(), ", but it is to be loaded into one of shape ", out.sizes());
    out.copy_(t);
  } else {
    out = t;
  }
  return true;
}
void InputArchive::read(const std::string& key, Tensor& out, bool is_buffer) {
  if (try_read(key, out, is_buffer)) return;
  if (const IValue* v = find(key)) CT_THROW(io, "load: '", io::shown(name()), "': '", io::shown(prefix_ + key), "' is ", kind_of(*v), ", not a tensor");
  missing(*this, "tensor", prefix_, key);
}
bool InputArchive::try_read(const std::string& key, InputArchive& out) {
  const std::string prefix = prefix_ + key + ".";
  const IValue* v = find(key);
  bool found = v && v->isGenericDict();
  if (!found) below(state_->keep[0], std::string_view(prefix).substr(0, prefix.size() - 1), [&](std::string_view) { found = true; });
  if (!found) return false;
  out.state_ = state_;
  out.prefix_ = prefix;
  return true;
}
void InputArchive::read(const std::string& key, InputArchive& out) {
  if (!try_read(key, out)) missing(*this, "submodule", prefix_, key);
}

// ---- tensors -------------------------------------------------------------------------------------------------------------------

OutputArchive& operator<<(OutputArchive& archive, const Tensor& t) {
  CT_CHECK_VALUE(t.defined(), "save: the tensor is undefined");
  archive.write("0", t);
  archive.set_whole(t);
  return archive;
}
OutputArchive& operator<<(OutputArchive& archive, const std::vector<Tensor>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) archive.write(std::to_string(i), tensors[i]);
  archive.set_whole(tensors);
  return archive;
}
OutputArchive& operator<<(OutputArchive& archive, const TensorDict& tensors) {
  for (const auto& t : tensors) archive.write(t.key(), *t);
  return archive;
}
OutputArchive& operator<<(OutputArchive& archive, const IValue& v) {
  const IValue all = as_dict(v);
  for (const IValue::Pair& p : all.items()) archive.write(key_text(p.first), p.second);
  archive.set_whole(v);
  return archive;
}

InputArchive& operator>>(InputArchive& archive, Tensor& t) {
  archive.read("0", t);
  return archive;
}
InputArchive& operator>>(InputArchive& archive, std::vector<Tensor>& tensors) {
  Tensor t;
  for (std::size_t i = 0; archive.try_read(std::to_string(i), t); ++i) tensors.push_back(std::exchange(t, Tensor()));
  return archive;
}
InputArchive& operator>>(InputArchive& archive, TensorDict& tensors) {
  IValue all = as_dict(archive.value());
  for (const IValue::Pair& p : all.items())
    if (!p.second.isTensor()) {
      CT_THROW(io, "load: '", io::shown(archive.name()), "': '", io::shown(key_text(p.first)), "' is ", kind_of(p.second), ", not a tensor\n  ct::load(path) reads values of any kind.");
    }
  tensors = all.toTensorDict();
  return archive;
}
InputArchive& operator>>(InputArchive& archive, IValue& v) {
  v = archive.value();
  return archive;
}

}  // namespace ct::serialize

namespace ct {

IValue load(const std::string& path) {
  serialize::InputArchive archive;
  archive.load_from(path);
  return archive.value();
}
IValue load(std::istream& stream) {
  serialize::InputArchive archive;
  archive.load_from(stream);
  return archive.value();
}

}  // namespace ct
