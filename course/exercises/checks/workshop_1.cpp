// checks/workshop_1.cpp -- marks workshop 1: sensitivities of out = relu(W x), their averages, and four smaller problems.
#include <algorithm>
#include <cmath>

#include "exercises/checks/workshop.h"

namespace exercise {
namespace {

constexpr double factor[4] = {1, 1, 2, 3};
constexpr double inputs[2][6] = {{-1, 0.5, 2, 1, 3, -2}, {-1, 0.5, 2, -1, 3, -2}};
constexpr double draws = 100000;

std::vector<double> gradient(const std::vector<double>& v, const double* x) {
  std::vector<double> g(6, 0.0);
  for (std::size_t i = 0; i < 4; ++i) g[i] = x[i] > 0 ? factor[i] * v[i] : 0.0;
  return g;
}

bool is(const std::vector<double>& got, double (*f)(std::size_t, const std::vector<double>&, const double*), const std::vector<double>& v,
        const double* x) {
  for (std::size_t i = 0; i < 6; ++i)
    if (!near(got[i], f(i, v, x), 1e-4, 1e-6)) return false;
  return true;
}

// ---- Task 1 ------------------------------------------------------------------------------------------------------

void mark_places(const std::vector<double>& said, const std::vector<double>& grad, const char* name) {
  std::vector<double> right, shifted;
  for (std::size_t i = 0; i < 6; ++i)
    if (grad[i] != 0) right.push_back(static_cast<double>(i)), shifted.push_back(static_cast<double>(i) + 1);
  std::vector<double> sorted = said;
  std::sort(sorted.begin(), sorted.end());
  if (sorted == right) return;
  const int line = where_set(name);
  const std::string text = std::string(name) + " is " + shown(said);
  if (said.empty()) no(std::string(name) + " is still empty: for this input, x.grad is other than 0 somewhere", line);
  if (sorted == shifted) no(text + ": off by one. Indices begin with 0", line);
  for (double i : said) {
    const auto at = static_cast<std::size_t>(i);
    if (i < 0 || i > 5) no(text + ", and x has the entries 0 to 5", line);
    if (at >= 4) no(text + ": no feature reads entry " + shown(i) + ", its column of W is zero", line);
    if (at < 2) no(text + ": v does not ask for feature " + shown(i), line);
    if (grad[at] == 0) no(text + ": the gate of feature " + shown(i) + " is shut there, as x is not positive", line);
  }
  no(text + ": something is missing. Which features does v ask for, and are their gates open?", line);
}

void ask_with_v(const Answers& answers) {
  const auto& v = list_of(answers[0], "v", 4);
  const int line = where_set("v");
  const double sum = v[0] + v[1] + v[2] + v[3];
  if (near(v, {0, 0, 0, 0})) no("v is still zero: it asks nothing", line);
  if (v[0] != 0 || v[1] != 0) no("v is " + shown(v) + ", and the first two features shall not count at all", line);
  if (!near(sum, 1)) no("the entries of v sum to " + shown(sum) + " and not to 1", line);
  if (!(v[3] > v[2])) no("v is " + shown(v) + ", and the last feature shall count most", line);
  if (v[2] < 0) no("v is " + shown(v) + ": a negative entry asks what makes that feature smaller", line);
  static const char* const places[2] = {"open_places", "shut_places"};
  static const char* const grads[2] = {"open_grad", "shut_grad"};
  for (std::size_t k = 0; k < 2; ++k) mark_places(answers[1 + k].numbers, gradient(v, inputs[k]), places[k]);
  for (std::size_t k = 0; k < 2; ++k) {
    const auto& got = list_of(answers[3 + k], grads[k], 6);
    const auto right = gradient(v, inputs[k]);
    const double* x = inputs[k];
    if (near(got, right, 1e-4)) continue;
    const int at = where_set(grads[k]);
    const std::string text = std::string(grads[k]) + " is " + shown(got);
    using V = std::vector<double>;
    if (near(got, gradient({1, 1, 1, 1}, x), 1e-4)) no(text + ": that is the answer to v = (1, 1, 1, 1). Was backward given your v?", at);
    if (is(got, [](std::size_t i, const V& w, const double* p) { return 2 * gradient(w, p)[i]; }, v, x))
      no(text + ", twice of what it should be: was backward called twice on the same x?", at);
    if (is(got, [](std::size_t i, const V& w, const double*) { return i < 4 ? factor[i] * w[i] : 0.0; }, v, x))
      no(text + ": the gate is forgotten. Where x is not positive, relu lets nothing back", at);
    if (near(got, gradient(v, inputs[1 - k]), 1e-4)) no(text + ": that is the gradient for the other input", at);
    if (is(got, [](std::size_t i, const V& w, const double* p) { return i < 4 && p[i] > 0 ? w[i] : 0.0; }, v, x))
      no(text + ": the factors of W are forgotten", at);
    no(text + ", and W_ii v_i [x_i > 0] is " + shown(right), at);
  }
}

// ---- Task 2 ------------------------------------------------------------------------------------------------------

void average(const Answers& answers) {
  const auto& w = list_of(answers[0], "v2", 20);
  for (std::size_t i = 0; i < 20; ++i)
    if (!near(w[i], 0.01 + static_cast<double>(i) * 0.49 / 19, 0, 1e-9))
      no("v2[" + std::to_string(i) + "] is " + shown(w[i]) + ", and 20 values from 0.01 to 0.5 at equal distances have " +
             shown(0.01 + static_cast<double>(i) * 0.49 / 19) + " there",
         where_set("v2"));
  const auto entry = [&](const char* name, const std::vector<double>& got, double scale, bool last) {
    double ratio = 0;
    bool fits = true;
    for (std::size_t i = 0; i < 20; ++i) {
      const double v = last ? 1 - w[i] : w[i], right = scale * v;
      fits = fits && std::abs(got[i] - right) <= 4 * right / std::sqrt(draws);
      ratio += got[i] / right / 20;
    }
    if (fits) return;
    const int line = where_set(name);
    const std::string text = std::string(name) + " is " + shown(ratio) + " times what it should be";
    if (near(ratio, 2, 0.05)) no(text + ". Half of all gates are shut: the mean goes over all inputs, also over those without a gradient", line);
    if (near(ratio, draws, 0.05)) no(text + ": the sum over all inputs, and their mean is asked for", line);
    if (near(ratio, draws / 6, 0.05)) no(text + ": a mean over the wrong dimension?", line);
    if (near(ratio, 1 / scale / 2, 0.05)) no(text + ": the factor in W is forgotten", line);
    if (near(ratio, 1, 0.05)) no(std::string(name) + " is right within 5 %, which is more than four standard errors of 100000 draws: are there fewer?", line);
    no(std::string(name) + " begins with " + shown(got.front()) + " and ends with " + shown(got.back()) +
           ", and four standard errors around the mean do not reach that. Which entry of the gradient is it, and is v = (0, 0, w, 1 - w)?",
       line);
  };
  const auto& g2 = list_of(answers[1], "g2", 20);
  const auto& g3 = list_of(answers[2], "g3", 20);
  if (near(g2.front(), 1.5 * 0.99, 0.05) && near(g3.front(), 0.01, 0.1)) no("g2 and g3 are swapped", where_set("g2"));
  entry("g2", g2, 1, false);
  entry("g3", g3, 1.5, true);
  const auto& asked = list_of(answers[3], "asked", 20);
  const auto& answered = list_of(answers[4], "answered", 20);
  for (std::size_t i = 0; i < 20; ++i) {
    const double v = (1 - w[i]) / w[i], g = g3[i] / g2[i];
    if (!near(asked[i], v, 1e-6))
      no("asked[" + std::to_string(i) + "] is " + shown(asked[i]) + ", and v3 / v2 is " + shown(v) +
             (near(asked[i], 1 / v, 1e-6) ? ": it is upside down" : near(asked[i], g, 1e-6) ? ": that is what was answered" : ""),
         where_set("asked"));
    if (!near(answered[i], g, 1e-6))
      no("answered[" + std::to_string(i) + "] is " + shown(answered[i]) + ", and g3 / g2 is " + shown(g) +
             (near(answered[i], 1 / g, 1e-6) ? ": it is upside down" : ""),
         where_set("answered"));
  }
  const double slope = number_of(answers[5], "slope");
  if (!near(slope, 1.5, 0.02))
    explain("slope", slope, {{0, "it was not set"}, {1 / 1.5, "the line is drawn the other way round: answered over asked"}, {3, "the gate's 1/2 cancels in the ratio"}},
            "the ratio of the factors of W, 3 / 2, is what remains", 0.02);
}

// ---- Problems 2 to 5 -----------------------------------------------------------------------------------------------

void mixing(const Answers& answers) {
  const auto& g = answers[0].numbers;
  const int line = answer_line({"backward"});
  if (g.empty()) no("mixed has no gradient yet: who calls backward?", line);
  if (g.size() != 3) no("the gradient of mixed has " + std::to_string(g.size()) + " entries instead of 3", line);
  if (near(g, {3, 3, 0})) return;
  if (near(g, {3, 0, 3})) no("the sums of the rows of W: backward multiplies with the transpose, W^T v", line);
  if (near(g, {6, 6, 0})) no("twice of what it should be: was backward called twice?", line);
  if (near(g, {1, 1, 1})) no("that is v itself: W is missing between mixed and the output", line);
  if (near(g, {3, 3, 1}) || near(g, {1, 3, 0}) || near(g, {3, 3, -1})) no("the gradient is " + shown(g) + ": is W the one that is given, M?", line);
  if (near(g, {0, 0, 0})) no("the gradient is 0: at 0, relu's slope is 0 by convention. Here it is tanh", line);
  no("the gradient is " + shown(g) + ". With v = (1, 1, 1) and x = 0 it is W^T v, as tanh'(0) = 1", line);
}

void two_ways(const Answers& answers) {
  const auto& g = answers[0].numbers;
  const int line = answer_line({"backward", "\\bways\\b"});
  if (g.empty()) no("ways has no gradient yet: who calls backward?", line);
  if (near(g, {-1, 0, 1})) return;
  if (near(g, {0, 0, 1})) no("only one of the two ways: relu(-x) is missing", line);
  if (near(g, {-1, 0, 0})) no("only one of the two ways: relu(x) is missing", line);
  if (near(g, {1, 0, 1})) no("a minus between the two: relu(x) - relu(-x) is x", line);
  if (near(g, {1, 0, -1})) no("the wrong sign: this is the gradient of -|x|", line);
  if (near(g, {-2, 0, 2})) no("twice of what it should be: was backward called twice?", line);
  if (near(g, {-4, 0, 6})) no("this is the gradient of x^2", line);
  no("the gradient is " + shown(g), line);
}

void dead_unit(const Answers& answers) {
  const auto &by_input = answers[0].numbers, &by_bias = answers[1].numbers;
  const int line = answer_line({"backward", "\\bfed\\b"});
  if (by_input.empty()) no("fed has no gradient yet: who calls backward?", line);
  if (by_bias.empty()) no("bias has no gradient: is it part of the sum, before relu?", line);
  double alive = 0;
  for (double g : by_input) alive += g != 0;
  if (alive == 0 && near(by_bias, {0})) return;
  const std::string some = shown(alive) + " of " + shown(static_cast<double>(by_input.size())) + " inputs have a gradient";
  if (alive > 0.99 * static_cast<double>(by_input.size()))
    no(some + ": is the bias subtracted, or relu left out? fed - 10 stands in front of relu", line);
  if (alive > 0.4 * static_cast<double>(by_input.size()) && alive < 0.6 * static_cast<double>(by_input.size()))
    no(some + ", about half: the bias comes before relu, not behind it", line);
  no(some + ", and the bias has " + shown(by_bias) + ". Behind relu(x - 10) there is nothing at all", line);
}

void spread(const Answers& answers) {
  const double got = number_of(answers[0], "variance");
  if (near(got, 0.0625, 1e-3)) return;
  explain("variance", got,
          {{0, "it was not set"},
           {0.25, "w, which is the mean and also the standard deviation: the variance is its square"},
           {0.125, "the mean of the square: the square of the mean is still to be subtracted"},
           {0.015625, "a factor 4 is missing: g2 is 0 or 2w, as W has a 2 there"},
           {0.5625, "the variance of another entry: (1 - w)^2"},
           {2.25 * 0.5625, "the variance of entry 3: entry 2 is asked for"},
           {0.03125, "half of it: what is 2w with probability 1/2 has the variance 4 w^2 / 4"}},
          "w = 0.25 gives w^2", 0.01);
}

}  // namespace

Workshop workshop_1() {
  return {"Workshop 1, gradient flow to optimisation intuition",
          {{"task 1: a question", 5, ask_with_v},
           {"task 2: on average", 6, average},
           {"problem 2: a layer that mixes", 1, mixing},
           {"problem 3: two ways", 1, two_ways},
           {"problem 4: a dead unit", 2, dead_unit},
           {"problem 5: not only the mean", 1, spread}}};
}

}  // namespace exercise
