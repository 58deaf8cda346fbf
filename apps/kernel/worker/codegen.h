// codegen.h -- from a cell's LLVM module to an object file.
//
// Note [One copy of everything]
// clang gives every module its own copy of templates, inline functions and inline variables that it uses, as compilers do, and
// leaves it to the linker to keep one. Cells are linked one after the other, so the keeping is done here: what an earlier cell or
// the library has already is not defined again (a function's body stays, to be inlined). What would be visible in its own file
// only (static, const, an unnamed namespace) becomes visible, because later cells are the same file to their writer.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace llvm {
class MemoryBuffer;
class Module;
class TargetMachine;
}  // namespace llvm

namespace kernel {

struct Object {
  std::unique_ptr<llvm::MemoryBuffer> code;
  std::vector<std::string> initialisers;  // functions to call, in this order
  std::vector<std::string> defines;       // the names that later cells shall not define again
};

enum class Where { nowhere, cell, library };
/// `where` says whether a name is defined already, in an earlier cell or in a library.
/// `optimise`: 0 to 3, as in -O1. `number` makes the names of initialisers unique.
Object compile(llvm::Module& module, llvm::TargetMachine& machine, int optimise, int number, Where (*where)(const std::string& name));

}  // namespace kernel
