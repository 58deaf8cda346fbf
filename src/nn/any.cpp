// nn/any.cpp -- any value, any module.
#include "cotangent/nn/any.h"

#include "nn/text.h"

namespace ct::nn {

AnyValue::AnyValue(const AnyValue& o) : tensor_(o.tensor_), held_(o.held_ ? o.held_->copy() : nullptr), type_(o.type_) {}
AnyValue::AnyValue(AnyValue&& o) noexcept
    : tensor_(std::move(o.tensor_)), held_(std::exchange(o.held_, nullptr)), type_(std::exchange(o.type_, &typeid(void))) {}
AnyValue& AnyValue::operator=(AnyValue o) noexcept {
  tensor_ = std::move(o.tensor_);
  std::swap(held_, o.held_);
  std::swap(type_, o.type_);
  return *this;
}
AnyValue::~AnyValue() { delete held_; }
void AnyValue::throw_cast(const std::type_info& wanted) const {
  CT_THROW(type, "Attempted to cast AnyValue to ", type_name(wanted), ", but its actual type is ", type_name(*type_));
}

void detail::throw_argument_type(const Module& m, std::size_t index, const std::type_info& wanted, const std::type_info& given) {
  CT_THROW(type, m.name(), ": Expected argument #", index, " to be of type ", type_name(wanted), ", but received value of type ", type_name(given));
}
void detail::throw_argument_count(const Module& m, std::size_t wanted, std::size_t given) {
  CT_THROW(error, m.name(), "'s forward() method expects ", wanted, " argument(s), but received ", given, ".");
}
void detail::throw_return_type(const std::type_info& returned, const std::type_info& wanted) {
  CT_THROW(type, "The type of the return value is ", type_name(returned), ", but you asked for type ", type_name(wanted),
           "\n  Name the type: net.forward<std::tuple<ct::Tensor, ct::Tensor>>(x).");
}

AnyModule AnyModule::clone(const std::optional<Device>& device) const {
  AnyModule copy = *this;
  if (module_) copy.module_ = module_->clone(device);
  return copy;
}
void AnyModule::throw_empty() { CT_THROW(error, "Cannot call forward() on an empty AnyModule"); }
void AnyModule::throw_cast(const std::type_info& wanted) const {
  CT_THROW(type, "Attempted to cast module of type ", module_ ? module_->name() : std::string("(empty)"), " to type ", type_name(wanted));
}

}  // namespace ct::nn
