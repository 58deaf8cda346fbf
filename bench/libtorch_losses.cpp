// libtorch_losses.cpp -- libtorch's side of the rows about losses.
#include "losses.h"

#ifdef CT_HAVE_LIBTORCH
#include <torch/torch.h>

#include "libtorch_threads.h"
#endif

namespace bench {

#ifdef CT_HAVE_LIBTORCH

namespace {

double cross_entropy_4096x1000(int threads) {
  use_threads(threads);
  torch::Tensor x = torch::randn({4096, 1000}).requires_grad_();
  const torch::Tensor target = torch::randint(1000, {4096}, torch::kLong);
  return 1e3 * time_per_call([&] {
    x.mutable_grad().reset();
    torch::nn::functional::cross_entropy(x, target).backward();
  });
}

}  // namespace

LibtorchLosses libtorch_losses() {
  LibtorchLosses t;
  t.cross_entropy_4096x1000 = cross_entropy_4096x1000;
  return t;
}

#else

LibtorchLosses libtorch_losses() { return {}; }

#endif

}  // namespace bench
