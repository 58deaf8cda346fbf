// session.cpp -- clang as an incremental parser (session.h).
#include "session.h"

#include "clang/AST/ASTConsumer.h"
#include "clang/AST/ASTContext.h"
#include "clang/AST/Decl.h"
#include "clang/AST/DeclGroup.h"
#include "clang/Basic/TargetInfo.h"
#include "clang/CodeGen/ModuleBuilder.h"
#include "clang/Frontend/CompilerInstance.h"
#include "clang/Interpreter/Interpreter.h"
#include "clang/Lex/Preprocessor.h"
#include "clang/Parse/Parser.h"
#include "clang/Sema/Sema.h"
#include "clang/Sema/SemaCodeCompletion.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/IR/Module.h"

#include <functional>

#include "lex.h"

namespace kernel {

// What clang says while it parses, kept to be said again to the code generator.
class EventQueue : public clang::ASTConsumer {
 public:
  using Event = std::function<void(clang::CodeGenerator&)>;
  std::vector<Event> events;

  bool HandleTopLevelDecl(clang::DeclGroupRef d) override {
    events.push_back([d](auto& g) { g.HandleTopLevelDecl(d); });
    return true;
  }
  void HandleInlineFunctionDefinition(clang::FunctionDecl* d) override {
    events.push_back([d](auto& g) { g.HandleInlineFunctionDefinition(d); });
  }
  void HandleInterestingDecl(clang::DeclGroupRef d) override { HandleTopLevelDecl(d); }
  void HandleTagDeclDefinition(clang::TagDecl* d) override {
    events.push_back([d](auto& g) { g.HandleTagDeclDefinition(d); });
  }
  void HandleTagDeclRequiredDefinition(const clang::TagDecl* d) override {
    events.push_back([d](auto& g) { g.HandleTagDeclRequiredDefinition(d); });
  }
  void HandleCXXImplicitFunctionInstantiation(clang::FunctionDecl* d) override {
    events.push_back([d](auto& g) { g.HandleCXXImplicitFunctionInstantiation(d); });
  }
  void CompleteTentativeDefinition(clang::VarDecl* d) override {
    events.push_back([d](auto& g) { g.CompleteTentativeDefinition(d); });
  }
  void CompleteExternalDeclaration(clang::DeclaratorDecl* d) override {
    events.push_back([d](auto& g) { g.CompleteExternalDeclaration(d); });
  }
  void AssignInheritanceModel(clang::CXXRecordDecl* d) override {
    events.push_back([d](auto& g) { g.AssignInheritanceModel(d); });
  }
  void HandleCXXStaticMemberVarInstantiation(clang::VarDecl* d) override {
    events.push_back([d](auto& g) { g.HandleCXXStaticMemberVarInstantiation(d); });
  }
  void HandleVTable(clang::CXXRecordDecl* d) override {
    events.push_back([d](auto& g) { g.HandleVTable(d); });
  }
  bool shouldSkipFunctionBody(clang::Decl*) override { return false; }
};

Session::Session() : diagnostics_(std::make_unique<Diagnostics>()), context_(std::make_unique<llvm::LLVMContext>()) {}
Session::~Session() = default;

std::unique_ptr<Session> Session::create(const std::vector<std::string>& arguments, std::string& error) {
  std::unique_ptr<Session> s(new Session);
  std::vector<const char*> args;
  for (const std::string& a : arguments) args.push_back(a.c_str());
  clang::IncrementalCompilerBuilder builder;
  builder.SetCompilerArgs(args);
  auto made = builder.CreateCpp();
  if (!made) {
    error = llvm::toString(made.takeError());
    return nullptr;
  }
  s->compiler_ = std::move(*made);
  clang::CompilerInstance& c = *s->compiler_;
  c.getDiagnostics().setClient(s->diagnostics_.get(), /*ShouldOwnClient=*/false);
  c.createFileManager();
#if LLVM_VERSION_MAJOR >= 22
  c.createSourceManager();
#else
  c.createSourceManager(c.getFileManager());
#endif
  c.createPreprocessor(clang::TU_Incremental);
  if (!c.InitializeSourceManager(c.getFrontendOpts().Inputs[0])) {
    error = "clang cannot read its empty main file";
    return nullptr;
  }
  clang::Preprocessor& pp = c.getPreprocessor();
  pp.getBuiltinInfo().initializeBuiltins(pp.getIdentifierTable(), pp.getLangOpts());
  pp.enableIncrementalProcessing();
  c.createASTContext();
  auto events = std::make_unique<EventQueue>();
  s->events_ = events.get();
  c.setASTConsumer(std::move(events));
  c.createSema(clang::TU_Incremental, nullptr);
  s->diagnostics_->BeginSourceFile(c.getLangOpts(), &pp);

#if LLVM_VERSION_MAJOR >= 22
  s->generator_ = clang::CreateLLVMCodeGen(c, "cell_0", *s->context_);
#else
  s->generator_.reset(clang::CreateLLVMCodeGen(c.getDiagnostics(), "cell_0", &c.getVirtualFileSystem(), c.getHeaderSearchOpts(), c.getPreprocessorOpts(),
                                               c.getCodeGenOpts(), *s->context_));
#endif
  s->generator_->Initialize(c.getASTContext());

  pp.EnterMainSourceFile();
  s->parser_ = std::make_unique<clang::Parser>(pp, c.getSema(), /*SkipFunctionBodies=*/false);
  s->parser_->Initialize();
  return s;
}

bool Session::parse(const std::string& text, const std::string& name) {
  clang::Preprocessor& pp = compiler_->getPreprocessor();
  clang::SourceManager& sources = compiler_->getSourceManager();
  diagnostics_->forget();
  pieces_.clear();
  declarations_.clear();

  const clang::SourceLocation main = sources.getLocForStartOfFile(sources.getMainFileID());
  const clang::FileID file = sources.createFileID(llvm::MemoryBuffer::getMemBufferCopy(text + "\n", name), clang::SrcMgr::C_User, 0, 0, main);
  diagnostics_->set_cell(file);
  if (pp.EnterSourceFile(file, nullptr, main)) return false;
  parse_pieces();

  clang::Token end;
  pp.Lex(end);  // behind the buffer there is the end of the empty main file
  const bool ok = !compiler_->getDiagnostics().hasErrorOccurred();
  compiler_->getDiagnostics().Reset(/*soft=*/true);
  if (!ok) events_->events.clear();
  return ok;
}

void Session::parse_pieces() {
  clang::Sema& sema = compiler_->getSema();
  clang::SourceManager& sources = compiler_->getSourceManager();
  clang::Parser& p = *parser_;
#if LLVM_VERSION_MAJOR >= 22
  clang::Sema::GlobalEagerInstantiationScope global(sema, /*Enabled=*/true, /*AtEndOfTU=*/true);
  clang::Sema::LocalEagerInstantiationScope local(sema, /*AtEndOfTU=*/true);
#else
  clang::Sema::GlobalEagerInstantiationScope global(sema, /*Enabled=*/true);
  clang::Sema::LocalEagerInstantiationScope local(sema);
#endif

  compiler_->getASTContext().addTranslationUnitDecl();
  if (p.getCurToken().is(clang::tok::annot_repl_input_end)) {
    p.ConsumeAnyToken();
    p.ExitScope();
    sema.CurContext = nullptr;
    p.EnterScope(clang::Scope::DeclScope);
    sema.ActOnTranslationUnitScope(p.getCurScope());
  }

  const auto offset = [&] { return sources.getFileOffset(sources.getExpansionLoc(p.getCurToken().getLocation())); };
  const auto at_end = [&] { return p.getCurToken().is(clang::tok::annot_repl_input_end); };
  clang::Parser::DeclGroupPtrTy group;
  clang::Sema::ModuleImportState imports = clang::Sema::ModuleImportState::NotACXX20Module;
  for (unsigned begin = offset();;) {
    const bool end = p.ParseTopLevelDecl(group, imports);
    if (end) break;
    Piece piece{begin, at_end() ? ~0u : offset()};
    if (group) {
      events_->HandleTopLevelDecl(group.get());
      for (clang::Decl* d : group.get()) {
        declarations_.push_back(d);
        if (auto* statement = llvm::dyn_cast_or_null<clang::TopLevelStmtDecl>(d)) {
          piece.statement = true;
          piece.echo = statement->isSemiMissing() && llvm::isa_and_nonnull<clang::Expr>(statement->getStmt());
        }
      }
    }
    // One macro that makes several declarations is one piece.
    if (!pieces_.empty() && pieces_.back().begin == piece.begin) pieces_.back().end = piece.end, pieces_.back().statement &= piece.statement;
    else pieces_.push_back(piece);
    begin = piece.end;
  }
  local.perform();
  global.perform();
}

bool Session::defines_main() const {
  for (clang::Decl* d : declarations_)
    if (const auto* f = llvm::dyn_cast_or_null<clang::FunctionDecl>(d); f && f->isMain() && f->isThisDeclarationADefinition()) return true;
  return false;
}

void Session::complete(const std::string& text, unsigned at, clang::CodeCompleteConsumer& consumer) {
  clang::Preprocessor& pp = compiler_->getPreprocessor();
  clang::SourceManager& sources = compiler_->getSourceManager();
  const clang::FileEntryRef entry = compiler_->getFileManager().getVirtualFileRef("completed cell", static_cast<off_t>(text.size() + 1), 0);
  sources.overrideFileContents(entry, llvm::MemoryBuffer::getMemBufferCopy(text + "\n", "completed cell"));
  const Place place = place_of(text, at);
  if (pp.SetCodeCompletionPoint(entry, place.line, place.column)) return;
  compiler_->getSema().CodeCompletion().CodeCompleter = &consumer;
  const clang::SourceLocation main = sources.getLocForStartOfFile(sources.getMainFileID());
  const clang::FileID file = sources.createFileID(entry, main, clang::SrcMgr::C_User);
  diagnostics_->set_cell(file);
  if (!pp.EnterSourceFile(file, nullptr, main)) parse_pieces();
}

std::unique_ptr<llvm::Module> Session::generate() {
  std::vector<EventQueue::Event> events;
  events.swap(events_->events);
  for (EventQueue::Event& event : events) event(*generator_);
  generator_->HandleTranslationUnit(compiler_->getASTContext());
  if (!generator_->GetModule() || compiler_->getDiagnostics().hasErrorOccurred()) return nullptr;
  std::unique_ptr<llvm::Module> module(generator_->ReleaseModule());
  generator_->StartModule("cell_" + std::to_string(++modules_), *context_);
  return module;
}

}  // namespace kernel
