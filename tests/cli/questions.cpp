// cli/questions.cpp -- what counts as an answer.
#include "questions.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

using cli::judge;
using cli::Question;
using cli::Verdict;
using Kind = Question::Kind;

namespace {

Question number(double key, double tolerance = 1e-3) {
  Question q;
  q.key = key;
  q.tolerance = tolerance;
  return q;
}
Question options(Kind kind, std::vector<Question::Option> list) {
  Question q;
  q.kind = kind;
  q.options = std::move(list);
  return q;
}
Verdict verdict(const Question& q, const char* typed) {
  std::string hint;
  const Verdict v = judge(q, typed, hint);
  CHECK((v == Verdict::unclear) == !hint.empty());
  return v;
}

}  // namespace

TEST_CASE("numbers as people type them") {
  for (const char* typed : {"0.75", ".75", "3/4", " 7.5e-1 ", "+0.75", "0.7500", "-3/-4", "1.5/2", "0.75."}) {
    CAPTURE(typed);
    CHECK(verdict(number(0.75), typed) == Verdict::right);
  }
  CHECK(verdict(number(-1),
                "\xE2\x88\x92"
                "1") == Verdict::right);
  CHECK(verdict(number(2e-3), "2e-3") == Verdict::right);
  CHECK(verdict(number(2e-3), "2E-3") == Verdict::right);
  CHECK(verdict(number(0), "0") == Verdict::right);
  CHECK(verdict(number(0), "0.01") == Verdict::wrong);
  CHECK(verdict(number(INFINITY), "inf") == Verdict::right);
  CHECK(verdict(number(NAN), "nan") == Verdict::right);
  CHECK(verdict(number(1), "nan") == Verdict::wrong);
  CHECK(verdict(number(1), "1e999") == Verdict::wrong);
  for (const char* typed : {"", "x", "0,75", "1 2", "3/0", "3/4/5", "0x10", "1e", "--1", "/", "3/", ".", "nanny", "1.2.3"}) {
    CAPTURE(typed);
    CHECK(verdict(number(0.75), typed) == Verdict::unclear);
  }
  CHECK(verdict(number(1), std::string(100000, '9').c_str()) == Verdict::unclear);
}

TEST_CASE("how exact a number must be") {
  CHECK(verdict(number(10), "10.01") == Verdict::right);
  CHECK(verdict(number(10), "10.02") == Verdict::wrong);
  CHECK(verdict(number(10, 0.01), "10.1") == Verdict::right);
  // Rounded to what was typed, if three digits of it count.
  CHECK(verdict(number(-2.439826, 1e-6), "-2.44") == Verdict::right);
  CHECK(verdict(number(-2.439826, 1e-6), "-2.4") == Verdict::wrong);
  CHECK(verdict(number(-2.439826, 1e-6), "-2.43") == Verdict::wrong);
  CHECK(verdict(number(1.0 / 30, 1e-4), "0.0333") == Verdict::right);
  CHECK(verdict(number(1.0 / 30, 1e-4), "1/30") == Verdict::right);
  CHECK(verdict(number(1.0 / 30, 1e-4), "0.03") == Verdict::wrong);
  CHECK(verdict(number(12.4, 0), "12") == Verdict::wrong);
}

TEST_CASE("how a number is shown") {
  CHECK(right_answer(number(1234567)) == "1234567");
  CHECK(right_answer(number(-0.0)) == "0");
  CHECK(right_answer(number(2.0 / 3)) == "0.666667");
  CHECK(right_answer(number(6.02e23)) == "6.02e+23");
}

TEST_CASE("yes and no") {
  Question q;
  q.kind = Kind::yes_no;
  q.key = 1;
  for (const char* typed : {"y", "Y", "yes", " Yes ", "true", "True", "t", "yes."}) CHECK(verdict(q, typed) == Verdict::right);
  for (const char* typed : {"n", "no", "NO", "false", "f"}) CHECK(verdict(q, typed) == Verdict::wrong);
  for (const char* typed : {"", "maybe", "yn", "1"}) CHECK(verdict(q, typed) == Verdict::unclear);
  q.key = 0;
  CHECK(verdict(q, "no") == Verdict::right);
  CHECK(right_answer(q) == "no");
}

