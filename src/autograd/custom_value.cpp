// autograd/custom_value.cpp -- the values that a custom function keeps by name.
#include <algorithm>

#include "cotangent/custom_function.h"

namespace ct::autograd {

namespace {
const char* name_of(Value::Kind k) {
  static const char* const names[] = {"None", "a Bool", "an Int", "a Double", "a String", "a Tensor", "a TensorList", "an IntList", "a DoubleList"};
  return names[static_cast<int>(k)];
}
}  // namespace

Value::Value() = default;
Value::~Value() = default;
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;

Value::Value(const Scalar& v) : kind_(v.isBoolean() ? Kind::boolean : v.isFloatingPoint() ? Kind::real : Kind::integer), number_(v) {}
Value::Value(std::string v) : kind_(Kind::text), text_(std::move(v)) {}
Value::Value(std::string_view v) : Value(std::string(v)) {}
Value::Value(const char* v) : Value(std::string(v)) {}
Value::Value(Tensor v) : kind_(Kind::tensor), tensor_(std::move(v)) {}
Value::Value(std::vector<Tensor> v) : kind_(Kind::tensors), tensors_(std::move(v)) {}
Value::Value(std::vector<std::int64_t> v) : kind_(Kind::integers), integers_(std::move(v)) {}
Value::Value(std::vector<double> v) : kind_(Kind::reals), reals_(std::move(v)) {}
Value::Value(IntArrayRef v) : Value(v.vec()) {}

void Value::expect(Kind kind) const {
  CT_CHECK_TYPE(kind_ == kind, "saved_data: Expected ", name_of(kind), " but got ", name_of(kind_));
}

bool Value::toBool() const { expect(Kind::boolean); return number_.toBool(); }
std::int64_t Value::toInt() const { expect(Kind::integer); return number_.toLong(); }
double Value::toDouble() const { return toScalar().toDouble(); }
Scalar Value::toScalar() const {
  if (!isScalar()) expect(Kind::real);
  return number_;
}
const std::string& Value::toStringRef() const { expect(Kind::text); return text_; }
const Tensor& Value::toTensor() const { expect(Kind::tensor); return tensor_; }
const std::vector<Tensor>& Value::toTensorVector() const { expect(Kind::tensors); return tensors_; }
const std::vector<std::int64_t>& Value::toIntVector() const { expect(Kind::integers); return integers_; }
const std::vector<double>& Value::toDoubleVector() const { expect(Kind::reals); return reals_; }

Value& SavedData::operator[](std::string_view name) {
  for (Item& i : items_)
    if (i.first == name) return i.second;
  return items_.emplace_back(std::string(name), Value()).second;
}

const Value* SavedData::find(std::string_view name) const {
  for (const Item& i : items_)
    if (i.first == name) return &i.second;
  return nullptr;
}

const Value& SavedData::at(std::string_view name) const {
  const Value* v = find(name);
  CT_CHECK_INDEX(v, "saved_data: there is no value '", name, "'");
  return *v;
}

std::size_t SavedData::erase(std::string_view name) {
  return std::erase_if(items_, [name](const Item& i) { return i.first == name; });
}

}  // namespace ct::autograd
