// tests/data/data_check.h -- what tests of datasets and loaders share.
#pragma once

#include <string>
#include <vector>

#include "cotangent/cotangent.h"
#include "cotangent/data/dataloader.h"

namespace data_check {

using Places = std::vector<std::size_t>;

inline std::vector<std::int64_t> longs(const ct::Tensor& t) {
  const ct::Tensor c = t.to(ct::kLong).contiguous();
  return {c.data_ptr<std::int64_t>(), c.data_ptr<std::int64_t>() + c.numel()};
}

// All batches of an epoch of a loader of examples that are numbers.
template <class Loader>
std::vector<std::vector<std::int64_t>> epoch(Loader& loader) {
  std::vector<std::vector<std::int64_t>> out;
  for (auto& batch : loader) out.push_back(longs(batch));
  return out;
}
template <class S>
std::vector<Places> batches(S& sampler, std::size_t batch_size) {
  std::vector<Places> out;
  while (auto b = sampler.next(batch_size)) out.push_back(*b);
  return out;
}
template <class S>
Places all(S sampler) {
  sampler.reset(std::nullopt);
  Places out;
  while (auto b = sampler.next(7)) out.insert(out.end(), b->begin(), b->end());
  return out;
}

template <class E = ct::Error, class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "no error";
}
inline bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace data_check
