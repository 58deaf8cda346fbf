// checks/exercise_02.cpp -- marks exercise 02: the batches, the training, the comparison of batch sizes, and the bonus parts.
#include "exercises/checks/exercise_02.h"

#include <algorithm>
#include <cmath>

#include "exercises/checks/check.h"

namespace exercise {
namespace {

MiniBatchFacts learner;

void compare() {
  const char* const function = "compare_batch_sizes";
  if (!learner.compare)
    no("there is no compare_batch_sizes(sizes, lr, epochs) that returns a list of losses for each size, and the checks need one",
       line_of(function));
  during("compare_batch_sizes({64, 256, 1000}, 0.01, 10)");
  const auto curves = learner.compare({64, 256, 1000}, 0.01, 10);
  const int call = line_of(function, {"train_with_mini_batches\\s*\\("}),
            start = line_of(function, {"make_task\\s*\\(", "train_with_mini_batches\\s*\\("});
  if (curves.size() != 3)
    no("three sizes should give three lists of losses and give " + std::to_string(curves.size()),
       line_of(function, {"push_back|emplace_back", "return"}));
  for (const Losses& curve : curves)
    if (curve.size() != 10) no("10 epochs were asked for, and a list has " + std::to_string(curve.size()) + " losses", call);
  if (curves[0] == curves[1] && curves[1] == curves[2])
    no("all sizes have the same losses: is the size given on to train_with_mini_batches?", call);
  if (!near(curves[2][0], 26.226717, 1e-3)) {
    if (curves[2][0] < 20)
      no("the run with batch size 1000 begins at a loss of " + shown(curves[2][0]) +
             " and not at 26.2267: it goes on where the run before ended. Each size needs a fresh make_task()",
         start);
    no("the run with batch size 1000 begins at a loss of " + shown(curves[2][0]) + " and not at 26.2267", start);
  }
  if (!(curves[0][9] < curves[1][9] && curves[1][9] < curves[2][9]))
    no("after 10 epochs the losses for 64, 256 and 1000 should rise in this order; they are " +
           shown({curves[0][9], curves[1][9], curves[2][9]}),
       call);
  const auto second = learner.compare({256, 64}, 0.01, 10);
  if (second.size() == 2 && !near(second[1], curves[0], 1e-5))
    no("the run with batch size 64 depends on which runs came before it: set the seed before each of them, manual_seed(0)",
       line_of(function, {"manual_seed", "train_with_mini_batches\\s*\\("}));
}

void answers() {
  during("your answers");
  if (!learner.fewest || !learner.smoothest) no("there is no fewest_epochs() or no smoothest(), and the checks ask them");
  const std::int64_t fewest = learner.fewest(), smooth = learner.smoothest();
  if (fewest != 1)
    no("fewest_epochs() says " + std::to_string(fewest) + ". Which curve is the first to be below 0.3? Count epochs, not steps",
       line_of("fewest_epochs", {"return"}));
  if (smooth != 1000)
    no("smoothest() says " + std::to_string(smooth) +
           ". Of which batch size is the gradient always the same, however the rows are shuffled?",
       line_of("smoothest", {"return"}));
}

void figure() {
  if (!learner.program) no("the file has no int main()");
  run_program(learner.program);
  const int where = line_of("main", {"Figure", "\\bsave\\s*\\("}), plot = line_of("main", {"\\bplot\\s*\\(", "Figure"});
  if (figures().empty()) no("the program saves no figure: save(figure, \"exercise_02_batch_sizes\")", where);
  const ct::plot::Axes* best = nullptr;
  std::vector<const ct::plot::Series*> curves;
  for (const Saved& saved : figures())
    for (int i = 0; i < saved.figure.rows() * saved.figure.cols(); ++i) {
      std::vector<const ct::plot::Series*> found;
      for (const auto& series : saved.figure.ax(i).series())
        if (series.kind == ct::plot::Series::Kind::line || series.kind == ct::plot::Series::Kind::scatter)
          found.push_back(&series);
      if (!best || found.size() > curves.size()) best = &saved.figure.ax(i), curves = found;
    }
  if (curves.size() < 5) no("the figure has " + std::to_string(curves.size()) + " curves, and there are five batch sizes", plot);
  const double first[] = {0.983515, 6.587832, 15.445376, 23.085834, 26.226717};
  for (const auto* curve : curves) {
    if (curve->label.empty()) no("a curve has no label, so nobody can tell the batch sizes apart: {.label = ..}", plot);
    if (curve->y.size() != 50)
      no("the curve \"" + curve->label + "\" has " + std::to_string(curve->y.size()) + " points, and 50 epochs have 50 losses",
         plot);
  }
  for (double y : first)
    if (y > 20 && std::none_of(curves.begin(), curves.end(), [&](const auto* c) { return near(c->y[0], y, 0.05); }))
      no("no curve begins near " + shown(y) + ", where one of the large batch sizes begins", plot);
  if (best->yscale() != "log")
    no("the axis of the loss is linear, where all small losses look alike: ax().yscale(\"log\")",
       line_of("main", {"yscale", "Figure"}));
}

void data_loader() {
  const char* const function = "train_with_data_loader";
  if (!learner.load) untouched("there is no train_with_data_loader(model, x, y, batch_size, lr, epochs)");
  during("50 epochs with a data loader and batch size 32");
  ParabolaData data;
  ct::manual_seed(0);
  const Losses losses = learner.load(data.c, data.x, data.y, 32, 0.01, 50);
  const Losses best = {2.0007371, 3.0107237, 0.9797824},
               got = {data.c.w2.item<double>(), data.c.w1.item<double>(), data.c.b.item<double>()};
  if (losses.size() != 50)
    no("50 epochs should give 50 numbers and give " + std::to_string(losses.size()),
       line_of(function, {"push_back|emplace_back", "return"}));
  if (!near(got, best, 0, 0.05))
    no("after 50 epochs with batch size 32 and lr = 0.01, (w2, w1, b) should be within 0.05 of least squares, " + shown(best) +
           ", and is " + shown(got),
       line_of(function, {"\\bstep\\s*\\("}));
  const auto shuffled = [&](std::uint64_t seed) {
    ParabolaData start;
    ct::manual_seed(seed);
    return learner.load(start.c, start.x, start.y, 100, 0.01, 2);
  };
  if (shuffled(1) == shuffled(2))
    no("the loader does not shuffle: same order every epoch, whatever the seed. DataLoaderOptions().shuffle(true)",
       line_of(function, {"DataLoader"}));
}

void variance() {
  const char* const function = "gradient_variance";
  if (!learner.variance) untouched("there is no gradient_variance(model, x, y, batch_size, epochs)");
  during("gradient_variance");
  const auto of = [&](std::int64_t size) {
    ParabolaData data;
    const double before = data.c.w1.item<double>();
    ct::manual_seed(3);
    const double v = learner.variance(data.c, data.x, data.y, size, 40);
    if (data.c.w1.item<double>() != before)
      no("gradient_variance() moves the model: it should look at the gradients and make no step",
         line_of(function, {"\\bstep\\s*\\("}));
    return v;
  };
  const double small = of(16), large = of(64), ratio = small / large;
  const int line = line_of(function, {"return", "\\bgrad\\s*\\("});
  if (!(small > 0) || !(large > 0))
    no("the variances for batch sizes 16 and 64 are " + shown(small) + " and " + shown(large) + ", and they should be positive",
       line);
  if (ratio > 3 && ratio < 5.5) {
    if (small > 10 && small < 27) return;
    no("the ratio of the variances for batch sizes 16 and 64 is right, " + shown(ratio) +
           ". The variance for 16 should be near 17 and is " + shown(small) + ": a factor of " + shown(small / 17.2),
       line);
  }
  if (ratio > 1.6 && ratio < 2.4)
    no("four times the batch should give a quarter of the variance; here it is half: is that the standard deviation, its root?",
       line);
  if (ratio > 0.8 && ratio < 1.25)
    no("the variance is nearly the same for batch sizes 16 and 64, " + shown(small) + " and " + shown(large) +
           ": is the batch size used, and are the gradients cleared before each backward?",
       line_of(function, {"backward", "create_mini_batches"}));
  no("four times the batch should give about a quarter of the variance. For 16 and 64 it is " + shown(small) + " and " +
         shown(large) + ", a ratio of " + shown(ratio) + ". Are the gradients cleared before each backward?",
     line_of(function, {"backward"}));
}

}  // namespace

int mark_exercise_02(const MiniBatchFacts& facts, const char* file) {
  learner = facts;
  begin("Exercise 02", file);
  check({1, "batches of the right number and sizes, the last one too", {1}}, [] { check_sizes(learner); });
  check({2, "every row is in exactly one batch", {1}, {1}}, [] { check_every_row(learner); });
  check({3, "x and y of a pair stay together", {1}, {1}}, [] { check_pairs(learner); });
  check({4, "shuffled, and differently each time", {1}, {2}}, [] { check_shuffle(learner); });
  check({5, "with one batch of all points, training is gradient descent", {2, 1}, {3}}, [] { check_full_batch(learner); });
  check({6, "each epoch trains on every batch, in a new order", {2, 1}, {4, 5}}, [] { check_epochs(learner); });
  check({7, "the loss of an epoch is the mean over its batches", {2, 1}, {5}}, [] { check_losses(learner); });
  check({8, "with batch size 32, the coefficients come near least squares", {2, 1}, {6}}, [] { check_fit(learner); });
  check({9, "larger batches are slower, each from the same start", {3}, {7, 8}}, compare);
  check({10, "your answers", {5}, {9}}, answers);
  check({11, "the figure: five labelled curves, logarithmic axis", {4}, {9}}, figure);
  check({12, "training with a data loader", {6}, {}, true}, data_loader);
  check({13, "the variance of the gradient goes as 1 / batch size", {7}, {}, true}, variance);
  return report();
}

}  // namespace exercise
