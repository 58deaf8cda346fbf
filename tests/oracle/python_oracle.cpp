// tests/oracle/python_oracle.cpp -- what libtorch has in Python only, beside Debian's python3-torch: optimizers, schedulers,
// normalised weights, hooks. One Python program computes everything and prints lines of numbers with a name in front.
#include "oracle/oracle.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <unistd.h>

#include "cotangent/cotangent.h"
#include "cotangent/nn.h"
#include "cotangent/optim.h"

namespace {

const char* const program = R"(
import torch, warnings
warnings.simplefilter('ignore')
from torch import optim
from torch.optim import lr_scheduler as S
torch.set_printoptions(precision=17)
def show(name, values): print(name, '|', *('%.17g' % float(v) for v in values))

def steps(name, make):
    w = torch.tensor([1., -2., 3., .5], dtype=torch.float64, requires_grad=True)
    c = torch.tensor([1., 2., 3., -.01], dtype=torch.float64)
    opt = make([w])
    out = []
    for i in range(1, 101):
        opt.zero_grad()
        ((c * w * w).sum() / 2 + (w.sum() ** 2) / 10).backward()
        opt.step()
        if i in (1, 2, 3, 10, 100): out += w.tolist()
    show(name, out)
steps('Adadelta', lambda p: optim.Adadelta(p, .5))
steps('Adadelta options', lambda p: optim.Adadelta(p, 1., rho=.8, eps=1e-4, weight_decay=.1))
steps('Adamax', lambda p: optim.Adamax(p, .02))
steps('Adamax options', lambda p: optim.Adamax(p, .02, betas=(.8, .95), eps=1e-3, weight_decay=.1))
# 1.13 has one mu too many here, which PyTorch 2 has corrected.
import inspect, sys
nadam = sys.modules['torch.optim.nadam']
exec(inspect.getsource(nadam._single_tensor_nadam).replace('mu_product * mu * mu_next', 'mu_product * mu_next'), nadam.__dict__)
steps('NAdam', lambda p: optim.NAdam(p, .02))
steps('NAdam options', lambda p: optim.NAdam(p, .02, betas=(.8, .95), eps=1e-4, weight_decay=.1, momentum_decay=.01))
steps('RAdam', lambda p: optim.RAdam(p, .02))
steps('RAdam options', lambda p: optim.RAdam(p, .05, betas=(.8, .95), eps=1e-4, weight_decay=.1))
steps('Rprop', lambda p: optim.Rprop(p, .02))
steps('Rprop options', lambda p: optim.Rprop(p, .02, etas=(.4, 1.3), step_sizes=(1e-4, .1)))
steps('ASGD', lambda p: optim.ASGD(p, .02))
steps('ASGD options', lambda p: optim.ASGD(p, .05, lambd=.01, alpha=.6, t0=20, weight_decay=.1))
steps('SGD maximize', lambda p: optim.SGD(p, .01, momentum=.5, maximize=True))
steps('Adam maximize', lambda p: optim.Adam(p, .01, maximize=True))
steps('AdamW maximize', lambda p: optim.AdamW(p, .01, maximize=True))
steps('Adagrad maximize', lambda p: optim.Adagrad(p, .01, maximize=True))

def rates(name, make, n=30):
    p, q = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    opt = optim.SGD([{'params': [p]}, {'params': [q], 'lr': .4, 'momentum': .7}], lr=.1, momentum=.9)
    s = make(opt)
    out = []
    for e in range(n):
        out += [opt.param_groups[0]['lr'], opt.param_groups[1]['lr'], opt.param_groups[0]['momentum'], opt.param_groups[1]['momentum']]
        opt.step()
        s.step()
    show(name, out)
rates('StepLR', lambda o: S.StepLR(o, 4, .5))
rates('MultiStepLR', lambda o: S.MultiStepLR(o, [3, 7, 7, 20], .3))
rates('ExponentialLR', lambda o: S.ExponentialLR(o, .9))
rates('CosineAnnealingLR', lambda o: S.CosineAnnealingLR(o, 8, .01))
rates('CosineAnnealingWarmRestarts', lambda o: S.CosineAnnealingWarmRestarts(o, 3, 2, .01))
rates('LinearLR', lambda o: S.LinearLR(o, .2, .9, 7))
rates('ConstantLR', lambda o: S.ConstantLR(o, .3, 6))
rates('PolynomialLR', lambda o: S.PolynomialLR(o, 9, 2.))
rates('LambdaLR', lambda o: S.LambdaLR(o, [lambda e: 1 / (1 + e), lambda e: .95 ** e]))
rates('MultiplicativeLR', lambda o: S.MultiplicativeLR(o, lambda e: .9))
rates('CyclicLR', lambda o: S.CyclicLR(o, .01, .5, 4, 3))
rates('CyclicLR triangular2', lambda o: S.CyclicLR(o, [.01, .02], [.5, .7], 4, mode='triangular2', base_momentum=[.6, .5], max_momentum=[.8, .95]))
rates('CyclicLR exp_range', lambda o: S.CyclicLR(o, .01, .5, 3, 5, mode='exp_range', gamma=.97, cycle_momentum=False))
rates('CyclicLR scale_fn', lambda o: S.CyclicLR(o, .01, .5, 3, 5, scale_fn=lambda x: 1 / (1 + x), scale_mode='iterations'))
rates('OneCycleLR', lambda o: S.OneCycleLR(o, [.5, .8], total_steps=30))
rates('OneCycleLR three phases', lambda o: S.OneCycleLR(o, .5, total_steps=30, pct_start=.25, anneal_strategy='linear', base_momentum=.6, max_momentum=.8,
                                                        div_factor=10, final_div_factor=100, three_phase=True))
rates('SequentialLR', lambda o: S.SequentialLR(o, [S.ConstantLR(o, .1, 100), S.ExponentialLR(o, .9), S.StepLR(o, 2, .5)], [4, 12]))
rates('ChainedScheduler', lambda o: S.ChainedScheduler([S.ConstantLR(o, .1, 5), S.ExponentialLR(o, .9), S.StepLR(o, 6, .5)]))
class Plateau(S.ReduceLROnPlateau):
    metrics = iter([5, 4, 4, 4, 4, 3.99999, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    def step(self): super().step(next(Plateau.metrics))
rates('ReduceLROnPlateau', lambda o: Plateau(o, factor=.5, patience=2, cooldown=1, min_lr=[.02, .05]))

from torch import nn
from torch.nn.utils import weight_norm, spectral_norm
for dim in (0, 1, None):
    torch.manual_seed(3)
    m = weight_norm(nn.Linear(4, 3), dim=dim)
    x = torch.randn(5, 4)
    m(x).sin().sum().backward()
    show('weight_norm ' + str(dim), m(x).flatten().tolist() + m.weight_g.grad.flatten().tolist() + m.weight_v.grad.flatten().tolist())
for name, make in (('Linear', lambda: nn.Linear(4, 3)), ('Conv2d', lambda: nn.Conv2d(2, 3, 2)), ('ConvTranspose1d', lambda: nn.ConvTranspose1d(2, 3, 2))):
    torch.manual_seed(4)
    m = spectral_norm(make(), n_power_iterations=2)
    x = torch.randn(*{'Linear': (5, 4), 'Conv2d': (2, 2, 4, 4), 'ConvTranspose1d': (2, 2, 5)}[name])
    for i in range(3): y = m(x)
    y.sin().sum().backward()
    show('spectral_norm ' + name, y.flatten().tolist() + m.weight_orig.grad.flatten().tolist() + m.weight_u.tolist() + m.weight_v.tolist())
)";

using Lines = std::map<std::string, std::vector<double>>;

const Lines& python() {
  static const Lines lines = [] {
    char path[] = "/tmp/ct_python_oracle_XXXXXX";
    const int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    std::FILE* f = fdopen(fd, "w");
    std::fputs(program, f);
    std::fclose(f);
    std::FILE* pipe = popen((std::string("/usr/bin/python3 ") + path + " 2>&1").c_str(), "r");
    REQUIRE(pipe);
    std::string text;
    char buffer[4096];
    while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
    const int status = pclose(pipe);
    std::remove(path);
    CAPTURE(text);
    REQUIRE(status == 0);
    Lines out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      const std::size_t bar = line.find(" | ");
      REQUIRE(bar != std::string::npos);
      std::vector<double> values;
      std::istringstream numbers(line.substr(bar + 3));
      for (std::string w; numbers >> w;) values.push_back(std::strtod(w.c_str(), nullptr));
      out.emplace(line.substr(0, bar), values);
    }
    return out;
  }();
  return lines;
}

void same(const std::string& name, const std::vector<double>& ours, double tolerance) {
  CAPTURE(name);
  REQUIRE(python().count(name) == 1);
  const std::vector<double>& theirs = python().at(name);
  REQUIRE(ours.size() == theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(ours[i] - theirs[i]) <= tolerance * std::max(1.0, std::abs(theirs[i])));
  }
}

