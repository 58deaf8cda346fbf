// cotangent/ivalue.h -- a value of any kind that files hold: tensors, numbers, text, lists and dicts of them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iosfwd>    // operator<<
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cotangent/ordered_dict.h"
#include "cotangent/tensor.h"

namespace ct {

/// None, a tensor, a number, a text, or a list, tuple or dict of such values; libtorch's IValue as far as files need it.
/// Copies share lists and dicts, as in Python. A list or dict that has been put into another one can no longer be changed, so
/// that no value contains itself.
///   IValue checkpoint = IValue::dict({{"model", net->state_dict()}, {"epoch", 3}});
///   std::int64_t epoch = checkpoint["epoch"].toInt();
class CT_API IValue {
 public:
  enum class Kind : std::uint8_t { None, Tensor, Double, Int, Bool, String, List, Tuple, Dict };
  using Pair = std::pair<IValue, IValue>;

  IValue() noexcept : kind_(Kind::None), int_(0) {}
  IValue(std::nullopt_t) noexcept : IValue() {}
  /// None if the tensor is undefined.
  IValue(const ct::Tensor& t);
  IValue(bool v) noexcept : kind_(Kind::Bool), int_(v) {}
  IValue(int v) noexcept : IValue(static_cast<std::int64_t>(v)) {}
  IValue(std::int64_t v) noexcept : kind_(Kind::Int), int_(v) {}
  IValue(long long v) noexcept : IValue(static_cast<std::int64_t>(v)) {}
  IValue(std::size_t v) noexcept : IValue(static_cast<std::int64_t>(v)) {}
  IValue(double v) noexcept : kind_(Kind::Double), double_(v) {}
  IValue(const Scalar& v);
  IValue(const char* v) : IValue(std::string(v)) {}
  IValue(std::string v);
  /// A list of what a T makes.
  template <class T>
  IValue(const std::vector<T>& v) : IValue(list()) {
    for (const auto& x : v) append(IValue(static_cast<const T&>(x)));
  }
  IValue(const std::vector<bool>& v) : IValue(list()) {
    for (const bool x : v) append(IValue(x));
  }
  template <class T>
  IValue(const OrderedDict<std::string, T>& d) : IValue(dict()) {
    for (const auto& item : d) insert(IValue(item.key()), IValue(item.value()));
  }
  static IValue list(std::initializer_list<IValue> items = {});
  static IValue tuple(std::vector<IValue> items);
  /// Errors: ct::Error for a key that is neither text nor integer, or is there twice.
  static IValue dict(std::initializer_list<Pair> items = {});
  IValue(const IValue& o) noexcept;
  IValue(IValue&& o) noexcept : kind_(o.kind_), int_(o.int_) { o.kind_ = Kind::None; }
  IValue& operator=(IValue o) noexcept {
    std::swap(kind_, o.kind_);
    std::swap(int_, o.int_);
    return *this;
  }
  ~IValue();

  Kind kind() const noexcept { return kind_; }
  /// "Tensor", "Int", "GenericDict", ..: libtorch's names.
  const char* tagKind() const;
  bool isNone() const { return kind_ == Kind::None; }
  bool isTensor() const { return kind_ == Kind::Tensor; }
  bool isDouble() const { return kind_ == Kind::Double; }
  bool isInt() const { return kind_ == Kind::Int; }
  bool isBool() const { return kind_ == Kind::Bool; }
  bool isString() const { return kind_ == Kind::String; }
  bool isScalar() const { return isDouble() || isInt() || isBool(); }
  bool isList() const { return kind_ == Kind::List; }
  bool isTuple() const { return kind_ == Kind::Tuple; }
  bool isGenericDict() const { return kind_ == Kind::Dict; }
  bool isTensorList() const;

  // Errors of all of these: ct::TypeError "Expected Tensor but got Int".
  /// Undefined for None.
  ct::Tensor toTensor() const;
  double toDouble() const;
  std::int64_t toInt() const;
  bool toBool() const;
  Scalar toScalar() const;
  const std::string& toStringRef() const;
  /// Of a list or a tuple.
  const std::vector<IValue>& toListRef() const;
  std::vector<ct::Tensor> toTensorVector() const;
  std::vector<std::int64_t> toIntVector() const;
  std::vector<double> toDoubleVector() const;
  /// Of a dict, in the order of insertion.
  const std::vector<Pair>& items() const;
  /// A dict with text as keys and tensors as values, for load_state_dict.
  OrderedDict<std::string, ct::Tensor> toTensorDict() const;

  /// Entries of a list, tuple or dict, characters of a text.
  std::size_t size() const;
  /// Of a list or tuple. Errors: ct::IndexError.
  const IValue& operator[](std::size_t i) const;
  /// Of a dict. Errors: ct::IndexError if the key is not there.
  const IValue& operator[](std::string_view key) const;
  const IValue& operator[](const char* key) const { return (*this)[std::string_view(key)]; }
  const IValue& operator[](int i) const { return (*this)[static_cast<std::size_t>(i)]; }
  /// Of a dict, null if the key is not there. An integer key is found by its digits too.
  const IValue* find(std::string_view key) const;
  bool contains(std::string_view key) const { return find(key) != nullptr; }

  /// Adds to a list. Errors: ct::Error if it is part of another value, or would be nested more than 200 deep.
  void append(IValue value);
  /// Adds to a dict, the same; and if the key is there.
  void insert(IValue key, IValue value);

  // ---- for the library itself --------------------------------------------------------------------------------------------
  /// How many values there are to be seen in it, shared ones as often as they are seen.
  std::uint64_t weight() const;

 private:
  struct Rep;
  template <class R> R* rep() const { return static_cast<R*>(rep_); }
  struct Text;
  struct List;
  struct Dict;
  void take(Rep& holder, const IValue& item);

  Kind kind_;
  union {
    std::int64_t int_;
    double double_;
    detail::TensorImpl* tensor_;
    Rep* rep_;
  };
};

/// Prints as Python does, tensors by their shape and dtype.
CT_API std::ostream& operator<<(std::ostream& out, const IValue& v);
CT_API std::string to_string(const IValue& v);

}  // namespace ct
