// cli/learner_folder.h -- the learner's own folder: copies of the lessons and exercises, which an update never overwrites.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "steps.h"

namespace cli {

/// What `start` did, or would not do.
struct Started {
  std::string problem;  // not empty: nothing was done, and this is why and what to do
  std::string folder;   // absolute
  bool first = false;   // the folder was made by this call
  std::vector<std::string> added, updated;
  std::vector<std::string> beside;  // changed by the learner and by us: ours lies beside theirs under this name
  std::string failed;               // not empty: this went wrong on the way; calling again goes on
};

/// Makes the folder, or brings it up to date: adds what is new, takes the new version of files that the learner has not touched,
/// and puts ours beside theirs where both changed. `anyway` allows a folder that already has other files in it.
Started start_folder(const std::string& folder, const std::vector<Step>& steps, bool anyway);

/// "lessons/01_basic_scalar_backward.cpp", "exercises/exercise_01_implement_sgd.cpp".
std::string learner_name(const Step& step);

/// The learner's file of a step, if they have a folder and it is there.
std::optional<std::string> learner_file(const Step& step, const std::string& folder);

/// Puts the fresh file in place; the learner's is kept as NAME.bak-1, NAME.bak-2, ... Returns that name, empty if there was nothing
/// to keep; `problem` tells what went wrong.
std::string refresh(const Step& step, const std::string& folder, std::string& problem);

/// An absolute path; a leading "~/" that the shell left is the home folder.
std::string full_path(const std::string& path);
/// Short, for people: "~/..." inside the home folder, in quotes if it has blanks.
std::string shown(const std::string& path);

}  // namespace cli
