// lex.cpp -- brackets, comments and directives of a cell, by clang's lexer in its raw mode (lex.h).
#include "lex.h"

#include <regex>
#include <vector>

#include "clang/Basic/LangOptions.h"
#include "clang/Lex/Lexer.h"

namespace kernel {
namespace {

clang::LangOptions language() {
  clang::LangOptions o;
  o.CPlusPlus = o.CPlusPlus11 = o.CPlusPlus14 = o.CPlusPlus17 = o.CPlusPlus20 = true;
  o.LineComment = o.Bool = o.RawStringLiterals = true;
  return o;
}

char closing(clang::tok::TokenKind open) {
  return open == clang::tok::l_brace ? '}' : open == clang::tok::l_paren ? ')' : ']';
}

}  // namespace

Place place_of(const std::string& text, unsigned offset) {
  offset = std::min<unsigned>(offset, text.size());
  Place p{1, 1};
  for (unsigned i = 0; i < offset; ++i) text[i] == '\n' ? (++p.line, p.column = 1) : ++p.column;
  return p;
}

Lexed look_at(const std::string& code) {
  Lexed out;
  static const std::regex magic("^[ \t]*//[ \t]*-O([0-3])[ \t]*(\n|$)");
  std::smatch match;
  if (std::regex_search(code, match, magic, std::regex_constants::match_continuous)) out.optimise = match[1].str()[0] - '0';

  const clang::LangOptions options = language();
  const char* text = code.c_str();
  clang::Lexer lexer(clang::SourceLocation::getFromRawEncoding(1), options, text, text, text + code.size());
  lexer.SetCommentRetentionState(true);
  struct Open { clang::tok::TokenKind kind; unsigned at; };
  std::vector<Open> open;
  bool directive = false, directive_name = false, in_head = true, end_of_head_line = false;
  const auto complain = [&](const std::string& problem, unsigned at, bool incomplete) {
    if (out.problem.empty()) out.problem = problem, out.problem_at = at, out.incomplete = incomplete;
  };
  clang::Token t;
  unsigned behind = 0;  // the last token
  for (bool last = false; !last;) {
    last = lexer.LexFromRawLexer(t);
    const unsigned at = t.getLocation().getRawEncoding() - 1;
    if (t.is(clang::tok::eof)) {
      const std::size_t rest = code.find_first_not_of(" \t\r\n\v\f\\", behind);
      if (rest != std::string::npos && code.compare(rest, 2, "/*") == 0) complain("this comment is not closed", rest, true);
      if (directive && end_of_head_line) out.head_end = code.size();
      break;
    }
    behind = at + t.getLength();
    if (t.isAtStartOfLine() && directive) {
      if (end_of_head_line) out.head_end = at - (place_of(code, at).column - 1);
      directive = end_of_head_line = false;
    }
    if (t.is(clang::tok::comment)) continue;
    if (t.isAtStartOfLine() && t.is(clang::tok::hash)) {
      directive = directive_name = true;
      continue;
    }
    if (directive) {
      if (directive_name) {
        directive_name = false;
        const std::string name = t.is(clang::tok::raw_identifier) ? t.getRawIdentifier().str() : "";
        if (in_head && (name == "include" || name == "define" || name == "undef")) end_of_head_line = true;
        else if (name != "pragma") in_head = false;
      }
      continue;
    }
    in_head = false;
    if (t.is(clang::tok::unknown) && code.compare(at, 1, "R") == 0) complain("this raw string is not closed", at, true);
    if (t.isOneOf(clang::tok::l_brace, clang::tok::l_paren, clang::tok::l_square)) open.push_back({t.getKind(), at});
    else if (t.isOneOf(clang::tok::r_brace, clang::tok::r_paren, clang::tok::r_square)) {
      const char c = code[at];
      if (open.empty()) complain(std::string("'") + c + "' closes nothing", at, false);
      else if (closing(open.back().kind) != c && code[at] != '<' && code[at] != '%' && code[at] != ':') {
        const Place p = place_of(code, open.back().at);
        complain(std::string("'") + c + "' does not close the '" + code[open.back().at] + "' of line " + std::to_string(p.line) + ", column " +
                     std::to_string(p.column), at, false);
      }
      if (!open.empty()) open.pop_back();
    } else if (open.empty() && t.is(clang::tok::raw_identifier) && t.getRawIdentifier() == "return") {
      complain("a cell is not a function: there is nothing to return from", at, false);
    }
  }
  if (!open.empty()) complain(std::string("this '") + code[open.back().at] + "' is not closed", open.back().at, true);
  return out;
}

}  // namespace kernel
