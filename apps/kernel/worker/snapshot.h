// snapshot.h -- a copy of the process before a cell, which takes over if the cell fails.
//
// Note [A failed cell changes nothing]
// Before a cell the process forks. The child sleeps on a pipe; the parent runs the cell and keeps its threads. If all goes well
// the parent tells the child to go. If the parent dies, by a crash, exit(), an interrupt, or by its own will because the cell
// threw, the child reads the end of the pipe, says what happened and is the worker from then on: variables, declarations and
// compiled code are those of before the cell. Files and what other programs were told are not taken back.
#pragma once

#include <string>

namespace kernel {

class Snapshot {
 public:
  enum class Role { live, restored };

  /// Returns `live` now; returns a second time, as `restored`, in the copy if the live process ends without commit().
  Role take();
  /// The cell succeeded: the copy goes away.
  void commit();
  /// The cell failed and has been reported: the copy takes over.
  [[noreturn]] void roll_back();
  /// In the restored process: what happened ("segmentation fault ..."); empty after roll_back().
  std::string what_happened() const;
  /// In the restored process: the lines of cells where it happened.
  std::string lines() const;
  bool interrupted() const;

 private:
  int copy_ = -1;
};

/// Handlers that note why the process dies; once at the start.
void install_crash_handlers();
/// SIGINT ends the process while a cell runs and is ignored otherwise.
void let_interrupts_through(bool on);
/// What `exit` is for a cell, and (at once) `_exit`.
[[noreturn]] void exit_of_cell(int code, bool at_once = false);
/// A process that a cell forked ends here, where the cell does; it is not to become a second worker.
void end_process_of_cell();

}  // namespace kernel
