// cotangent/print.h -- text of tensors, sizes and numbers as Python writes it, without <iostream>.
#pragma once

#include <initializer_list>
#include <iosfwd>       // operator<<
#include <optional>     // PrintOptions
#include <string>       // the texts
#include <string_view>  // text arguments
#include <type_traits>
#include <vector>       // lists as arguments

#include "cotangent/array_ref.h"
#include "cotangent/device.h"
#include "cotangent/scalar.h"
#include "cotangent/scalar_type.h"

namespace ct {

class NodePtr;
class Tensor;

/// A shape that prints as Python's does: torch.Size([2, 3]); x.shape() returns one. x.sizes() prints as libtorch's: [2, 3].
class Size : public ArrayRef<std::int64_t> {
 public:
  constexpr Size(ArrayRef<std::int64_t> sizes) : ArrayRef<std::int64_t>(sizes) {}
};

// Each of these writes what to_string returns: "[2, 3]", "torch.Size([2, 3])", "torch.float32", "cpu", "0.1", "<MulBackward0>".
// None looks at the flags, the width or the locale of the stream.
CT_API std::ostream& operator<<(std::ostream& out, ArrayRef<std::int64_t> sizes);
CT_API std::ostream& operator<<(std::ostream& out, const Size& size);
CT_API std::ostream& operator<<(std::ostream& out, ScalarType t);
CT_API std::ostream& operator<<(std::ostream& out, const Device& d);
CT_API std::ostream& operator<<(std::ostream& out, const Scalar& s);
CT_API std::ostream& operator<<(std::ostream& out, const NodePtr& node);
CT_API std::string to_string(ArrayRef<std::int64_t> sizes);
CT_API std::string to_string(const Size& size);
/// "torch.Size([2, 3])"
inline std::string size_string(ArrayRef<std::int64_t> sizes) { return to_string(Size(sizes)); }

/// Python's f"{v:.4f}": fixed(3.14159, 4) is "3.1416".
CT_API std::string fixed(double v, int digits);
/// Python's f"{v:.4e}": scientific(0.000123, 2) is "1.23e-04".
CT_API std::string scientific(double v, int digits);

/// How tensors are printed; what is not given stays as it is, except that sci_mode returns to automatic, as in Python.
struct PrintOptions {
  std::optional<int> precision = std::nullopt;             // digits after the point (4)
  std::optional<std::int64_t> threshold = std::nullopt;    // more elements than this are summarised (1000)
  std::optional<std::int64_t> edgeitems = std::nullopt;    // elements shown at either end of a summarised dimension (3)
  std::optional<std::int64_t> linewidth = std::nullopt;    // characters in a line (80)
  std::optional<bool> sci_mode = std::nullopt;             // always or never scientific; not given: chosen by the values
};
/// Python's torch.set_printoptions: set_printoptions({.precision = 8}). Errors: ct::ValueError for negative numbers.
CT_API void set_printoptions(const PrintOptions& options);
/// The options in force, all given but perhaps sci_mode.
CT_API PrintOptions print_options();

namespace detail {

// One argument of print(), type-erased: print() itself compiles to one call.
struct PrintPart {
  enum class Kind : std::uint8_t { text, character, integer, natural, real, real32, boolean, tensor, tensors, numbers, size, dtype, device, scalar, node } kind;
  ScalarType of = ScalarType::Undefined;  // the elements of `numbers`
  struct Row { const void* data; std::size_t size; };
  union {
    Row row;
    const void* object;
    std::int64_t integer;
    std::uint64_t natural;
    double real;
    ScalarType dtype;
  };

  PrintPart(std::string_view s) : kind(Kind::text), row{s.data(), s.size()} {}
  PrintPart(const char* s) : PrintPart(s ? std::string_view(s) : std::string_view("None")) {}
  PrintPart(const std::string& s) : PrintPart(std::string_view(s)) {}
  template <class T>
    requires(std::is_integral_v<T>)
  PrintPart(T v) {
    if constexpr (std::is_same_v<T, bool>) kind = Kind::boolean, integer = v;
    else if constexpr (std::is_same_v<T, char>) kind = Kind::character, integer = v;
    else if constexpr (std::is_unsigned_v<T>) kind = Kind::natural, natural = v;
    else kind = Kind::integer, integer = v;
  }
  PrintPart(double v) : kind(Kind::real), real(v) {}
  PrintPart(float v) : kind(Kind::real32), real(static_cast<double>(v)) {}
  PrintPart(Half v) : PrintPart(static_cast<float>(v)) {}
  PrintPart(BFloat16 v) : PrintPart(static_cast<float>(v)) {}
  PrintPart(const Tensor& t) : kind(Kind::tensor), object(&t) {}
  PrintPart(ArrayRef<Tensor> ts) : kind(Kind::tensors), row{ts.data(), ts.size()} {}
  CT_API PrintPart(const std::vector<Tensor>& ts);
  PrintPart(ArrayRef<std::int64_t> s) : kind(Kind::numbers), of(kLong), row{s.data(), s.size()} {}
  template <class T>
    requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
  PrintPart(const std::vector<T>& s) : kind(Kind::numbers), of(dtype_of<T>()), row{s.data(), s.size()} {}
  PrintPart(const Size& s) : kind(Kind::size), row{s.data(), s.size()} {}
  PrintPart(ScalarType t) : kind(Kind::dtype), dtype(t) {}
  PrintPart(const Device& d) : kind(Kind::device), object(&d) {}
  PrintPart(const Scalar& s) : kind(Kind::scalar), object(&s) {}
  PrintPart(const NodePtr& n) : kind(Kind::node), object(&n) {}
  PrintPart(const void*) = delete;  // an address says nothing; without this it would print as a bool
};
CT_API std::string print_text(std::initializer_list<PrintPart> parts);
CT_API void print_line(std::initializer_list<PrintPart> parts);

}  // namespace detail

/// Python's print: the arguments, separated by spaces, and a newline, on stdout.
///   print("loss", 0.1, true, x) -> loss 0.1 True tensor([1., 2.])
/// Takes text, numbers (floats in the shortest form that reads back), tensors and vectors of them, sizes, dtypes, devices
/// and nodes. Lines come out in order with those of std::cout, as long as std::ios::sync_with_stdio(false) was not called.
template <class... Ts>
void print(const Ts&... xs) { detail::print_line({detail::PrintPart(xs)...}); }

}  // namespace ct
