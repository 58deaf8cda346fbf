// tests/values.h -- elements of a tensor as plain numbers, and the text of an error: what hand-written tests compare.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "cotangent/autograd.h"

// The elements in row-major order, read through pointers.
inline std::vector<double> values(const ct::Tensor& t) {
  std::vector<double> out;
  const ct::Tensor d = t.detach().to(ct::kDouble);
  std::vector<std::int64_t> at(static_cast<std::size_t>(d.dim()));
  for (std::int64_t i = 0; i < d.numel(); ++i) {
    std::int64_t rest = i, offset = 0;
    for (std::size_t k = at.size(); k-- > 0; rest /= d.sizes()[k]) offset += rest % d.sizes()[k] * d.strides()[k];
    out.push_back(d.data_ptr<double>()[offset]);
  }
  return out;
}

inline std::string name_of(const ct::Tensor& t) { return t.grad_fn() ? t.grad_fn()->name() : "none"; }

// The message of the error that f throws, or "no error".
template <class E = ct::Error, class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "no error";
}
inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

#define CHECK_VALUES(t, ...) CHECK(values(t) == std::vector<double>(__VA_ARGS__))
#define CHECK_SIZES(t, ...) CHECK((t).sizes().vec() == std::vector<std::int64_t>(__VA_ARGS__))
#define CHECK_ERROR(expression, part)                                \
  do {                                                               \
    const std::string message = error_of([&] { expression; });       \
    CHECK_MESSAGE(has(message, part), message);                      \
  } while (0)
