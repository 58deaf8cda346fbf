// io/pickle_read.cpp -- the stack machine that reads pickles; see Note [Pickles without Python].
#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/tensor_impl.h"
#include "io/formats.h"
#include "io/pickle.h"

namespace ct::io {

namespace {

// The names that may be met, and what they stand for.
enum class Name { ordered_dict, rebuild_tensor, rebuild_parameter, size, storage, list_with_type, with_type, object };

struct Known {
  const char* module;
  const char* name;
  Name what;
  ScalarType dtype = ScalarType::Undefined;
};
constexpr Known known[] = {
    {"collections", "OrderedDict", Name::ordered_dict},
    {"torch._utils", "_rebuild_tensor_v2", Name::rebuild_tensor},
    {"torch._utils", "_rebuild_parameter", Name::rebuild_parameter},
    {"torch", "Size", Name::size},
    {"torch", "BoolStorage", Name::storage, kBool},
    {"torch", "ByteStorage", Name::storage, kByte},
    {"torch", "CharStorage", Name::storage, kChar},
    {"torch", "ShortStorage", Name::storage, kShort},
    {"torch", "IntStorage", Name::storage, kInt},
    {"torch", "LongStorage", Name::storage, kLong},
    {"torch", "HalfStorage", Name::storage, kHalf},
    {"torch", "BFloat16Storage", Name::storage, kBFloat16},
    {"torch", "FloatStorage", Name::storage, kFloat},
    {"torch", "DoubleStorage", Name::storage, kDouble},
    // What libtorch's C++ interface writes.
    {"torch.jit._pickle", "build_intlist", Name::list_with_type},
    {"torch.jit._pickle", "build_doublelist", Name::list_with_type},
    {"torch.jit._pickle", "build_boollist", Name::list_with_type},
    {"torch.jit._pickle", "build_tensorlist", Name::list_with_type},
    {"torch.jit._pickle", "restore_type_tag", Name::with_type},
};
// Classes of TorchScript's own: modules that C++ programs have saved. They are read as dicts of their attributes.
constexpr Known script_object{"__torch__", "", Name::object};

struct Item {
  enum class Kind : std::uint8_t { value, name, storage, mark } kind = Kind::value;
  const Known* name = nullptr;
  std::uint32_t storage = 0;  // + 1; of a value: of the tuple of which it is the first entry
  IValue value{};
};

class Machine {
 public:
  Machine(const Source& source, std::uint64_t where, std::string_view code, FunctionRef<Tensor(const StorageRef&)> storage)
      : source_(source), where_(where), code_(code), storage_(storage) {}

  IValue run() {
    for (;;) {
      start_ = at_;
      const auto op = static_cast<unsigned char>(bytes(1)[0]);
      if (op == '.') break;
      step(op);
    }
    if (stack_.size() != 1) fail({"it ends with ", stack_.size(), " values instead of one"});
    IValue v = pop_value();
    if (v.weight() > 64 * code_.size() + (1 << 20)) fail({"values are used again and again, so that it would grow beyond all measure"});
    return v;
  }

 private:
  [[noreturn]] void fail(std::initializer_list<ct::detail::MsgPart> parts) const {
    source_.fail(where_ + start_, {"the pickle in it cannot be read: ", ct::detail::join(parts)});
  }
  const char* bytes(std::uint64_t n) {
    if (n > code_.size() - at_) fail({"it is cut off or damaged: ", std::to_string(n), " bytes should follow, and ", std::to_string(code_.size() - at_), " do"});
    const char* p = code_.data() + at_;
    at_ += n;
    return p;
  }
  template <class T>
  T number() { return load_le<T>(bytes(sizeof(T))); }
  std::string text(std::uint64_t n) {
    const char* p = bytes(n);
    std::string s(p, n);
    if (!is_utf8(s)) fail({"a text is not UTF-8"});
    return s;
  }
  std::string line() {
    const std::size_t end = code_.find('\n', at_);
    if (end == std::string_view::npos || end - at_ > 1000) fail({"a name does not end"});
    std::string s(code_.substr(at_, end - at_));
    at_ = end + 1;
    return s;
  }

