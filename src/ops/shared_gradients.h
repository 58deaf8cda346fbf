// ops/shared_gradients.h -- one computation that gives the gradients of several inputs of a call.
#pragma once

#include <vector>

#include "cotangent/op.h"

namespace ct::detail {

// A rule is called for each input that wants a gradient, in order. The first call computes all and leaves it for the others.
template <class Gradients, class F>
Gradients shared_gradients(const Saved& s, int arg, int inputs, const F& compute) {
  struct Left {
    const Saved* of;
    Gradients gradients;
  };
  static thread_local std::vector<Left> left;
  int first = 0, last = inputs - 1;
  while (first < arg && !s.needs(first)) ++first;
  while (last > arg && !s.needs(last)) --last;
  const auto find = [&] {
    std::size_t i = left.size();
    while (i > 0 && left[i - 1].of != &s) --i;
    return i;  // 0 if there is none, else its place plus 1
  };
  const auto take = [&](std::size_t i) { left.erase(left.begin() + static_cast<std::ptrdiff_t>(i) - 1); };
  if (arg != first)
    if (const std::size_t i = find()) {
      Gradients found = left[i - 1].gradients;
      if (arg == last) take(i);
      return found;
    }
  Gradients found = compute();
  while (const std::size_t i = find()) take(i);  // left behind by an error
  if (arg != last) left.push_back({&s, found});
  return found;
}

}  // namespace ct::detail