void append(std::vector<double>& out, const ct::Tensor& t) {
  const ct::Tensor d = t.detach().to(ct::kDouble).contiguous();
  out.insert(out.end(), d.data_ptr<double>(), d.data_ptr<double>() + d.numel());
}

// As steps() above.
template <class Make>
void steps(const std::string& name, double tolerance, const Make& make) {
  using ct::Tensor;
  const Tensor w = ct::tensor({1., -2., 3., .5}, ct::kDouble).requires_grad_(), c = ct::tensor({1., 2., 3., -.01}, ct::kDouble);
  const auto opt = make(std::vector<Tensor>{w});
  std::vector<double> out;
  for (int i = 1; i <= 100; ++i) {
    opt->zero_grad();
    ((c * w * w).sum() / 2 + w.sum().square() / 10).backward();
    opt->step();
    if (i <= 3 || i == 10 || i == 100) append(out, w);
  }
  same(name, out, tolerance);
}
// Python keeps some numbers of these in float32.
constexpr double kept_single = 2e-7;
#define STEPS(name, Optimizer, ...) STEPS_NEAR(name, 1e-9, Optimizer, __VA_ARGS__)
#define STEPS_NEAR(name, tolerance, Optimizer, ...) \
  steps(name, tolerance, [](std::vector<ct::Tensor> p) { using namespace ct::optim; return std::make_unique<Optimizer>(std::move(p), __VA_ARGS__); })

