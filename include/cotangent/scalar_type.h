// cotangent/scalar_type.h -- the element types of tensors.
#pragma once

#include <cstdint>

#include "cotangent/api.h"

namespace ct {

/// IEEE half precision, stored only: arithmetic on tensors of it runs in float32 and rounds once per operation.
struct CT_API Half {
  std::uint16_t bits = 0;
  Half() = default;
  Half(float v);
  operator float() const;
};

/// The upper 16 bits of a float32, stored only: arithmetic runs in float32 and rounds once per operation.
struct CT_API BFloat16 {
  std::uint16_t bits = 0;
  BFloat16() = default;
  BFloat16(float v);
  operator float() const;
};

/// Element types, in order of promotion within a category.
/// Complex types are not implemented; a later one takes its place before Undefined.
enum class ScalarType : std::int8_t { Bool, Byte, Char, Short, Int, Long, Half, BFloat16, Float, Double, Undefined };

inline constexpr int num_dtypes = static_cast<int>(ScalarType::Undefined);

inline constexpr ScalarType kBool = ScalarType::Bool, kByte = ScalarType::Byte, kUInt8 = kByte, kChar = ScalarType::Char,
                            kInt8 = kChar, kShort = ScalarType::Short, kInt16 = kShort, kInt = ScalarType::Int,
                            kInt32 = kInt, kLong = ScalarType::Long, kInt64 = kLong, kHalf = ScalarType::Half,
                            kFloat16 = kHalf, kBFloat16 = ScalarType::BFloat16, kFloat = ScalarType::Float,
                            kFloat32 = kFloat, kDouble = ScalarType::Double, kFloat64 = kDouble;

// Everything about a dtype that generic code asks for, from one list: X(enumerator, C++ type, Python name, bytes).
#define CT_FORALL_DTYPES(X)                 \
  X(Bool, bool, "bool", 1)                  \
  X(Byte, std::uint8_t, "uint8", 1)         \
  X(Char, std::int8_t, "int8", 1)           \
  X(Short, std::int16_t, "int16", 2)        \
  X(Int, std::int32_t, "int32", 4)          \
  X(Long, std::int64_t, "int64", 8)         \
  X(Half, ::ct::Half, "float16", 2)         \
  X(BFloat16, ::ct::BFloat16, "bfloat16", 2) \
  X(Float, float, "float32", 4)             \
  X(Double, double, "float64", 8)

constexpr std::int64_t elementSize(ScalarType t) {
  switch (t) {
#define CT_X(name, type, py, bytes) case ScalarType::name: return bytes;
    CT_FORALL_DTYPES(CT_X)
#undef CT_X
    default: return 0;
  }
}

/// libtorch's name: "Float".
constexpr const char* toString(ScalarType t) {
  switch (t) {
#define CT_X(name, type, py, bytes) case ScalarType::name: return #name;
    CT_FORALL_DTYPES(CT_X)
#undef CT_X
    default: return "Undefined";
  }
}

/// Python's name: "float32".
constexpr const char* python_name(ScalarType t) {
  switch (t) {
#define CT_X(name, type, py, bytes) case ScalarType::name: return py;
    CT_FORALL_DTYPES(CT_X)
#undef CT_X
    default: return "undefined";
  }
}

constexpr bool isFloatingType(ScalarType t) { return t >= ScalarType::Half && t <= ScalarType::Double; }
constexpr bool isReducedFloatingType(ScalarType t) { return t == ScalarType::Half || t == ScalarType::BFloat16; }
constexpr bool isIntegralType(ScalarType t, bool include_bool) {
  return (t >= ScalarType::Byte && t <= ScalarType::Long) || (include_bool && t == ScalarType::Bool);
}

namespace detail {
template <class T> struct DtypeOf;
#define CT_X(name, type, py, bytes) \
  template <> struct DtypeOf<type> { static constexpr ScalarType value = ScalarType::name; };
CT_FORALL_DTYPES(CT_X)
#undef CT_X
#if defined(__APPLE__) || defined(__EMSCRIPTEN__)
template <> struct DtypeOf<long> { static constexpr ScalarType value = sizeof(long) == 8 ? ScalarType::Long : ScalarType::Int; };
#else
template <> struct DtypeOf<long long> { static constexpr ScalarType value = ScalarType::Long; };
#endif
}  // namespace detail

/// The dtype whose elements are the C++ type T: dtype_of<float>() is kFloat.
template <class T>
constexpr ScalarType dtype_of() { return detail::DtypeOf<T>::value; }

/// Python's promotion of two dtypes of tensors of the same category rank (no 0-dim rule): promote_types(kInt, kFloat) is kFloat.
CT_API ScalarType promote_types(ScalarType a, ScalarType b);
/// Whether a value of `from` may be stored in place into `to`: not float into int, not int into bool.
CT_API bool can_cast(ScalarType from, ScalarType to);
/// The dtype of floating literals and factories: kFloat unless changed.
CT_API ScalarType get_default_dtype();
/// Sets it; only floating dtypes are accepted.
CT_API void set_default_dtype(ScalarType t);

}  // namespace ct
