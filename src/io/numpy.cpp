// io/numpy.cpp -- .npy: a magic word, a Python dict as text, the elements; .npz: a zip archive of them.
// Source: NEP 1 of NumPy, "A Simple File Format for NumPy Arrays", and its versions 2 and 3.
#include <algorithm>
#include <optional>
#include <vector>

#include "core/tensor_impl.h"
#include "io/formats.h"
#include "io/zip.h"

namespace ct::io {

namespace {

constexpr std::string_view magic{"\x93NUMPY", 6};
constexpr std::size_t largest_header = 1 << 20;

struct Code {
  const char* code;  // without the byte order
  ScalarType dtype;
};
constexpr Code codes[] = {{"b1", kBool}, {"u1", kByte}, {"i1", kChar}, {"i2", kShort}, {"i4", kInt}, {"i8", kLong},
                          {"f2", kHalf}, {"V2", kBFloat16}, {"f4", kFloat}, {"f8", kDouble}};

// Where the bytes of one array come from: a whole file, or an entry of an archive.
struct Input {
  FunctionRef<void(void*, std::uint64_t)> read;
  FunctionRef<std::uint64_t()> left;
  FunctionRef<void(std::string)> fail;
};

// The header's dict: strings, True and False, and tuples of integers.
class Dict {
 public:
  Dict(std::string_view text, const Input& in) : rest_(text), in_(in) {}
  std::string_view descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;

