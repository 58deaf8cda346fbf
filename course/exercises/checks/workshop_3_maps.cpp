// checks/workshop_3_maps.cpp -- marks workshop 3, problems 5 to 8: basins, noise, an ascent, and the choice of a tool.
#include <algorithm>
#include <array>
#include <cmath>

#include "exercises/checks/workshop_3.h"

namespace exercise {

// ---- Problem 5 -------------------------------------------------------------------------------------------------

void mark_basins(const Answers& answers) {
  const double six = std::sqrt(6.0), eleven = std::sqrt(11.0), cell = 0.01 + 1e-9;
  const double flips = number_of(answers[0], "flips_from"), blows = number_of(answers[1], "blows_up_from");
  if (std::abs(flips - eleven) <= cell && std::abs(blows - six) <= cell)
    no("flips_from and blows_up_from are swapped", where_set("flips_from"));
  const auto boundary = [&](const char* name, double got, double right, double forgotten) {
    if (std::abs(got - right) <= cell) return;
    if (std::abs(got + right) <= cell)
      no(std::string(name) + " is " + shown(got) + ", on the other side: the starts above 0 are asked for", where_set(name));
    if (got < 0)
      no(std::string(name) + " is " + shown(got) + ", and the first start above 0 is asked for: leave out what is negative",
         where_set(name));
    if (got >= 4) no(std::string(name) + " is " + shown(got) + ": this is a place in the grid, and the start there is asked for", where_set(name));
    if (std::abs(got - forgotten) <= cell)
      no(std::string(name) + " is " + shown(got) + ": f' is x^3 - x. With x^3 alone the boundary would lie there", where_set(name));
    explain(name, got,
            {{0, "it was not set"},
             {3.4, "the last start of the grid: the first one is asked for"},
             {3.31, "the last start that ends at -1: the first one is asked for"},
             {-3.4, "the first start of the grid"}},
            "the grid of starts has its boundary elsewhere. Are there enough steps (400), and is eta 0.2?", 1e-9);
  };
  boundary("flips_from", flips, six, std::sqrt(5.0));
  boundary("blows_up_from", blows, eleven, std::sqrt(10.0));
}

// ---- Problem 6 -------------------------------------------------------------------------------------------------

namespace {
// The rate at which a growing function reaches 0.01.
template <class F>
double reaches(F excess) {
  double low = 0, high = 0.199;
  for (int i = 0; i < 60; ++i) (excess((low + high) / 2) <= 0.01 ? low : high) = (low + high) / 2;
  return low;
}
double budget(double eta) { return eta / 2 * (1 / (2 - 10 * eta) + 1 / (2 - eta)); }
}  // namespace

void mark_noise(const Answers& answers) {
  const double got = number_of(answers[0], "allowed"), right = reaches(budget);
  if (!near(got, right, 1e-3, 0))
    explain("allowed", got,
            {{0, "it was not set"},
             {reaches([](double e) { return 2 * budget(e); }),
              "the factor 2 in the denominator is forgotten: the excess is half of curvature times variance, sum of eta sigma^2 / (2 (2 - "
              "eta lambda))"},
             {reaches([](double e) { return e * (1 / (10 * (2 - 10 * e)) + 1 / (2 - e)); }),
              "that keeps the variance of x at 0.01, eta sigma^2 / (lambda (2 - eta lambda)): the excess loss is asked for"},
             {0.02, "the denominators are taken as 2 * 2: eta lambda matters, too"},
             {reaches([](double e) { return e / 2 / (2 - 10 * e); }), "only the steep direction was counted: both add to the excess"},
             {reaches([](double e) { return e / 2 / (2 - e); }), "only the flat direction was counted: both add to the excess"},
             {reaches([](double e) { return e / 2 * (1 / (2 + 10 * e) + 1 / (2 + e)); }), "the wrong sign: 2 - eta lambda"}},
            budget(got) <= 0.01 ? "within the budget, but a larger rate is as well: at which one is it used up?"
                                : "with it, the excess is " + shown(budget(got)) + ", over the budget");
  const double hovers = number_of(answers[1], "hovering");
  if (near(hovers, 0.01, 0.1, 0)) return;
  const int line = where_set("hovering");
  const double times = hovers / 0.01;
  if (hovers == 0) no("hovering was not set", line);
  if (near(times, 2, 0.1)) no("hovering is twice the budget: f is half of curvature times x^2", line);
  if (times > 0.55 && times < 0.9)
    no("hovering is " + shown(hovers) + ", a bit low: were the first steps, in which the walkers still climb from the minimum, left out?", line);
  if (times > 100) no("hovering is " + shown(hovers) + ": a sum over steps or walkers, and their mean is asked for", line);
  if (times < 0.1) no("hovering is " + shown(hovers) + ": too little. Is the noise added to the gradient, so that it is not multiplied by eta twice?", line);
  no("hovering is " + shown(hovers) + ", and the simulation should come within 10 % of 0.01. Are there enough walkers and steps, and is sigma 1?",
     line);
}

// ---- Problem 7 -------------------------------------------------------------------------------------------------

namespace {

struct Course {
  std::vector<double> L, trace, rest;
};

// Steps along +gradient, or -gradient if `rate` is negative, with the weight `off` off the diagonal.
Course ascend(double rate, double off, bool fixed_gradient = false) {
  std::array<std::array<double, 3>, 5> X{{{1, 0, 0}, {0, 1, 0}, {1, 1, 0}, {0, 0, 1}, {0, 0, 0}}};
  auto G = X;
  Course c;
  for (int t = 0; t <= 50; ++t) {
    double L = 0, trace = 0, rest = 0;
    auto g = X;
    for (auto& row : g) row = {0, 0, 0};
    for (std::size_t i = 0; i < 5; ++i)
      for (std::size_t j = 0; j < 5; ++j) {
        double s = 0;
        for (std::size_t k = 0; k < 3; ++k) s += X[i][k] * X[j][k];
        const double y = std::tanh(s), v = i == j ? 1 : off;
        L += v * y;
        (i == j ? trace : rest) += y;
        for (std::size_t k = 0; k < 3; ++k) g[i][k] += 2 * v * (1 - y * y) * X[j][k];
      }
    c.L.push_back(L), c.trace.push_back(trace), c.rest.push_back(rest);
    if (t == 0 || !fixed_gradient) G = g;
    for (std::size_t i = 0; i < 5; ++i)
      for (std::size_t k = 0; k < 3; ++k) X[i][k] += rate * G[i][k];
  }
  return c;
}

}  // namespace

void mark_ascent(const Answers& answers) {
  const Course right = ascend(0.05, -0.25);
  const auto& L = list_of(answers[0], "L", 51);
  const int step = answer_line({"\\bX\\s*(=.*[-+]|[-+]=)", "gradient\\s*\\("});
  if (!near(L, right.L, 1e-5)) {
    const auto is = [&](const Course& c) { return near(L, c.L, 1e-4); };
    if (is(ascend(-0.05, -0.25))) no("L falls: these steps descend. To ascend, add the gradient", step);
    if (is(ascend(0.05, 0.25))) no("V has +1/4 off the diagonal, which rewards similar pairs: a penalty is negative", answer_line({"\\bV\\b"}));
    if (is(ascend(0.05, -0.25, true))) no("the gradient of the start is used in every step: it is to be computed anew at each point", step);
    if (is(ascend(0.025, -0.25))) no("the gradient is half of what it should be: X is in X X^T twice", step);
    if (near(L.front(), right.L[1], 1e-5))
      no("off by one: L[0] is the value after the first step, and the one of the start is asked for", where_set("L"));
    if (!near(L.front(), right.L[0], 1e-5)) no("L starts with " + shown(L.front()) + " and not with 2.48722: is it the sum of V * tanh(X X^T)?", where_set("L"));
    if (near(L, std::vector<double>(51, right.L[0]), 1e-9)) no("L never changes: is X replaced in each step?", where_set("L"));
    no("L ends at " + shown(L.back()) + " and not at 7.67164. Are the steps 0.05 long?", step);
  }
  const auto list = [&](const char* name, const std::vector<double>& got, const std::vector<double>& wanted) {
    if (near(got, wanted, 1e-5)) return;
    const auto is = [&](auto f) {
      for (std::size_t t = 0; t < 51; ++t)
        if (!near(got[t], f(t), 1e-5)) return false;
      return true;
    };
    const int line = where_set(name);
    const std::string text = name;
    if (is([&](std::size_t t) { return right.trace[t] + right.rest[t]; })) no(text + " is the sum of all of Y: take the diagonal off", line);
    if (is([&](std::size_t t) { return right.rest[t] / 2; })) no(text + " counts each pair once: Y has it twice", line);
    if (is([&](std::size_t t) { return -0.25 * right.rest[t]; })) no(text + " is weighted by V: the entries of Y themselves are asked for", line);
    if (is([&](std::size_t t) { return right.trace[t] / 5; })) no(text + " is the mean of the diagonal: the sum is asked for", line);
    if (is([&](std::size_t t) { return text == "trace" ? right.rest[t] : right.trace[t]; })) no("trace and rest are swapped", line);
    if (near(got.front(), 5, 1e-9) && text == "trace") no("trace starts with 5, that of X X^T: Y is its tanh", line);
    no(text + " goes from " + shown(got.front()) + " to " + shown(got.back()) + ", and should go from " + shown(wanted.front()) + " to " +
           shown(wanted.back()),
       line);
  };
  list("trace", list_of(answers[1], "trace", 51), right.trace);
  list("rest", list_of(answers[2], "rest", 51), right.rest);
}

// ---- Problem 8 -------------------------------------------------------------------------------------------------

namespace {

struct Matrix {
  double a, b, d;  // [[a, b], [b, d]]
};

int steps_needed(const Matrix& H, double x, double y, double eta, double beta = 0) {
  double vx = 0, vy = 0;
  for (int t = 0; t < 6000; ++t) {
    const double gx = H.a * x + H.b * y, gy = H.b * x + H.d * y;
    if (0.5 * (x * gx + y * gy) < 1e-6) return t;
    vx = beta * vx + gx, vy = beta * vy + gy;
    x -= eta * vx, y -= eta * vy;
  }
  return 6000;
}

struct Spectrum {
  double small, large;
  explicit Spectrum(const Matrix& H) {
    const double middle = (H.a + H.d) / 2, spread = std::hypot((H.a - H.d) / 2, H.b);
    small = middle - spread, large = middle + spread;
  }
  double best() const { return 2 / (large + small); }
  double heavy_rate() const { return std::pow(2 / (std::sqrt(large) + std::sqrt(small)), 2); }
  double heavy_beta() const {
    const double root = std::sqrt(large / small);
    return std::pow((root - 1) / (root + 1), 2);
  }
};

}  // namespace

void mark_tools(const Answers& answers) {
  const double c = std::cos(0.6), s = std::sin(0.6);
  const Matrix losses[3] = {{1, 0, 1}, {1000, 0, 1}, {100 * c * c + s * s, 99 * c * s, 100 * s * s + c * c}};
  const char* const names[3] = {"plain", "heavy", "rescaled"};
  std::vector<double> right[3], sloppy[3];
  for (const Matrix& H : losses) {
    const Spectrum e(H);
    right[0].push_back(steps_needed(H, 2, 2, e.best()));
    sloppy[0].push_back(steps_needed(H, 2, 2, 1 / e.large));
    right[1].push_back(steps_needed(H, 2, 2, e.heavy_rate(), e.heavy_beta()));
    sloppy[1].push_back(steps_needed(H, 2, 2, e.best(), e.heavy_beta()));
    const double p = std::sqrt(H.a), q = std::sqrt(H.d);
    const Matrix T{1, H.b / (p * q), 1};
    right[2].push_back(steps_needed(T, 2 * p, 2 * q, Spectrum(T).best()));
    sloppy[2].push_back(steps_needed(T, 2, 2, Spectrum(T).best()));
  }
  static const char* const mistakes[3] = {
      "these are the counts with 1 / lambda_max: the best rate is 2 / (lambda_max + lambda_min)",
      "these are the counts with gradient descent's best rate: with momentum it is (2 / (sqrt lambda_max + sqrt lambda_min))^2",
      "these runs start at z = (2, 2): the same physical start is z = T^-1 (2, 2)"};
  for (std::size_t k = 0; k < 3; ++k) {
    const auto& got = list_of(answers[k], names[k], 3);
    const int line = where_set(names[k]);
    const std::string text = std::string(names[k]) + " is " + shown(got);
    const auto shifted = [&](double by) { return near(got, {right[k][0] + by, right[k][1] + by, right[k][2] + by}, 0, 0.5); };
    if (near(got, right[k], 0, 1.5) && !shifted(1) && !shifted(-1)) continue;
    if (shifted(1)) no(text + ": off by one. f is looked at before the first step, so a run that starts below the level has 0 steps", line);
    if (shifted(-1)) no(text + ": off by one. Each step counts, also the last one", line);
    if (near(got, sloppy[k], 0, 1.5)) no(text + ": " + mistakes[k], line);
    for (std::size_t other = 0; other < 3; ++other)
      if (other != k && near(got, right[other], 0, 1.5)) no(text + ": those are the counts of " + names[other], line);
    for (std::size_t i = 0; i < 3; ++i)
      if (!near(got[i], right[k][i], 0, 1.5))
        no(text + ", and loss (" + std::string(1, static_cast<char>('a' + i)) + ") takes " + shown(right[k][i]) +
               " steps with the best settings" + (got[i] >= 3000 && right[k][i] < 3000 ? ": did that run reach the level at all?" : ""),
           line);
  }
  const auto& said = answers[3].words;
  const int line = where_set("tools");
  if (said.empty()) no("the counts are right. What is left is the choice: put three names into tools", line);
  if (said.size() != 3) no("tools has " + std::to_string(said.size()) + " names, and there are three losses", line);
  const std::string wanted[3] = {"gradient descent", "rescaling", "momentum"};
  static const char* const why[3] = {"one step of gradient descent is enough, and nothing is simpler",
                                     "the axes are known, and rescaling them leaves a round bowl: one step, against 269 with momentum",
                                     "the axes are the wrong ones, so rescaling them changes little; momentum needs to know none"};
  for (std::size_t i = 0; i < 3; ++i) {
    if (said[i] == wanted[i]) continue;
    if (said[i] != wanted[0] && said[i] != wanted[1] && said[i] != wanted[2])
      no("tools has \"" + said[i] + "\", which is none of \"gradient descent\", \"momentum\", \"rescaling\"", line);
    no("for (" + std::string(1, static_cast<char>('a' + i)) + ") you choose " + said[i] + ". Look at your counts: " + why[i], line);
  }
}

}  // namespace exercise
