// texts.cpp -- the only part of the comparison that sees Cotangent's tensors: it writes libtorch's values as we write ours.
#include "texts.h"

#include <cotangent/cotangent.h>

namespace texts {
namespace {

ct::ScalarType type_called(const std::string& name) {
  for (int t = 0; t < ct::num_dtypes; ++t)
    if (name == ct::toString(static_cast<ct::ScalarType>(t))) return static_cast<ct::ScalarType>(t);
  return ct::ScalarType::Undefined;
}

}  // namespace

std::string tensor(const Array& a) {
  const ct::ScalarType type = type_called(a.dtype);
  if (type == ct::ScalarType::Undefined) return "tensor(of " + a.dtype + ")";
  // An empty tensor may have no memory.
  ct::Tensor t = a.data ? ct::from_blob(const_cast<void*>(a.data), a.sizes, a.strides, type) : ct::empty(a.sizes, type);
  if (a.made_by.empty()) return ct::to_string(a.requires_grad ? t.detach().requires_grad_() : t);
  std::string text = ct::to_string(t);
  if (!text.empty() && text.back() == ')') text.pop_back();
  return text + ", grad_fn=<" + a.made_by + ">)";
}
std::string dtype(const std::string& name) { return ct::detail::print_text({type_called(name)}); }
std::string sizes(const std::vector<std::int64_t>& s) { return ct::to_string(ct::IntArrayRef(s)); }
std::string number(double v) { return ct::detail::print_text({v}); }
std::string number(float v) { return ct::detail::print_text({v}); }
std::string numbers(const std::vector<double>& v) { return ct::detail::print_text({v}); }
std::string numbers(const std::vector<float>& v) { return ct::detail::print_text({v}); }
void print(const std::string& line) { ct::print(line); }

}  // namespace texts
