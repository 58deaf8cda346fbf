// checks/exercise_02.h -- what the check of exercise 02 knows of the learner's file: whatever of it is there, behind fixed types.
#pragma once

#include <cotangent/cotangent.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace exercise {

using Losses = std::vector<double>;
using Batches = std::vector<std::pair<ct::Tensor, ct::Tensor>>;
/// w2, w1 and b of the learner's Parabola, which a call may replace.
struct Coefficients {
  ct::Tensor w2, w1, b;
};

/// Null or false: not in the file.
struct MiniBatchFacts {
  bool model = false;  // struct Parabola with w2, w1 and b
  Batches (*batches)(const ct::Tensor& x, const ct::Tensor& y, std::int64_t batch_size) = nullptr;
  Losses (*train)(Coefficients& c, const ct::Tensor& x, const ct::Tensor& y, std::int64_t batch_size, double lr,
                  int epochs) = nullptr;
  std::vector<Losses> (*compare)(const std::vector<std::int64_t>& sizes, double lr, int epochs) = nullptr;
  std::int64_t (*fewest)() = nullptr;
  std::int64_t (*smoothest)() = nullptr;
  Losses (*load)(Coefficients& c, const ct::Tensor& x, const ct::Tensor& y, std::int64_t batch_size, double lr,
                 int epochs) = nullptr;
  double (*variance)(Coefficients& c, const ct::Tensor& x, const ct::Tensor& y, std::int64_t batch_size, int epochs) = nullptr;
  int (*program)() = nullptr;
};

/// Marks the file, and returns the exit status.
int mark_exercise_02(const MiniBatchFacts& facts, const char* file);

// ---- Parts of the marking ----

/// The exercise's data and start, drawn anew: the learner may have changed them.
struct ParabolaData {
  ParabolaData();
  ct::Tensor x, y;
  Coefficients c;
};
ct::Tensor squared_errors(const Coefficients& c, const ct::Tensor& x, const ct::Tensor& y);

/// Checks 1 to 4: create_mini_batches.
void check_sizes(const MiniBatchFacts& learner);
void check_every_row(const MiniBatchFacts& learner);
void check_pairs(const MiniBatchFacts& learner);
void check_shuffle(const MiniBatchFacts& learner);

/// Checks 5 to 8: train_with_mini_batches.
void check_full_batch(const MiniBatchFacts& learner);
void check_epochs(const MiniBatchFacts& learner);
void check_losses(const MiniBatchFacts& learner);
void check_fit(const MiniBatchFacts& learner);

}  // namespace exercise
