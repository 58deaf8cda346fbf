// cli/questions.h -- the questions of a lesson, and whether what was typed answers them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

struct Question {
  enum class Kind { number, yes_no, choice, several } kind = Kind::number;
  struct Option {
    std::string text;
    bool right = false;
  };
  std::string text, why;
  double key = 0;        // of number; of yes_no: 1 or 0
  double tolerance = 0;  // relative to the key, absolute where that is 0
  std::vector<Option> options = {};
};

/// What a lesson writes to $COTANGENT_QUESTIONS: one JSON object a line. What is wrong with a line is added to `problems`.
std::vector<Question> questions_from_json(const std::string& text, std::vector<std::string>& problems);

/// Puts the options into an order that depends on the question's text alone, so that the right one is not always the first. Where
/// all are as short as "a", "b", "c", they are sorted.
void shuffle(Question& question);

/// "0.75", "3/4", "2e-3", "-1", "inf": the number, and how many digits stand behind the point. False if it is none.
bool parse_number(std::string_view text, double& value, int* digits = nullptr);

enum class Verdict {
  right,
  wrong,
  unclear,  // it answers no question of this kind: no try was made
};
/// Judges what was typed; of an unclear one, `hint` says what would be clear.
Verdict judge(const Question& question, std::string_view typed, std::string& hint);

/// The name of option i: a, b, c, ..., or 1, 2, 3, ... where letters are what the options say.
std::string option_name(const Question& question, std::size_t i);

/// The right answer, as it is shown: "0.75", "yes", "b: text", "a and c" with their texts, "none of them".
std::string right_answer(const Question& question);

}  // namespace cli