  void push(IValue v) { stack_.push_back({Item::Kind::value, nullptr, 0, std::move(v)}); }
  Item pop() {
    if (stack_.empty()) fail({"there is no value where one is needed"});
    Item i = std::move(stack_.back());
    stack_.pop_back();
    return i;
  }
  IValue as_value(Item&& i) {
    if (i.kind == Item::Kind::value && !i.name && !i.storage) return std::move(i.value);
    if (i.kind == Item::Kind::storage || i.kind == Item::Kind::value) fail({"it holds a storage itself, not a tensor"});
    if (i.kind == Item::Kind::name) fail({"it holds ", shown(i.name->module), ".", i.name->name, " itself, not a value"});
    fail({"there is no value where one is needed"});
  }
  IValue pop_value() { return as_value(pop()); }
  // What lies above the last mark; the mark goes too.
  std::vector<Item> pop_marked() {
    std::size_t i = stack_.size();
    while (i > 0 && stack_[i - 1].kind != Item::Kind::mark) --i;
    if (i == 0) fail({"there is no mark"});
    std::vector<Item> out(std::make_move_iterator(stack_.begin() + static_cast<std::ptrdiff_t>(i)), std::make_move_iterator(stack_.end()));
    stack_.resize(i - 1);
    return out;
  }
  IValue& top_container(IValue::Kind kind, const char* what) {
    if (stack_.empty() || stack_.back().kind != Item::Kind::value || stack_.back().value.kind() != kind) fail({"there is no ", what, " to add to"});
    return stack_.back().value;
  }
  template <class F>
  void guarded(F&& f) {  // what IValue refuses gets its place in the file
    try {
      f();
    } catch (const IoError&) {
      throw;
    } catch (const Error& e) {
      fail({std::string_view(e.what())});
    }
  }
  void tuple(std::vector<Item> items) {
    // A storage is named by a tuple, in which its type is no value.
    std::vector<IValue> values;
    const Known* name = nullptr;
    std::uint32_t storage = 0;
    for (Item& i : items) {
      if (i.kind == Item::Kind::name && i.name->what == Name::storage && !name) {
        name = i.name;
        values.emplace_back();
      } else if (i.kind == Item::Kind::storage && values.empty() && !name) {
        storage = i.storage;
        values.emplace_back();
      } else {
        values.push_back(as_value(std::move(i)));
      }
    }
    guarded([&] { push(IValue::tuple(std::move(values))); });
    stack_.back().name = name;
    stack_.back().storage = storage;
  }

  void step(unsigned char op) {
    switch (op) {
      case 0x80: {  // PROTO
        const int p = static_cast<unsigned char>(bytes(1)[0]);
        if (p < 2 || p > 5) fail({"protocol ", p, " is not known; there are 2 to 5"});
        return;
      }
      case 0x95: (void)number<std::uint64_t>(); return;  // FRAME
      case 'N': return push({});
      case 0x88: return push(true);
      case 0x89: return push(false);
      case 'K': return push(static_cast<std::int64_t>(number<std::uint8_t>()));
      case 'M': return push(static_cast<std::int64_t>(number<std::uint16_t>()));
      case 'J': return push(static_cast<std::int64_t>(number<std::int32_t>()));
      case 0x8a: {  // LONG1
        const std::size_t n = number<std::uint8_t>();
        const char* p = bytes(n);
        std::int64_t v = n > 0 && p[n - 1] < 0 ? -1 : 0;
        if (n > 8) fail({"an integer has more than 64 bits"});
        std::memcpy(&v, p, n);
        return push(v);
      }
      case 'G': {  // BINFLOAT
        char raw[8];
        std::memcpy(raw, bytes(8), 8);
        std::reverse(raw, raw + 8);
        return push(load_le<double>(raw));
      }
      case 'X': return push(text(number<std::uint32_t>()));
      case 0x8c: return push(text(number<std::uint8_t>()));
      case 0x8d: return push(text(number<std::uint64_t>()));
      case ']': return push(IValue::list());
      case '}': return push(IValue::dict());
      case ')': return push(IValue::tuple({}));
      case '(': stack_.push_back({Item::Kind::mark, nullptr, 0, {}}); return;
      case 't': return tuple(pop_marked());
      case 0x85: case 0x86: case 0x87: {  // TUPLE1 .. TUPLE3
        const std::size_t n = op - 0x84u;
        if (stack_.size() < n) fail({"there is no value where one is needed"});
        std::vector<Item> items(std::make_move_iterator(stack_.end() - static_cast<std::ptrdiff_t>(n)), std::make_move_iterator(stack_.end()));
        stack_.resize(stack_.size() - n);
        return tuple(std::move(items));
      }
      case 'a': {  // APPEND
        IValue v = pop_value();
        return guarded([&] { top_container(IValue::Kind::List, "list").append(std::move(v)); });
      }
      case 'e': {  // APPENDS
        std::vector<Item> items = pop_marked();
        IValue& list = top_container(IValue::Kind::List, "list");
        for (Item& i : items) guarded([&] { list.append(as_value(std::move(i))); });
        return;
      }
      case 's': {  // SETITEM
        IValue v = pop_value(), k = pop_value();
        return guarded([&] { top_container(IValue::Kind::Dict, "dict").insert(std::move(k), std::move(v)); });
      }
      case 'u': {  // SETITEMS
        std::vector<Item> items = pop_marked();
        if (items.size() % 2 != 0) fail({"a key has no value"});
        IValue& dict = top_container(IValue::Kind::Dict, "dict");
        for (std::size_t i = 0; i < items.size(); i += 2)
          guarded([&] { dict.insert(as_value(std::move(items[i])), as_value(std::move(items[i + 1]))); });
        return;
      }
      case 'q': return put(number<std::uint8_t>());
      case 'r': return put(number<std::uint32_t>());
      case 0x94: return put(static_cast<std::uint32_t>(memo_.size()));
      case 'h': return get(number<std::uint8_t>());
      case 'j': return get(number<std::uint32_t>());
      case 'c': {
        const std::string module = line(), name = line();
        return global(module, name);
      }
      case 0x93: {  // STACK_GLOBAL
        const IValue name = pop_value(), module = pop_value();
        if (!name.isString() || !module.isString()) fail({"a name is no text"});
        return global(module.toStringRef(), name.toStringRef());
      }
      case 'Q': return persistent();
      case 'R': return reduce();
      case 0x81: {  // NEWOBJ
        (void)pop_value();
        const Item cls = pop();
        if (cls.kind != Item::Kind::name || cls.name->what != Name::object) fail({"an object of a class is made, which is not supported"});
        return push(IValue::dict());
      }
      case 'b': return build();
      default: fail({"instruction ", static_cast<int>(op), " (\"", std::string(1, op >= 32 && op < 127 ? static_cast<char>(op) : '?'), "\") is not supported",
                     "\n  Only tensors, numbers, text, None, and lists, tuples and dicts of them are read. Save a state_dict instead of an object."});
    }
  }

