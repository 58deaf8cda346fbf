// kernels/cpu/random.h -- filling memory with random numbers, in PyTorch's order and to the same bits.
//
// Distributions draw from one stream, so these loops are serial. The caller holds the generator's mutex.
#pragma once

#include "core/random.h"
#include "kernels/kernel.h"

namespace ct::kernels {

// Operand 0 is written; operand 1, where there is one, is read. Elements are visited in the order in which operand 0 lies in
// memory, which for a transposed tensor is not the order of its indices.
using detail::GeneratorImpl;
using detail::MersenneTwister;

// U(from, to); half precision draws as many bits as it can hold.
void fill_uniform(const Strided& s, MersenneTwister& g, double from, double to);
// N(mean, std^2). `dense`: operand 0 is contiguous; then 16 or more elements are made in blocks.
void fill_normal(const Strided& s, GeneratorImpl& g, double mean, double std, bool dense, std::int64_t n);
// exp(N(mean, std^2))
void fill_log_normal(const Strided& s, GeneratorImpl& g, double mean, double std);
// 1 with probability p, else 0.
void fill_bernoulli(const Strided& s, MersenneTwister& g, double p);
// The same with the probabilities in operand 1.
void fill_bernoulli_each(const Strided& s, MersenneTwister& g);
// Density lambda exp(-lambda x): -ln(1 - u) / lambda
void fill_exponential(const Strided& s, MersenneTwister& g, double lambda);
// median + sigma tan(pi (u - 1/2))
void fill_cauchy(const Strided& s, MersenneTwister& g, double median, double sigma);
// Trials until the first success: ceil(ln u / ln(1 - p))
void fill_geometric(const Strided& s, MersenneTwister& g, double p);
// Whole numbers from + (draw mod range); range 0 stands for 2^64.
void fill_integers(const Strided& s, MersenneTwister& g, std::int64_t from, std::uint64_t range);
// Whole numbers over all that the dtype can count exactly.
void fill_any_integer(const Strided& s, MersenneTwister& g);
// Poisson numbers with the rates in operand 1.
void fill_poisson(const Strided& s, MersenneTwister& g);

}  // namespace ct::kernels
