// plot/tensor_values.cpp -- tensors as the numbers of a figure.
#include "cotangent/autograd.h"
#include "cotangent/plot.h"

namespace ct {

std::vector<double> plot_values(const Tensor& t) {
  CT_CHECK_VALUE(t.defined(), "plot: the tensor is undefined");
  const Tensor dense = t.detach().to(kDouble).contiguous();
  const double* x = dense.data_ptr<double>();
  return {x, x + dense.numel()};
}

plot::Grid plot_grid(const Tensor& t) {
  CT_CHECK_VALUE(t.defined() && t.dim() == 2, "plot: an image needs a tensor with 2 dimensions, got ", t.defined() ? t.dim() : 0);
  return plot::Grid(t.size(0), t.size(1), plot_values(t));
}

}  // namespace ct
