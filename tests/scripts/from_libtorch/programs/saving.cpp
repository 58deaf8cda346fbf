// Archives and files: modules, optimizers, tensors, values of one's own.
#include <torch/torch.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>

struct NetImpl : torch::nn::Module {
  NetImpl() : fc1(register_module("fc1", torch::nn::Linear(3, 4))), fc2(register_module("fc2", torch::nn::Linear(4, 1))) {
    steps = register_buffer("steps", torch::zeros({1}, torch::kLong));
  }
  torch::Tensor forward(torch::Tensor x) { return fc2(torch::tanh(fc1(x))); }
  torch::nn::Linear fc1, fc2;
  torch::Tensor steps;
};
TORCH_MODULE(Net);

// A module with more to save than tensors.
struct CountedImpl : torch::nn::Module {
  CountedImpl() { w = register_parameter("w", torch::ones({2})); }
  void save(torch::serialize::OutputArchive& archive) const override {
    torch::nn::Module::save(archive);
    archive.write("count", torch::IValue(count));
    archive.write("name", torch::IValue(name));
  }
  void load(torch::serialize::InputArchive& archive) override {
    torch::nn::Module::load(archive);
    torch::IValue v;
    archive.read("count", v);
    count = v.toInt();
    archive.read("name", v);
    name = v.toStringRef();
  }
  torch::Tensor w;
  int64_t count = 0;
  std::string name;
};
TORCH_MODULE(Counted);

void train(Net& net, torch::optim::Optimizer& optimizer, int n) {
  for (int i = 0; i < n; ++i) {
    const auto x = torch::linspace(-1, 1, 12).view({4, 3}) * (1 + i);
    net->zero_grad();
    (net->forward(x) - 1).pow(2).mean().backward();
    optimizer.step();
    net->steps += 1;
  }
}

template <typename Optimizer, typename Options>
void resumed(const char* name, Options options) {
  torch::manual_seed(1);
  Net net, other;
  Optimizer optimizer(net->parameters(), options), again(other->parameters(), options);
  train(net, optimizer, 3);
  std::stringstream model, state;
  torch::save(net, model);
  torch::save(optimizer, state);
  torch::load(other, model);
  torch::load(again, state);
  train(net, optimizer, 3);
  train(other, again, 3);
  bool same = true;
  for (size_t i = 0; i < net->parameters().size(); ++i) same = same && torch::equal(net->parameters()[i], other->parameters()[i]);
  std::cout << name << ' ' << same << ' ' << other->steps.item<int64_t>() << '\n';
}

int main() {
  resumed<torch::optim::SGD>("SGD", torch::optim::SGDOptions(0.1).momentum(0.9));
  resumed<torch::optim::Adam>("Adam", torch::optim::AdamOptions(0.1).amsgrad(true));
  resumed<torch::optim::AdamW>("AdamW", torch::optim::AdamWOptions(0.1));
  resumed<torch::optim::RMSprop>("RMSprop", torch::optim::RMSpropOptions(0.1).centered(true));
  resumed<torch::optim::Adagrad>("Adagrad", torch::optim::AdagradOptions(0.1));

  const auto x = torch::arange(6).view({2, 3});
  torch::Tensor y;
  std::stringstream one, list, counted;
  torch::save(x, one);
  torch::load(y, one);
  std::cout << torch::equal(x, y) << ' ' << y.sizes() << '\n';
  std::vector<torch::Tensor> tensors{x, x.to(torch::kFloat).t()}, read;
  torch::save(tensors, list);
  torch::load(read, list);
  std::cout << read.size() << ' ' << torch::equal(read[1], tensors[1]) << '\n';

  Counted a, b;
  a->count = 7;
  a->name = "seven";
  torch::save(a, counted);
  torch::load(b, counted);
  std::cout << b->count << ' ' << b->name << '\n';

  torch::serialize::OutputArchive out, inner;
  inner.write("t", x);
  out.write("inner", inner);
  out.write("lr", torch::IValue(0.5));
  std::stringstream stream;
  out.save_to(stream);
  torch::serialize::InputArchive in, nested;
  in.load_from(stream);
  in.read("inner", nested);
  torch::Tensor t;
  nested.read("t", t);
  torch::IValue lr;
  in.read("lr", lr);
  torch::Tensor none;
  std::cout << torch::equal(t, x) << ' ' << lr.toDouble() << ' ' << in.try_read("nothing", none) << '\n';
  try {
    in.read("nothing", none);
  } catch (const c10::Error& e) {
    std::cout << (std::string(e.what()).find("No such serialized tensor") != std::string::npos) << '\n';
  }

  const auto bytes = torch::pickle_save(torch::IValue(x));
  std::cout << torch::equal(torch::pickle_load(bytes).toTensor(), x) << '\n';

  const std::string path = std::string(std::getenv("TMPDIR") ? std::getenv("TMPDIR") : "/tmp") + "/saving-test.pt";
  Net net, other;
  torch::save(net, path);
  torch::load(other, path);
  std::cout << torch::equal(net->fc1->weight, other->fc1->weight) << '\n';
  std::remove(path.c_str());
}
