// checks/workshop_2.cpp -- marks workshop 2: two weightings and what they ask of X, one step up and one down, expected lengths.
#include <array>
#include <cmath>

#include "exercises/checks/workshop.h"

namespace exercise {
namespace {

using Points = std::array<double, 15>;  // 5 x 3, row by row
constexpr Points hand = {1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0};

double objective(const std::vector<double>& V, const Points& X) {
  double L = 0;
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t j = 0; j < 5; ++j) {
      double s = 0;
      for (std::size_t k = 0; k < 3; ++k) s += X[3 * i + k] * X[3 * j + k];
      L += V[5 * i + j] * std::tanh(s);
    }
  return L;
}

// By finite differences: whatever V is, and without a formula that could be wrong in the same way.
std::vector<double> gradient(const std::vector<double>& V, const Points& X) {
  std::vector<double> g;
  for (std::size_t i = 0; i < 15; ++i) {
    Points more = X, less = X;
    more[i] += 1e-5, less[i] -= 1e-5;
    g.push_back((objective(V, more) - objective(V, less)) / 2e-5);
  }
  return g;
}

std::vector<double> weights(double diagonal, double elsewhere) {
  std::vector<double> V(25, elsewhere);
  for (std::size_t i = 0; i < 5; ++i) V[6 * i] = diagonal;
  return V;
}

double after_step(const std::vector<double>& V, double length) {
  const auto g = gradient(V, hand);
  Points X = hand;
  for (std::size_t i = 0; i < 15; ++i) X[i] += length * g[i];
  return objective(V, X);
}

// ---- Task 1 ------------------------------------------------------------------------------------------------------

const std::vector<double>& matrix(const lesson::Answered& answer, const char* name, std::int64_t rows, std::int64_t columns) {
  if (answer.shape.empty()) no(std::string(name) + " has no value yet", where_set(name));
  if (answer.shape != std::vector<std::int64_t>{rows, columns})
    no(std::string(name) + " is not " + std::to_string(rows) + " x " + std::to_string(columns), where_set(name));
  return answer.numbers;
}

void mark_gradient(const std::vector<double>& got, const std::vector<double>& V, const char* name, const char* other_name,
                   const std::vector<double>& other) {
  const auto right = gradient(V, hand);
  if (near(got, right, 1e-4, 1e-5)) return;
  const int line = where_set(name);
  const auto times = [&](double c) {
    std::vector<double> r = right;
    for (double& x : r) x *= c;
    return near(got, r, 1e-4, 1e-5);
  };
  const std::string text = name;
  if (times(0.5)) no(text + " is half of what it should be: X stands twice in X X^T, and both ways add up", line);
  if (times(2)) no(text + " is twice of what it should be: was backward called twice on the same X?", line);
  if (times(-1)) no(text + " has the wrong sign: what is asked for is the gradient itself, and no step along it", line);
  if (near(got, gradient(other, hand), 1e-4, 1e-5)) no(text + " is the gradient that " + other_name + " gives", line);
  if (near(got, gradient(weights(1, 1), hand), 1e-4, 1e-5)) no(text + " is what V = 1 everywhere gives: was backward given your V?", line);
  for (std::size_t i = 0; i < 15; ++i)
    if (!near(got[i], right[i], 1e-4, 1e-5))
      no(text + "[" + std::to_string(i / 3) + "][" + std::to_string(i % 3) + "] is " + shown(got[i]) + ", and finite differences of the sum of V * Y give " +
             shown(right[i]),
         line);
}

void two_questions(const Answers& answers) {
  const auto& self = matrix(answers[0], "V_self", 5, 5);
  double squares = 0, off = 0, least = 1e9, most = -1e9;
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t j = 0; j < 5; ++j) {
      const double v = self[5 * i + j];
      squares += v * v;
      if (i != j) off = std::max(off, std::abs(v));
      else least = std::min(least, v), most = std::max(most, v);
    }
  int line = where_set("V_self");
  if (squares == 0) no("V_self is still zero: it asks nothing", line);
  if (off > 1e-6) no("V_self looks at pairs, too: off the diagonal it is 0", line);
  if (near(squares, 5, 1e-4)) no("the squares of V_self sum to 5 and not to 1: divide the identity by the root of 5", line);
  if (near(squares, 0.2, 1e-4)) no("the squares of V_self sum to 1/5: it is the entries that sum to 1. Divide by the root of 5, and not by 5", line);
  if (!near(squares, 1, 1e-4)) no("the squares of V_self sum to " + shown(squares) + " and not to 1", line);
  if (least < 0) no("V_self has a negative weight: it would ask a point to be less like itself", line);
  if (most - least > 1e-5) no("V_self weights the points unequally; it is to treat all alike", line);

  const auto& penalty = matrix(answers[1], "V_penalty", 5, 5);
  line = where_set("V_penalty");
  if (near(penalty, std::vector<double>(25, 0.0))) no("V_penalty is still zero: it asks nothing", line);
  if (near(penalty, weights(1, 0.25)))
    no("V_penalty has +1/4 off the diagonal: along the gradient, a positive weight rewards similarity. A penalty is negative", line);
  if (near(penalty, weights(0.75, -0.25))) no("the diagonal of V_penalty is 3/4: I - 1/4 everywhere takes 1/4 from the diagonal, too", line);
  if (near(penalty, weights(-1, 0.25))) no("V_penalty has both signs reversed: it rewards pairs and penalises the diagonal", line);
  if (near(penalty, weights(1, 0))) no("V_penalty does not penalise yet: off the diagonal it is still 0", line);
  if (!near(penalty, weights(1, -0.25))) no("V_penalty has ones on the diagonal, and -1/4 everywhere else", line);

