// session.h -- clang as an incremental parser: one translation unit that grows by a buffer at a time, and LLVM modules made of it.
//
// Note [Parsing and generating apart]
// clang tells its consumer about declarations while it parses, and a code generator that listens cannot take back what it heard.
// Here the events are kept until the buffer has been parsed without an error; only then are they handed to the code generator.
// So a dry run is a parse whose events are dropped, and between the two steps declarations can be given other symbol names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "diagnostics.h"
#include "llvm/IR/LLVMContext.h"

namespace clang {
class CodeCompleteConsumer;
class CodeGenerator;
class CompilerInstance;
class Decl;
class Parser;
}  // namespace clang
namespace llvm {
class Module;
}

namespace kernel {

class EventQueue;

/// A top-level declaration or statement of a buffer: the text from `begin` to `end` (offsets), which is where the next one begins.
struct Piece {
  unsigned begin = 0, end = 0;
  bool statement = false;
  bool echo = false;  // an expression without a semicolon, the last piece
};

class Session {
 public:
  /// Starts a compiler with these arguments. Null, and a text in `error`, if it cannot be made.
  static std::unique_ptr<Session> create(const std::vector<std::string>& arguments, std::string& error);
  ~Session();

  /// Parses one buffer. False if there were errors; the compiler is not to be used any more then (see plan.h).
  bool parse(const std::string& text, const std::string& name);
  /// Parses up to an offset for what could stand there; `consumer` is told. The compiler is not to be used any more then.
  void complete(const std::string& text, unsigned at, clang::CodeCompleteConsumer& consumer);
  /// The pieces of the last buffer, and its top-level declarations.
  const std::vector<Piece>& pieces() const { return pieces_; }
  const std::vector<clang::Decl*>& declarations() const { return declarations_; }
  bool defines_main() const;
  Diagnostics& diagnostics() { return *diagnostics_; }
  clang::CompilerInstance& compiler() { return *compiler_; }

  /// The module of all that was parsed since the last call. Null if the code generator found errors.
  std::unique_ptr<llvm::Module> generate();

 private:
  Session();
  void parse_pieces();

  std::unique_ptr<Diagnostics> diagnostics_;
  std::unique_ptr<llvm::LLVMContext> context_;
  std::unique_ptr<clang::CompilerInstance> compiler_;
  std::unique_ptr<clang::CodeGenerator> generator_;
  std::unique_ptr<clang::Parser> parser_;
  EventQueue* events_ = nullptr;  // owned by the compiler
  std::vector<Piece> pieces_;
  std::vector<clang::Decl*> declarations_;
  int modules_ = 0;
};

}  // namespace kernel
