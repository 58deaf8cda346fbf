// complete.cpp -- completion and explanation of names (complete.h).
#include "complete.h"

#include <algorithm>
#include <map>
#include <set>

#include "clang/AST/ASTContext.h"
#include "clang/AST/DeclTemplate.h"
#include "clang/AST/RawCommentList.h"
#include "clang/Frontend/CompilerInstance.h"
#include "clang/Sema/CodeCompleteConsumer.h"
#include "clang/Sema/CodeCompleteOptions.h"
#include "clang/Sema/Sema.h"

#include "copy.h"
#include "protocol.h"

namespace kernel {
namespace {

using llvm::json::Array;
using llvm::json::Object;

constexpr std::size_t most_matches = 400, most_overloads = 12;

bool in_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Calls f with what clang proposes, by its text.
class Proposals : public clang::CodeCompleteConsumer {
 public:
  using Use = llvm::function_ref<void(clang::Sema&, const std::string& text, clang::CodeCompletionResult&, clang::CodeCompletionString&)>;
  explicit Proposals(Use use)
      : CodeCompleteConsumer(clang::CodeCompleteOptions()), use_(use), info_(std::make_shared<clang::GlobalCodeCompletionAllocator>()) {}

  void ProcessCodeCompleteResults(clang::Sema& sema, clang::CodeCompletionContext context, clang::CodeCompletionResult* results, unsigned count) override {
    for (unsigned i = 0; i < count; ++i) {
      clang::CodeCompletionResult& r = results[i];
      if (r.Kind == clang::CodeCompletionResult::RK_Pattern || r.Availability == CXAvailability_NotAccessible || r.Hidden) continue;
      clang::CodeCompletionString* s = r.CreateCodeCompletionString(sema, context, getAllocator(), info_, false);
      if (s && s->getTypedText()) use_(sema, s->getTypedText(), r, *s);
    }
  }
  clang::CodeCompletionAllocator& getAllocator() override { return info_.getAllocator(); }
  clang::CodeCompletionTUInfo& getCodeCompletionTUInfo() override { return info_; }

 private:
  Use use_;
  clang::CodeCompletionTUInfo info_;
};

std::string signature(const clang::CodeCompletionString& s) {
  std::string out, result;
  for (const auto& chunk : s) {
    if (chunk.Kind == clang::CodeCompletionString::CK_ResultType) result = std::string(" -> ") + chunk.Text;
    else if (chunk.Kind == clang::CodeCompletionString::CK_Optional) out += chunk.Optional ? signature(*chunk.Optional) : "";
    else if (chunk.Text) out += chunk.Text;
  }
  return out + result;
}

std::string kind(const clang::CodeCompletionResult& r) {
  if (r.Kind == clang::CodeCompletionResult::RK_Keyword) return "keyword";
  if (r.Kind == clang::CodeCompletionResult::RK_Macro) return "macro";
  const clang::Decl* d = r.Declaration;
  if (const auto* generic = llvm::dyn_cast_or_null<clang::TemplateDecl>(d)) d = generic->getTemplatedDecl();
  if (!d) return "";
  if (llvm::isa<clang::FunctionDecl>(d)) return "function";
  if (llvm::isa<clang::TagDecl, clang::TypedefNameDecl>(d)) return "class";
  if (llvm::isa<clang::NamespaceDecl, clang::NamespaceAliasDecl>(d)) return "module";
  if (llvm::isa<clang::FieldDecl, clang::EnumConstantDecl>(d)) return "property";
  return "instance";
}

// The declaration on one line, and the comment above it.
std::string explanation(clang::Sema& sema, const clang::NamedDecl* d, bool& documented) {
  clang::ASTContext& context = sema.getASTContext();
  if (const auto* shadow = llvm::dyn_cast<clang::UsingShadowDecl>(d)) d = shadow->getTargetDecl();
  std::string out;
  llvm::raw_string_ostream stream(out);
  clang::PrintingPolicy policy = context.getPrintingPolicy();
  policy.TerseOutput = policy.PolishForDeclaration = true;
  policy.SuppressUnwrittenScope = true;
  d->print(stream, policy);
  stream.flush();
  if (const std::size_t body = out.find(" {"); llvm::isa<clang::TagDecl, clang::ClassTemplateDecl>(d) && body != std::string::npos) out.resize(body);
  const clang::SourceManager& sources = context.getSourceManager();
  if (const clang::PresumedLoc at = sources.getPresumedLoc(sources.getFileLoc(d->getLocation())); at.isValid()) {
    std::string file = at.getFilename();
    if (const std::size_t folder = file.rfind("/include/"); folder != std::string::npos) file = file.substr(folder + 9);
    out += "    (" + file + ":" + std::to_string(at.getLine()) + ")";
  }
  if (const clang::RawComment* comment = context.getRawCommentForAnyRedecl(d)) {
    documented = true;
    std::string text = comment->getFormattedText(sources, sema.getDiagnostics());
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 5) text.replace(at, 1, "\n    ");
    out += "\n    " + text;
  }
  return out + "\n";
}

}  // namespace

