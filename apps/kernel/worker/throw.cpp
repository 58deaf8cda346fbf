// throw.cpp -- catching whatever a cell throws, and noting where it was thrown (throw.h). See Note [Lines of cells].
#include "throw.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <cstring>
#include <exception>
#include <mutex>
#include <string>
#include <typeinfo>

#include "jit.h"
#include "lines.h"

namespace kernel {
namespace {

// Where the latest exceptions were thrown, by the address of the thrown object. One that is kept (in an exception_ptr) while many
// others are thrown is forgotten, and its error then names no line.
struct Noted { const void* object; Trace trace; };
Noted noted[64];
unsigned next_noted = 0;
std::mutex mutex;

void note(const void* object) {
  Trace here;
  walk_stack(here);
  std::lock_guard lock(mutex);
  noted[next_noted++ % std::size(noted)] = {object, here};
}

// The lines of an exception: the latest note about it.
std::string lines_of_exception(const void* object) {
  std::lock_guard lock(mutex);
  for (unsigned i = 1; i <= std::size(noted) && i <= next_noted; ++i)
    if (const Noted& n = noted[(next_noted - i) % std::size(noted)]; n.object == object) return lines_of(n.trace);
  return "";
}

// Thrown in a thread, it is thrown once more where the thread's result is asked for, which is the line to add.
void note_again(const void* object) {
  Trace here;
  walk_stack(here);
  std::lock_guard lock(mutex);
  for (unsigned i = 1; i <= std::size(noted) && i <= next_noted; ++i) {
    Noted& n = noted[(next_noted - i) % std::size(noted)];
    if (n.object != object) continue;
    if (n.trace.inner_size > 0 && here.inner_size > 0 && n.trace.inner_size + here.inner_size <= Trace::most) {
      for (int j = 0; j < here.inner_size; ++j) n.trace.inner[n.trace.inner_size + j] = here.inner[j];
      n.trace.inner_size = n.trace.inner_size + here.inner_size;
      n.trace.outer_count = 0;
      return;
    }
    break;
  }
  noted[next_noted++ % std::size(noted)] = {object, here};
}

template <class F>
F* original(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

std::string current_type() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  return type ? demangle(type->name()) : "unknown exception";
}

// The object that was thrown; where it came by an exception_ptr, the first one.
const void* current_object() {
  const std::exception_ptr current = std::current_exception();
  const void* object;
  static_assert(sizeof object == sizeof current);
  std::memcpy(&object, &current, sizeof object);
  return object;
}

}  // namespace

bool call(const std::vector<void (*)()>& functions, Thrown& thrown) {
  try {
    for (auto f : functions) f();
    return true;
  } catch (const std::exception& e) {
    thrown = {current_type(), e.what(), lines_of_exception(current_object())};
  } catch (const std::string& s) {
    thrown = {"std::string", s, lines_of_exception(current_object())};
  } catch (const char* s) {
    thrown = {"const char*", s ? s : "(null)", lines_of_exception(current_object())};
  } catch (int i) {
    thrown = {"int", std::to_string(i), lines_of_exception(current_object())};
  } catch (...) {
    thrown = {current_type(), "", lines_of_exception(current_object())};
  }
  return false;
}

}  // namespace kernel

// These come before the ones of libstdc++ in the order in which the dynamic linker looks, for it too and for the libraries.
extern "C" {
[[noreturn]] void ct_throw(void* object, void* type, void (*destroy)(void*)) __asm__("__cxa_throw") __attribute__((visibility("default")));
void ct_throw(void* object, void* type, void (*destroy)(void*)) {
  static const auto throw_it = kernel::original<void(void*, void*, void (*)(void*))>("__cxa_throw");
  kernel::note(object);
  throw_it(object, type, destroy);
  __builtin_unreachable();
}

// std::rethrow_exception; the parameter is passed by address.
[[noreturn]] void ct_rethrow(void** pointer) __asm__("_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE") __attribute__((visibility("default")));
void ct_rethrow(void** pointer) {
  static const auto throw_it = kernel::original<void(void**)>("_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE");
  kernel::note_again(*pointer);
  throw_it(pointer);
  __builtin_unreachable();
}
}
