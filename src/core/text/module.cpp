// core/text/module.cpp -- where the library's machine code lies: all of the shared object that it is. See Note [Source lines].
#include "core/location.h"

// Provided by the linker for each shared object.
extern "C" {
__attribute__((visibility("hidden"))) extern const char __ehdr_start[];
__attribute__((visibility("hidden"))) extern const char etext[];
}

namespace ct::detail {
constinit const LibraryText library_text{__ehdr_start, etext, nullptr, nullptr};
}
