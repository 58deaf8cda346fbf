// cli/progress.h -- what the learner has done, in one small file that a crash cannot spoil.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace cli {

struct LessonProgress {
  int runs = 0;
  bool finished = false;  // it ran to its end with exit status 0
};
struct QuestionProgress {
  int tries = 0;
  int right_at = 0;  // the try that was right; 0: none yet
};
struct ExerciseProgress {
  int attempts = 0;  // checks that compiled and ran
  int hints = 0;     // steps shown
  bool passed = false;
  bool solution_seen = false;
  std::map<int, int> gap_hints = {};  // steps shown for each gap
};

struct Progress {
  std::map<std::string, LessonProgress> lessons;  // by id: "01", "lecture_1"
  std::map<std::string, std::map<std::string, QuestionProgress>>
      questions;                                      // by lesson id and fingerprint of the question's text
  std::map<std::string, ExerciseProgress> exercises;  // by id: "exercise_01"
  std::string folder;                                 // the learner's own folder; empty: none yet
  std::string place;                                  // where the learner is; empty: at the beginning
};

/// 16 hexadecimal digits that tell one text from another. Runs of blanks count as one, so a reflowed question stays the same.
std::string fingerprint(std::string_view text);

/// $COTANGENT_DATA, or cotangent/ in $XDG_DATA_HOME, or in ~/.local/share. Not made by this call.
std::string data_folder();

/// What is on record. A file that cannot be understood is kept aside, with a word on stderr, and the record begins anew.
Progress read_progress();

/// Reads, changes and writes the record, as one step even when other programs do the same. If it cannot be written, one line on
/// stderr says so, the first time in a process, and the answer is false: the learner can go on without a record.
bool change_progress(const std::function<void(Progress&)>& change);

/// A lesson was started; it came to its end.
bool record_run(const std::string& lesson);
bool record_finished(const std::string& lesson);
/// A question was answered. Answers after the first right one are practice and change nothing.
bool record_answer(const std::string& lesson, std::string_view question, bool right);

}  // namespace cli
