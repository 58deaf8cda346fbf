// checks/workshop_3.cpp -- marks workshop 3, problems 1 to 4: predictions, the best step, a learned scaling, the edge.
#include "exercises/checks/workshop_3.h"

#include <algorithm>
#include <cmath>

namespace exercise {
namespace {

// ---- Problem 1 -------------------------------------------------------------------------------------------------

struct Pair {
  double a, eta;
};
constexpr Pair pairs[12] = {{1, 0.5}, {1, 1.5}, {1, 2},     {1, 2.5},   {4, 0.2},  {4, 0.4},
                            {4, 0.5}, {4, 0.6}, {10, 0.05}, {10, 0.15}, {10, 0.2}, {10, 0.21}};

std::string kind_of(double factor) {
  const double size = std::abs(factor);
  return size > 1 + 1e-9 ? "divergent" : size > 1 - 1e-9 ? "critical" : factor < 0 ? "alternating" : "monotone";
}

void predict(const Answers& answers) {
  const std::vector<std::string>& said = answers[0].words;
  const int line = where_set("sorted");
  if (said.empty()) no("sorted is still empty: it takes 12 words, one for each pair", line);
  if (said.size() != 12) no("sorted has " + std::to_string(said.size()) + " words, and there are 12 pairs", line);
  for (std::size_t i = 0; i < 12; ++i)
    if (said[i] != "monotone" && said[i] != "alternating" && said[i] != "critical" && said[i] != "divergent")
      no("sorted[" + std::to_string(i) + "] is \"" + said[i] + "\", which is none of \"monotone\", \"alternating\", \"critical\", \"divergent\"",
         line);
  std::size_t wrong = 0, first = 12;
  for (std::size_t i = 0; i < 12; ++i)
    if (said[i] != kind_of(1 - pairs[i].eta * pairs[i].a)) ++wrong, first = std::min(first, i);
  if (wrong == 0) return;

  const auto explained = [&](auto rule) {
    for (std::size_t i = 0; i < 12; ++i)
      if (said[i] != rule(1 - pairs[i].eta * pairs[i].a, pairs[i])) return false;
    return true;
  };
  const auto replaced = [&](const std::string& what, const std::string& by) {
    return explained([&](double f, const Pair&) { return kind_of(f) == what ? by : kind_of(f); });
  };
  if (explained([](double f, const Pair&) { return std::abs(f) < 1 - 1e-9 ? kind_of(-f) : kind_of(f); }))
    no("monotone and alternating are swapped: where 1 - eta a is negative, each step changes the sign", line);
  if (replaced("critical", "alternating") || replaced("critical", "divergent"))
    no("the critical pairs are sorted elsewhere: with |1 - eta a| = 1 a run neither settles nor leaves", line);
  if (replaced("alternating", "monotone"))
    no("nothing alternates: the size of 1 - eta a says whether a run settles, its sign whether it alternates", line);
  if (replaced("alternating", "divergent"))
    no("what alternates is called divergent: a negative factor is no harm as long as its size is below 1", line);
  if (replaced("divergent", "alternating"))
    no("what diverges is called alternating: a factor below -1 changes the sign, and grows", line);
  if (explained([](double, const Pair& p) { return kind_of(1 - p.eta); }))
    no("the curvature is forgotten: these are the kinds of 1 - eta, and the factor is 1 - eta a", line);
  if (explained([](double, const Pair& p) { return kind_of(1 - 2 * p.eta * p.a); }))
    no("a factor 2 too many: these are the kinds of 1 - 2 eta a, and f = a x^2 / 2 has the gradient a x", line);
  if (explained([](double, const Pair& p) { return kind_of(p.eta * p.a); }))
    no("these are the kinds of eta a: the factor of a step is 1 - eta a", line);
  if (explained([](double, const Pair& p) { return kind_of(1 + p.eta * p.a); }))
    no("the wrong sign: these are the kinds of 1 + eta a, which is a step uphill", line);
  const Pair p = pairs[first];
  no((wrong == 1 ? "one pair is wrong: " : std::to_string(wrong) + " of 12 are wrong. The first: ") + "a = " + shown(p.a) + ", eta = " +
         shown(p.eta) + " has the factor 1 - eta a = " + shown(1 - p.eta * p.a) + ", and sorted[" + std::to_string(first) +
         "] says \"" + said[first] + "\"",
     line);
}

// ---- Problem 2 -------------------------------------------------------------------------------------------------

void best_step(const Answers& answers) {
  const double got = number_of(answers[0], "best_eta"), best = 2.0 / 12;
  if (std::abs(got - best) <= 0.004) return;
  const double cells = got / 0.004;
  if (got >= 1 && std::abs(got - std::round(got)) < 1e-9 && std::abs(0.004 * got - best) <= 0.008)
    no("best_eta is " + shown(got) + ": this is a place in the sweep, and the rate at that place is asked for", where_set("best_eta"));
  explain("best_eta", got,
          {{0, "it was not set"},
           {0.1, "1 / lambda_max. That removes the steep direction at once, but the flat one then shrinks by 0.8 a step only; "
                 "the best rate, 2 / (lambda_max + lambda_min), makes both equally fast"},
           {0.2, "2 / lambda_max, the edge: beyond it, a run diverges. The best rate lies before it"},
           {0.196, "the last rate of the sweep, which is nearly the slowest: was the largest count taken?"},
           {0.004, "the first rate of the sweep, which is the slowest: was the largest count taken?"},
           {0.25, "2 / (lambda_max - lambda_min): it is their sum that counts"},
           {1.0 / 12, "1 / (lambda_max + lambda_min): twice that is the best rate"}},
          cells > 0 && got < 0.2 ? "a run with it is not the shortest of the sweep. Does each run start at (1, 1), and end at f < 1e-20?"
                                 : "no rate of the sweep",
          0.02);
}

// ---- Problem 3 -------------------------------------------------------------------------------------------------

constexpr double curvature[3] = {50, 3, 0.2}, start[3] = {1, -2, 3};

// f after one step that multiplies coordinate i by 1 - curvature^power.
double after(double power) {
  double f = 0;
  for (int i = 0; i < 3; ++i) {
    const double x = start[i] * (1 - std::pow(curvature[i], power));
    f += 0.5 * curvature[i] * x * x;
  }
  return f;
}

void scaling(const Answers& answers) {
  const auto& c = answers[0].numbers;
  const int line = where_set("estimated");
  if (c.empty()) no("estimated has no numbers yet", line);
  if (c.size() != 3) no("estimated has " + std::to_string(c.size()) + " numbers, and there are three curvatures", line);
  const std::vector<double> right(std::begin(curvature), std::end(curvature));
  if (!near(c, right, 1e-9, 1e-12)) {
    const auto are = [&](auto f) {
      for (std::size_t i = 0; i < 3; ++i)
        if (!near(c[i], f(i), 1e-6, 1e-12)) return false;
      return true;
    };
    const double ratio = c[0] / 50;
    if (are([](std::size_t i) { return curvature[i] * start[i]; }))
      no("estimated is the gradient itself: a secant needs the difference of two gradients", line);
    if (are([&](std::size_t i) { return -curvature[i]; })) no("the wrong sign: g(x) - g(x + delta e) instead of g(x + delta e) - g(x)", line);
    if (are([](std::size_t i) { return std::sqrt(curvature[i]); })) no("estimated has the roots of the curvatures: those belong into S", line);
    if (are([](std::size_t i) { return 1 / curvature[i]; })) no("estimated is upside down: delta / (difference of the gradients)", line);
    if (are([&](std::size_t i) { return ratio * curvature[i]; }))
      no("all three are " + shown(ratio) + " times too large. Is the difference divided by delta, by the same that the step has?", line);
    if (near({c[2], c[1], c[0]}, right, 1e-6)) no("estimated has the right numbers in the reverse order", line);
    if (near(c, right, 1e-3))
      no("estimated is right to a few digits only: on a quadratic, a secant is exact. With a larger delta, less is cancelled", line);
    no("estimated is " + shown(c) + ", and the curvatures are others. Element i of the gradient, with x moved along e_i", line);
  }
  const double got = number_of(answers[1], "after_one"), before = 31.9;
  if (std::abs(got) < 1e-12 * before) return;
  explain("after_one", got,
          {{1, "it was not set"},
           {before, "the loss before the step"},
           {after(1), "what a step with eta = 1 gives without any scaling"},
           {after(2), "S is the other way round: its diagonal is 1 / sqrt(curvature), and not sqrt(curvature)"},
           {after(-1), "S has 1 / curvature on its diagonal: S A S is the identity with 1 / sqrt(curvature)"},
           {after(3), "S has the curvatures themselves on its diagonal: it takes 1 / sqrt(curvature)"}},
          "more than 1e-12 of the loss before. Is eta 1, and does the run start at z = S^-1 x?", 1e-6);
}

// ---- Problem 4 -------------------------------------------------------------------------------------------------

// Loss after 0, 1, .. 300 steps of the regression.
std::vector<double> regression(double eta) {
  std::vector<double> losses;
  double w = 0, b = 0;
  for (int t = 0; t <= 300; ++t) {
    double f = 0, gw = 0, gb = 0;
    for (int x = 1; x <= 4; ++x) {
      const double e = w * x + b - (2 + 3 * x);
      f += e * e / 4, gw += 2 * e * x / 4, gb += 2 * e / 4;
    }
    losses.push_back(f);
    w -= eta * gw, b -= eta * gb;
  }
  return losses;
}

void edge(const Answers& answers) {
  const double got = answers[0].numbers.size() == 1 ? answers[0].numbers[0] : 0, largest = (17 + std::sqrt(269.0)) / 2;
  if (!std::isfinite(got) || std::abs(got) > 1e3)
    no("lambda_max is " + shown(got) + ": it grows without end. Power iteration divides v by its length in each turn",
       answer_line({"\\bhvp\\s*\\(", "\\blambda_max\\b"}));
  if (!near(got, largest, 1e-4, 0))
    explain("lambda_max", got,
            {{0, "it was not set"},
             {-largest, "the wrong sign"},
             {(17 - std::sqrt(269.0)) / 2, "the smallest eigenvalue"},
             {15, "the first element of the Hessian: v is still (1, 0). Is v replaced by H v / |H v| in each turn?"},
             {17, "the trace, which is the sum of both eigenvalues"},
             {largest / 2, "half of it: the loss is a mean of squares, without a factor 1/2"},
             {largest * 4, "four times: the loss is the mean of four squares and not their sum"},
             {largest * largest, "the square: v.dot(H v) has one H in it"},
             {2 / largest, "the limit 2 / lambda_max: the eigenvalue itself is asked for"}},
            got > 12 && got < largest ? "close to it: a few more turns of the power iteration"
                                      : "not the largest eigenvalue of the Hessian at any point");
  const auto& in = list_of(answers[1], "inside", 301);
  const auto& out = list_of(answers[2], "outside", 301);
  const bool settles = in.back() < 1e-6, leaves = !(out.back() < 1e6);
  if (settles && leaves) return;
  if (out.back() < 1e-6 && !settles) no("inside and outside are swapped: 0.95 of the limit is inside", where_set("inside"));
  for (const double part : {0.95, 1.05}) {
    const bool inner = part < 1;
    const char* const name = inner ? "inside" : "outside";
    if (inner ? settles : leaves) continue;
    const double end = (inner ? in : out).back();
    explain(name, end,
            {{regression(part / largest).back(), "that was a run with 1 / lambda_max: the limit is 2 / lambda_max"},
             {regression(2 * part / ((17 - std::sqrt(269.0)) / 2)).back(), "its rate comes from the smallest eigenvalue"}},
            std::string("the loss after 300 steps. ") +
                (inner ? "0.95 * 2 / lambda_max must converge" : "1.05 * 2 / lambda_max must diverge") + ". Which rate did it run with?");
  }
}

}  // namespace

Workshop workshop_3() {
  return {"Workshop 3, from local steps to trajectories",
          {{"predict before you run", 1, predict},
           {"find the best step", 1, best_step},
           {"learn the scaling from gradients", 2, scaling},
           {"measure the edge", 3, edge},
           {"basin map", 2, mark_basins},
           {"noise budget", 2, mark_noise},
           {"objective meets dynamics", 3, mark_ascent},
           {"which tool?", 4, mark_tools}}};
}

}  // namespace exercise