// As rates() above.
template <class Make>
void rates(const std::string& name, const Make& make) {
  using namespace ct::optim;
  std::vector<OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<ct::Tensor>{ct::zeros({1}).requires_grad_()});
  groups.emplace_back(std::vector<ct::Tensor>{ct::zeros({1}).requires_grad_()}, SGDOptions(.4).momentum(.7));
  SGD opt(groups, SGDOptions(.1).momentum(.9));
  auto step = make(opt);
  std::vector<double> out;
  for (int e = 0; e < 30; ++e) {
    for (const OptimizerParamGroup& g : opt.param_groups()) out.push_back(g.options().get_lr());
    for (const OptimizerParamGroup& g : opt.param_groups()) out.push_back(*g.options().get_momentum());
    opt.step();
    step();
  }
  same(name, out, 1e-12);
}
#define RATES(name, Scheduler, ...)                                           \
  rates(name, [](ct::optim::Optimizer& o) {                                   \
    using namespace ct::optim;                                                \
    return [s = std::make_shared<Scheduler>(o, __VA_ARGS__)] { s->step(); };  \
  })

}  // namespace

TEST_CASE("optimizers that are Python's only take 100 steps as there") {
  STEPS("Adadelta", Adadelta, AdadeltaOptions(.5));
  STEPS("Adadelta options", Adadelta, AdadeltaOptions(1).rho(.8).eps(1e-4).weight_decay(.1));
  STEPS("Adamax", Adamax, AdamaxOptions(.02));
  STEPS("Adamax options", Adamax, AdamaxOptions(.02).betas({.8, .95}).eps(1e-3).weight_decay(.1));
  STEPS_NEAR("NAdam", kept_single, NAdam, NAdamOptions(.02));
  STEPS_NEAR("NAdam options", kept_single, NAdam, NAdamOptions(.02).betas({.8, .95}).eps(1e-4).weight_decay(.1).momentum_decay(.01));
  STEPS("RAdam", RAdam, RAdamOptions(.02));
  STEPS("RAdam options", RAdam, RAdamOptions(.05).betas({.8, .95}).eps(1e-4).weight_decay(.1));
  STEPS("Rprop", Rprop, RpropOptions(.02));
  STEPS("Rprop options", Rprop, RpropOptions(.02).etas({.4, 1.3}).step_sizes({1e-4, .1}));
  STEPS_NEAR("ASGD", kept_single, ASGD, ASGDOptions(.02));
  STEPS_NEAR("ASGD options", kept_single, ASGD, ASGDOptions(.05).lambd(.01).alpha(.6).t0(20).weight_decay(.1));
  STEPS("SGD maximize", SGD, SGDOptions(.01).momentum(.5).maximize(true));
  STEPS("Adam maximize", Adam, AdamOptions(.01).maximize(true));
  STEPS("AdamW maximize", AdamW, AdamWOptions(.01).maximize(true));
  STEPS("Adagrad maximize", Adagrad, AdagradOptions(.01).maximize(true));
}

