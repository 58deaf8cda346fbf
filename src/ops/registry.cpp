// ops/registry.cpp -- all ops in one list, for tests and tools. The engine does not need it.
#include "ops/op_list.h"

namespace ct {

std::vector<const Op*> all_ops() {
  std::vector<const Op*> out;
  for (std::span<const Op* const> family : {
           activation_ops(),
           arithmetic_ops(),
           avg_pool_ops(),
           compare_ops(),
           convolution_ops(),
           copy_ops(),
           count_ops(),
           dim_ops(),
           division_ops(),
           embedding_ops(),
           exponential_ops(),
           extrema_ops(),
           fused_ops(),
           gamma_ops(),
           geometry_ops(),
           im2col_ops(),
           grid_ops(),
           index_dim_ops(),
           indexing_ops(),
           join_ops(),
           loss_ops(),
           class_loss_ops(),
           masked_ops(),
           matmul_ops(),
           matmul_shape_ops(),
           max_pool_ops(),
           mean_ops(),
           norm_ops(),
           padding_ops(),
           row_norm_ops(),
           batch_norm_ops(),
           group_norm_ops(),
           pow_ops(),
           random_fill_ops(),
           random_ops(),
           linalg_product_ops(),
           linalg_solve_ops(),
           linalg_factor_ops(),
           linalg_least_squares_ops(),
           linalg_function_ops(),
           sum_ops(),
           variance_ops(),
           softmax_ops(),
           view_ops(),
           scatter_ops(),
           split_ops(),
           rearrange_ops(),
           rnn_ops(),
           rounding_ops(),
           scan_ops(),
           select_ops(),
           smooth_activation_ops(),
           sort_ops(),
           special_ops(),
           statistics_ops(),
           triangle_ops(),
           trigonometry_ops(),
           upsample_ops(),
       })
    out.insert(out.end(), family.begin(), family.end());
  return out;
}

}  // namespace ct
