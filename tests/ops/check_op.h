// tests/ops/check_op.h -- what every op must satisfy, checked from its table entry alone. Used on all registered ops
// (the files beside) and on deliberately wrong ones (test_the_tester.cpp).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "op_samples.h"

namespace op_check {

struct Report {
  std::vector<std::string> failures;
  std::map<std::string, std::vector<std::string>> skipped;  // reason -> ops
  int samples = 0, checks = 0;

  void expect(bool ok, const std::string& what) {
    ++checks;
    if (!ok) failures.push_back(what);
  }
};

// Each looks at one sample of the op (float64 inputs, or index tensors); `where` begins its failures.
using Check = void(const ct::Op& op, const op_samples::Sample& s, const std::string& where, Report& r);
Check derivatives;       // central differences: gradient, gradient of the gradient, and the product with a tangent
Check layouts;           // transposed, strided, offset and expanded inputs change neither values nor gradients
Check dtypes;            // every dtype claimed computes, close to float64
Check in_place;          // the in-place form of elementwise and writing ops: value, gradient, node, version
Check saving;            // a second backward fails exactly when something was saved
Check views;             // an output that is a view shares memory, and writing through it is differentiable
Check strange_inputs;    // inputs of other shapes and dtypes compute or give ct::Error; sanitizers watch
Check undefined_inputs;  // an undefined input gives ct::Error
Check forward_mode;      // <w, J t> = <J^T w, t>
Check vmap_against_loop; // every mix of batched and unbatched inputs: values, gradients, tangents
Check higher_orders;     // forward over reverse, reverse over reverse, third order
Check in_place_transforms;  // the in-place form under forward mode, vmap and twice differentiated

// The table entry itself: name, formula, samples or a reason.
void entry(const ct::Op& op, Report& r);
// One check on all samples of an op.
void run(const ct::Op& op, Check* check, Report& r);
// One check on all registered ops, as doctest checks.
void on_all_ops(Check* check);

}  // namespace op_check
