// cli/guide.cpp -- the commands of the guide: what was typed, and who does it.
#include "guide.h"

#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "progress.h"

namespace cli {
namespace {

constexpr int kUsage = 2;

using Words = std::vector<std::string>;

// Takes a flag out of the words, and tells whether it was there.
bool take(Words& words, std::string_view flag) {
  for (auto it = words.begin(); it != words.end(); ++it) {
    if (*it != flag) continue;
    words.erase(it);
    return true;
  }
  return false;
}

bool on_terminal() { return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO); }

bool agreed(const std::string& question) {
  std::cout << question << " [y/N] " << std::flush;
  std::string answer;
  return std::getline(std::cin, answer) && (answer == "y" || answer == "Y" || answer == "yes");
}

int reset_all(bool yes) {
  if (!yes && !on_terminal()) {
    std::cerr << "cotangent: reset --all forgets what you ran, answered and passed. To do it: ./cotangent reset --all --yes\n";
    return kUsage;
  }
  if (!yes && !agreed("Forget what you ran, answered and passed? Your own files stay as they are.")) {
    std::cout << "Nothing was changed.\n";
    return 1;
  }
  // Where the learner's files lie is no progress, and they stay.
  const bool done = change_progress([](Progress& p) {
    Progress fresh;
    fresh.folder = p.folder;
    p = fresh;
  });
  if (done) std::cout << "Your progress is forgotten; your own files stay as they are.\n";
  return done ? 0 : 1;
}

int reset(Words words) {
  const bool yes = take(words, "--yes");
  if (take(words, "--all") && words.empty()) return reset_all(yes);
  std::cerr << "cotangent: reset what? All progress: ./cotangent reset --all\n";
  return kUsage;
}

// For scripts and tests: record run 01, record finished 01, record answer 01 "question" right|wrong, record show.
int record(const Words& words) {
  if (words.size() == 2 && words[0] == "run") return !record_run(words[1]);
  if (words.size() == 2 && words[0] == "finished") return !record_finished(words[1]);
  if (words.size() == 4 && words[0] == "answer") return !record_answer(words[1], words[2], words[3] == "right");
  if (words.size() == 1 && words[0] == "show") {
    const Progress p = read_progress();
    std::cout << "folder " << p.folder << "\nplace " << p.place << '\n';
    for (const auto& [id, l] : p.lessons)
      std::cout << "lesson " << id << " runs " << l.runs << (l.finished ? " finished\n" : "\n");
    for (const auto& [id, asked] : p.questions) {
      for (const auto& [print, q] : asked)
        std::cout << "question " << id << ' ' << print << " tries " << q.tries << " right at " << q.right_at << '\n';
    }
    for (const auto& [id, e] : p.exercises)
      std::cout << "exercise " << id << " attempts " << e.attempts << " hints " << e.hints << (e.passed ? " passed" : "")
                << (e.solution_seen ? " solution seen\n" : "\n");
    return 0;
  }
  return kUsage;
}

}  // namespace

std::optional<int> guide(std::string_view command, int count, char** arguments) {
  const Words words(arguments, arguments + count);
  if (command == "reset") return reset(words);
  if (command == "record") return record(words);
  return std::nullopt;
}

}  // namespace cli
