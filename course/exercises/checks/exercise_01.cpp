// checks/exercise_01.cpp -- marks exercise 01: SimpleSGD, the training loop, the figure, and the bonus parts.
#include "exercises/checks/exercise_01.h"

#include <cotangent/optim.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "exercises/checks/check.h"

namespace exercise {
namespace {

using Numbers = std::vector<double>;
using Held = std::unique_ptr<AnyOptimizer>;

SimpleSGDFacts learner;
Held make(const Parameters& parameters, double lr) { return Held(learner.make(parameters, lr)); }
int class_line() { return line_of("SimpleSGD"); }
int constructor_line() { return line_of("SimpleSGD", {"\\bSimpleSGD\\s*\\("}); }

// p = p - ..., where p is any name, perhaps with an index; not a declaration.
const char* const assignment = "(?:^|[\\s;{(])([A-Za-z_]\\w*(?:\\[\\w+\\])?)\\s*=\\s*\\1\\s*([-+]|\\.(sub|add)\\b)";

// How far one step moved the parameters, divided by -lr * gradient: all 1 if it is right.
struct Move {
  Numbers ratios, moved;
  std::uint64_t recorded = 0;  // nodes
  bool gradients_gone = false;
};
Move one_step(const Parameters& parameters, double lr) {
  during("a step with lr = " + shown(lr));
  const Held optimizer = make(parameters, lr);
  Numbers before, gradients;
  for (const auto& p : parameters)
    for (double v : numbers(p)) before.push_back(v);
  for (const auto& p : parameters)
    for (double g : numbers(p.grad())) gradients.push_back(g);
  Move move;
  const auto nodes = nodes_recorded();
  optimizer->step();
  move.recorded = nodes_recorded() - nodes - 1;
  std::size_t i = 0;
  for (const auto& p : parameters) {
    if (!p.grad().defined() || p.grad().abs().sum().item<double>() == 0) move.gradients_gone = true;
    for (double v : numbers(p)) {
      move.moved.push_back(v - before[i]);
      move.ratios.push_back((v - before[i]) / (-lr * gradients[i]));
      ++i;
    }
  }
  return move;
}

bool all(const Numbers& v, double value) {
  return std::all_of(v.begin(), v.end(), [&](double r) { return near(r, value, 1e-3, 1e-4); });
}

// (1) The class is there, and holds handles of the parameters that it was given.
void constructor() {
  if (!learner.complete) no("there is no class SimpleSGD in the file, and the checks need one of this name");
  if (!learner.make)
    no("a SimpleSGD cannot be made from parameters and a learning rate: SimpleSGD(std::vector<ct::Tensor> parameters, double "
       "lr). Is that constructor there, and public?",
       class_line());
  if (!learner.steps) no("SimpleSGD has no public function step()", class_line());
  if (!learner.zeroes) no("SimpleSGD has no public function zero_grad()", class_line());
  auto w = parameter({1, 2}), b = parameter({3}), v = parameter({4});
  const auto held = [&] { return w.use_count() + b.use_count() + v.use_count(); };
  during("the constructor, given the temporary list {w, b, v}");
  const auto before = held(), nodes = static_cast<std::int64_t>(nodes_recorded());
  const Held optimizer = make({w, b, v}, 0.1);
  const auto kept = held() - before, recorded = static_cast<std::int64_t>(nodes_recorded()) - nodes - 1;
  const int copied = match("SimpleSGD", {"\\b(clone|detach|variable_data|empty_like|zeros_like|copy_)\\b"});
  if (recorded > 0 || (kept < 3 && copied && copied < line_of("step")))
    no("copies instead of the parameters are kept: a step would change the copies and never the model. Keep the tensors as they "
       "are; they are handles",
       copied ? copied : constructor_line());
  if (kept >= 3) return;
  if (kept > 0) no("of three parameters, only " + std::to_string(kept) + " are kept", constructor_line());
  if (const int line = match("SimpleSGD", {"vector<\\s*ct::Tensor\\s*>\\s*[&*]\\s*\\w+\\s*;", "span<.*>\\s*\\w+\\s*;",
                                           "(ArrayRef<|TensorList).*\\w+\\s*;"}))
    no("what is kept is a reference to the caller's list, and that is gone when the constructor returns. Keep the list itself: "
       "std::vector<ct::Tensor> parameters_;",
       line);
  no("the constructor does not keep the parameters: put them into a member of the class", constructor_line());
}

// Says what kind of wrong step this is. `a` with lr = 0.1 and `b` with lr = 0.25, from gradients that differ from the values.
void diagnose_step(const Move& a, const Move& b, const Numbers& values, const Numbers& gradients) {
  const int line = line_of("step", {update});
  if (all(a.ratios, 0)) {
    if (a.gradients_gone)
      no("step() clears the gradients before it uses them, so nothing moves: stepped after zeroing",
         line_of("step", {"zero_|\\breset\\s*\\("}));
    if (const int copy = match("step", {"\\b(clone|contiguous)\\s*\\("}); copy && match("step", {update}))
      no("the parameters did not move: what step() changes is a copy", copy);
    const int assigned = match("step", {assignment});
    if (assigned || a.recorded > 0)
      no(std::string("the parameters did not move. `p = p - lr * g` makes a new tensor") +
             (a.recorded > 0 ? " (a non-leaf, since it was recorded)" : "") +
             " and gives it the name p; the parameter itself stays as it was. Change its elements in place: p -= lr * g",
         assigned ? assigned : line);
    no("step() moved nothing", line);
  }
  if (all(a.ratios, -1))
    no("the wrong sign: the step goes uphill, along the gradient. It has to go against it: p <- p - lr * g", line);
  const auto per_gradient = [&](const Move& m) {  // moved / -gradient, if that is the same number everywhere; else nan
    const double c = -m.moved[0] / gradients[0];
    for (std::size_t i = 0; i < m.moved.size(); ++i)
      if (!near(-m.moved[i] / gradients[i], c, 1e-3)) return std::nan("");
    return c;
  };
  const double ca = per_gradient(a), cb = per_gradient(b);
  if (!std::isnan(ca) && near(ca, 1, 1e-3) && near(cb, 1, 1e-3))
    no("the learning rate is forgotten: the parameters move by the whole gradient, with lr = 0.1 a factor 10 too far", line);
  if (!std::isnan(ca) && near(ca, cb, 1e-3))
    no("the learning rate is ignored: with lr = 0.1 and with lr = 0.25 the parameters move by " + shown(ca) + " * g", line);
  if (!std::isnan(ca) && near(ca, 0.01, 1e-3) && near(cb, 0.0625, 1e-3))
    no("the learning rate is applied twice: the step is lr * lr * g", line);
  if (!std::isnan(ca) && near(ca / 0.1, cb / 0.25, 1e-3)) {
    const double factor = ca / 0.1;
    no("the step is " + (std::abs(factor) >= 1 ? shown(factor) + " times too large" : shown(1 / factor) + " times too small") +
           " (factor " + shown(factor) + ")",
       line);
  }
  Numbers by_value, by_sign;
  for (std::size_t i = 0; i < values.size(); ++i) {
    by_value.push_back(a.moved[i] / (-0.1 * values[i]));
    by_sign.push_back(a.moved[i] / (-0.1 * (gradients[i] > 0 ? 1 : -1)));
  }
  if (all(by_value, 1)) no("the step subtracts lr * p instead of lr * g: the parameter in the place of its gradient", line);
  if (all(by_sign, 1)) no("the step uses the sign of the gradient and not its size", line);
  if (all({a.ratios[0], a.ratios[1]}, 1) && all({a.ratios[2]}, 0))
    no("only the first parameter moves: does the loop end early?",
       line_of("step", {"\\b(return|break)\\b", "\\bfor\\b", update}));
  no("the parameters should move by -lr * g. With lr = 0.1 and g = " + shown(gradients) + " they moved by " + shown(a.moved),
     line);
}

// (2)
void one_step_down() {
  const auto step = [](double lr) {
    auto p = parameter({1, 2}), q = parameter({3});
    set_gradient(p, {4, -0.5});
    set_gradient(q, {2});
    return one_step({p, q}, lr);
  };
  const Move a = step(0.1), b = step(0.25);
  if (!all(a.ratios, 1) || !all(b.ratios, 1)) diagnose_step(a, b, {1, 2, 3}, {4, -0.5, 2});
  auto w = parameter({1, -2, 3});
  during("a step on w = [1, -2, 3] with the loss sum(w^2) / 2 and lr = 0.1");
  const Held optimizer = make({w}, 0.1);
  (w.pow(2).sum() / 2).backward();
  optimizer->step();
  if (!near(numbers(w), {0.9, -1.8, 2.7}))
    no("w should be [0.9, -1.8, 2.7] and is " + shown(numbers(w)), line_of("step", {update}));
}

// (3)
void without_gradient() {
  auto a = parameter({1}), unused = parameter({2}), c = parameter({3});
  set_gradient(a, {1});
  set_gradient(c, {1});
  const Held optimizer = make({a, unused, c}, 0.5);
  during("a step where the second of three parameters has no gradient");
  try {
    optimizer->step();
  } catch (const ct::Error& e) {
    const std::string message = e.what();
    no("a parameter that took no part in the loss has no gradient, and step() trips over it:\n" +
           message.substr(0, message.find('\n')) + "\nSkip it: if (!p.grad().defined()) continue;",
       thrown_at());
  }
  if (!near(numbers(unused), {2}))
    no("a parameter without a gradient moved, from 2 to " + shown(numbers(unused)), line_of("step", {update}));
  if (near(numbers(c), {3}))
    no("the loop ends at the first parameter without a gradient, so those behind it do not move: `continue` and not `return` or "
       "`break`",
       line_of("step", {"\\b(return|break)\\b", "defined"}));
  if (unused.grad().defined()) no("step() gives a gradient to a parameter that has none", line_of("step", {"grad"}));
}

// (4)
void stay_leaves() {
  auto w = parameter({1, 2});
  const Held optimizer = make({w}, 0.1);
  const auto version = w._version();
  set_gradient(w, {1, 1});
  during("a step");
  optimizer->step();
  if (!w.is_leaf())
    no("the parameter became a non-leaf: its update was recorded", recorded_at(w) ? recorded_at(w) : line_of("step", {update}));
  if (!w.requires_grad())
    no("after the step the parameter does not require a gradient any more. To keep the update out of the graph, use "
       "ct::NoGradGuard",
       line_of("step", {"requires_grad", "detach_", update}));
  if (w._version() == version)
    no("the elements change behind autograd's back (the parameter's version stays " + std::to_string(version) +
           "): a backward through values saved before the step would be wrong without an error. Use an in-place operation under "
           "ct::NoGradGuard",
       line_of("step", {"data_ptr|accessor|variable_data|\\.data\\s*\\(", update}));
  if (!near(numbers(w.grad()), {1, 1}))
    no("step() changes the gradient itself, from [1, 1] to " + shown(numbers(w.grad())) +
           ": with gradients that accumulate, the next step would be wrong",
       line_of("step", {"(\\*=|mul_|\\+=|add_)"}));
}

// (5)
void gradients_away() {
  auto a = parameter({1, 2}), b = parameter({3}), fresh = parameter({4});
  const Held optimizer = make({a, b, fresh}, 0.1);
  const auto left = [](const ct::Tensor& p) { return p.grad().defined() && p.grad().abs().sum().item<double>() != 0; };
  during("zero_grad()");
  (2 * a.sum() + b.sum()).backward();
  try {
    optimizer->zero_grad();
  } catch (const ct::Error& e) {
    const std::string message = e.what();
    no("zero_grad() trips over a parameter that has no gradient yet:\n" + message.substr(0, message.find('\n')) +
           "\nmutable_grad().reset() needs no gradient; zero_() does",
       thrown_at());
  }
  if (near(numbers(a), {0, 0}) && !left(fresh))
    no("zero_grad() sets the parameters themselves to zero, not their gradients",
       line_of("zero_grad", {"\\bzero_\\s*\\(|fill_|zeros"}));
  if (left(a) && left(b)) {
    (2 * a.sum()).backward();
    no("the gradients are still there after zero_grad(), so the next backward adds to them: gradient accumulated, " +
           shown(numbers(a.grad())) + " instead of [2, 2]",
       line_of("zero_grad", {"\\breset\\s*\\(|\\bzero_\\s*\\(", "clone|detach|grad\\s*\\("}));
  }
  if (left(a) || left(b))
    no("zero_grad() clears the gradient of only some of the parameters",
       line_of("zero_grad", {"\\b(return|break)\\b", "\\bfor\\b"}));
  if (fresh.grad().defined() && left(fresh))
    no("zero_grad() gives a gradient to a parameter that has none", line_of("zero_grad"));
  (2 * a.sum()).backward();
  if (!near(numbers(a.grad()), {2, 2}))
    no("after zero_grad(), backward gives " + shown(numbers(a.grad())) + " instead of [2, 2]", line_of("zero_grad"));
}

// (6)
void same_as_built_in() {
  LineData mine, built_in;
  const Held optimizer = make({mine.w, mine.b}, 0.1);
  ct::optim::SGD sgd({built_in.w, built_in.b}, 0.1);
  during("100 epochs on the data of the exercise");
  for (int epoch = 0; epoch < 100; ++epoch) {
    optimizer->zero_grad();
    mine.error().mean().backward();
    optimizer->step();
    sgd.zero_grad();
    built_in.error().mean().backward();
    sgd.step();
    const double dw = std::abs(mine.w.item<double>() - built_in.w.item<double>()),
                 db = std::abs(mine.b.item<double>() - built_in.b.item<double>());
    if (!(dw <= 1e-6 && db <= 1e-6))
      no("the first " + std::to_string(epoch) + " steps agree with ct::optim::SGD, and step " + std::to_string(epoch + 1) +
             " does not: w is " + shown(mine.w.item<double>()) + " instead of " + shown(built_in.w.item<double>()) +
             ". Does step() remember something from one call to the next?",
         line_of("step", {update}));
  }
}

// ---- (8) the fastest run ---------------------------------------------------------------------------------------------------

void fastest() {
  if (!learner.fastest) untouched("there is no function fastest_run()");
  during("fastest_run()");
  const std::string answer = learner.fastest();
  if (answer.empty()) no("fastest_run() returns no name", line_of("fastest_run", {"return"}));
  if (answer.find("0.5") == std::string::npos || answer.find("SGD") == std::string::npos)
    no("\"" + answer +
           "\" is not it. Both eigenvalues of the second derivative are near 2, so one of the four comes down in two or three "
           "steps. "
           "Do all four start from a fresh make_line()?",
       line_of("fastest_run", {"return"}));
}

// ---- (9) the figure ---------------------------------------------------------------------------------------

void figure() {
  if (!learner.program) no("the file has no int main()");
  run_program(learner.program);
  const int where = line_of("main", {"Figure", "\\bsave\\s*\\("});
  if (figures().empty()) no("the program saves no figure: save(figure, \"exercise_01_loss\")", where);
  // The curve with lr = 0.1 is looked for in all figures; what is wrong is said about the first figure.
  const Numbers right = right_curve();
  bool found = false, logarithmic = true;
  for (const Saved& saved : figures())
    for (int i = 0; i < saved.figure.rows() * saved.figure.cols(); ++i)
      for (const auto& series : saved.figure.ax(i).series())
        if (!found && series.y.size() == 100 && begins_like(series.y, right))
          found = true, logarithmic = saved.figure.ax(i).yscale() == "log";
  if (found) {
    if (!logarithmic)
      no("the axis of the loss is linear, where all but the first epochs look alike: ax().yscale(\"log\")",
         match("", {"yscale", "Figure"}));
    return;
  }
  const Numbers* best = nullptr;
  for (const auto& series : figures()[0].figure.ax().series())
    if (series.kind == ct::plot::Series::Kind::line || series.kind == ct::plot::Series::Kind::scatter)
      if (!best || series.label.find("0.1") != std::string::npos) best = &series.y;
  if (!best || best->empty()) no("the figure has no curve: ax().plot(losses)", where);
  if (best->size() != 100)
    no("the curve has " + std::to_string(best->size()) + " points, and 100 epochs have 100 losses",
       match("", {"\\bplot\\s*\\(", "Figure"}));
  explain_curve(*best);
}

}  // namespace

int mark_exercise_01(const SimpleSGDFacts& facts, const char* file) {
  learner = facts;
  begin("Exercise 01", file);
  check({1, "the constructor keeps the parameters", {1}}, constructor);
  check({2, "one step is -lr times the gradient", {2, 1}, {1}}, one_step_down);
  check({3, "a parameter without a gradient is skipped", {2, 1}, {2}}, without_gradient);
  check({4, "parameters stay leaves, and their version counts the step", {2, 1}, {2}}, stay_leaves);
  check({5, "zero_grad() leaves nothing of the gradients", {3, 1}, {1}}, gradients_away);
  check({6, "100 epochs as ct::optim::SGD makes them", {2, 3, 1}, {2, 3, 4, 5}}, same_as_built_in);
  check({7, "the figure of the loss: 100 points, logarithmic axis", {5, 4}, {6}}, figure);
  check({8, "momentum and Nesterov's momentum", {6}, {6}, true}, [] { check_momentum(learner); });
  check({9, "which run needs the fewest epochs", {7}, {7}, true}, fastest);
  return report();
}

}  // namespace exercise
