// nn/text.h -- values in the texts of modules, as Python writes them.
#pragma once

#include <string>
#include <typeinfo>

#include "cotangent/array_ref.h"
#include "cotangent/error.h"
#include "cotangent/print.h"

namespace ct::nn {

inline const char* python(bool b) { return b ? "True" : "False"; }
inline std::string python(double v) { return ct::detail::print_text({v}); }
/// "(3, 3)", "(3,)"
inline std::string tuple(IntArrayRef v) {
  std::string out = "(";
  for (std::size_t i = 0; i < v.size(); ++i) out += ct::detail::join({i ? ", " : "", v[i]});
  return out += v.size() == 1 ? ",)" : ")";
}

/// "std::tuple<ct::Tensor, ct::Tensor>"
std::string type_name(const std::type_info& type);

}  // namespace ct::nn
