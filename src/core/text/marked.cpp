// core/text/marked.cpp -- in a program that the library's objects are linked into in one row (our tests): between the marks.
#include "core/location.h"

#if defined(__ELF__) && defined(__GNUC__)
extern "C" {
extern const char ct_text_begin[], ct_text_end[], ct_cold_text_begin[], ct_cold_text_end[];
}

namespace ct::detail {
constinit const LibraryText library_text{ct_text_begin, ct_text_end, ct_cold_text_begin, ct_cold_text_end};
}
#else
#include "none.cpp"
#endif