TEST_CASE("schedulers give Python's rates and momenta, group by group") {
  using Each = std::vector<ct::optim::LambdaLR::Lambda>;
  RATES("StepLR", StepLR, 4, .5);
  RATES("MultiStepLR", MultiStepLR, std::vector<std::int64_t>{3, 7, 7, 20}, .3);
  RATES("ExponentialLR", ExponentialLR, .9);
  RATES("CosineAnnealingLR", CosineAnnealingLR, 8, .01);
  RATES("CosineAnnealingWarmRestarts", CosineAnnealingWarmRestarts, 3, 2, .01);
  RATES("LinearLR", LinearLR, .2, .9, 7);
  RATES("ConstantLR", ConstantLR, .3, 6);
  RATES("PolynomialLR", PolynomialLR, 9, 2.);
  RATES("LambdaLR", LambdaLR, Each{[](std::int64_t e) { return 1. / static_cast<double>(1 + e); }, [](std::int64_t e) { return std::pow(.95, e); }});
  RATES("MultiplicativeLR", MultiplicativeLR, MultiplicativeLR::Lambda([](std::int64_t) { return .9; }));
  using ct::optim::PerGroup;
  RATES("CyclicLR", CyclicLR, .01, .5, 4, 3);
  RATES("CyclicLR triangular2", CyclicLR, PerGroup{.01, .02}, PerGroup{.5, .7}, 4, -1, "triangular2", 1., true, PerGroup{.6, .5}, PerGroup{.8, .95});
  RATES("CyclicLR exp_range", CyclicLR, .01, .5, 3, 5, "exp_range", .97, false);
  RATES("CyclicLR scale_fn", CyclicLR, .01, .5, 3, 5, "triangular", 1., true, .8, .9, [](double x) { return 1 / (1 + x); }, "iterations");
  RATES("OneCycleLR", OneCycleLR, PerGroup{.5, .8}, 30);
  RATES("OneCycleLR three phases", OneCycleLR, .5, 30, .25, "linear", true, .6, .8, 10., 100., true);
  rates("SequentialLR", [](ct::optim::Optimizer& o) {
    using namespace ct::optim;
    auto a = std::make_shared<ConstantLR>(o, .1, 100);
    auto b = std::make_shared<ExponentialLR>(o, .9);
    auto c = std::make_shared<StepLR>(o, 2, .5);
    auto s = std::make_shared<SequentialLR>(o, std::vector<LRScheduler*>{a.get(), b.get(), c.get()}, std::vector<std::int64_t>{4, 12});
    return [=] { (void)a, (void)b, (void)c, s->step(); };
  });
  rates("ChainedScheduler", [](ct::optim::Optimizer& o) {
    using namespace ct::optim;
    auto a = std::make_shared<ConstantLR>(o, .1, 5);
    auto b = std::make_shared<ExponentialLR>(o, .9);
    auto c = std::make_shared<StepLR>(o, 6, .5);
    auto s = std::make_shared<ChainedScheduler>(std::vector<LRScheduler*>{a.get(), b.get(), c.get()});
    return [=] { (void)a, (void)b, (void)c, s->step(); };
  });
  rates("ReduceLROnPlateau", [](ct::optim::Optimizer& o) {
    using namespace ct::optim;
    auto s = std::make_shared<ReduceLROnPlateau>(o, "min", .5, 2, 1e-4, "rel", 1, PerGroup{.02, .05});
    return [s, e = 0]() mutable {
      const double metrics[] = {5, 4, 4, 4, 4, 3.99999, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2};
      s->step(metrics[std::min(e++, 16)]);
    };
  });
}

TEST_CASE("weight_norm and spectral_norm give Python's outputs and gradients") {
  namespace nn = ct::nn;
  using ct::Tensor;
  for (const std::optional<std::int64_t> dim : {std::optional<std::int64_t>(0), std::optional<std::int64_t>(1), std::optional<std::int64_t>()}) {
    ct::manual_seed(3);
    nn::Linear m = nn::utils::weight_norm(nn::Linear(4, 3), "weight", dim);
    const Tensor x = ct::randn({5, 4});
    m(x).sin().sum().backward();
    std::vector<double> out;
    append(out, m(x));
    append(out, m->named_parameters()["weight_g"].grad());
    append(out, m->named_parameters()["weight_v"].grad());
    same("weight_norm " + (dim ? std::to_string(*dim) : std::string("None")), out, 1e-5);
  }
  const auto check = [](const std::string& name, auto make, std::vector<std::int64_t> sizes) {
    ct::manual_seed(4);
    auto m = nn::utils::spectral_norm(make(), "weight", 2);
    const Tensor x = ct::randn(sizes);
    Tensor y;
    for (int i = 0; i < 3; ++i) y = m(x);
    y.sin().sum().backward();
    std::vector<double> out;
    append(out, y);
    append(out, m->named_parameters()["weight_orig"].grad());
    append(out, m->named_buffers()["weight_u"]);
    append(out, m->named_buffers()["weight_v"]);
    same("spectral_norm " + name, out, 1e-5);
  };
  check("Linear", [] { return nn::Linear(4, 3); }, {5, 4});
#if __has_include("cotangent/nn/convolution.h")
  check("Conv2d", [] { return nn::Conv2d(2, 3, 2); }, {2, 2, 4, 4});
  check("ConvTranspose1d", [] { return nn::ConvTranspose1d(2, 3, 2); }, {2, 2, 5});
#endif
}
