// io/pickle_write.cpp -- values as a pickle that Python and libtorch read.
#include <algorithm>
#include <cstring>

#include "io/pickle.h"

namespace ct::io {

namespace {

class Writer {
 public:
  explicit Writer(FunctionRef<StoredTensor(const Tensor&)> tensor) : tensor_(tensor) {}
  std::string out = "\x80\x02";

  void value(const IValue& v) {
    using Kind = IValue::Kind;
    switch (v.kind()) {
      case Kind::None: out += 'N'; return;
      case Kind::Bool: out += v.toBool() ? '\x88' : '\x89'; return;
      case Kind::Int: return integer(v.toInt());
      case Kind::Double: {
        char raw[8];
        const double d = v.toDouble();
        std::memcpy(raw, &d, 8);
        std::reverse(raw, raw + 8);
        (out += 'G').append(raw, 8);
        return;
      }
      case Kind::String: return text(v.toStringRef());
      case Kind::Tensor: return tensor(v.toTensor());
      case Kind::List:
        out += "](";
        for (const IValue& x : v.toListRef()) value(x);
        out += 'e';
        return;
      case Kind::Tuple:
        if (v.size() == 0) {
          out += ')';
          return;
        }
        out += '(';
        for (const IValue& x : v.toListRef()) value(x);
        out += 't';
        return;
      case Kind::Dict:
        out += "}(";
        for (const IValue::Pair& p : v.items()) {
          value(p.first);
          value(p.second);
        }
        out += 'u';
        return;
    }
  }

 private:
  template <class T>
  void raw(T v) {
    char bytes[sizeof v];
    std::memcpy(bytes, &v, sizeof v);
    out.append(bytes, sizeof v);
  }
  void integer(std::int64_t v) {
    if (v >= 0 && v < 256) {
      out += 'K';
      raw(static_cast<std::uint8_t>(v));
    } else if (v >= INT32_MIN && v <= INT32_MAX) {
      out += 'J';
      raw(static_cast<std::int32_t>(v));
    } else {
      out += "\x8a\x08";
      raw(v);
    }
  }
  void text(const std::string& s) {
    CT_CHECK_VALUE(is_utf8(s) && s.size() <= UINT32_MAX, "save: the text '", shown(s), "' is no UTF-8 text");
    out += 'X';
    raw(static_cast<std::uint32_t>(s.size()));
    out += s;
  }
  void row(IntArrayRef v) {
    out += '(';
    for (const std::int64_t x : v) integer(x);
    out += 't';
  }
  void tensor(const Tensor& t) {
    static constexpr const char* storages[] = {"Bool", "Byte", "Char", "Short", "Int", "Long", "Half", "BFloat16", "Float", "Double"};
    const StoredTensor s = tensor_(t);
    out += "ctorch._utils\n_rebuild_tensor_v2\n((";
    text("storage");
    out += ct::detail::join({"ctorch\n", storages[static_cast<int>(s.storage.dtype)], "Storage\n"});
    text(s.storage.key);
    text("cpu");
    integer(s.storage.numel);
    out += "tQ";
    integer(s.offset);
    row(t.sizes());
    row(t.strides());
    out += t.requires_grad() ? '\x88' : '\x89';
    out += "ccollections\nOrderedDict\n)RtR";
  }

  FunctionRef<StoredTensor(const Tensor&)> tensor_;
};

}  // namespace

std::string write_pickle(const IValue& value, FunctionRef<StoredTensor(const Tensor&)> tensor) {
  Writer w(tensor);
  w.value(value);
  w.out += '.';
  return std::move(w.out);
}

}  // namespace ct::io
