// copy.h -- runs a question in a forked copy of the process, which may crash or leave the compiler in disorder.
#pragma once

#include "llvm/Support/JSON.h"

namespace kernel {

/// Runs f in a copy of this process, and gives what it returned. False if the copy died.
bool in_a_copy(llvm::function_ref<llvm::json::Object()> f, llvm::json::Object& result);

}  // namespace kernel