  void parse() {
    bool seen[3] = {};
    take('{', "'{'");
    while (!next('}')) {
      const std::string_view key = quoted();
      take(':', "':'");
      const int k = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : -1;
      if (k < 0) fail(ct::detail::join({"it has the unknown key '", shown(key), "'"}));
      if (std::exchange(seen[k], true)) fail(ct::detail::join({"it has '", key, "' twice"}));
      if (k == 0) {
        if (next('[')) in_.fail("its elements are records with fields, which are not supported");
        descr = quoted();
      } else if (k == 1) {
        fortran_order = flag();
      } else {
        tuple();
      }
      if (!next(',')) {
        take('}', "',' or '}'");
        break;
      }
    }
    skip();
    if (!rest_.empty()) fail("something follows the dict");
    for (int k = 0; k < 3; ++k)
      if (!seen[k]) fail(ct::detail::join({"it lacks '", k == 0 ? "descr" : k == 1 ? "fortran_order" : "shape", "'"}));
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    in_.fail(ct::detail::join({"the array's header is damaged: ", what}));
    CT_ASSERT(false);
    std::abort();
  }
  void skip() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }
  bool next(char c) {
    skip();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void take(char c, const char* what) {
    if (!next(c)) fail(ct::detail::join({what, " is missing"}));
  }
  std::string_view quoted() {
    skip();
    const char quote = rest_.empty() ? '\0' : rest_[0];
    if (quote != '\'' && quote != '"') fail("a string is missing");
    const std::size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) fail("a string does not end");
    const std::string_view s = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return s;
  }
  bool flag() {
    skip();
    for (const std::string_view word : {"True", "False"})
      if (rest_.substr(0, word.size()) == word) {
        rest_.remove_prefix(word.size());
        return word == "True";
      }
    fail("fortran_order is neither True nor False");
  }
  void tuple() {
    take('(', "'('");
    while (!next(')')) {
      skip();
      std::int64_t n = 0;
      std::size_t i = 0;
      for (; i < rest_.size() && rest_[i] >= '0' && rest_[i] <= '9'; ++i)
        if (__builtin_mul_overflow(n, std::int64_t{10}, &n) || __builtin_add_overflow(n, std::int64_t{rest_[i] - '0'}, &n)) fail("a size has more than 64 bits");
      if (i == 0) fail("a size is no number");
      rest_.remove_prefix(i);
      if (next('L')) {}  // Python 2
      shape.push_back(n);
      if (shape.size() > static_cast<std::size_t>(max_dims)) fail(ct::detail::join({"the array has more than ", max_dims, " dimensions"}));
      if (!next(',')) {
        take(')', "',' or ')'");
        break;
      }
    }
  }
  std::string_view rest_;
  const Input& in_;
};

ScalarType dtype_of(std::string_view descr, const Input& in, bool& swap) {
  std::string_view code = descr;
  swap = false;
  if (!code.empty() && std::string_view("<>=|").find(code[0]) != std::string_view::npos) {
    swap = code[0] == '>';
    code.remove_prefix(1);
  }
  if (code == "?") code = "b1";
  for (const Code& c : codes)
    if (code == c.code) return c.dtype;
  if (!code.empty() && code[0] == 'O')
    in.fail("its elements are Python objects, which are never loaded from a file\n  Save arrays of numbers: numpy.save(f, a.astype('float64')).");
  in.fail(ct::detail::join({"its dtype '", shown(descr), "' does not exist here\n  Convert it before saving, for instance numpy.save(f, a.astype('float32'))."}));
  return kFloat;
}

void swap_bytes(char* p, std::int64_t n, std::int64_t size) {
  for (std::int64_t i = 0; i < n; ++i, p += size) std::reverse(p, p + size);
}

Tensor read_array(const Input& in) {
  char start[12];
  if (in.left() < 10) in.fail("the file is cut off or damaged: an array has at least 10 bytes");
  in.read(start, 8);
  if (std::string_view(start, 6) != magic) in.fail("this is no .npy file: it does not begin with \\x93NUMPY");
  const int version = static_cast<unsigned char>(start[6]);
  if (version < 1 || version > 3) in.fail(ct::detail::join({"version ", version, " of the .npy format is not known here; there are 1, 2 and 3"}));
  const std::uint64_t length_size = version == 1 ? 2 : 4;
  if (in.left() < length_size) in.fail("the file is cut off or damaged within the array's header");
  in.read(start, length_size);
  const std::uint64_t length = version == 1 ? load_le<std::uint16_t>(start) : load_le<std::uint32_t>(start);
  if (length > in.left()) in.fail(ct::detail::join({"the file is cut off or damaged: the array's header should have ", std::to_string(length), " bytes, but ", std::to_string(in.left()), " are left"}));
  if (length > largest_header) in.fail(ct::detail::join({"the array's header has ", std::to_string(length), " bytes, more than any array of numbers has"}));
  std::string text(length, '\0');
  in.read(text.data(), length);
  Dict dict(text, in);
  dict.parse();
  bool swap = false;
  const ScalarType dtype = dtype_of(dict.descr, in, swap);
  std::uint64_t bytes = 0;
  if (!byte_count(dtype, dict.shape, bytes)) in.fail(ct::detail::join({"no array can have the shape ", IntArrayRef(dict.shape)}));
  if (bytes != in.left())
    in.fail(ct::detail::join({"the file is cut off or damaged: an array of shape ", IntArrayRef(dict.shape), " and dtype ", shown(dict.descr), " has ", std::to_string(bytes), " bytes, but ", std::to_string(in.left()), " are left"}));
  if (dict.fortran_order) std::reverse(dict.shape.begin(), dict.shape.end());
  Tensor t = new_tensor(dtype, dict.shape);
  in.read(t.data_ptr(), bytes);
  if (swap) swap_bytes(static_cast<char*>(t.data_ptr()), t.numel(), t.element_size());
  make_flags_valid(t);
  if (!dict.fortran_order || t.dim() < 2) return t;
  std::vector<std::int64_t> sizes(dict.shape.rbegin(), dict.shape.rend()), strides(t.strides().begin(), t.strides().end());
  std::reverse(strides.begin(), strides.end());
  return ct::detail::alias(t, sizes, strides, 0).contiguous();
}

std::string npy_header(const Tensor& t) {
  const char* code = "";
  for (const Code& c : codes)
    if (c.dtype == t.scalar_type()) code = c.code;
  std::string dict = ct::detail::join({"{'descr': '", t.element_size() == 1 ? "|" : "<", code, "', 'fortran_order': False, 'shape': ("});
  for (std::size_t i = 0; i < t.sizes().size(); ++i) dict += ct::detail::join({i ? " " : "", t.sizes()[i], ","});
  if (t.dim() > 1) dict.pop_back();
  dict += "), }";
  const std::size_t total = (10 + dict.size() + 1 + 63) / 64 * 64;
  dict.resize(total - 11, ' ');
  dict += '\n';
  std::string header(magic);
  header += '\x01';
  header += '\0';
  header += static_cast<char>(dict.size() & 255);
  header += static_cast<char>(dict.size() >> 8);
  return header += dict;
}

}  // namespace

