// libtorch_recurrent.cpp -- libtorch's side of the rows about recurrent layers.
#include "recurrent.h"

#ifdef CT_HAVE_LIBTORCH
#include <torch/torch.h>

#include "libtorch_threads.h"
#endif

namespace bench {

#ifdef CT_HAVE_LIBTORCH

namespace {

template <class Layer>
double training_step(Layer layer, int threads) {
  use_threads(threads);
  torch::optim::SGD optimizer(layer->parameters(), torch::optim::SGDOptions(0.01));
  const torch::Tensor x = torch::randn({64, 16, 128}), target = torch::randn({64, 16, 128});
  return 1e3 * time_per_call([&] {
    optimizer.zero_grad();
    torch::nn::functional::mse_loss(std::get<0>(layer(x)), target).backward();
    optimizer.step();
  });
}
double lstm_step(int threads) { return training_step(torch::nn::LSTM(torch::nn::LSTMOptions(128, 128).num_layers(2)), threads); }
double gru_step(int threads) { return training_step(torch::nn::GRU(torch::nn::GRUOptions(128, 128).num_layers(2)), threads); }

}  // namespace

LibtorchRecurrent libtorch_recurrent() {
  LibtorchRecurrent t;
  t.lstm_step = lstm_step;
  t.gru_step = gru_step;
  return t;
}

#else

LibtorchRecurrent libtorch_recurrent() { return {}; }

#endif

}  // namespace bench