  mark_gradient(matrix(answers[2], "self", 5, 3), self, "self", "V_penalty", penalty);
  mark_gradient(matrix(answers[3], "push", 5, 3), penalty, "push", "V_self", self);
}

// ---- Task 2 ------------------------------------------------------------------------------------------------------

void one_step(const Answers& answers) {
  const double up = number_of(answers[0], "up"), down = number_of(answers[1], "down");
  const auto V = weights(1, -0.25);
  const double right_up = after_step(V, 0.1), right_down = after_step(V, -0.1), before = objective(V, hand);
  if (near(up, right_up, 1e-5) && near(down, right_down, 1e-5)) return;
  if (near(up, right_down, 1e-5) && near(down, right_up, 1e-5))
    no("up and down are swapped: ascent adds the gradient, and L grows", where_set("up"));
  const auto one = [&](const char* name, double got, double sign, double right) {
    if (near(got, right, 1e-5)) return;
    explain(name, got,
            {{0, "it was not set"},
             {before, "L before the step: is the step taken?"},
             {after_step(V, -sign * 0.1), sign > 0 ? "that is a step along -gradient: ascent adds it" : "that is a step along +gradient: descent subtracts it"},
             {after_step(V, sign * 0.05), "half a step: is the gradient half of what it should be?"},
             {after_step(V, sign), "a step of length 1, and 0.1 is asked for"},
             {after_step(V, sign * 0.01), "a step of length 0.01, and 0.1 is asked for"},
             {right - before, "the change of L: its value after the step is asked for"}},
            "the objective of V = I - 1/4 elsewhere after the step is another number. Is it the V with the penalty, and Y of the new X?", 1e-5);
  };
  one("up", up, 1, right_up);
  one("down", down, -1, right_down);
}

// ---- Task 3 ------------------------------------------------------------------------------------------------------

void expected_length(const Answers& answers) {
  static constexpr double p[5] = {0, 0.1, 0.2, -0.1, -0.2}, right[5] = {0.4654, 0.8739, 1.5203, 0.8845, 1.5308};
  const auto& got = list_of(answers[0], "lengths", 5);
  const int line = where_set("lengths");
  const std::string text = "lengths is " + shown(got);
  const auto are = [&](auto f, double tolerance) {
    for (std::size_t i = 0; i < 5; ++i)
      if (std::abs(got[i] - f(i)) > tolerance) return false;
    return true;
  };
  if (!are([](std::size_t i) { return right[i]; }, 0.01)) {
    if (are([](std::size_t) { return 0.0; }, 0.05))
      no(text + ", all but zero: this is the length of the mean gradient, where +X and -X cancel. The mean of the lengths is asked for", line);
    if (are([](std::size_t i) { return right[i] / 2; }, 0.005)) no(text + ", half of what it should be: X stands twice in X X^T", line);
    if (are([](std::size_t i) { return right[i] / std::sqrt(15.0); }, 0.02)) no(text + ": the root mean square of the entries; the length is the root of their sum", line);
    if (are([](std::size_t i) { return right[i > 0 ? (i + 1) % 4 + 1 : 0]; }, 0.004)) no(text + ": the signs of p are swapped", line);
    const auto more = [&](std::size_t i) { return got[i] > right[i] * right[i] && got[i] < 1.6 * right[i] * right[i]; };
    if (more(0) && more(1) && more(2)) no(text + ": the mean of the squares of the lengths. The root comes before the mean", line);
    for (std::size_t i = 0; i < 5; ++i)
      if (std::abs(got[i] - right[i]) > 0.01)
        no(text + ". For p = " + shown(p[i]) + " it is " + shown(right[i]) + ", up to 0.01: is the diagonal e = sqrt((1 - 20 p^2) / 5)?", line);
  }
  const auto& at = answers[1].numbers;
  if (at.size() < 3) no("the lengths are right. What is left is the curve: curve_p has " + std::to_string(at.size()) + " places, and needs three at least", where_set("curve_p"));
  const auto& plus = list_of(answers[2], "curve_plus", at.size());
  const auto& minus = list_of(answers[3], "curve_minus", at.size());
  for (std::size_t i = 0; i < at.size(); ++i)
    for (std::size_t k = 0; k < 5; ++k) {
      const bool negative = p[k] < 0;
      if (std::abs(at[i] - std::abs(p[k])) > 1e-6) continue;
      const double value = (negative ? minus : plus)[i];
      if (std::abs(value - right[k]) > 0.05)
        no(std::string(negative ? "curve_minus" : "curve_plus") + " has " + shown(value) + " at p = " + shown(at[i]) + ", and lengths has " + shown(right[k]),
           where_set(negative ? "curve_minus" : "curve_plus"));
    }
}

}  // namespace

Workshop workshop_2() {
  return {"Workshop 2, objective design and local dynamics",
          {{"task 1: emphasise the diagonal, penalise the rest", 4, two_questions},
           {"task 2: which way?", 2, one_step},
           {"task 3: what the length shows", 4, expected_length}}};
}

}  // namespace exercise
