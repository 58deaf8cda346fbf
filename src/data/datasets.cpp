// data/datasets.cpp -- datasets of tensors, parts of datasets, stacking.
#include "cotangent/data/datasets.h"

#include <cmath>

#include "cotangent/data/transforms.h"

namespace ct::data {

static_assert(sizeof(std::size_t) == sizeof(std::int64_t) || sizeof(std::size_t) == 4);

Tensor detail::rows(const Tensor& t, ArrayRef<std::size_t> indices) {
  const auto n = static_cast<std::int64_t>(indices.size());
  if constexpr (sizeof(std::size_t) == sizeof(std::int64_t)) {
    return index_select(t, 0, from_blob(const_cast<std::size_t*>(indices.data()), {n}, kLong));
  } else {
    return index_select(t, 0, tensor(std::vector<std::int64_t>(indices.begin(), indices.end()), kLong));
  }
}
Tensor detail::row(const Tensor& t, std::size_t index) {
  CT_CHECK_INDEX(index < static_cast<std::size_t>(t.size(0)), "TensorDataset: index ", index, " is out of range for ", t.size(0), " examples");
  return t[static_cast<std::int64_t>(index)];
}

Tensor transforms::detail::channels(ArrayRef<double> v) { return tensor(v, kFloat).unsqueeze(1).unsqueeze(2); }
Tensor transforms::detail::stack(std::vector<Tensor> tensors) { return ct::stack(tensors); }

namespace datasets {

namespace {
std::size_t rows_of(const Tensor& t) {
  CT_CHECK(t.defined(), "TensorDataset: a tensor is undefined");
  CT_CHECK(t.dim() > 0, "TensorDataset: a tensor without dimensions has no rows");
  return static_cast<std::size_t>(t.size(0));
}
void same_rows(const Tensor& a, const Tensor& b) {
  CT_CHECK(rows_of(a) == rows_of(b), "TensorDataset: Size mismatch between tensors: ", rows_of(a), " and ", rows_of(b), " rows");
}
}  // namespace

TensorDataset::TensorDataset(const std::vector<Tensor>& tensors) : TensorDataset(ct::stack(tensors)) {}
TensorDataset::TensorDataset(Tensor t) : tensor(std::move(t)) { rows_of(tensor); }
TensorExample TensorDataset::get(std::size_t index) { return data::detail::row(tensor, index); }
std::optional<std::size_t> TensorDataset::size() const { return rows_of(tensor); }
TensorExample TensorDataset::get_stacked(ArrayRef<std::size_t> indices) { return data::detail::rows(tensor, indices); }

TensorPairDataset::TensorPairDataset(Tensor data_, Tensor target_) : data(std::move(data_)), target(std::move(target_)) { same_rows(data, target); }
Example<> TensorPairDataset::get(std::size_t index) { return {data::detail::row(data, index), data::detail::row(target, index)}; }
std::optional<std::size_t> TensorPairDataset::size() const { return rows_of(data); }
Example<> TensorPairDataset::get_stacked(ArrayRef<std::size_t> indices) { return {data::detail::rows(data, indices), data::detail::rows(target, indices)}; }

TensorListDataset::TensorListDataset(std::vector<Tensor> t) : tensors(std::move(t)) {
  CT_CHECK(!tensors.empty(), "TensorDataset: there are no tensors");
  for (const Tensor& x : tensors) same_rows(tensors[0], x);
}
std::vector<Tensor> TensorListDataset::get(std::size_t index) {
  std::vector<Tensor> out;
  for (const Tensor& t : tensors) out.push_back(data::detail::row(t, index));
  return out;
}
std::optional<std::size_t> TensorListDataset::size() const { return rows_of(tensors[0]); }
std::vector<Tensor> TensorListDataset::get_stacked(ArrayRef<std::size_t> indices) {
  std::vector<Tensor> out;
  for (const Tensor& t : tensors) out.push_back(data::detail::rows(t, indices));
  return out;
}

void detail::throw_no_state() { CT_THROW(not_implemented, "StatefulDataset: this dataset has no save() and load()"); }

std::vector<std::size_t> detail::chosen(const std::vector<std::size_t>& indices, ArrayRef<std::size_t> request) {
  std::vector<std::size_t> out;
  out.reserve(request.size());
  for (const std::size_t i : request) {
    CT_CHECK_INDEX(i < indices.size(), "Subset: index ", i, " is out of range for ", indices.size(), " examples");
    out.push_back(indices[i]);
  }
  return out;
}

std::vector<std::vector<std::size_t>> detail::random_parts(std::optional<std::size_t> size, ArrayRef<double> lengths,
                                                          const std::optional<Generator>& generator) {
  CT_CHECK(size.has_value(), "random_split: the dataset has no size");
  double sum = 0;
  for (const double l : lengths) sum += l;
  std::vector<std::size_t> parts;
  if (sum <= 1 && std::fabs(sum - 1) <= 1e-9) {  // fractions: rounded down, and one more each from the first on
    std::size_t left = *size;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      CT_CHECK_VALUE(lengths[i] >= 0 && lengths[i] <= 1, "random_split: Fraction at index ", i, " is not between 0 and 1");
      parts.push_back(static_cast<std::size_t>(std::floor(static_cast<double>(*size) * lengths[i])));
      left -= parts.back();
    }
    for (std::size_t i = 0; i < left; ++i) ++parts[i % parts.size()];
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (parts[i] == 0) warn(ct::detail::join({"random_split: Length of split at index ", i, " is 0. This might result in an empty dataset."}));
  } else {
    CT_CHECK_VALUE(sum == static_cast<double>(*size), "random_split: Sum of input lengths does not equal the length of the input dataset! (", sum, " and ", *size, ")");
    for (const double l : lengths) {
      CT_CHECK_VALUE(l >= 0 && l == std::floor(l), "random_split: a length must be a whole number that is not negative, but got ", l);
      parts.push_back(static_cast<std::size_t>(l));
    }
  }
  const Tensor order = randperm(static_cast<std::int64_t>(*size), generator);
  const auto* p = order.data_ptr<std::int64_t>();
  std::vector<std::vector<std::size_t>> out;
  for (const std::size_t n : parts) {
    out.emplace_back(p, p + n);
    p += n;
  }
  return out;
}

}  // namespace datasets
}  // namespace ct::data
