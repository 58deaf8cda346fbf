// jit.h -- the cells' machine code in this process, linked with the library.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace llvm {
class Module;
}

namespace kernel {

/// Prepares the linker. `library` is what cells are linked with: libct_notebook.so, which brings libcotangent.so.
/// Returns an error text, or nothing.
std::string start_jit(const std::string& library);

struct Loaded {
  std::string error;                    // e.g. a function that is declared and not defined
  std::vector<void (*)()> initialisers; // run these to run the cell
};
/// Compiles a module and links it.
Loaded load(std::unique_ptr<llvm::Module> module, int optimise);

std::string demangle(const std::string& name);

}  // namespace kernel