TEST_CASE("one option, and sets of them") {
  const auto one = options(Kind::choice, {{"x is a leaf", false}, {"y is a leaf", true}, {"none of these", false}});
  for (const char* typed : {"b", "B", "b)", "(b)", "2", "Y is a leaf", "b."}) CHECK(verdict(one, typed) == Verdict::right);
  for (const char* typed : {"a", "3", "none of these"}) CHECK(verdict(one, typed) == Verdict::wrong);
  for (const char* typed : {"a b", "d", "4", "0", "", "what?", "\x01\xff"}) CHECK(verdict(one, typed) == Verdict::unclear);

  const auto set = options(Kind::several, {{"a * b", true}, {"a + b", false}, {"a.exp()", true}, {"-a", false}});
  for (const char* typed : {"a c", "c,a", "ac", "CA", "1 3", "a and c", "(a), (c)", "a c a"})
    CHECK(verdict(set, typed) == Verdict::right);
  for (const char* typed : {"a", "a b c", "none", "all", "b"}) CHECK(verdict(set, typed) == Verdict::wrong);
  for (const char* typed : {"", "e", "a 5", "a!", "13"}) CHECK(verdict(set, typed) == Verdict::unclear);
  CHECK(verdict(options(Kind::several, {{"x", false}, {"y", false}}), "none") == Verdict::right);
  CHECK(verdict(options(Kind::several, {{"x", true}, {"y", true}}), "all") == Verdict::right);
  CHECK(right_answer(set) == "a (a * b) and c (a.exp())");
  CHECK(right_answer(options(Kind::several, {{"x", false}})) == "none of them");
}

TEST_CASE("options that say letters or numbers") {
  auto q = options(Kind::several, {{"c", false}, {"a", true}, {"b", false}});
  shuffle(q);
  CHECK(option_name(q, 0) == "1");
  CHECK(q.options[0].text == "a");
  for (const char* typed : {"a", "A", "1", "(1)"}) CHECK(verdict(q, typed) == Verdict::right);
  for (const char* typed : {"b", "2", "ab", "a c", "1, 2"}) CHECK(verdict(q, typed) == Verdict::wrong);
  CHECK(verdict(q, "d") == Verdict::unclear);
  CHECK(verdict(q, "12") == Verdict::unclear);
  q = options(Kind::choice, {{"3", false}, {"2", true}, {"10", false}});
  CHECK(option_name(q, 1) == "b");
  for (const char* typed : {"2", "b"}) CHECK(verdict(q, typed) == Verdict::right);
  for (const char* typed : {"3", "a", "10"}) CHECK(verdict(q, typed) == Verdict::wrong);
  CHECK(verdict(q, "1") == Verdict::unclear);
}

TEST_CASE("options are shuffled, always in the same way, and the right one is anywhere") {
  std::set<std::size_t> places;
  for (int i = 0; i < 40; ++i) {
    auto q = options(Kind::choice, {{"right", true}, {"second", false}, {"third", false}});
    q.text = "question " + std::to_string(i);
    auto again = q;
    shuffle(q);
    shuffle(again);
    std::size_t place = 3;
    for (std::size_t o = 0; o < 3; ++o) {
      CHECK(q.options[o].text == again.options[o].text);
      if (q.options[o].right) place = o;
    }
    places.insert(place);
  }
  CHECK(places == std::set<std::size_t>{0, 1, 2});
}

TEST_CASE("what lessons write") {
  std::vector<std::string> problems;
  const auto all = cli::questions_from_json(
      R"({"question": "how \"much\"?", "kind": "number", "key": 0.5, "tolerance": 0.001, "options": [], "why": "because", "line": 3})"
      "\n\n"
      R"({"question": "which?", "kind": "several", "key": 0, "tolerance": 0, "options": [{"text": "a", "right": true}], "why": "", "line": 4})"
      "\n",
      problems);
  CHECK(problems.empty());
  REQUIRE(all.size() == 2);
  CHECK(all[0].text == "how \"much\"?");
  CHECK(all[0].why == "because");
  CHECK(all[0].key == 0.5);
  CHECK(all[1].kind == Kind::several);
  CHECK(all[1].options[0].right);
  for (const char* bad : {"{", "[]", "{}", R"({"question": "x", "kind": "riddle"})", R"({"question": "x", "kind": "choice"})",
                          R"({"question": "x", "kind": "number", "key": nan})", R"({"question": 3, "kind": "number"})", "\xff"}) {
    problems.clear();
    CAPTURE(bad);
    CHECK(cli::questions_from_json(bad, problems).empty());
    CHECK(problems.size() == 1);
  }
}
