// core/text/none.cpp -- in a static library, machine code of the library and of the program mix: nothing is known.
#include "core/location.h"

namespace ct::detail {
constinit const LibraryText library_text{nullptr, nullptr, nullptr, nullptr};
}
