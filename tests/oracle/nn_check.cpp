// tests/oracle/nn_check.cpp -- the comparison of a module with libtorch's, and of its text with Python's.
#include "oracle/nn_check.h"

#include <cstdio>
#include <map>
#include <unistd.h>

namespace oracle {

namespace {

void seed(std::uint64_t s) {
  ct::manual_seed(s);
  torch::manual_seed(s);
}

void near(const std::string& what, const ct::Tensor& a, const at::Tensor& b, double tolerance) {
  CAPTURE(what);
  REQUIRE(a.defined() == b.defined());
  if (!a.defined()) return;
  const at::Tensor x = to_at(a.detach());
  REQUIRE(x.sizes() == b.sizes());
  // Counters stay integers, as in Python; libtorch's to() converts them with everything else.
  if (x.scalar_type() != at::kLong) CHECK(x.scalar_type() == b.scalar_type());
  const bool close = at::allclose(x.to(at::kDouble), b.detach().to(at::kDouble), tolerance, tolerance, /*equal_nan=*/true);
  CHECK(close);
  if (!close) MESSAGE("largest difference: " << (x.to(at::kDouble) - b.detach().to(at::kDouble)).abs().max().item<double>());
}

// Parameters and buffers by name.
template <class Ours, class Theirs>
void same_state(const char* what, const Ours& a, const Theirs& b, double tolerance) {
  CAPTURE(std::string(what));
  REQUIRE(a.keys() == b.keys());
  for (std::size_t i = 0; i < a.size(); ++i) near(a[i].key(), a[i].value(), b[i].value(), tolerance);
}

// Outputs, gradients and buffers of one run in one mode.
void compare_run(const ModuleCase& c, const OurModule& a, const TheirModule& b, bool training, at::ScalarType type, double tolerance) {
  CAPTURE(training);
  CAPTURE(std::string(at::toString(type)));
  const ct::ScalarType our_type = type == at::kDouble ? ct::kDouble : type == at::kBFloat16 ? ct::kBFloat16 : ct::kFloat;
  a.module->train(training);
  b.module->train(training);
  seed(7);
  std::vector<ct::Tensor> x = c.our_inputs();
  std::vector<at::Tensor> y = c.their_inputs();
  for (std::size_t i = 0; i < x.size(); ++i) {
    near("input " + std::to_string(i), x[i], y[i], 1e-6);
    if (!at::isFloatingType(y[i].scalar_type())) continue;
    x[i] = to_ct(y[i]).to(our_type).requires_grad_();  // the same numbers: what was computed may round otherwise
    y[i] = y[i].to(type).requires_grad_();
  }
  seed(8);
  std::vector<at::Tensor> q;
  try {
    q = b.call(y);
  } catch (const c10::Error&) {
    if (type == at::kBFloat16) return;  // libtorch does not have it
    throw;
  }
  const std::vector<ct::Tensor> p = a.call(x);
  REQUIRE(p.size() == q.size());
  for (std::size_t i = 0; i < p.size(); ++i) near("output " + std::to_string(i), p[i], q[i], tolerance);
  same_state("buffers", a.module->named_buffers(), b.module->named_buffers(), tolerance);
  if (type == at::kBFloat16) return;

  std::vector<ct::Tensor> our_roots, our_cotangents;
  std::vector<at::Tensor> their_roots, their_cotangents;
  for (std::size_t i = 0; i < p.size(); ++i) {
    CHECK(p[i].requires_grad() == q[i].requires_grad());
    if (!p[i].requires_grad() || !q[i].requires_grad()) continue;
    our_roots.push_back(p[i]);
    their_roots.push_back(q[i]);
    their_cotangents.push_back(at::randn(q[i].sizes(), q[i].options()));
    our_cotangents.push_back(to_ct(their_cotangents.back()));
  }
  a.module->zero_grad();
  for (auto& parameter : b.module->parameters()) parameter.mutable_grad() = at::Tensor();
  if (our_roots.empty()) return;
  ct::autograd::backward(our_roots, our_cotangents);
  torch::autograd::backward(their_roots, their_cotangents);
  for (std::size_t i = 0; i < x.size(); ++i) near("gradient of input " + std::to_string(i), x[i].grad(), y[i].grad(), tolerance);
  const auto pa = a.module->named_parameters();
  const auto pb = b.module->named_parameters();
  for (std::size_t i = 0; i < pa.size(); ++i) near("gradient of " + pa[i].key(), pa[i]->grad(), pb[i]->grad(), tolerance);
}

// What Python prints for an expression. One process answers all questions of the program.
const std::string& printed_by_python(const std::string& expression) {
  struct Python {
    int to[2], from[2];
    std::FILE *in = nullptr, *out = nullptr;
    std::map<std::string, std::string> answers;
    Python() {
      REQUIRE(pipe(to) == 0);
      REQUIRE(pipe(from) == 0);
      if (fork() == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        for (int fd : {to[0], to[1], from[0], from[1]}) close(fd);
        execl("/usr/bin/python3", "python3", "-c",
              "import sys, torch\nfrom torch.nn import *\n"
              "for line in sys.stdin:\n"
              "    try: text = repr(eval(line))\n"
              "    except Exception as e: text = 'Python: ' + repr(e)\n"
              "    print(len(text.encode())); sys.stdout.write(text); sys.stdout.flush()\n",
              static_cast<char*>(nullptr));
        _exit(127);
      }
      close(to[0]);
      close(from[1]);
      in = fdopen(to[1], "w");
      out = fdopen(from[0], "r");
    }
  };
  static Python python;
  auto [at, is_new] = python.answers.try_emplace(expression);
  if (is_new) {
    std::fprintf(python.in, "%s\n", expression.c_str());
    std::fflush(python.in);
    int size = 0;
    if (std::fscanf(python.out, "%d%*1[\n]", &size) == 1) {
      at->second.resize(static_cast<std::size_t>(size));
      at->second.resize(std::fread(at->second.data(), 1, at->second.size(), python.out));
    } else {
      at->second = "no answer from /usr/bin/python3 (Debian: apt-get install python3-torch)";
    }
  }
  return at->second;
}

}  // namespace

void check_module(const ModuleCase& c) {
  CAPTURE(std::string(c.python));
  seed(1);
  const OurModule a = c.ours();
  const TheirModule b = c.theirs();
  same_state("parameters", a.module->named_parameters(), b.module->named_parameters(), 1e-6);
  same_state("buffers", a.module->named_buffers(), b.module->named_buffers(), 1e-6);
  for (const auto& [type, tolerance] : {std::pair{at::kFloat, c.tolerance}, std::pair{at::kDouble, c.tolerance64}}) {
    if (type == at::kDouble) a.module->to(ct::kDouble), b.module->to(at::kDouble);
    // Statistics of earlier runs, rounded to float32 in both, are libtorch's from here on.
    const auto buffers = a.module->named_buffers();
    for (const auto& item : buffers)
      if (item->defined() && item->is_floating_point()) item->copy_(to_ct(b.module->named_buffers()[item.key()]));
    for (const bool training : {true, false}) compare_run(c, a, b, training, type, tolerance);
  }
  if (c.bfloat16) {
    a.module->to(ct::kBFloat16), b.module->to(at::kBFloat16);
    compare_run(c, a, b, false, at::kBFloat16, 4e-2);
  }
  a.module->to(ct::kFloat);

  // The same values in a copy, and in a new module that loads them.
  a.module->eval();
  seed(7);
  const std::vector<ct::Tensor> x = c.our_inputs();
  seed(8);
  const std::vector<ct::Tensor> before = a.call(x);
  seed(99);
  const OurModule loaded = c.ours();
  loaded.module->eval();
  loaded.module->load_state_dict(a.module->state_dict());
  seed(8);
  const std::vector<ct::Tensor> after = loaded.call(x);
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(ct::allclose(before[i], after[i], 1e-6, 1e-6, true));
  const std::shared_ptr<ct::nn::Module> copy = a.module->clone();
  CHECK(ct::nn::to_string(*copy) == ct::nn::to_string(*a.module));
  CHECK(copy->named_parameters().keys() == a.module->named_parameters().keys());
  CHECK(copy->named_buffers().keys() == a.module->named_buffers().keys());

  if (*c.python) CHECK(ct::nn::to_string(*a.module) == printed_by_python(c.python));
}

}  // namespace oracle

TEST_CASE("the comparison of modules sees layers of each kind") {
  CHECK_MODULE("Linear(3, 4)", Linear(3, 4), Randn(5, 3));
  CHECK_MODULE("Linear(3, 4, bias=False)", Linear(LinearOptions(3, 4).bias(false)), Randn(2, 5, 3));
  CHECK_MODULE("Bilinear(3, 4, 2)", Bilinear(3, 4, 2), Randn(5, 3), Randn(5, 4));
  CHECK_MODULE("Embedding(10, 3)", Embedding(10, 3), Randint(10, 2, 5));
  CHECK_MODULE("Dropout(0.3)", Dropout(DropoutOptions(0.3)), Randn(4, 5));
  CHECK_MODULE("LayerNorm((3,))", LayerNorm(LayerNormOptions({3})), Randn(4, 3));
}
