// io/ivalue.cpp -- values of any kind.
#include "cotangent/ivalue.h"

#include <algorithm>
#include <atomic>
#include <ostream>
#include <unordered_map>

#include "core/format.h"
#include "core/tensor_impl.h"
#include "io/source.h"

namespace ct {

namespace {
constexpr int deepest = 200;
constexpr std::size_t few = 16;
}  // namespace

struct IValue::Rep {
  std::atomic<int> refs{1};
  std::uint8_t depth = 1;       // levels below and including this one
  bool sealed = false;          // part of another value
  std::uint64_t weight = 1;
};
struct IValue::Text : Rep {
  std::string text;
};
struct IValue::List : Rep {
  std::vector<IValue> items;
};
struct IValue::Dict : Rep {
  std::vector<Pair> items;
  std::unordered_map<std::string, std::size_t> index;  // once there are more than a few
};

namespace {
std::string key_text(const IValue& key) { return key.isInt() ? std::to_string(key.toInt()) : key.toStringRef(); }
}

IValue::IValue(const ct::Tensor& t) : kind_(t.defined() ? Kind::Tensor : Kind::None), tensor_(ct::Tensor(t).release()) {}
IValue::IValue(const Scalar& v) : IValue() {
  *this = v.isBoolean() ? IValue(v.toBool()) : v.isFloatingPoint() ? IValue(v.toDouble()) : IValue(v.toLong());
}
IValue::IValue(std::string v) : kind_(Kind::String), int_(0) {
  auto* t = new Text;
  t->text = std::move(v);
  rep_ = t;
}
IValue::IValue(const IValue& o) noexcept : kind_(o.kind_), int_(o.int_) {
  if (kind_ == Kind::Tensor) {
    ct::Tensor mine = ct::Tensor::wrap(o.tensor_);
    ct::Tensor(mine).release();  // one more reference, which is ours
    mine.release();
  } else if (kind_ >= Kind::String) {
    rep_->refs.fetch_add(1, std::memory_order_relaxed);
  }
}
IValue::~IValue() {
  if (kind_ == Kind::Tensor) {
    ct::Tensor::wrap(tensor_);
  } else if (kind_ >= Kind::String && rep_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    if (kind_ == Kind::String) delete rep<Text>();
    else if (kind_ == Kind::Dict) delete rep<Dict>();
    else delete rep<List>();
  }
}

IValue IValue::list(std::initializer_list<IValue> items) {
  IValue v;
  v.rep_ = new List;
  v.kind_ = Kind::List;
  for (const IValue& x : items) v.append(x);
  return v;
}
IValue IValue::tuple(std::vector<IValue> items) {
  IValue v = list();
  for (const IValue& x : items) v.take(*v.rep_, x);
  v.rep<List>()->items = std::move(items);
  v.kind_ = Kind::Tuple;
  return v;
}
IValue IValue::dict(std::initializer_list<Pair> items) {
  IValue v;
  v.rep_ = new Dict;
  v.kind_ = Kind::Dict;
  for (const Pair& p : items) v.insert(p.first, p.second);
  return v;
}

void IValue::take(Rep& holder, const IValue& item) {
  CT_CHECK(!holder.sealed, "IValue: a list or dict that is part of another value cannot be changed");
  if (item.kind_ < Kind::List) {
    holder.weight += 1;
    return;
  }
  Rep& r = *item.rep_;
  CT_CHECK(&r != &holder, "IValue: a list or dict cannot contain itself");
  CT_CHECK(r.depth < deepest, "IValue: lists and dicts are nested more than ", deepest, " deep");
  holder.depth = std::max<std::uint8_t>(holder.depth, static_cast<std::uint8_t>(r.depth + 1));
  if (__builtin_add_overflow(holder.weight, r.weight, &holder.weight)) holder.weight = UINT64_MAX;
  r.sealed = true;
}

void IValue::append(IValue value) {
  CT_CHECK_TYPE(isList(), "append: Expected List but got ", tagKind());
  take(*rep_, value);
  rep<List>()->items.push_back(std::move(value));
}
void IValue::insert(IValue key, IValue value) {
  CT_CHECK_TYPE(isGenericDict(), "insert: Expected GenericDict but got ", tagKind());
  CT_CHECK_TYPE(key.isString() || key.isInt(), "insert: the key of a dict must be text or an integer, but got ", key.tagKind());
  CT_CHECK(!find(key_text(key)), "insert: the key '", io::shown(key_text(key)), "' is already there");
  take(*rep_, value);
  Dict& d = *rep<Dict>();
  d.items.emplace_back(std::move(key), std::move(value));
  if (d.items.size() <= few) return;
  for (std::size_t i = d.index.empty() ? 0 : d.items.size() - 1; i < d.items.size(); ++i) d.index.emplace(key_text(d.items[i].first), i);
}

const char* IValue::tagKind() const {
  static constexpr const char* names[] = {"None", "Tensor", "Double", "Int", "Bool", "String", "GenericList", "Tuple", "GenericDict"};
  return names[static_cast<int>(kind_)];
}
bool IValue::isTensorList() const {
  return isList() && std::all_of(rep<List>()->items.begin(), rep<List>()->items.end(), [](const IValue& v) { return v.isTensor(); });
}

namespace {
void expect(bool is, const char* what, const IValue& v) { CT_CHECK_TYPE(is, "IValue: Expected ", what, " but got ", v.tagKind()); }
}

ct::Tensor IValue::toTensor() const {
  if (isNone()) return {};
  expect(isTensor(), "Tensor", *this);
  ct::Tensor mine = ct::Tensor::wrap(tensor_), copy = mine;
  mine.release();
  return copy;
}
double IValue::toDouble() const { return expect(isDouble(), "Double", *this), double_; }
std::int64_t IValue::toInt() const { return expect(isInt(), "Int", *this), int_; }
bool IValue::toBool() const { return expect(isBool(), "Bool", *this), int_ != 0; }
Scalar IValue::toScalar() const {
  expect(isScalar(), "Scalar", *this);
  return isDouble() ? Scalar(double_) : isInt() ? Scalar(int_) : Scalar(int_ != 0);
}
const std::string& IValue::toStringRef() const { return expect(isString(), "String", *this), rep<Text>()->text; }
const std::vector<IValue>& IValue::toListRef() const { return expect(isList() || isTuple(), "GenericList", *this), rep<List>()->items; }
std::vector<ct::Tensor> IValue::toTensorVector() const {
  std::vector<ct::Tensor> out;
  for (const IValue& v : toListRef()) out.push_back(v.toTensor());
  return out;
}
std::vector<std::int64_t> IValue::toIntVector() const {
  std::vector<std::int64_t> out;
  for (const IValue& v : toListRef()) out.push_back(v.toInt());
  return out;
}
std::vector<double> IValue::toDoubleVector() const {
  std::vector<double> out;
  for (const IValue& v : toListRef()) out.push_back(v.toDouble());
  return out;
}
const std::vector<IValue::Pair>& IValue::items() const { return expect(isGenericDict(), "GenericDict", *this), rep<Dict>()->items; }
OrderedDict<std::string, ct::Tensor> IValue::toTensorDict() const {
  OrderedDict<std::string, ct::Tensor> out("Key");
  for (const Pair& p : items()) {
    CT_CHECK_TYPE(p.second.isTensor(), "IValue: Expected Tensor but got ", p.second.tagKind(), " under the key '", io::shown(key_text(p.first)), "'");
    out.insert(key_text(p.first), p.second.toTensor());
  }
  return out;
}
std::size_t IValue::size() const {
  if (isString()) return toStringRef().size();
  return isGenericDict() ? items().size() : toListRef().size();
}
const IValue& IValue::operator[](std::size_t i) const {
  const std::vector<IValue>& all = toListRef();
  CT_CHECK_INDEX(i < all.size(), "IValue: index ", i, " is out of range for ", all.size(), " items");
  return all[i];
}
const IValue& IValue::operator[](std::string_view key) const {
  const IValue* v = find(key);
  if (v) return *v;
  std::string there;
  for (const Pair& p : items()) {
    if (there.size() > 300) break;
    there += ct::detail::join({there.empty() ? "'" : ", '", io::shown(key_text(p.first)), "'"});
  }
  CT_THROW(index, "IValue: there is no key '", io::shown(key), "'\n  There are: ", there);
}
const IValue* IValue::find(std::string_view key) const {
  expect(isGenericDict(), "GenericDict", *this);
  const Dict& d = *rep<Dict>();
  if (!d.index.empty()) {
    const auto at = d.index.find(std::string(key));
    return at == d.index.end() ? nullptr : &d.items[at->second].second;
  }
  for (const Pair& p : d.items)
    if (p.first.isString() ? p.first.toStringRef() == key : std::to_string(p.first.toInt()) == key) return &p.second;
  return nullptr;
}
std::uint64_t IValue::weight() const { return kind_ < Kind::List ? 1 : rep_->weight; }

std::string to_string(const IValue& v) {
  using Kind = IValue::Kind;
  const auto listed = [](const std::vector<IValue>& items) {
    std::string s;
    for (const IValue& x : items) s += ct::detail::join({s.empty() ? "" : ", ", to_string(x)});
    return s;
  };
  switch (v.kind()) {
    case Kind::None: return "None";
    case Kind::Bool: return v.toBool() ? "True" : "False";
    case Kind::Int: return std::to_string(v.toInt());
    case Kind::Double: return ct::detail::join({v.toDouble()});
    case Kind::String: return ct::detail::join({"'", io::shown(v.toStringRef()), "'"});
    case Kind::Tensor: {
      const Tensor t = v.toTensor();
      return ct::detail::join({"Tensor(shape=", t.sizes(), ", dtype=", python_name(t.scalar_type()), ")"});
    }
    case Kind::List: return ct::detail::join({"[", listed(v.toListRef()), "]"});
    case Kind::Tuple: return ct::detail::join({"(", listed(v.toListRef()), v.size() == 1 ? ",)" : ")"});
    case Kind::Dict: {
      std::string s = "{";
      for (const IValue::Pair& p : v.items()) s += ct::detail::join({s.size() > 1 ? ", " : "", to_string(p.first), ": ", to_string(p.second)});
      return s += "}";
    }
  }
  return {};
}
std::ostream& operator<<(std::ostream& out, const IValue& v) { return out << to_string(v); }

}  // namespace ct
