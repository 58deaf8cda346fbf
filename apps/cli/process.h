// cli/process.h -- runs another program: arguments, environment, captured output, a time limit, Ctrl-C.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace cli {

struct Command {
  std::vector<std::string> arguments;                                 // the program first; looked up in PATH unless it has a '/'
  std::vector<std::pair<std::string, std::string>> environment = {};  // set besides our own variables
  std::string folder = {};                                            // where it runs; empty: where we are
  /// What becomes of its standard output and standard error.
  enum class Output { inherit, capture, discard } output = Output::inherit;
  bool input = false;           // whether it may read our standard input; else it reads an empty one
  double seconds = 0;           // a time limit, after which it and all that it started are killed; 0: none
  std::size_t most = 16 << 20;  // bytes of output that are captured; what comes after them is read and dropped
};

struct Finished {
  int status = 0;  // the exit status; 128 + the signal that ended it; 127 if it could not be started
  bool timed_out = false;
  bool interrupted = false;  // Ctrl-C while it ran: it got the signal too
  std::string output;        // standard output and standard error as they came, if captured
  std::string error;         // why it could not be started, else empty
  double seconds = 0;        // how long it ran

  bool ok() const { return status == 0 && !timed_out && !interrupted && error.empty(); }
};

/// Runs a program and waits for it. Several threads may do so at once. Ctrl-C ends the program, not us: look at `interrupted`.
Finished run_process(const Command& command);

/// "exit status 3", "killed by signal 11 (Segmentation fault)", "stopped after 30 s"; empty if all went well.
std::string what_happened(const Finished& finished);

}  // namespace cli
