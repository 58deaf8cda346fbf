// redefine.cpp -- hiding old declarations and naming new ones (redefine.h).
#include "redefine.h"

#include "clang/AST/ASTContext.h"
#include "clang/AST/Attr.h"
#include "clang/AST/DeclCXX.h"
#include "clang/AST/DeclContextInternals.h"
#include "clang/AST/DeclTemplate.h"
#include "clang/Basic/SourceManager.h"
#include "clang/Frontend/CompilerInstance.h"

#include "session.h"

namespace kernel {
namespace {

void collect(clang::Decl* d, std::vector<clang::NamedDecl*>& out) {
  if (!d) return;
  if (auto* binding = llvm::dyn_cast<clang::DecompositionDecl>(d))
    for (clang::BindingDecl* b : binding->bindings()) out.push_back(b);
  if (auto* named = llvm::dyn_cast<clang::NamedDecl>(d)) out.push_back(named);
  if (auto* e = llvm::dyn_cast<clang::EnumDecl>(d)) {
    for (clang::EnumConstantDecl* c : e->enumerators()) out.push_back(c);
  } else if (llvm::isa<clang::NamespaceDecl, clang::LinkageSpecDecl, clang::ExportDecl>(d)) {
    for (clang::Decl* inner : llvm::cast<clang::DeclContext>(d)->decls()) collect(inner, out);
  }
}

// The name at a place, for looking it up.
std::string word_at(const std::string& text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
  return text.substr(at, end - at);
}

}  // namespace

std::vector<clang::NamedDecl*> Redefinitions::named(Session& session) const {
  std::vector<clang::NamedDecl*> out;
  for (clang::Decl* d : session.declarations()) collect(d, out);
  return out;
}

unsigned Redefinitions::offset(Session& session, clang::NamedDecl* d) {
  clang::SourceManager& sources = session.compiler().getSourceManager();
  return sources.getFileOffset(sources.getFileLoc(d->getLocation()));
}

void Redefinitions::remember(Session& session) {
  clang::SourceManager& sources = session.compiler().getSourceManager();
  for (clang::NamedDecl* d : named(session))
    if (d->getLocation().isValid()) cells_[sources.getFileLoc(d->getLocation()).getRawEncoding()] = d;
}

clang::NamedDecl* Redefinitions::old_declaration(Session& session, unsigned place, const std::string& name) const {
  if (const auto found = cells_.find(place); found != cells_.end()) return found->second;
  clang::SourceManager& sources = session.compiler().getSourceManager();
  clang::ASTContext& context = session.compiler().getASTContext();
  // A place within a declaration of a cell, e.g. a default argument.
  const clang::SourceLocation where = clang::SourceLocation::getFromRawEncoding(place);
  for (const auto& [key, d] : cells_) {
    const clang::SourceRange range = d->getSourceRange();
    if (llvm::isa<clang::NamespaceDecl>(d) || range.isInvalid()) continue;
    const clang::SourceLocation begin = sources.getFileLoc(range.getBegin()), end = sources.getFileLoc(range.getEnd());
    if (sources.getFileID(begin) == sources.getFileID(where) && begin <= where && where <= end) return d;
  }
  // A function of a C header.
  if (name.empty()) return nullptr;
  for (clang::NamedDecl* d : context.getTranslationUnitDecl()->lookup(&context.Idents.get(name)))
    if (llvm::isa<clang::FunctionDecl>(d) && d->getDeclContext()->getRedeclContext()->isTranslationUnit() && llvm::cast<clang::FunctionDecl>(d)->isExternC())
      return d;
  return nullptr;
}

bool Redefinitions::find(Session& session, const Message& error, Clash& clash) const {
  if (error.level != Message::Level::error || !error.in_cell) return false;
  for (const Message& note : error.notes) {
    if (note.text.rfind("previous ", 0) != 0 || note.in_cell || note.where.isInvalid()) continue;
    clash.old_place = note.where.getRawEncoding();
    clash.at = error.offset;
    clang::SourceManager& sources = session.compiler().getSourceManager();
    const auto [file, at] = sources.getDecomposedLoc(note.where);
    clash.name = word_at(sources.getBufferData(file).str(), at);
    clang::NamedDecl* old = old_declaration(session, clash.old_place, clash.name);
    if (!old || llvm::isa<clang::ClassTemplateSpecializationDecl>(old)) return false;
    // A member that is defined outside its class belongs to the class.
    if (old->getLexicalDeclContext()->getRedeclContext()->getPrimaryContext() != old->getDeclContext()->getRedeclContext()->getPrimaryContext()) return false;
    // The error may lie within the new declaration: its name is what counts.
    for (clang::NamedDecl* d : named(session)) {
      const clang::SourceRange range = d->getSourceRange();
      if (d->getDeclName() != old->getDeclName() || range.isInvalid()) continue;
      const clang::SourceLocation begin = sources.getFileLoc(range.getBegin()), end = sources.getFileLoc(range.getEnd());
      if (begin <= error.where && error.where <= end) clash.at = offset(session, d);
    }
    return true;
  }
  return false;
}

void Redefinitions::hide(Session& session, const Clash& clash) {
  clang::NamedDecl* old = old_declaration(session, clash.old_place, clash.name);
  if (!old) return;
  std::vector<clang::NamedDecl*> remove{old};
  if (auto* e = llvm::dyn_cast<clang::EnumDecl>(old))
    for (clang::EnumConstantDecl* c : e->enumerators()) remove.push_back(c);
  for (clang::NamedDecl* d : remove) {
    if (!d->getDeclName()) continue;
    // The scope lists the latest declaration of an entity.
    clang::DeclContext* scope = d->getDeclContext()->getRedeclContext();
    std::vector<clang::NamedDecl*> listed;
    for (clang::NamedDecl* other : scope->lookup(d->getDeclName()))
      if (other->getCanonicalDecl() == d->getCanonicalDecl()) listed.push_back(other);
    for (clang::NamedDecl* other : listed) other->getLexicalDeclContext()->removeDecl(other);
    // Names with C linkage are listed once more, for all namespaces.
    if (clang::StoredDeclsMap* names = session.compiler().getASTContext().getExternCContextDecl()->getLookupPtr()) names->erase(d->getDeclName());
  }
}

void Redefinitions::make_at_once(Session& session) const {
  clang::ASTContext& context = session.compiler().getASTContext();
  const auto make = [&](clang::Decl* d) {
    auto* v = llvm::dyn_cast_or_null<clang::VarDecl>(d);
    if (v && v->isThisDeclarationADefinition() && !v->getDescribedVarTemplate() && !v->getType()->isDependentType() && !v->hasAttr<clang::UsedAttr>())
      v->addAttr(clang::UsedAttr::CreateImplicit(context));
  };
  for (clang::NamedDecl* d : named(session)) {
    make(d);
    if (auto* binding = llvm::dyn_cast<clang::BindingDecl>(d)) make(binding->getHoldingVar());
  }
}

void Redefinitions::settle_unnamed(Session& session, int number) {
  for (clang::NamedDecl* d : named(session)) {
    const auto* scope = llvm::dyn_cast<clang::NamespaceDecl>(d->getDeclContext());
    if (!scope || !scope->isAnonymousNamespace() || !d->getDeclName()) continue;
    set_symbol(session, d, number);
    std::vector<unsigned> old;
    for (const auto& [place, other] : cells_) {
      const auto* place_of_other = llvm::dyn_cast<clang::NamespaceDecl>(other->getDeclContext());
      const auto *f = llvm::dyn_cast<clang::FunctionDecl>(d), *g = llvm::dyn_cast<clang::FunctionDecl>(other);
      if (place_of_other && place_of_other->isAnonymousNamespace() && place_of_other != scope && other->getDeclName() == d->getDeclName() &&
          !(f && g && f->getType().getCanonicalType() != g->getType().getCanonicalType()))
        old.push_back(place);
    }
    for (unsigned place : old) hide(session, {place, "", 0}), cells_.erase(place);
  }
}

void Redefinitions::set_symbol(Session& session, clang::NamedDecl* d, int number) {
  clang::ASTContext& context = session.compiler().getASTContext();
  if (auto* binding = llvm::dyn_cast<clang::BindingDecl>(d)) {
    if (clang::VarDecl* holder = binding->getHoldingVar()) set_symbol(session, holder, number);
    if (auto* whole = llvm::dyn_cast_or_null<clang::NamedDecl>(binding->getDecomposedDecl())) set_symbol(session, whole, number);
    return;
  }
  if (auto* generic = llvm::dyn_cast<clang::TemplateDecl>(d)) d = generic->getTemplatedDecl();
  if (!d || !llvm::isa<clang::VarDecl, clang::FunctionDecl, clang::TagDecl>(d)) return;
  const std::string tag = "r" + std::to_string(number);
  for (clang::Decl* each : d->redecls()) {
    if (each->hasAttr<clang::AbiTagAttr>() || each->hasAttr<clang::AsmLabelAttr>()) continue;
    auto* function = llvm::dyn_cast<clang::FunctionDecl>(each);
    auto* variable = llvm::dyn_cast<clang::VarDecl>(each);
    if ((function && (function->isExternC() || function->isMain())) || (variable && variable->isExternC())) {
      each->addAttr(clang::AsmLabelAttr::CreateImplicit(context, d->getNameAsString() + "." + tag));
    } else {
      llvm::StringRef tags[] = {tag};
      each->addAttr(clang::AbiTagAttr::CreateImplicit(context, tags, 1));
    }
  }
}

}  // namespace kernel
