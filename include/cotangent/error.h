// cotangent/error.h -- the one exception hierarchy, and the checks that throw it.
#pragma once

#include <cstdint>      // fixed-width numbers in messages
#include <exception>    // base class
#include <string>       // the message
#include <string_view>  // parts of a message
#include <type_traits>  // choosing the kind of a part

#include "cotangent/api.h"
#include "cotangent/array_ref.h"    // sizes in messages
#include "cotangent/scalar_type.h"  // dtypes in messages

namespace ct {

/// Every failure of this library is an Error or one of the kinds below.
///
/// The first line of what() names the operation, carries libtorch's searchable key phrase and the
/// actual values; further lines say how to put it right.
class CT_API Error : public std::exception {
 public:
  explicit Error(std::string message);
  Error(const Error&);
  Error& operator=(const Error&);
  ~Error() override;
  const char* what() const noexcept override;
  /// libtorch's name for the message without the C++ stack; here the same as what().
  const char* what_without_backtrace() const noexcept { return what(); }
  const std::string& msg() const noexcept { return message_; }
  /// Adds a line of context, e.g. the operation whose backward failed.
  void add_context(std::string_view line);

 private:
  std::string message_;
};

/// An index or a dimension outside its range.
class CT_API IndexError : public Error { public: using Error::Error; ~IndexError() override; };
/// A value that no call of this kind accepts (a negative size, a probability of 1.3).
class CT_API ValueError : public Error { public: using Error::Error; ~ValueError() override; };
/// A dtype or an argument kind that does not fit.
class CT_API TypeError : public Error { public: using Error::Error; ~TypeError() override; };
/// A device, dtype or option that this library does not implement.
class CT_API NotImplementedError : public Error { public: using Error::Error; ~NotImplementedError() override; };
/// A matrix for which the decomposition does not exist (singular, not positive definite).
class CT_API LinAlgError : public Error { public: using Error::Error; ~LinAlgError() override; };
/// A file that could not be read or written; the message has its name, and the line and column of bad content.
class CT_API IoError : public Error { public: using Error::Error; ~IoError() override; };
/// No memory for a tensor of the size asked for.
class CT_API OutOfMemoryError : public Error { public: using Error::Error; ~OutOfMemoryError() override; };

class Scalar;

namespace detail {

// One piece of a message, type-erased, so that a failed check costs one call at the place where it stands.
struct MsgPart {
  enum class Kind : std::uint8_t { text, integer, real, boolean, sizes, dtype, scalar } kind;
  struct Text { const char* data; std::size_t size; };
  struct Sizes { const std::int64_t* data; std::size_t size; };
  union {
    Text text;
    std::int64_t integer;
    double real;
    bool boolean;
    Sizes sizes;
    ScalarType dtype;
    const Scalar* scalar;
  };

  MsgPart(std::string_view s) : kind(Kind::text), text{s.data(), s.size()} {}
  MsgPart(const char* s) : MsgPart(std::string_view(s)) {}
  MsgPart(const std::string& s) : MsgPart(std::string_view(s)) {}
  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>)
  MsgPart(T v) : kind(Kind::integer), integer(static_cast<std::int64_t>(v)) {}
  MsgPart(double v) : kind(Kind::real), real(v) {}
  template <class T>
    requires(std::is_same_v<T, bool>)
  MsgPart(T v) : kind(Kind::boolean), boolean(v) {}
  MsgPart(IntArrayRef s) : kind(Kind::sizes), sizes{s.data(), s.size()} {}  // printed as [2, 3]
  MsgPart(ScalarType t) : kind(Kind::dtype), dtype(t) {}                    // printed as Float
  MsgPart(const Scalar& s) : kind(Kind::scalar), scalar(&s) {}
};

enum class ErrorKind : std::uint8_t { error, index, value, type, not_implemented, linalg, io, out_of_memory };

CT_API std::string join(std::initializer_list<MsgPart> parts);
[[noreturn]] CT_API void throw_error(ErrorKind kind, std::initializer_list<MsgPart> parts);
[[noreturn]] CT_API void throw_internal(const char* file, int line, const char* condition, std::initializer_list<MsgPart> parts);

}  // namespace detail

/// Gives a warning to the handler (see set_warning_handler).
CT_API void warn(std::string_view message);
/// The same, but only the first time since the handler was set; `message` must be a literal.
CT_API void warn_once(const char* message);
using WarningHandler = void (*)(std::string_view message);
/// Replaces the warning handler and returns the one before; nullptr restores the default, which writes to stderr.
CT_API WarningHandler set_warning_handler(WarningHandler handler);

}  // namespace ct

// The caller's mistake. The parts are evaluated only when the condition fails.
#define CT_CHECK(cond, ...)        CT_CHECK_KIND(error, cond, __VA_ARGS__)
#define CT_CHECK_INDEX(cond, ...)  CT_CHECK_KIND(index, cond, __VA_ARGS__)
#define CT_CHECK_VALUE(cond, ...)  CT_CHECK_KIND(value, cond, __VA_ARGS__)
#define CT_CHECK_TYPE(cond, ...)   CT_CHECK_KIND(type, cond, __VA_ARGS__)
#define CT_CHECK_LINALG(cond, ...) CT_CHECK_KIND(linalg, cond, __VA_ARGS__)
#define CT_CHECK_KIND(kind, cond, ...) \
  do { if (!(cond)) [[unlikely]] ::ct::detail::throw_error(::ct::detail::ErrorKind::kind, {__VA_ARGS__}); } while (0)
#define CT_THROW(kind, ...) ::ct::detail::throw_error(::ct::detail::ErrorKind::kind, {__VA_ARGS__})
// Our own mistake: the message asks for a report.
#define CT_ASSERT(cond, ...) \
  do { if (!(cond)) [[unlikely]] ::ct::detail::throw_internal(__FILE__, __LINE__, #cond, {__VA_ARGS__}); } while (0)
