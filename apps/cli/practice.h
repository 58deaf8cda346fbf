// cli/practice.h -- the commands for one exercise: check, hint, solution, reset.
#pragma once

#include <string>
#include <vector>

namespace cli {

/// The words behind the command, with its flags. Each returns the exit status: 0 done (check: passed), 1 not, 2 not understood.
int check_command(std::vector<std::string> words);
int hint_command(std::vector<std::string> words);
int solution_command(std::vector<std::string> words);
int reset_command(std::vector<std::string> words);  // of one exercise or lesson

/// Takes a flag out of the words, and tells whether it was there.
bool take_flag(std::vector<std::string>& words, const char* flag);

}  // namespace cli