Object complete(Session& session, const std::string& code, unsigned at) {
  unsigned start = at = std::min<unsigned>(at, code.size());
  while (start > 0 && in_word(code[start - 1])) --start;
  const std::string word = code.substr(start, at - start);
  Object out;
  const bool answered = in_a_copy([&] {
    std::map<std::pair<unsigned, std::string>, std::pair<std::string, std::string>> found;  // by priority and text: kind, signature
    std::set<std::string> seen;
    Proposals proposals([&](clang::Sema&, const std::string& text, clang::CodeCompletionResult& r, clang::CodeCompletionString& s) {
      if (text.compare(0, word.size(), word) != 0 || (text[0] == '_' && word.empty()) || text[0] == '~' || text.rfind("operator", 0) == 0) return;
      if (text.rfind("__", 0) == 0 && word.rfind("__", 0) != 0) return;
      if (seen.insert(text).second) found[{r.Priority, text}] = {kind(r), signature(s)};
    });
    session.complete(code, start, proposals);
    Array matches;
    for (const auto& [key, value] : found) {
      if (matches.size() == most_matches) break;
      matches.push_back(Object{{"text", key.second}, {"kind", value.first}, {"signature", utf8(value.second)}});
    }
    return Object{{"matches", std::move(matches)}};
  }, out);
  if (!answered) out = Object{{"matches", Array{}}};
  out["event"] = "answer";
  out["start"] = start;
  return out;
}

Object inspect(Session& session, const std::string& code, unsigned at) {
  unsigned start = at = std::min<unsigned>(at, code.size()), end = at;
  while (start > 0 && in_word(code[start - 1])) --start;
  while (end < code.size() && in_word(code[end])) ++end;
  // Behind an opening bracket the name before it is meant.
  if (start == end && start > 0 && code[start - 1] == '(') {
    end = --start;
    while (start > 0 && in_word(code[start - 1])) --start;
  }
  const std::string word = code.substr(start, end - start);
  Object out;
  if (!word.empty()) {
    in_a_copy([&] {
      std::vector<std::string> with, without;
      std::set<const clang::Decl*> seen;
      Proposals proposals([&](clang::Sema& sema, const std::string& text, clang::CodeCompletionResult& r, clang::CodeCompletionString&) {
        if (text != word || !r.Declaration || !seen.insert(r.Declaration->getCanonicalDecl()).second) return;
        bool documented = false;
        std::string s = explanation(sema, r.Declaration, documented);
        (documented ? with : without).push_back(std::move(s));
      });
      session.complete(code, start, proposals);
      with.insert(with.end(), without.begin(), without.end());
      std::string all;
      for (std::size_t i = 0; i < with.size(); ++i) {
        if (i == most_overloads) {
          all += "... and " + std::to_string(with.size() - i) + " more of this name\n";
          break;
        }
        all += with[i] + (i + 1 < with.size() ? "\n" : "");
      }
      return Object{{"text", utf8(all)}};
    }, out);
  }
  out["event"] = "answer";
  return out;
}

}  // namespace kernel