  void put(std::uint32_t i) {
    if (stack_.empty() || stack_.back().kind == Item::Kind::mark) fail({"there is no value to remember"});
    memo_.insert_or_assign(i, stack_.back());
  }
  void get(std::uint32_t i) {
    const auto at = memo_.find(i);
    if (at == memo_.end()) fail({"value ", i, " is used, but it was not remembered"});
    stack_.push_back(at->second);
  }

  void global(const std::string& module, const std::string& name) {
    const Known* found = module == "__torch__" || module.rfind("__torch__.", 0) == 0 ? &script_object : nullptr;
    for (const Known& k : known)
      if (module == k.module && name == k.name) found = &k;
    if (!found) {
      const bool storage = module == "torch" && name.size() > 7 && name.compare(name.size() - 7, 7, "Storage") == 0;
      fail({"it asks for ", shown(module), ".", shown(name),
            storage ? ", a dtype that does not exist here\n  Convert the tensor before saving it." :
            ", which is not on the list of what may be read\n  Nothing of a file is ever executed. Save tensors, numbers, text and lists or dicts of them: torch.save(model.state_dict(), f) "
            "instead of torch.save(model, f), float(x) instead of a NumPy number."});
    }
    stack_.push_back({Item::Kind::name, found, 0, {}});
  }

  void persistent() {
    // ("storage", torch.FloatStorage, key, location, number of elements), perhaps with a view, which is None
    if (stack_.empty() || stack_.back().kind != Item::Kind::value || !stack_.back().name) fail({"a persistent id that is no storage"});
    const Item id = pop();
    const std::vector<IValue>& v = id.value.toListRef();
    if (v.size() < 5 || v.size() > 6 || !v[0].isString() || v[0].toStringRef() != "storage" || !v[2].isString() || !v[4].isInt() || (v.size() == 6 && !v[5].isNone()))
      fail({"a persistent id that is no storage"});
    storages_.push_back({v[2].toStringRef(), id.name->dtype, v[4].toInt()});
    stack_.push_back({Item::Kind::storage, nullptr, static_cast<std::uint32_t>(storages_.size()), {}});
  }

