// redefine.h -- names that a cell declares again: the old declaration is hidden, the new one gets another symbol.
//
// Note [Redefinition]
// In a notebook a cell is run again, and C++ says "redefinition". Such an error names both places: the new one in the cell, and
// the old one in a note. The old declaration is taken out of its scope, so that the next parse does not find it; code that was
// compiled before keeps using it. The new one's symbol gets an ABI tag (or, where names are not mangled, an assembler label),
// because machine code of the old one stays. C functions of the standard headers (y1, gamma, index) are hidden in the same way
// by a variable of that name, which in a program would stand in main and hide them by the language's own rules.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "diagnostics.h"

namespace clang {
class Decl;
class NamedDecl;
}  // namespace clang

namespace kernel {

class Session;

struct Clash {
  unsigned old_place = 0;  // clang's number of the place of the old declaration
  std::string name;        // of it
  unsigned at = 0;         // where the cell declares the new one (offset)
};

class Redefinitions {
 public:
  /// The declarations of the buffer that was just parsed are a cell's, and may be redefined later.
  void remember(Session& session);
  /// Whether this error is a redefinition that can be allowed.
  bool find(Session& session, const Message& error, Clash& clash) const;
  /// clang makes variables that are static, const, or of a lambda's type only when they are used, and would run their initialisers
  /// in that later cell: they are to be made with their own cell.
  void make_at_once(Session& session) const;
  /// Unnamed namespaces of two cells are two namespaces, whose names are all visible: the latest one of a name is to count.
  void settle_unnamed(Session& session, int number);
  /// Takes the old declaration out of its scope.
  void hide(Session& session, const Clash& clash);
  /// Gives declarations of the buffer just parsed a symbol of their own; `chosen` gets a declaration's offset in the buffer.
  template <class F>
  void rename(Session& session, int number, F chosen) {
    for (clang::NamedDecl* d : named(session))
      if (chosen(offset(session, d))) set_symbol(session, d, number);
  }

 private:
  std::vector<clang::NamedDecl*> named(Session& session) const;
  static unsigned offset(Session& session, clang::NamedDecl* d);
  static void set_symbol(Session& session, clang::NamedDecl* d, int number);
  clang::NamedDecl* old_declaration(Session& session, unsigned place, const std::string& name) const;

  std::unordered_map<unsigned, clang::NamedDecl*> cells_;  // by place
};

}  // namespace kernel
