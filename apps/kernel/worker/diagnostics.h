// diagnostics.h -- what clang complains about, kept as data and rendered with the cell's own lines.
#pragma once

#include <string>
#include <vector>

#include "clang/Basic/Diagnostic.h"
#include "clang/Basic/SourceLocation.h"

namespace kernel {

/// Text for the compiler, and where each of its characters stood in the cell (which may have had more or fewer).
struct Source {
  explicit Source(std::string code = "");
  void replace(unsigned at, unsigned size, const std::string& by);

  std::string cell;              // as it was written
  std::string text;              // for the compiler
  std::vector<unsigned> origin;  // text[i] stands for cell[origin[i]]; one more at the end
};

struct Message {
  enum class Level { note, warning, error } level = Level::error;
  unsigned id = 0;             // clang's number of the diagnostic
  std::string text;
  std::string file;            // "In[7]" or a header
  unsigned line = 0, column = 0;
  unsigned offset = 0;         // in the text for the compiler, if in_cell
  bool in_cell = false;        // in the buffer that is being parsed
  bool in_earlier_cell = false;
  std::string source;          // the line of text
  std::string marks;           // "    ^~~~" below it
  clang::SourceLocation where;
  std::vector<Message> notes;
};

class Diagnostics : public clang::DiagnosticConsumer {
 public:
  void HandleDiagnostic(clang::DiagnosticsEngine::Level level, const clang::Diagnostic& d) override;
  void forget() { messages.clear(); }
  /// The buffer that is parsed next, and what the user wrote, if that is something else.
  void set_cell(clang::FileID cell) { cell_ = cell; }
  void set_source(const Source* source) { source_ = source; }
  bool errors() const;

  std::vector<Message> messages;

 private:
  void show_line(Message& m, const clang::SourceManager& sources, clang::FileID file, unsigned offset, const clang::Diagnostic& d) const;

  clang::FileID cell_;
  const Source* source_ = nullptr;
};

/// As a compiler prints it: "In[7]:1:5: error: ...", the line, the caret; notes below.
std::string render(const Message& m);

}  // namespace kernel
