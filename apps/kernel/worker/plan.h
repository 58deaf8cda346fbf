// plan.h -- the dry run: what a cell consists of and what is wrong with it, found out in a process that ends afterwards.
//
// Note [The dry run]
// After an error clang's parser is in a state that the next cell would suffer from, and some input crashes it. So a forked copy
// parses the cell first and reports: declarations and statements, a last expression to be shown, names that earlier cells
// declared, errors. Errors end the matter there. Where the copy found something that can be put right (a redefinition, a capture
// that is wrong only because a cell's variables are global) the next copy parses the corrected cell. Then the live process
// parses, for the first and only time, a text that is known to be good.
#pragma once

#include <string>
#include <vector>

#include "redefine.h"
#include "session.h"

namespace kernel {

struct Plan {
  bool ok = false;
  std::vector<std::string> errors;    // rendered, the first one first
  std::string first_error;            // its text alone
  std::string warnings;               // rendered
  Source source;
  std::vector<Piece> pieces;
  std::vector<Clash> clashes;
};

Plan make_plan(Session& session, const Redefinitions& redefinitions, const Source& source, const std::string& label);

/// What the live process parses: declarations as they are, statements in functions that are called in their place.
struct Rewritten {
  std::string text;
  std::vector<unsigned> back;  // the offset in plan.source.text of each character
};
Rewritten rewrite(const Plan& plan, const std::string& label, int number);

}  // namespace kernel
