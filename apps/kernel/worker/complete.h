// complete.h -- what could stand at a place of a cell, and what a name means: clang's own completion, in a forked copy.
#pragma once

#include <string>

#include "session.h"
#include "llvm/Support/JSON.h"

namespace kernel {

/// {"start": offset of the word, "matches": [{"text", "kind", "signature"}]}
llvm::json::Object complete(Session& session, const std::string& code, unsigned at);
/// {"text": declarations of the name at the place, with the comments above them}; empty if nothing is known.
llvm::json::Object inspect(Session& session, const std::string& code, unsigned at);

}  // namespace kernel
