// Training as libtorch's users write it: a module with its holder, a dataset with transforms, a loader, optimizers, files.
#include <torch/torch.h>

#include <cstdio>
#include <string>
#include <vector>

struct NetImpl : torch::nn::Module {
  NetImpl(int64_t in, int64_t hidden, int64_t classes)
      : fc1(register_module("fc1", torch::nn::Linear(in, hidden))),
        fc2(torch::nn::LinearOptions(hidden, classes).bias(false)) {
    register_module("fc2", fc2);
    scale = register_parameter("scale", torch::ones({1}));
    steps = register_buffer("steps", torch::zeros({}, torch::kLong));
  }
  torch::Tensor forward(torch::Tensor x) {
    x = torch::relu(fc1->forward(x));
    x = torch::dropout(x, /*p=*/0.25, /*train=*/is_training());
    if (is_training()) steps += 1;
    return torch::log_softmax(fc2->forward(x) * scale, /*dim=*/1);
  }
  torch::nn::Linear fc1, fc2{nullptr};
  torch::Tensor scale, steps;
};
TORCH_MODULE(Net);

// Points of two rings.
class Rings : public torch::data::Dataset<Rings> {
 public:
  explicit Rings(size_t n) : n_(n) {}
  torch::data::Example<> get(size_t index) override {
    const double angle = 0.37 * static_cast<double>(index), radius = index % 2 ? 1.0 : 2.0;
    return {torch::tensor({radius * std::cos(angle), radius * std::sin(angle)}, torch::kFloat32), torch::tensor(static_cast<int64_t>(index % 2))};
  }
  torch::optional<size_t> size() const override { return n_; }

 private:
  size_t n_;
};

template <typename Loader>
double train(Net& net, Loader& loader, torch::optim::Optimizer& optimizer, torch::Device device) {
  net->train();
  double total = 0;
  size_t batches = 0;
  for (auto& batch : loader) {
    auto data = batch.data.to(device), targets = batch.target.to(device);
    optimizer.zero_grad();
    auto loss = torch::nll_loss(net->forward(data), targets);
    AT_ASSERT(!std::isnan(loss.template item<float>()));
    loss.backward();
    torch::nn::utils::clip_grad_norm_(net->parameters(), 1.0);
    optimizer.step();
    total += loss.template item<float>();
    ++batches;
  }
  return total / static_cast<double>(batches);
}

int main() {
  torch::manual_seed(1);
  torch::Device device(torch::kCPU);
  if (torch::cuda::is_available()) device = torch::Device(torch::kCUDA);

  Net net(2, 16, 2);
  net->to(device);
  for (const auto& pair : net->named_parameters()) std::printf("%s %d\n", pair.key().c_str(), static_cast<int>(pair.value().numel()));

  auto dataset = Rings(50).map(torch::data::transforms::TensorLambda<>([](torch::Tensor t) { return t / 1.5; })).map(torch::data::transforms::Stack<>());
  const size_t size = dataset.size().value();
  auto loader = torch::data::make_data_loader<torch::data::samplers::RandomSampler>(std::move(dataset), torch::data::DataLoaderOptions().batch_size(8));
  torch::optim::Adam adam(net->parameters(), torch::optim::AdamOptions(1e-2).betas(std::make_tuple(0.9, 0.99)).weight_decay(1e-4));
  for (int epoch = 0; epoch < 8; ++epoch) std::printf("epoch %d: %.3f\n", epoch, train(net, *loader, adam, device));

  // Two groups with rates of their own, a scheduler, and a sequential loader with workers.
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(net->fc1->parameters(), std::make_unique<torch::optim::SGDOptions>(0.02));
  groups.emplace_back(net->fc2->parameters());
  torch::optim::SGD sgd(groups, torch::optim::SGDOptions(0.01).momentum(0.9).nesterov(true));
  auto ordered = torch::data::make_data_loader<torch::data::samplers::SequentialSampler>(Rings(50).map(torch::data::transforms::Stack<>()),
                                                                                           torch::data::DataLoaderOptions().batch_size(16).workers(2).drop_last(true));
  for (int epoch = 0; epoch < 2; ++epoch) std::printf("sgd %d: %.3f\n", epoch, train(net, *ordered, sgd, device));
  for (auto& group : sgd.param_groups()) {
    auto& options = static_cast<torch::optim::SGDOptions&>(group.options());
    options.lr(options.lr() * 0.1);
    std::printf("lr %g\n", group.options().get_lr());
  }

  // Values travel through files and streams.
  const std::string path = std::string(std::getenv("TMPDIR") ? std::getenv("TMPDIR") : "/tmp") + "/from_libtorch_net.pt";
  torch::save(net, path);
  std::stringstream state;
  torch::save(adam, state);
  Net again(2, 16, 2);
  torch::load(again, path);
  torch::optim::Adam adam_again(again->parameters(), torch::optim::AdamOptions(1e-2));
  torch::load(adam_again, state);
  net->eval();
  again->eval();
  const auto x = torch::linspace(-2, 2, 10).reshape({5, 2});
  std::printf("%d %d\n", torch::equal(net->forward(x), again->forward(x)), static_cast<int>(again->steps.item<int64_t>()));
  std::vector<torch::Tensor> tensors = {x, x.sum()}, loaded;
  std::stringstream stream;
  torch::save(tensors, stream);
  torch::load(loaded, stream);
  std::printf("%d %d\n", static_cast<int>(loaded.size()), torch::equal(loaded[0], x));
  std::remove(path.c_str());
  std::printf("right: %d of %d\n", static_cast<int>(net->forward(x).argmax(1).eq((x.norm(2, 1) < 1.5).to(torch::kLong)).sum().item<int64_t>()), static_cast<int>(size / 10));
}
