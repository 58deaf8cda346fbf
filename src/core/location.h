// core/location.h -- the line of the program that called into the library: noted as an address, named when an error is printed.
//
// Note [Source lines]
// Errors of backward happen far from the line that caused them, so every node and every write in place notes where in
// the program it was asked for. What is noted is one return address: the library is compiled with frame pointers, and the
// walk from the place where a node is made goes outwards through the library's own frames until a return address lies
// outside the library. The program's frames are never walked, so it may be compiled as it likes. Which addresses are the
// library's is known only where a linker script or the order of the link says so (core/text/): in the shared library, and
// in our tests. In a static library nothing is noted, and errors have no lines.
// An address becomes a file and a line only when an error is printed (location.cpp), with the help of libdw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace ct {
struct SourceLocation;

namespace detail {

// The library's machine code; all null where that cannot be known.
struct LibraryText { const char *begin, *end, *cold_begin, *cold_end; };
extern const LibraryText library_text;

// The innermost return address on this thread's stack that lies outside the library; null if unknown.
#if CT_FRAME_POINTERS && (defined(__x86_64__) || defined(__aarch64__))
__attribute__((always_inline)) inline const void* user_address() noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(library_text.begin);
  const auto size = reinterpret_cast<std::uintptr_t>(library_text.end) - begin;
  if (size == 0) return nullptr;
  // A frame: the caller's frame pointer, then the return address into the caller. Those of the library are sound.
  auto* frame = static_cast<void* const*>(__builtin_frame_address(0));
  for (;;) {
    const auto address = reinterpret_cast<std::uintptr_t>(frame[1]);
    if (address - begin >= size) {
      const auto cold = reinterpret_cast<std::uintptr_t>(library_text.cold_begin);
      if (address - cold >= reinterpret_cast<std::uintptr_t>(library_text.cold_end) - cold) return frame[1];
    }
    auto* next = static_cast<void* const*>(frame[0]);
    if (next <= frame) [[unlikely]] return nullptr;
    frame = next;
  }
}
#else
inline const void* user_address() noexcept { return nullptr; }
#endif

// The source line of a call, from its return address. Empty if nothing is known.
SourceLocation locate(const void* return_address);
// `before` and the place, e.g. " at lesson.cpp:12"; nothing if it is unknown.
std::string place(const char* before, const void* return_address);

}  // namespace detail
}  // namespace ct
