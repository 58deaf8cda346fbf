// lines.h -- which line of which cell an address in the cells' machine code belongs to.
//
// Note [Lines of cells]
// Cells are compiled with line tables, which cost no machine code. An exception's place is gone when it is caught, so
// __cxa_throw is ours (throw.cpp): it notes the addresses on the stack that are in cells' code. A crash notes them in the handler
// of its signal, into memory that the process's copy shares. Addresses become lines only when an error is printed: the objects
// that the linker got are kept with the places where it put them. A cell that crashes was compiled after its copy was made:
// what the copy needs of it lies in a file in memory (`share_objects`).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "llvm/ADT/StringRef.h"

namespace llvm::orc {
class ObjectLinkingLayer;
}

namespace kernel {

/// Addresses in cells' code, from a stack: the innermost ones, and after a gap the outermost ones. It has no constructor, so that it
/// may lie in shared memory.
struct Trace {
  static constexpr int most = 24;
  volatile int inner_size, outer_count;
  volatile std::uintptr_t inner[most], outer[most];  // outer: a ring of the last ones
};
/// Walks this thread's stack. May be called by handlers of signals.
void walk_stack(Trace& trace);

/// Lets the linker say where it puts code.
void note_places(llvm::orc::ObjectLinkingLayer& layer);
/// An object that is about to be linked, and the cell it is of.
void note_object(llvm::StringRef name, llvm::StringRef object);
/// What a cell's lines are, to be quoted.
void note_text(const std::string& label, const std::string& code);

/// "  at In[3], line 2:  throw 1;" and below it the lines that called; empty if no line of a cell is among them.
std::string lines_of(const Trace& trace);
/// For the library's errors that name lines ("saved by `exp` at In[3]:2"). False if the address is not in cells' code.
bool line_at(const void* return_address, char* cell, std::size_t size, int* line);

/// Before a cell: what is linked from now on can be read by a copy of this process that is made now.
void share_objects();
/// In that copy: reads what the dead process linked, for lines_of.
std::string lines_of_the_dead(const Trace& trace);

}  // namespace kernel
