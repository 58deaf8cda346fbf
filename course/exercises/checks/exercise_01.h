// checks/exercise_01.h -- what the check of exercise 01 knows of the learner's file: whatever of it is there, behind fixed types.
#pragma once

#include <cotangent/cotangent.h>

#include <string>
#include <vector>

namespace exercise {

using Parameters = std::vector<ct::Tensor>;

struct AnyOptimizer {
  virtual ~AnyOptimizer() = default;
  virtual void step() = 0;
  virtual void zero_grad() = 0;
};

/// Null or false: not in the file.
struct SimpleSGDFacts {
  bool complete = false, steps = false, zeroes = false;
  AnyOptimizer* (*make)(const Parameters& parameters, double lr) = nullptr;
  AnyOptimizer* (*make_momentum)(const Parameters& parameters, double lr, double momentum) = nullptr;
  AnyOptimizer* (*make_nesterov)(const Parameters& parameters, double lr, double momentum, bool nesterov) = nullptr;
  std::string (*fastest)() = nullptr;
  int (*program)() = nullptr;
};

/// Marks the file, and returns the exit status.
int mark_exercise_01(const SimpleSGDFacts& facts, const char* file);

// ---- Parts of the marking ----

inline ct::Tensor parameter(std::initializer_list<double> values) { return ct::tensor(values, ct::requires_grad()); }
inline void set_gradient(const ct::Tensor& p, std::initializer_list<double> g) { p.set_grad(ct::tensor(g)); }

// Which lines of step() change parameters, as far as the text tells.
inline const char* const update = "(-=|\\+=|\\bsub_|\\badd_|\\bcopy_|addcmul_|data_ptr)";

/// Check 7: three steps with momentum and with Nesterov's.
void check_momentum(const SimpleSGDFacts& learner);

/// The exercise's data and start, drawn anew: the learner may have changed them.
struct LineData {
  LineData();
  ct::Tensor error() const;  // squared, of each point
  ct::Tensor x, y, w, b;
};
/// The losses of 100 epochs with lr = 0.1.
std::vector<double> right_curve();
/// Whether the first twenty losses agree.
bool begins_like(std::vector<double> a, std::vector<double> b);
/// Says what is wrong with a loop whose losses are y. Does not return.
[[noreturn]] void explain_curve(const std::vector<double>& y);

}  // namespace exercise
