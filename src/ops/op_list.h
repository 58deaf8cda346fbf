// ops/op_list.h -- every family exports the array of its ops; registry.cpp joins them.
#pragma once

#include <span>

#include "cotangent/op.h"

namespace ct {

std::span<const Op* const> activation_ops();
std::span<const Op* const> arithmetic_ops();
std::span<const Op* const> avg_pool_ops();
std::span<const Op* const> compare_ops();
std::span<const Op* const> convolution_ops();
std::span<const Op* const> copy_ops();
std::span<const Op* const> count_ops();
std::span<const Op* const> ctc_loss_ops();
std::span<const Op* const> dim_ops();
std::span<const Op* const> division_ops();
std::span<const Op* const> embedding_ops();
std::span<const Op* const> embedding_bag_ops();
std::span<const Op* const> exponential_ops();
std::span<const Op* const> extrema_ops();
std::span<const Op* const> fused_ops();
std::span<const Op* const> gamma_ops();
std::span<const Op* const> geometry_ops();
std::span<const Op* const> im2col_ops();
std::span<const Op* const> grid_ops();
std::span<const Op* const> index_dim_ops();
std::span<const Op* const> indexing_ops();
std::span<const Op* const> join_ops();
std::span<const Op* const> loss_ops();
std::span<const Op* const> class_loss_ops();
std::span<const Op* const> masked_ops();
std::span<const Op* const> matmul_ops();
std::span<const Op* const> matmul_shape_ops();
std::span<const Op* const> max_pool_ops();
std::span<const Op* const> mean_ops();
std::span<const Op* const> norm_ops();
std::span<const Op* const> padding_ops();
std::span<const Op* const> row_norm_ops();
std::span<const Op* const> batch_norm_ops();
std::span<const Op* const> group_norm_ops();
std::span<const Op* const> pow_ops();
std::span<const Op* const> random_fill_ops();
std::span<const Op* const> random_ops();
std::span<const Op* const> linalg_product_ops();
std::span<const Op* const> linalg_solve_ops();
std::span<const Op* const> linalg_factor_ops();
std::span<const Op* const> linalg_least_squares_ops();
std::span<const Op* const> linalg_function_ops();
std::span<const Op* const> sum_ops();
std::span<const Op* const> variance_ops();
std::span<const Op* const> softmax_ops();
std::span<const Op* const> view_ops();
std::span<const Op* const> scatter_ops();
std::span<const Op* const> split_ops();
std::span<const Op* const> rearrange_ops();
std::span<const Op* const> gru_ops();
std::span<const Op* const> lstm_ops();
std::span<const Op* const> rounding_ops();
std::span<const Op* const> scan_ops();
std::span<const Op* const> select_ops();
std::span<const Op* const> smooth_activation_ops();
std::span<const Op* const> shrink_ops();
std::span<const Op* const> sort_ops();
std::span<const Op* const> special_ops();
std::span<const Op* const> statistics_ops();
std::span<const Op* const> triangle_ops();
std::span<const Op* const> trigonometry_ops();
std::span<const Op* const> upsample_ops();

}  // namespace ct
