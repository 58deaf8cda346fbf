// Networks as libtorch's users write them: sequences of layers, options, containers, any modules, functions with options.
#include <torch/torch.h>

#include <cstdio>
#include <vector>

namespace nn = torch::nn;
namespace F = torch::nn::functional;

static void print(const char* what, const torch::Tensor& t) {
  std::printf("%-14s", what);
  for (const auto n : t.sizes()) std::printf(" %d", static_cast<int>(n));
  std::printf(": %.4f %.4f\n", t.detach().to(torch::kDouble).abs().sum().item<double>(), t.detach().to(torch::kDouble).norm().item<double>());
}

struct GeneratorImpl : nn::Module {
  explicit GeneratorImpl(int noise)
      : conv1(nn::ConvTranspose2dOptions(noise, 16, 4).bias(false)),
        norm1(16),
        conv2(nn::ConvTranspose2dOptions(16, 8, 3).stride(2).padding(1).bias(false)),
        norm2(8),
        conv3(nn::ConvTranspose2dOptions(8, 1, 4).stride(2).padding(1)) {
    register_module("conv1", conv1);
    register_module("conv2", conv2);
    register_module("conv3", conv3);
    register_module("norm1", norm1);
    register_module("norm2", norm2);
  }
  torch::Tensor forward(torch::Tensor x) {
    x = torch::relu(norm1(conv1(x)));
    x = torch::relu(norm2(conv2(x)));
    return torch::tanh(conv3(x));
  }
  nn::ConvTranspose2d conv1;
  nn::BatchNorm2d norm1;
  nn::ConvTranspose2d conv2;
  nn::BatchNorm2d norm2;
  nn::ConvTranspose2d conv3;
};
TORCH_MODULE(Generator);

struct Two : nn::Module {
  torch::Tensor forward(torch::Tensor a, torch::Tensor b) { return a * 2 + b; }
};

int main() {
  torch::manual_seed(3);
  Generator generator(10);
  nn::Sequential discriminator(
      nn::Conv2d(nn::Conv2dOptions(1, 8, 4).stride(2).padding(1).bias(false)), nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.2)),
      nn::Conv2d(nn::Conv2dOptions(8, 16, 4).stride(2).padding(1).bias(false)), nn::BatchNorm2d(16),
      nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.2)), nn::Conv2d(nn::Conv2dOptions(16, 1, 3).stride(1).padding(0)), nn::Sigmoid());
  torch::optim::Adam optimizer(discriminator->parameters(), torch::optim::AdamOptions(2e-4).betas(std::make_tuple(0.5, 0.5)));
  for (int step = 0; step < 2; ++step) {
    discriminator->zero_grad();
    auto fake = generator->forward(torch::randn({4, 10, 1, 1}));
    auto judged = discriminator->forward(fake.detach());
    auto loss = torch::binary_cross_entropy(judged, torch::empty(judged.sizes()).uniform_(0.8, 1.0));
    loss.backward();
    optimizer.step();
    print("fake", fake);
    print("loss", loss);
  }

  nn::Sequential named({{"conv", nn::Conv1d(nn::Conv1dOptions(3, 4, 3).padding(torch::kSame).padding_mode(torch::kCircular))},
                        {"pool", nn::MaxPool1d(nn::MaxPool1dOptions(2).stride(2))}, {"flat", nn::Flatten()}, {"out", nn::Linear(16, 2)}});
  print("named", named->forward(torch::randn({2, 3, 8})));
  for (const auto& pair : named->named_children()) std::printf("%s ", pair.key().c_str());
  std::printf("\n");

  nn::LSTM lstm(nn::LSTMOptions(5, 6).num_layers(2).batch_first(true).bidirectional(true));
  torch::Tensor output;
  std::tuple<torch::Tensor, torch::Tensor> state;
  std::tie(output, state) = lstm->forward(torch::randn({2, 7, 5}));
  print("lstm", output);
  print("cell", std::get<1>(state));
  nn::GRU gru(nn::GRUOptions(5, 6));
  print("gru", std::get<0>(gru->forward(torch::randn({7, 2, 5}))));
  nn::MultiheadAttention attention(nn::MultiheadAttentionOptions(8, 2).dropout(0.0));
  const auto q = torch::randn({4, 2, 8});
  print("attention", std::get<0>(attention->forward(q, q, q)));
  nn::TransformerEncoderLayer layer(nn::TransformerEncoderLayerOptions(8, 2).dim_feedforward(16).dropout(0.0));
  nn::TransformerEncoder encoder(nn::TransformerEncoderOptions(layer, 2));
  print("transformer", encoder->forward(q));

  nn::ModuleList list(nn::Linear(4, 4), nn::Dropout(0.5), nn::LayerNorm(nn::LayerNormOptions({4}).eps(1e-4)));
  auto x = torch::randn({3, 4});
  list->train(false);
  for (const auto& module : *list) {
    if (auto* linear = module->as<nn::Linear>()) x = linear->forward(x);
    else if (auto* norm = module->as<nn::LayerNorm>()) x = norm->forward(x);
  }
  print("list", x);
  nn::AnyModule any(Two{});
  print("any", any.forward(x, torch::ones_like(x)));
  print("any linear", nn::AnyModule(nn::Linear(4, 2)).forward(x));
  std::printf("%d\n", static_cast<int>(any.get<Two>().parameters().size()));

  auto image = torch::randn({1, 2, 6, 6});
  print("conv2d", F::conv2d(image, torch::ones({3, 2, 3, 3}), F::Conv2dFuncOptions().stride(1).padding(1)));
  print("pad", F::pad(image, F::PadFuncOptions({1, 2, 1, 0}).mode(torch::kReflect)));
  print("interpolate", F::interpolate(image, F::InterpolateFuncOptions().scale_factor(std::vector<double>({2.0, 2.0})).mode(torch::kBilinear).align_corners(false)));
  print("avg_pool", F::avg_pool2d(image, F::AvgPool2dFuncOptions(3).stride(2).padding(1)));
  print("normalize", F::normalize(image, F::NormalizeFuncOptions().p(1).dim(1)));
  const auto target = torch::tensor({1, 0, 3});
  print("cross", F::cross_entropy(torch::randn({3, 4}), target, F::CrossEntropyFuncOptions().reduction(torch::kSum)));
  print("loss", nn::SmoothL1Loss(nn::SmoothL1LossOptions(torch::kMean).beta(0.5))(torch::randn({3, 4}), torch::randn({3, 4})));
  print("embedding", nn::Embedding(nn::EmbeddingOptions(10, 3).padding_idx(0))(target));

  generator->apply([](nn::Module& m) {
    if (auto* conv = m.as<nn::ConvTranspose2d>()) nn::init::normal_(conv->weight, 0.0, 0.02);
    if (auto* norm = m.as<nn::BatchNorm2d>()) nn::init::constant_(norm->bias, 0.5);
  });
  nn::init::kaiming_normal_(generator->conv1->weight, 0, torch::kFanOut, torch::kReLU);
  print("kaiming", generator->conv1->weight);
  auto copy = std::dynamic_pointer_cast<nn::LinearImpl>(nn::Linear(2, 2)->clone());
  std::printf("%d\n", static_cast<int>(copy->parameters().size()));
  torch::OrderedDict<std::string, torch::Tensor> dict = generator->named_buffers();
  std::printf("%d %s\n", static_cast<int>(dict.size()), dict.front().key().c_str());
}
