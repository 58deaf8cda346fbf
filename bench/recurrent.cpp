// recurrent.cpp -- our side of the rows about recurrent layers: one training step of two layers over 64 steps of 16 sequences.
#include "recurrent.h"

#include <cotangent/cotangent.h>
#include <cotangent/nn/functional.h>
#include <cotangent/nn/rnn.h>
#include <cotangent/optim.h>

namespace bench {

namespace {

template <class Layer>
double training_step(Layer layer, int threads) {
  ct::set_num_threads(threads);
  ct::optim::SGD optimizer(layer->parameters(), ct::optim::SGDOptions(0.01));
  const ct::Tensor x = ct::randn({64, 16, 128}), target = ct::randn({64, 16, 128});
  return 1e3 * time_per_call([&] {
    optimizer.zero_grad();
    ct::nn::functional::mse_loss(std::get<0>(layer(x)), target).backward();
    optimizer.step();
  });
}
double lstm_step(int threads) { return training_step(ct::nn::LSTM(ct::nn::LSTMOptions(128, 128).num_layers(2)), threads); }
double gru_step(int threads) { return training_step(ct::nn::GRU(ct::nn::GRUOptions(128, 128).num_layers(2)), threads); }

}  // namespace

std::vector<Row> recurrent_rows() {
  const LibtorchRecurrent other = libtorch_recurrent();
  return {{"lstm_step", "ms", Better::lower, {1, 2}, lstm_step, other.lstm_step}, {"gru_step", "ms", Better::lower, {1, 2}, gru_step, other.gru_step}};
}

}  // namespace bench
