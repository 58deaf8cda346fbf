// ops/registry.cpp -- all ops in one list, for tests and tools. The engine does not need it.
#include "ops/op_list.h"

namespace ct {

std::vector<const Op*> all_ops() {
  std::vector<const Op*> out;
  for (std::span<const Op* const> family : {
           arithmetic_ops(),
           copy_ops(),
           geometry_ops(),
           matmul_ops(),
           matmul_shape_ops(),
           random_fill_ops(),
           random_ops(),
           sum_ops(),
           mean_ops(),
           extrema_ops(),
           variance_ops(),
           norm_ops(),
           softmax_ops(),
           view_ops(),
           dim_ops(),
           indexing_ops(),
           scatter_ops(),
           masked_ops(),
           split_ops(),
           rearrange_ops(),
           triangle_ops(),
           index_dim_ops(),
           join_ops(),
           scan_ops(),
           sort_ops(),
           count_ops(),
           statistics_ops(),
       })
    out.insert(out.end(), family.begin(), family.end());
  return out;
}

}  // namespace ct
