// cli/gaps.h -- the gaps of a learner's file, and which part of a hint is about which gap.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace cli {

/// The gaps that are open in a source, by number, with the line of each: todo(2) stands in code, not in a comment.
std::map<int, int> gaps_of_source(const std::string& source);

/// What a hint says about a gap: its paragraphs from "**Gap 2" up to the next gap's. Empty if it says nothing about that gap.
std::string hint_about(const std::string& hint, int gap);

/// The numbers of the gaps that a hint is about, in its order.
std::vector<int> gaps_of_hint(const std::string& hint);

}  // namespace cli
