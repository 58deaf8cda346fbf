// checks/program.h -- what a check program includes first, and once: check.h, and a note of where each exception was thrown.
#pragma once

#include <dlfcn.h>

#include <cstdlib>

#include "exercises/checks/check.h"

// The C++ runtime calls this for every throw; the program's own comes first and passes on.
extern "C" [[noreturn]] __attribute__((visibility("default"))) void __cxa_throw(void* thrown, void* type,
                                                                                void (*destructor)(void*)) {
  exercise::note_throw();
  using Throw = void (*)(void*, void*, void (*)(void*));
  reinterpret_cast<Throw>(dlsym(RTLD_NEXT, "__cxa_throw"))(thrown, type, destructor);
  std::abort();
}
