// tests/op_samples.h -- the samples of an op as a list, drawn deterministically: shared by the generated tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "cotangent/autograd.h"
#include "cotangent/op.h"

namespace op_samples {

// Uniform numbers from a seed of its own, so that tests depend on no generator of the library (xorshift64*).
class Random {
 public:
  explicit Random(std::uint64_t seed = 20240229) : state_(seed) {}
  double uniform(double low, double high) {
    state_ ^= state_ >> 12, state_ ^= state_ << 25, state_ ^= state_ >> 27;
    return low + (high - low) * static_cast<double>((state_ * 0x2545F4914F6CDD1Dull) >> 11) * 0x1p-53;
  }

 private:
  std::uint64_t state_;
};

inline ct::Tensor uniform(Random& random, ct::IntArrayRef sizes, double low, double high) {
  ct::Tensor t = ct::empty(sizes, ct::kDouble);
  double* p = t.data_ptr<double>();
  for (std::int64_t i = 0; i < t.numel(); ++i) p[i] = random.uniform(low, high);
  return t;
}

// One call of an op.
struct Sample {
  std::vector<ct::Tensor> in;
  std::vector<std::uint64_t> attrs;  // bytes, aligned for any struct
  std::uint32_t attrs_size = 0;

  const void* attrs_data() const { return attrs_size ? attrs.data() : nullptr; }
};

// Runs the op on a sample's attributes and other inputs; one or several outputs.
inline std::vector<ct::Tensor> run(const ct::Op& op, const Sample& s, const std::vector<ct::Tensor>& in) {
  std::vector<const ct::Tensor*> p;
  for (const ct::Tensor& t : in) p.push_back(&t);
  const int n = static_cast<int>(p.size());
  if (op.forward_multi) return ct::detail::apply_multi(op, p.data(), n, s.attrs_data(), s.attrs_size);
  return {ct::detail::apply(op, p.data(), n, s.attrs_data(), s.attrs_size)};
}

class Collector final : public ct::SampleSink {
 public:
  ct::Tensor uniform(ct::IntArrayRef sizes, double low = -2, double high = 2) override {
    return op_samples::uniform(random_, sizes, low, high);
  }
  void call(const std::vector<ct::Tensor>& inputs, const void* attrs, std::uint32_t size) override {
    Sample s;
    s.in = inputs;
    s.attrs_size = size;
    s.attrs.resize((size + 7) / 8);
    if (size) std::memcpy(s.attrs.data(), attrs, size);
    samples.push_back(std::move(s));
  }
  std::vector<Sample> samples;

 private:
  Random random_;
};

// How many tensors an elementwise op without samples takes, or 0 if its block does not tell.
inline int arity(const ct::Op& op) {
  if (op.arity) return op.arity;
  if (op.promote == ct::Promote::condition) return 3;
  if (!op.node) return 0;
  return op.save[2] ? 3 : op.save[1] ? 2 : 1;
}

// The samples of an op: its own, or for elementwise ops without them the usual shapes drawn from `domain`.
inline std::vector<Sample> of(const ct::Op& op) {
  Collector sink;
  if (op.samples) {
    op.samples(sink);
    return sink.samples;
  }
  if (op.kind != ct::OpKind::elementwise || op.untested) return {};
  const int n = arity(op);
  const std::vector<std::vector<std::int64_t>> shapes[3][6] = {
      {{{3, 4}}, {{}}, {{0, 3}}, {{7}}, {{2, 1, 3}}, {{1}}},
      {{{3, 4}, {3, 4}}, {{3, 1}, {4}}, {{}, {2, 3}}, {{2, 0}, {1, 1}}, {{}, {}}, {{2, 1, 3}, {4, 1}}},
      {{{3, 4}, {3, 4}, {3, 4}}, {{3, 1}, {4}, {}}, {{}, {2, 3}, {3}}, {{2, 0}, {1, 1}, {0}}, {{}, {}, {}}, {{3}, {2, 1, 1}, {4, 1}}}};
  if (n < 1 || n > 3) return {};
  for (const auto& call : shapes[n - 1]) {
    std::vector<ct::Tensor> in;
    for (int i = 0; i < n; ++i) {
      const auto k = static_cast<std::size_t>(i);
      in.push_back(sink.uniform(call[k], op.domain[i].low, op.domain[i].high));
      if (i == 0 && op.promote == ct::Promote::condition) {  // a condition: true where the number is positive
        ct::Tensor c = ct::empty(call[k], ct::kBool);
        for (std::int64_t j = 0; j < c.numel(); ++j) c.data_ptr<bool>()[j] = in[0].data_ptr<double>()[j] > 0;
        in[0] = c;
      }
    }
    sink.call(in, nullptr, 0);
  }
  return sink.samples;
}

}  // namespace op_samples
