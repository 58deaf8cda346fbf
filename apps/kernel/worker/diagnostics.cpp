// diagnostics.cpp -- clang's complaints as data and as text (diagnostics.h).
#include "diagnostics.h"

#include "clang/Basic/SourceManager.h"
#include "clang/Lex/Lexer.h"
#include "llvm/ADT/SmallString.h"

namespace kernel {

Source::Source(std::string code) : cell(code), text(std::move(code)) {
  for (unsigned i = 0; i <= text.size(); ++i) origin.push_back(i);
}

void Source::replace(unsigned at, unsigned size, const std::string& by) {
  const unsigned from = origin[at];
  text.replace(at, size, by);
  origin.erase(origin.begin() + at, origin.begin() + at + size);
  origin.insert(origin.begin() + at, by.size(), from);
}

// The line that holds the place, and marks for the caret and the ranges that lie on the same line.
void Diagnostics::show_line(Message& m, const clang::SourceManager& sources, clang::FileID file, unsigned offset, const clang::Diagnostic& d) const {
  const bool rewritten = source_ && file == cell_;
  bool bad = false;
  const llvm::StringRef text = rewritten ? llvm::StringRef(source_->cell) : sources.getBufferData(file, &bad);
  const auto original = [&](unsigned at) { return rewritten ? source_->origin[std::min<std::size_t>(at, source_->origin.size() - 1)] : at; };
  offset = std::min<unsigned>(original(offset), text.size());
  if (bad) return;
  const std::size_t begin = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1, end = std::min(text.find('\n', offset), text.size());
  if (rewritten) m.column = offset - begin + 1;
  m.source = text.slice(begin, end).rtrim("\r\n").str();
  m.marks.assign(std::max<std::size_t>(m.source.size(), offset - begin + 1), ' ');
  const clang::LangOptions plain;
  for (const clang::CharSourceRange& range : d.getRanges()) {
    if (range.isInvalid()) continue;
    const auto [from_file, from_at] = sources.getDecomposedLoc(sources.getFileLoc(range.getBegin()));
    auto [to_file, to_at] = sources.getDecomposedLoc(sources.getFileLoc(range.getEnd()));
    if (range.isTokenRange()) to_at += clang::Lexer::MeasureTokenLength(sources.getFileLoc(range.getEnd()), sources, plain);
    if (from_file != file || to_file != file) continue;
    const std::size_t from = original(from_at), to = original(to_at);
    for (std::size_t i = std::max(from, begin); i < std::min(to, end); ++i) m.marks[i - begin] = '~';
  }
  m.marks[offset - begin] = '^';
  // Tabs stay tabs and the bytes of one character are one column, so that the caret stands below its place.
  std::string marks;
  for (std::size_t i = 0; i < m.marks.size(); ++i) {
    const unsigned char c = i < m.source.size() ? static_cast<unsigned char>(m.source[i]) : ' ';
    if ((c & 0xC0) == 0x80) continue;
    marks += c == '\t' && m.marks[i] == ' ' ? '\t' : m.marks[i];
  }
  m.marks = marks.substr(0, marks.find_last_not_of(" \t") + 1);
}

void Diagnostics::HandleDiagnostic(clang::DiagnosticsEngine::Level level, const clang::Diagnostic& d) {
  clang::DiagnosticConsumer::HandleDiagnostic(level, d);
  if (level < clang::DiagnosticsEngine::Note || level == clang::DiagnosticsEngine::Remark) return;
  Message m;
  m.level = level == clang::DiagnosticsEngine::Note      ? Message::Level::note
            : level == clang::DiagnosticsEngine::Warning ? Message::Level::warning
                                                         : Message::Level::error;
  m.id = d.getID();
  llvm::SmallString<200> text;
  d.FormatDiagnostic(text);
  m.text = text.str().str();
  if (d.hasSourceManager() && d.getLocation().isValid()) {
    const clang::SourceManager& sources = d.getSourceManager();
    m.where = sources.getFileLoc(d.getLocation());
    const auto [file, offset] = sources.getDecomposedLoc(m.where);
    const clang::PresumedLoc presumed = sources.getPresumedLoc(m.where);
    if (presumed.isValid()) m.file = presumed.getFilename(), m.line = presumed.getLine(), m.column = presumed.getColumn();
    m.offset = offset;
    m.in_cell = file == cell_;
    m.in_earlier_cell = !m.in_cell && m.file.rfind("In[", 0) == 0;
    if (m.in_cell || m.in_earlier_cell) show_line(m, sources, file, offset, d);
  }
  if (m.level == Message::Level::note && !messages.empty()) messages.back().notes.push_back(std::move(m));
  else messages.push_back(std::move(m));
}

bool Diagnostics::errors() const {
  for (const Message& m : messages)
    if (m.level == Message::Level::error) return true;
  return false;
}

std::string render(const Message& m) {
  std::string out;
  if (!m.file.empty()) out += m.file + ":" + std::to_string(m.line) + ":" + std::to_string(m.column) + ": ";
  out += m.level == Message::Level::error ? "error: " : m.level == Message::Level::warning ? "warning: " : "note: ";
  out += m.text + "\n";
  if (!m.source.empty()) out += "    " + m.source + "\n    " + m.marks + "\n";
  for (const Message& note : m.notes) out += render(note);
  return out;
}

}  // namespace kernel
