// losses.cpp -- our side of the rows about losses: forward and backward.
#include "losses.h"

#include <cotangent/cotangent.h>
#include <cotangent/nn/functional.h>

namespace bench {

namespace {

double cross_entropy_4096x1000(int threads) {
  ct::set_num_threads(threads);
  ct::Tensor x = ct::randn({4096, 1000}).requires_grad_();
  const ct::Tensor target = ct::randint(1000, {4096}, ct::kLong);
  return 1e3 * time_per_call([&] {
    x.mutable_grad().reset();
    ct::nn::functional::cross_entropy(x, target).backward();
  });
}

}  // namespace

std::vector<Row> loss_rows() {
  return {{"cross_entropy_4096x1000", "ms", Better::lower, {1, 2}, cross_entropy_4096x1000, libtorch_losses().cross_entropy_4096x1000}};
}

}  // namespace bench
