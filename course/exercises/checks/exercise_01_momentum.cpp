// checks/exercise_01_momentum.cpp -- the bonus part of exercise 01: momentum, and which mistake gives steps like the learner's.
#include <memory>

#include "exercises/checks/check.h"
#include "exercises/checks/exercise_01.h"

namespace exercise {
namespace {

using Numbers = std::vector<double>;
using Held = std::unique_ptr<AnyOptimizer>;

// Three steps with lr = 0.1 on w^2 / 2 from 1, where the gradient is w; rule(g, v, k) makes step k's direction from the velocity v.
Numbers three_steps(ct::FunctionRef<double(double, double&, int)> rule) {
  Numbers path;
  double w = 1, v = 0;
  for (int k = 0; k < 3; ++k) path.push_back(w -= 0.1 * rule(w, v, k));
  return path;
}

Numbers three_steps_of(AnyOptimizer& optimizer, const ct::Tensor& w, bool fill_with_zeros) {
  Numbers path;
  for (int k = 0; k < 3; ++k) {
    if (fill_with_zeros && w.grad().defined()) w.mutable_grad().zero_();
    else w.mutable_grad().reset();
    (w.pow(2).sum() / 2).backward();
    optimizer.step();
    path.push_back(w.item<double>());
  }
  return path;
}

// Where step() computes a velocity, as far as the text tells.
int velocity_line() {
  return line_of("step", {"=.*\\bm(om|u)\\w*\\s*\\*", "mul_\\s*\\(\\s*m", "\\b(vel|buf)\\w*.*=", "=.*\\*.*[+-]", update});
}

struct Mistake {
  Numbers path;
  const char* diagnosis;
};
void explain_momentum(const Numbers& path, const Numbers& right, const std::string& what) {
  const double m = 0.9;
  const Mistake mistakes[] = {
      {three_steps([](double g, double&, int) { return g; }),
       "is ignored: the steps are those without it. Does the velocity last from one step() to the next?"},
      {three_steps([&](double g, double& v, int) { return v = m * v + (1 - m) * g; }),
       "multiplies the gradient by 1 - m (that is dampening): v <- m v + g"},
      {three_steps([&](double g, double& v, int k) { return v = k ? m * v + (1 - m) * g : g; }),
       "multiplies the gradient by 1 - m (that is dampening): v <- m v + g"},
      {three_steps([&](double g, double& v, int) { return v += g; }), "adds up the gradients without the factor m: v <- m v + g"},
      {three_steps([&](double g, double& v, int) { return v = m * (v + g); }),
       "multiplies the gradient by m as well: v <- m v + g"},
      {three_steps([&](double g, double& v, int) { return v = (1 - m) * v + g; }), "keeps 1 - m of the velocity instead of m"},
      {three_steps([&](double g, double& v, int) { return v = g - m * v; }),
       "has the wrong sign: the velocity is subtracted. v <- m v + g"},
      {three_steps([&](double g, double& v, int) { return -(v = m * v + g); }), "has the wrong sign: the step goes uphill"},
      {three_steps([&](double g, double& v, int) { return v = m * v + 0.1 * g; }),
       "applies the learning rate twice, in the velocity and in the step"},
      {three_steps([&](double g, double& v, int) { return g + m * (v = m * v + g); }),
       "is Nesterov's although nobody asked for that"},
      {three_steps([&](double g, double& v, int) {
         const double old = v;
         v = m * v + g;
         return g + m * old;
       }),
       "uses the velocity of the step before: first v <- m v + g, then the step"},
      {three_steps([&](double g, double& v, int) {
         const double old = v;
         v = m * v + g;
         return old;
       }),
       "uses the velocity of the step before: first v <- m v + g, then the step"},
  };
  const int line = velocity_line();
  for (const Mistake& mistake : mistakes)
    if (near(path, mistake.path, 1e-4)) no(what + " " + mistake.diagnosis, line);
  no(what + ": three steps with lr = 0.1 and momentum 0.9 from w = 1 should give " + shown(right) + " and give " + shown(path),
     line);
}

}  // namespace

void check_momentum(const SimpleSGDFacts& learner) {
  const int open = gap(6);
  if (!learner.make_momentum) untouched("the constructor takes no momentum");
  const Numbers plain = {0.9, 0.81, 0.729}, right = {0.9, 0.72, 0.486}, nesterov = {0.81, 0.5751, 0.327321};
  during("three steps with momentum 0.9");
  const auto run = [&](bool zeros) {
    auto w = parameter({1});
    return three_steps_of(*Held(learner.make_momentum({w}, 0.1, 0.9)), w, zeros);
  };
  const Numbers path = run(false);
  if (near(path, plain) && open) untouched("not started yet: gap 6, line " + std::to_string(open), open);
  if (!near(path, right)) explain_momentum(path, right, "the momentum");
  if (!near(run(true), right))
    no("the velocity is the gradient itself and not a copy of it: when the gradient is filled with zeros, so is the velocity. "
       "Start with p.grad().clone()",
       line_of("step", {"^\\s*[\\w.]+(\\[\\w+\\])?\\s*=.*grad\\s*\\(\\s*\\)\\s*;", "grad\\s*\\("}));
  auto a = parameter({0}), b = parameter({0});
  const Held both(learner.make_momentum({a, b}, 0.1, 0.9));
  for (int k = 0; k < 2; ++k) {
    set_gradient(a, {1});
    set_gradient(b, {10});
    both->step();
  }
  if (!near(numbers(a), {-0.29}) || !near(numbers(b), {-2.9}))
    no("one velocity serves all parameters, and each needs its own: with gradients 1 and 10 they went to " +
           shown(numbers(a)[0]) + " and " + shown(numbers(b)[0]) + " instead of -0.29 and -2.9",
       line_of("step", {"\\b(vel|buf|mom)\\w*\\s*(\\[\\s*0\\s*\\]|\\.front)", "\\b(vel|buf)\\w*"}));
  if (!learner.make_nesterov) untouched("the momentum is right; the constructor takes no fourth argument for Nesterov's");
  auto w = parameter({1});
  during("three steps with Nesterov's momentum 0.9");
  const Numbers ahead = three_steps_of(*Held(learner.make_nesterov({w}, 0.1, 0.9, true)), w, false);
  if (near(ahead, right))
    no("the momentum is right. Nesterov's variant is the same as without it: the step is -lr * (g + m v)",
       line_of("step", {"nesterov", update}));
  if (!near(ahead, nesterov)) explain_momentum(ahead, nesterov, "Nesterov's momentum");
}

}  // namespace exercise
