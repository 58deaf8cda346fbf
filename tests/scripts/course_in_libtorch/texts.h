// texts.h -- how Cotangent writes values, for programs that compute with libtorch: raw memory in, text out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace texts {

/// A strided array of an element type called as both libraries call it ("Float", "Long"), and what is known of its gradient.
struct Array {
  const void* data = nullptr;
  std::vector<std::int64_t> sizes, strides;
  std::string dtype;
  bool requires_grad = false;
  std::string made_by;  // name of the node; empty for leaves
};
std::string tensor(const Array& a);
std::string dtype(const std::string& name);
std::string sizes(const std::vector<std::int64_t>& s);
std::string number(double v);
std::string number(float v);
std::string numbers(const std::vector<double>& v);
std::string numbers(const std::vector<float>& v);
/// ct::print's line of parts that are texts already.
void print(const std::string& line);

}  // namespace texts
