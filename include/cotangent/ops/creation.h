// cotangent/ops/creation.h -- new tensors: constants, ranges, random numbers, the caller's own memory.
#pragma once

#include <optional>
#include <vector>

#include "cotangent/array_ref.h"
#include "cotangent/generator.h"
#include "cotangent/options.h"
#include "cotangent/scalar.h"

namespace ct {

class Tensor;
using TensorList = ArrayRef<Tensor>;

// Options not given are the default dtype and the CPU; the *_like forms take those of `self`, never its requires_grad.
CT_API Tensor empty(IntArrayRef size, const TensorOptions& options = {});
CT_API Tensor zeros(IntArrayRef size, const TensorOptions& options = {});
CT_API Tensor ones(IntArrayRef size, const TensorOptions& options = {});
CT_API Tensor full(IntArrayRef size, const Scalar& fill_value, const TensorOptions& options = {});
CT_API Tensor empty_like(const Tensor& self, const TensorOptions& options = {});
CT_API Tensor zeros_like(const Tensor& self, const TensorOptions& options = {});
CT_API Tensor ones_like(const Tensor& self, const TensorOptions& options = {});
CT_API Tensor full_like(const Tensor& self, const Scalar& fill_value, const TensorOptions& options = {});
CT_API Tensor empty_strided(IntArrayRef size, IntArrayRef stride, const TensorOptions& options = {});
CT_API Tensor scalar_tensor(const Scalar& s, const TensorOptions& options = {});
CT_API Tensor eye(std::int64_t n, const TensorOptions& options = {});
CT_API Tensor eye(std::int64_t n, std::int64_t m, const TensorOptions& options = {});
CT_API Tensor arange(const Scalar& end, const TensorOptions& options = {});
CT_API Tensor arange(const Scalar& start, const Scalar& end, const TensorOptions& options = {});
CT_API Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, const TensorOptions& options = {});
CT_API Tensor linspace(const Scalar& start, const Scalar& end, std::int64_t steps, const TensorOptions& options = {});
CT_API Tensor logspace(const Scalar& start, const Scalar& end, std::int64_t steps, double base = 10.0, const TensorOptions& options = {});

CT_API Tensor rand(IntArrayRef size, const TensorOptions& options = {});
CT_API Tensor rand(IntArrayRef size, std::optional<Generator> generator, const TensorOptions& options = {});
CT_API Tensor randn(IntArrayRef size, const TensorOptions& options = {});
CT_API Tensor randn(IntArrayRef size, std::optional<Generator> generator, const TensorOptions& options = {});
CT_API Tensor rand_like(const Tensor& self, const TensorOptions& options = {});
CT_API Tensor randn_like(const Tensor& self, const TensorOptions& options = {});
CT_API Tensor randint(std::int64_t high, IntArrayRef size, const TensorOptions& options = {});
CT_API Tensor randint(std::int64_t low, std::int64_t high, IntArrayRef size, const TensorOptions& options = {});
CT_API Tensor randint(std::int64_t low, std::int64_t high, IntArrayRef size, std::optional<Generator> generator, const TensorOptions& options = {});
CT_API Tensor randperm(std::int64_t n, const TensorOptions& options = {});
CT_API Tensor randperm(std::int64_t n, std::optional<Generator> generator, const TensorOptions& options = {});
CT_API Tensor normal(const Tensor& mean, double std = 1, std::optional<Generator> generator = std::nullopt);
CT_API Tensor normal(double mean, const Tensor& std, std::optional<Generator> generator = std::nullopt);
CT_API Tensor normal(const Tensor& mean, const Tensor& std, std::optional<Generator> generator = std::nullopt);
CT_API Tensor normal(double mean, double std, IntArrayRef size, std::optional<Generator> generator = std::nullopt, const TensorOptions& options = {});
CT_API Tensor bernoulli(const Tensor& self, std::optional<Generator> generator = std::nullopt);
CT_API Tensor bernoulli(const Tensor& self, double p, std::optional<Generator> generator = std::nullopt);
CT_API Tensor multinomial(const Tensor& self, std::int64_t num_samples, bool replacement = false, std::optional<Generator> generator = std::nullopt);
CT_API Tensor poisson(const Tensor& self, std::optional<Generator> generator = std::nullopt);

namespace detail {
CT_API Tensor from_blob(void* data, IntArrayRef sizes, const IntArrayRef* strides, void (*deleter)(void*), void* context, const TensorOptions& options);
}

}  // namespace ct
