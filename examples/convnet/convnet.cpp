// convnet.cpp -- a small convolutional network learns to tell drawn shapes apart: bars, crosses, rings and squares, in noise.
//
// The pictures are drawn by the program, each at another place and in another size. After a few seconds the network is asked
// about pictures that it has never seen, and then where it looked: the gradient of its answer by the pixels.
#include <cotangent/cotangent.h>
#include <cotangent/data/dataloader.h>
#include <cotangent/data/datasets.h>
#include <cotangent/nn.h>
#include <cotangent/nn/functional.h>
#include <cotangent/optim.h>

#include <iostream>
#include <string>

namespace {

using ct::Tensor;
namespace nn = ct::nn;
namespace F = ct::nn::functional;

constexpr std::int64_t side = 16, classes = 4;
const char* const names[] = {"bar", "cross", "ring", "square"};

// How far each pixel is from the line of a shape around (0, 0): dx, dy [N, side, side], size r [N, 1, 1].
Tensor distance(std::int64_t shape, const Tensor& dx, const Tensor& dy, const Tensor& r) {
  const auto bar = [&](const Tensor& along, const Tensor& beside) { return ct::hypot((along.abs() - r).clamp_min(0), beside); };
  switch (shape) {
    case 0: return bar(dx, dy);
    case 1: return ct::minimum(bar(dx, dy), bar(dy, dx));
    case 2: return (ct::hypot(dx, dy) - r).abs();
    default: return (ct::maximum(dx.abs(), dy.abs()) - r).abs();
  }
}

// n pictures [n, 1, side, side] and what they show [n].
struct Pictures {
  Tensor pixels, shapes;
};
Pictures draw(std::int64_t n) {
  const Tensor shapes = ct::arange(n).remainder(classes);
  const Tensor r = ct::rand({n, 1, 1}) * 2 + 3, middle = (side - 1) / 2.0 + (ct::rand({2, n, 1, 1}) * 2 - 1) * (side / 2.0 - 6);
  const Tensor at = ct::arange(side, ct::kFloat), dx = (at - middle[0]).expand({n, side, side}), dy = (at.view({side, 1}) - middle[1]).expand({n, side, side});
  Tensor pixels = ct::empty({n, side, side});
  for (std::int64_t shape = 0; shape < classes; ++shape) {
    const Tensor these = shapes.eq(shape).view({n, 1, 1});
    pixels = ct::where(these, (1.5 - distance(shape, dx, dy, r)).clamp(0, 1), pixels);  // a pen with a soft edge
  }
  return {(pixels + 0.4 * ct::randn({n, side, side})).unsqueeze(1), shapes};
}

// Two convolutions, each followed by a look at what is strongest nearby, and one linear layer that decides.
struct NetImpl : nn::Module {
  nn::Conv2d edges = register_module("edges", nn::Conv2d(nn::Conv2dOptions(1, 8, 3).padding(1)));
  nn::Conv2d parts = register_module("parts", nn::Conv2d(nn::Conv2dOptions(8, 16, 3).padding(1)));
  nn::MaxPool2d pool = register_module("pool", nn::MaxPool2d(2));
  nn::Linear decide = register_module("decide", nn::Linear(16 * (side / 4) * (side / 4), classes));

  Tensor forward(Tensor x) {
    x = pool(ct::relu(edges(x)));  // [N, 8, 8, 8]
    x = pool(ct::relu(parts(x)));  // [N, 16, 4, 4]
    return decide(x.flatten(1));   // [N, classes]
  }
};
CT_MODULE(Net);

// The larger the number, the darker the letter; 1 is the darkest.
void print(const Tensor& picture) {
  const std::string ink = " .:-=+*#%@";
  const Tensor level = (picture.clamp(0, 1) * 9.99).to(ct::kLong);
  for (std::int64_t y = 0; y < side; ++y) {
    for (std::int64_t x = 0; x < side; ++x) std::cout << std::string(2, ink[static_cast<std::size_t>(level[y][x].item<std::int64_t>())]);
    std::cout << "\n";
  }
}

}  // namespace

int main() {
  ct::manual_seed(1);
  const Pictures known = draw(2000), unseen = draw(1000);
  Net net;
  std::cout << net << "\n";

  ct::optim::Adam optimizer(net->parameters(), ct::optim::AdamOptions(3e-3));
  ct::data::DataLoader loader(ct::data::TensorDataset(known.pixels, known.shapes), ct::data::DataLoaderOptions().batch_size(50).shuffle(true));
  for (int epoch = 1; epoch <= 8; ++epoch) {
    double total = 0;
    for (auto& [pixels, shapes] : loader) {
      optimizer.zero_grad();
      const Tensor loss = F::cross_entropy(net(pixels), shapes);
      loss.backward();
      optimizer.step();
      total += loss.item<double>() / 40;
    }
    std::cout << "epoch " << epoch << ": loss " << total << "\n";
  }

  const Tensor answers = [&] {
    const ct::NoGradGuard guard;
    return net(unseen.pixels).argmax(1);
  }();
  const double accuracy = answers.eq(unseen.shapes).to(ct::kDouble).mean().item<double>();
  std::cout << "right about " << 100 * accuracy << " % of 1000 pictures that it has not seen\n";
  for (std::int64_t shape = 0; shape < classes; ++shape) {
    std::cout << "  " << names[shape] << ": ";
    for (std::int64_t answer = 0; answer < classes; ++answer)
      std::cout << (answer ? ", " : "") << answers.eq(answer).logical_and(unseen.shapes.eq(shape)).sum().item<std::int64_t>() << " taken for a " << names[answer];
    std::cout << "\n";
  }

  // Where does it look? The gradient of the score of the right answer by the pixels.
  Tensor ring = unseen.pixels.narrow(0, 2, 1).clone().requires_grad_();
  net(ring)[0][2].backward();
  std::cout << "a ring in noise:\n";
  print(ring.detach()[0][0]);
  std::cout << "the pixels that matter for it:\n";
  print(ring.grad().abs()[0][0] / ring.grad().abs().max());

  if (accuracy < 0.95) {
    std::cout << "expected at least 95 %\n";
    return 1;
  }
}
