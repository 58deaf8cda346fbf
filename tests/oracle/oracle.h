// tests/oracle/oracle.h -- what libtorch computes for an op: one table for each family, compared sample by sample.
//
// A family file is a table and nothing else:
//
//   #include "oracle/oracle.h"
//   CT_ORACLE(activations) {
//     return {
//         {"relu", [](const Inputs& in, const void*) -> Outputs { return {at::relu(in[0])}; }},
//         {"softplus", [](const Inputs& in, const void* a) -> Outputs {
//            const auto& s = attrs<ct::detail::ScalarAttrs>(a);
//            return {at::softplus(in[0], number(s.s[0]), number(s.s[1]))};
//          }},
//         {"our_own", none("libtorch 1.13 has no counterpart")},
//     };
//   }
//
// For every sample of every op in it, values and gradients (with random cotangents) are compared in float64 and float32;
// the producer's name and whether a second backward works must be the same too;
// values of elementwise ops also in half precision and integers, wherever libtorch computes them and the op claims them.
// compare.cpp fails when a registered op with samples is in no table.
#pragma once

#include <ATen/ATen.h>
// libtorch's logging defines some of doctest's names.
#undef CHECK
#undef CHECK_EQ
#undef CHECK_NE
#undef CHECK_LT
#undef CHECK_LE
#undef CHECK_GT
#undef CHECK_GE
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cotangent/op.h"

namespace oracle {

using Inputs = std::vector<at::Tensor>;
using Outputs = std::vector<at::Tensor>;

/// How far the two may differ, relative to the value (and a thousandth of it relative to the largest one).
struct Tolerance {
  double f64 = 1e-9, f32 = 2e-5;
  double half = 3e-3, bfloat16 = 2e-2;
};

struct Entry {
  const char* op;                                              // ct::Op::name
  Outputs (*run)(const Inputs& in, const void* attrs) = nullptr;
  Tolerance tolerance = {};
  bool gradients = true;                                       // false: libtorch 1.13 differs; say why beside the entry
  const char* reason = nullptr;                                // why there is nothing to compare
  const char* other_graph = nullptr;                           // why node names and saved values differ

  Entry(const char* name, Outputs (*f)(const Inputs&, const void*), Tolerance t = {}, bool g = true)
      : op(name), run(f), tolerance(t), gradients(g) {}
  /// Entry("op", run).graph_differs("..") for ops that libtorch composes or names otherwise.
  Entry graph_differs(const char* why) const {
    Entry e = *this;
    e.other_graph = why;
    return e;
  }
  struct None { const char* reason; };
  Entry(const char* name, None n) : op(name), reason(n.reason) {}
};
inline Entry::None none(const char* reason) { return {reason}; }

template <class A>
const A& attrs(const void* a) { return *static_cast<const A*>(a); }

// Numbers, sizes and dtypes of ours as libtorch's.
at::Scalar number(const ct::Scalar& s);
inline at::IntArrayRef sizes(ct::IntArrayRef s) { return {s.data(), s.size()}; }
at::ScalarType type_of(ct::ScalarType t);
/// A copy with the same dtype, sizes and strides (also overlapping ones).
at::Tensor to_at(const ct::Tensor& t);
ct::Tensor to_ct(const at::Tensor& t);

using Table = std::vector<Entry>;
/// The comparison itself, as doctest checks.
void compare(const Table& table);
/// All tables of the program.
const std::vector<Table (*)()>& tables();

struct Registered {
  explicit Registered(Table (*table)());
};

}  // namespace oracle

#define CT_ORACLE(family)                                                                   \
  static oracle::Table family##_oracle();                                                   \
  static const oracle::Registered family##_registered(family##_oracle);                     \
  DOCTEST_TEST_CASE("libtorch agrees: " #family) { oracle::compare(family##_oracle()); }    \
  using namespace oracle;                                                                   \
  static oracle::Table family##_oracle()