void write_npy(Sink& sink, const Tensor& tensor) {
  const Tensor t = plain("save_npy", "", tensor);
  sink.write(npy_header(t));
  sink.write(t.data_ptr(), t.nbytes());
}

Tensor read_npy(const Source& source) {
  std::uint64_t at = 0;
  const auto read = [&](void* to, std::uint64_t n) {
    source.read(at, to, n);
    at += n;
  };
  const auto left = [&] { return source.size() - at; };
  const auto fail = [&](std::string what) { source.fail(at, {what}); };
  return read_array({read, left, fail});
}

void write_npz(const char* op, Sink& sink, const TensorDict& tensors, bool compressed) {
  ZipWriter zip(sink);
  for (const auto& item : tensors) {
    const Tensor t = plain(op, item.key(), item.value());
    const std::string header = npy_header(t), name = item.key() + ".npy";
    if (compressed) zip.deflated(name, {{header.data(), header.size()}, {t.data_ptr(), t.nbytes()}});
    else zip.stored(name, {{header.data(), header.size()}, {t.data_ptr(), t.nbytes()}});
  }
  zip.finish();
}

TensorDict read_npz(const Source& source, std::int64_t max_bytes) {
  const ZipArchive zip(source);
  // What is packed may grow, within limits; all else takes no more memory than the file has bytes.
  std::uint64_t grown = 0;
  for (const ZipEntry& e : zip.entries()) {
    if (!e.deflated) continue;
    if (max_bytes < 0 || e.size > static_cast<std::uint64_t>(max_bytes) - grown)
      source.fail(e.data, {"entry '", shown(e.name), "': the arrays would unpack to more than ", max_bytes, " bytes, from a file of ", std::to_string(source.size()),
                           "\n  If that is right, give load_npz a larger max_bytes."});
    grown += e.size;
  }
  TensorDict out;
  for (const ZipEntry& e : zip.entries()) {
    constexpr std::string_view ending = ".npy";
    if (e.name.size() < ending.size() || e.name.compare(e.name.size() - ending.size(), ending.size(), ending) != 0) continue;
    ZipReader reader(source, e);
    const auto read = [&](void* to, std::uint64_t n) { reader.read(to, n); };
    const auto left = [&] { return reader.left(); };
    const auto fail = [&](std::string what) { reader.fail({what}); };
    Tensor t = read_array({read, left, fail});
    reader.finish();
    out.insert(e.name.substr(0, e.name.size() - ending.size()), std::move(t));
  }
  return out;
}

}  // namespace ct::io

namespace ct {

void save_npy(const Tensor& tensor, const std::string& path) {
  io::write_file("save_npy", path, [&](io::Sink& s) { io::write_npy(s, tensor); });
}
void save_npy(const Tensor& tensor, std::ostream& stream) {
  io::write_stream("save_npy", stream, [&](io::Sink& s) { io::write_npy(s, tensor); });
}
Tensor load_npy(const std::string& path) { return io::read_npy(*io::open_file("load_npy", path)); }
Tensor load_npy(std::istream& stream) { return io::read_npy(*io::open_stream("load_npy", stream)); }

void save_npz(const TensorDict& tensors, const std::string& path, bool compressed) {
  io::write_file("save_npz", path, [&](io::Sink& s) { io::write_npz("save_npz", s, tensors, compressed); });
}
void save_npz(const TensorDict& tensors, std::ostream& stream, bool compressed) {
  io::write_stream("save_npz", stream, [&](io::Sink& s) { io::write_npz("save_npz", s, tensors, compressed); });
}
TensorDict load_npz(const std::string& path, std::int64_t max_bytes) { return io::read_npz(*io::open_file("load_npz", path), max_bytes); }
TensorDict load_npz(std::istream& stream, std::int64_t max_bytes) { return io::read_npz(*io::open_stream("load_npz", stream), max_bytes); }

}  // namespace ct
