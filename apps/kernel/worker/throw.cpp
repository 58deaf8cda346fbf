// throw.cpp -- catching whatever a cell throws (throw.h).
#include "throw.h"

#include <cxxabi.h>
#include <exception>
#include <string>
#include <typeinfo>

#include "jit.h"

namespace kernel {
namespace {

std::string current_type() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  return type ? demangle(type->name()) : "unknown exception";
}

}  // namespace

bool call(const std::vector<void (*)()>& functions, Thrown& thrown) {
  try {
    for (auto f : functions) f();
    return true;
  } catch (const std::exception& e) {
    thrown = {current_type(), e.what()};
  } catch (const std::string& s) {
    thrown = {"std::string", s};
  } catch (const char* s) {
    thrown = {"const char*", s ? s : "(null)"};
  } catch (int i) {
    thrown = {"int", std::to_string(i)};
  } catch (...) {
    thrown = {current_type(), ""};
  }
  return false;
}

}  // namespace kernel
