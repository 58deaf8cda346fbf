// core/error.cpp -- building messages, throwing, and the warning handler.
#include "cotangent/error.h"

#include <atomic>
#include <cstdio>
#include <mutex>
#include <vector>

#include "cotangent/scalar.h"

namespace ct {

Error::Error(std::string message) : message_(std::move(message)) {}
Error::Error(const Error&) = default;
Error& Error::operator=(const Error&) = default;
Error::~Error() = default;
const char* Error::what() const noexcept { return message_.c_str(); }
void Error::add_context(std::string_view line) { message_.append("\n  ").append(line); }

IndexError::~IndexError() = default;
ValueError::~ValueError() = default;
TypeError::~TypeError() = default;
NotImplementedError::~NotImplementedError() = default;
LinAlgError::~LinAlgError() = default;
IoError::~IoError() = default;
OutOfMemoryError::~OutOfMemoryError() = default;

namespace detail {

namespace {
void append_number(std::string& out, double v) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%g", v);
  out += buffer;
}
}  // namespace

std::string join(std::initializer_list<MsgPart> parts) {
  std::string out;
  for (const MsgPart& p : parts) {
    switch (p.kind) {
      case MsgPart::Kind::text: out.append(p.text.data, p.text.size); break;
      case MsgPart::Kind::integer: out += std::to_string(p.integer); break;
      case MsgPart::Kind::real: append_number(out, p.real); break;
      case MsgPart::Kind::boolean: out += p.boolean ? "true" : "false"; break;
      case MsgPart::Kind::dtype: out += toString(p.dtype); break;
      case MsgPart::Kind::scalar:
        if (p.scalar->isFloatingPoint()) append_number(out, p.scalar->toDouble());
        else out += std::to_string(p.scalar->toLong());
        break;
      case MsgPart::Kind::sizes:
        out += '[';
        for (std::size_t i = 0; i < p.sizes.size; ++i) out.append(i ? ", " : "").append(std::to_string(p.sizes.data[i]));
        out += ']';
        break;
    }
  }
  return out;
}

void throw_error(ErrorKind kind, std::initializer_list<MsgPart> parts) {
  std::string m = join(parts);
  switch (kind) {
    case ErrorKind::index: throw IndexError(std::move(m));
    case ErrorKind::value: throw ValueError(std::move(m));
    case ErrorKind::type: throw TypeError(std::move(m));
    case ErrorKind::not_implemented: throw NotImplementedError(std::move(m));
    case ErrorKind::linalg: throw LinAlgError(std::move(m));
    case ErrorKind::io: throw IoError(std::move(m));
    case ErrorKind::out_of_memory: throw OutOfMemoryError(std::move(m));
    case ErrorKind::error: break;
  }
  throw Error(std::move(m));
}

void throw_internal(const char* file, int line, const char* condition, std::initializer_list<MsgPart> parts) {
  throw Error(join({"internal error: ", condition, " does not hold (", file, ":", line, ") ", join(parts),
                    "\n  This is a bug in cotangent, not in your program: please report it."}));
}

}  // namespace detail

namespace {
void write_to_stderr(std::string_view message) {
  std::fprintf(stderr, "Warning: %.*s\n", static_cast<int>(message.size()), message.data());
}
std::atomic<WarningHandler> warning_handler{write_to_stderr};
}  // namespace

void warn(std::string_view message) { warning_handler.load()(message); }

namespace {
std::mutex warned_mutex;
std::vector<const char*> warned;
}  // namespace

void warn_once(const char* message) {
  {
    std::lock_guard lock(warned_mutex);
    for (const char* before : warned)
      if (before == message) return;
    warned.push_back(message);
  }
  warn(message);
}

WarningHandler set_warning_handler(WarningHandler handler) {
  {
    std::lock_guard lock(warned_mutex);
    warned.clear();
  }
  WarningHandler before = warning_handler.exchange(handler ? handler : write_to_stderr);
  return before == write_to_stderr ? nullptr : before;
}

}  // namespace ct
