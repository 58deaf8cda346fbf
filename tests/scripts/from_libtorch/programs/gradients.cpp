// Gradients as libtorch's users write them: leaves, graphs, hooks, a function with its own backward, higher derivatives.
#include <torch/torch.h>

#include <cstdio>
#include <iostream>

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class ScaledCube : public torch::autograd::Function<ScaledCube> {
 public:
  static torch::Tensor forward(AutogradContext* ctx, torch::Tensor x, double scale) {
    ctx->save_for_backward({x});
    ctx->saved_data["scale"] = scale;
    return scale * x * x * x;
  }
  static variable_list backward(AutogradContext* ctx, variable_list upstream) {
    const auto x = ctx->get_saved_variables()[0];
    const double scale = ctx->saved_data["scale"].toDouble();
    return {upstream[0] * 3 * scale * x * x, torch::Tensor()};
  }
};

static void print(const char* what, const torch::Tensor& t) {
  std::printf("%-12s", what);
  const auto flat = t.detach().contiguous().view(-1);
  for (int64_t i = 0; i < flat.numel(); ++i) std::printf(" %.4f", flat[i].item<double>());
  std::printf("\n");
}

int main() {
  torch::manual_seed(0);
  const auto x = torch::randn({2, 3}, torch::requires_grad());
  const auto w = torch::rand({3}, torch::TensorOptions().dtype(torch::kFloat32).requires_grad(true));
  const auto y = (x.matmul(w) + 1).pow(2).mean();
  y.backward({}, /*keep_graph=*/true);
  print("x.grad", x.grad());
  y.backward();
  print("w.grad twice", w.grad());
  std::cout << y.grad_fn()->name() << " " << x.is_leaf() << y.is_leaf() << " " << x.sizes() << "\n";

  auto p = torch::tensor({1.0, 2.0, 3.0}, torch::dtype(torch::kDouble).requires_grad(true));
  const auto handle = p.register_hook([](torch::Tensor g) { return 2 * g; });
  auto out = ScaledCube::apply(p, 0.5);
  out.sum().backward();
  print("hook", p.grad());
  p.remove_hook(handle);

  const auto first = torch::autograd::grad({ScaledCube::apply(p, 1.0).sum()}, {p}, {}, c10::nullopt, /*create_graph=*/true)[0];
  const auto second = torch::autograd::grad({first.sum()}, {p})[0];
  print("f'", first);
  print("f''", second);

  {
    torch::NoGradGuard no_grad;
    std::printf("%d\n", (p * 2).requires_grad());
    p.sub_(0.1 * p.grad());
    p.grad().zero_();
  }
  print("p", p);

  using namespace torch::indexing;
  const auto a = torch::arange(12, torch::kFloat).reshape({3, 4});
  print("a[1:, ::2]", a.index({Slice(1, None), Slice(None, None, 2)}));
  print("where", torch::where(a > 5, a, torch::zeros_like(a)).sum(1));
  print("einsum", torch::einsum("ij,kj->ik", {a, a}));
  try {
    torch::ones({2, 3}).matmul(torch::ones({2, 3}));
  } catch (const c10::Error& e) {
    std::printf("caught: %d\n", std::string(e.what()).find("shapes cannot be multiplied") != std::string::npos);
  }
  try {
    const int64_t n = 3;
    TORCH_CHECK(n == 4, "n must be 4, got ", n);
  } catch (const c10::Error& e) {
    std::printf("caught: %d\n", std::string(e.what()).find("n must be 4, got 3") != std::string::npos);
  }
}
