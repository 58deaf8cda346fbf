// protocol.h -- the worker's two channels: a JSON object a line in and out; and marks within stdout and stderr.
#pragma once

#include <string>

#include "llvm/Support/JSON.h"

namespace kernel {

/// Moves the channels out of the way of the user's code, and lets stdout go out line by line.
void open_channels(int in, int out);
/// The next request. False at the end of the input.
bool receive(llvm::json::Object& request);
/// Sends one line. Used by one process at a time.
void send(llvm::json::Object message);
/// The output of a cell ends here, on stdout and stderr.
void mark_end_of_output();
/// Text that is valid UTF-8 whatever it came from.
std::string utf8(const std::string& text);

}  // namespace kernel