  void reduce() {
    Item args = pop();
    const Item callee = pop();
    if (callee.kind != Item::Kind::name) fail({"something is called that is no name"});
    if (args.kind != Item::Kind::value || !args.value.isTuple()) fail({"a call has no arguments"});
    const std::vector<IValue>& a = args.value.toListRef();
    switch (callee.name->what) {
      case Name::ordered_dict: {
        if (a.size() > 1) fail({"OrderedDict has ", a.size(), " arguments"});
        const IValue d = IValue::dict();
        if (a.size() == 1) {  // from a list of pairs
          if (!a[0].isList()) fail({"OrderedDict of something that is no list"});
          for (const IValue& pair : a[0].toListRef()) {
            if (!(pair.isTuple() || pair.isList()) || pair.size() != 2) fail({"OrderedDict of something that is no list of pairs"});
            guarded([&] { IValue(d).insert(pair[0], pair[1]); });
          }
        }
        return push(d);
      }
      case Name::size:
        if (a.size() != 1 || !a[0].isTuple()) fail({"torch.Size of something that is no tuple"});
        return push(a[0]);
      case Name::rebuild_tensor: return rebuild_tensor(args.storage, a);
      case Name::rebuild_parameter: {
        if (a.size() < 2 || !a[0].isTensor() || !a[1].isBool()) fail({"a parameter is not made of a tensor and a flag"});
        const Tensor t = a[0].toTensor().detach();
        guarded([&] { t.requires_grad_(a[1].toBool()); });
        return push(t);
      }
      case Name::list_with_type:
      case Name::with_type:
        if (a.empty()) fail({"a call has no arguments"});
        return push(a[0]);
      default: fail({"it calls ", callee.name->module, ".", callee.name->name, ", which is no function that may be called"});
    }
  }

  // (storage, offset, size, stride, requires_grad, hooks[, metadata])
  void rebuild_tensor(std::uint32_t s, const std::vector<IValue>& a) {
    if (a.size() < 5 || s == 0 || !a[0].isNone() || !a[1].isInt() || !a[2].isTuple() || !a[3].isTuple() || !a[4].isBool()) fail({"a tensor is not made of a storage, an offset, sizes and strides"});
    if (a.size() > 6 && a[6].isGenericDict() && a[6].size() > 0) fail({"a tensor is a lazy conjugate or negative\n  Call resolve_conj() or resolve_neg() before saving it."});
    std::vector<std::int64_t> sizes, strides;
    guarded([&] { sizes = a[2].toIntVector(), strides = a[3].toIntVector(); });
    const StorageRef& ref = storages_[s - 1];
    const Tensor all = storage_(ref);
    if (all.scalar_type() != ref.dtype) fail({"storage '", shown(ref.key), "' is used as two dtypes, ", all.scalar_type(), " and ", ref.dtype});
    const std::int64_t offset = a[1].toInt();
    std::uint64_t unused = 0;
    if (sizes.size() != strides.size() || !byte_count(ref.dtype, sizes, unused)) fail({"no tensor can have the sizes ", IntArrayRef(sizes), " and the strides ", IntArrayRef(strides)});
    // The last element must be within the storage; only sizes and strides of a tensor with elements matter.
    std::int64_t last = offset, room = all.numel();
    bool fits = offset >= 0, empty = false;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      std::int64_t span = 0;
      empty = empty || sizes[i] == 0;
      fits = fits && strides[i] >= 0 && !(sizes[i] > 0 && (__builtin_mul_overflow(sizes[i] - 1, strides[i], &span) || __builtin_add_overflow(last, span, &last)));
    }
    if (!fits || (empty ? offset > room : last >= room))
      fail({"a tensor of sizes ", IntArrayRef(sizes), ", strides ", IntArrayRef(strides), " and offset ", offset, " does not fit its storage '", shown(ref.key), "' of ", room, " elements"});
    const Tensor t = empty ? new_tensor(ref.dtype, sizes) : ct::detail::alias(all, sizes, strides, offset);
    if (a[4].toBool()) guarded([&] { t.requires_grad_(true); });
    push(t);
  }

  void build() {
    Item state = pop();
    if (stack_.empty() || stack_.back().kind != Item::Kind::value || !stack_.back().value.isGenericDict()) fail({"the state of an object is set, which is not supported"});
    const IValue v = as_value(std::move(state));
    if (!v.isGenericDict()) fail({"the state of an object is no dict"});
    // Of a dict (OrderedDict's _metadata): notes of Python's, not needed. Of an object, whose dict is still empty: its attributes.
    if (stack_.back().value.size() == 0 && !v.contains("_metadata")) guarded([&] {
        for (const IValue::Pair& p : v.items()) stack_.back().value.insert(p.first, p.second);
      });
  }

  const Source& source_;
  const std::uint64_t where_;
  const std::string_view code_;
  FunctionRef<Tensor(const StorageRef&)> storage_;
  std::uint64_t at_ = 0, start_ = 0;
  std::vector<Item> stack_;
  std::unordered_map<std::uint32_t, Item> memo_;
  std::vector<StorageRef> storages_;
};

}  // namespace

IValue read_pickle(const Source& source, std::uint64_t where, std::string_view pickle, FunctionRef<Tensor(const StorageRef&)> storage) {
  return Machine(source, where, pickle, storage).run();
}

}  // namespace ct::io
