// tests/io/resume.cpp -- training that is interrupted gives the same bits as training that is not, with every optimizer; and
// optimizers go on from Python's state, and Python's from ours.
#include <memory>
#include <utility>

#include "cotangent/io.h"
#include "cotangent/nn.h"
#include "cotangent/optim.h"
#include "io/files.h"

using namespace test_io;
using ct::IValue;
using ct::Tensor;
namespace nn = ct::nn;
namespace optim = ct::optim;

namespace {

using Params = std::vector<Tensor>;
using Made = std::unique_ptr<optim::Optimizer>;

struct Kind {
  const char* name;
  const char* python;  // the same in Python
  Made (*make)(const Params&);
};
template <class O, class Options>
Made made(const Params& p, Options o) { return std::make_unique<O>(p, o); }

const Kind kinds[] = {
    {"SGD", "SGD(p, 0.1)", [](const Params& p) { return made<optim::SGD>(p, optim::SGDOptions(0.1)); }},
    {"SGD with momentum", "SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01)",
     [](const Params& p) { return made<optim::SGD>(p, optim::SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(0.01)); }},
    {"Adam", "Adam(p, 0.05, amsgrad=True, betas=(0.8, 0.99))", [](const Params& p) { return made<optim::Adam>(p, optim::AdamOptions(0.05).amsgrad(true).betas({0.8, 0.99})); }},
    {"AdamW", "AdamW(p, 0.05)", [](const Params& p) { return made<optim::AdamW>(p, optim::AdamWOptions(0.05)); }},
    {"Adamax", "Adamax(p)", [](const Params& p) { return made<optim::Adamax>(p, optim::AdamaxOptions()); }},
    // Python 1.13 has the right formula only here: its loop over single tensors multiplies mu twice.
    {"NAdam", "NAdam(p, foreach=True)", [](const Params& p) { return made<optim::NAdam>(p, optim::NAdamOptions()); }},
    {"RAdam", "RAdam(p, 0.05)", [](const Params& p) { return made<optim::RAdam>(p, optim::RAdamOptions(0.05)); }},
    {"RMSprop", "RMSprop(p, momentum=0.5, centered=True)", [](const Params& p) { return made<optim::RMSprop>(p, optim::RMSpropOptions().momentum(0.5).centered(true)); }},
    {"Adagrad", "Adagrad(p, lr_decay=0.1)", [](const Params& p) { return made<optim::Adagrad>(p, optim::AdagradOptions().lr_decay(0.1)); }},
    {"Adadelta", "Adadelta(p)", [](const Params& p) { return made<optim::Adadelta>(p, optim::AdadeltaOptions()); }},
    {"Rprop", "Rprop(p)", [](const Params& p) { return made<optim::Rprop>(p, optim::RpropOptions()); }},
    {"ASGD", "ASGD(p, t0=1, lambd=0.1)", [](const Params& p) { return made<optim::ASGD>(p, optim::ASGDOptions().t0(1).lambd(0.1)); }},
    {"LBFGS", "LBFGS(p, 0.3, max_iter=3, history_size=4)", [](const Params& p) { return made<optim::LBFGS>(p, optim::LBFGSOptions(0.3).max_iter(3).history_size(4)); }},
    {"LBFGS with line search", "LBFGS(p, max_iter=3, history_size=4, line_search_fn='strong_wolfe')",
     [](const Params& p) { return made<optim::LBFGS>(p, optim::LBFGSOptions().max_iter(3).history_size(4).line_search_fn("strong_wolfe")); }},
};

// Python keeps some numbers of these two as float32, whatever the parameters are.
double tolerance(const Kind& kind) { return std::string(kind.name) == "NAdam" || std::string(kind.name) == "ASGD" ? 1e-5 : 1e-9; }

struct NetImpl : nn::Module {
  NetImpl() : a(register_module("a", nn::Linear(3, 4))), b(register_module("b", nn::Linear(4, 1))), scale(register_buffer("scale", ct::ones({1}))) {}
  Tensor forward(const Tensor& x) { return b(ct::tanh(a(x))) * scale; }
  nn::Linear a, b;
  Tensor scale;
};
CT_MODULE(Net);

void train(Net& net, optim::Optimizer& opt, int steps) {
  for (int i = 0; i < steps; ++i) {
    const Tensor x = ct::randn({8, 3}), y = x.sum(1, true).sin();
    opt.step([&] {
      opt.zero_grad();
      const Tensor loss = (net(x) - y).square().mean();
      loss.backward();
      return loss;
    });
  }
}
std::string bits(const Net& net) {
  std::string s;
  for (const Tensor& p : net->parameters()) s.append(static_cast<const char*>(p.data_ptr()), p.nbytes());
  return s;
}

}  // namespace

TEST_CASE("a run that is resumed from a file has the bits of one that was not interrupted") {
  const Folder folder;
  for (const Kind& kind : kinds) {
    CAPTURE(std::string(kind.name));
    ct::manual_seed(3);
    Net net;
    const Made opt = kind.make(net->parameters());
    train(net, *opt, 4);
    for (const char* file : {"c.safetensors", "c.pt"}) ct::save_checkpoint(folder / file, *net, *opt, IValue::dict({{"epoch", 4}}));
    ct::save(net, folder / "net.safetensors");
    ct::save(*opt, folder / "opt.pt");
    const Tensor rng = ct::get_rng_state();
    train(net, *opt, 5);
    const std::string want = bits(net);
    for (const char* file : {"c.safetensors", "c.pt", ""}) {
      CAPTURE(std::string(file));
      ct::manual_seed(99);
      Net other;
      const Made again = kind.make(other->parameters());
      train(other, *again, 2);  // what is there is replaced
      if (*file) {
        const IValue extra = ct::load_checkpoint(folder / file, *other, *again);
        CHECK(extra["epoch"].toInt() == 4);
      } else {
        ct::load(other, folder / "net.safetensors");
        ct::load(*again, folder / "opt.pt");
        ct::set_rng_state(rng);
      }
      train(other, *again, 5);
      CHECK(bits(other) == want);
    }
  }
}

TEST_CASE("optimizers go on from Python's state, and Python's from ours") {
  const Folder folder;
  // The same gradients on both sides: of sum((p - 1)^2 (1 + i)) + sum(p^4) / 4, at the parameters.
  std::string code = "import torch\nfrom torch.optim import *\n"
                     "def start(): return [torch.tensor([[1., -2.], [0.5, 3.]], dtype=torch.float64, requires_grad=True), torch.tensor([0.3, -0.7, 2.], dtype=torch.float64, requires_grad=True)]\n"
                     "def run(p, o, n):\n"
                     "  for _ in range(n):\n"
                     "    def closure():\n"
                     "      o.zero_grad()\n"
                     "      l = sum((((q - 1) ** 2) * (1 + i)).sum() + (q ** 4).sum() / 4 for i, q in enumerate(p)); l.backward(); return l\n"
                     "    o.step(closure)\n";
  const auto start = [] {
    Params p{ct::tensor({{1.0, -2.0}, {0.5, 3.0}}, ct::dtype(ct::kDouble)), ct::tensor({0.3, -0.7, 2.0}, ct::dtype(ct::kDouble))};
    for (const Tensor& q : p) q.requires_grad_(true);
    return p;
  };
  const auto run = [](const Params& p, optim::Optimizer& o, int n) {
    for (int k = 0; k < n; ++k)
      o.step([&] {
        o.zero_grad();
        Tensor l = ct::zeros({}, ct::dtype(ct::kDouble));
        for (std::size_t i = 0; i < p.size(); ++i) l = l + ((p[i] - 1).square() * (1.0 + static_cast<double>(i))).sum() + p[i].pow(4).sum() / 4;
        l.backward();
        return l;
      });
  };
  int i = 0;
  std::string first = code, second = code;
  for (const Kind& kind : kinds) {
    const std::string n = std::to_string(i++), python_made = kind.python;
    // Python makes three steps, we go on; and the other way round.
    first += "p = start(); o = " + python_made + "; run(p, o, 3); torch.save({'p': [q.detach().clone() for q in p], 'o': o.state_dict()}, 'py" + n + ".pt'); run(p, o, 4); torch.save([q.detach() for q in p], 'end" + n + ".pt')\n";
    const Params p = start();
    const Made o = kind.make(p);
    run(p, *o, 3);
    save_pt(IValue::dict({{"p", p}, {"o", o->state_dict()}}), folder / ("ct" + n + ".pt"));
    second += "c = torch.load('ct" + n + ".pt'); p = c['p']; o = " + python_made + "; o.load_state_dict(c['o']); o.param_groups[0]['foreach'] = True; run(p, o, 4); e = torch.load('end" + n +
              ".pt')\nfor a, b in zip(p, e): assert torch.allclose(a, b, rtol=" + std::string(tolerance(kind) > 1e-6 ? "1e-5" : "1e-9") + ", atol=1e-10), ('" + kind.name + "', p, e)\n";
  }
  CHECK(python(folder, first) == "");
  i = 0;
  for (const Kind& kind : kinds) {
    CAPTURE(std::string(kind.name));
    const std::string n = std::to_string(i++);
    const IValue c = ct::load(folder / ("py" + n + ".pt"));
    Params p = c["p"].toTensorVector();
    for (const Tensor& q : p) q.requires_grad_(true);
    const Made o = kind.make(p);
    for (auto& g : o->param_groups()) g.options().set_lr(123);  // comes from the file
    o->load_state_dict(c["o"]);
    run(p, *o, 4);
    const double rtol = tolerance(kind);
    const std::vector<Tensor> end = ct::load(folder / ("end" + n + ".pt")).toTensorVector();
    for (std::size_t k = 0; k < p.size(); ++k) CHECK(ct::allclose(p[k], end[k], rtol, rtol));
  }
  CHECK(python(folder, second) == "");
}

TEST_CASE("load_state_dict of an optimizer: what does not fit is refused and changes nothing") {
  const Params p{ct::ones({2}, ct::requires_grad()), ct::ones({3}, ct::requires_grad())};
  optim::Adam opt({optim::OptimizerParamGroup({p[0]}), optim::OptimizerParamGroup({p[1]}, optim::AdamOptions(0.5))}, optim::AdamOptions(0.1));
  (p[0].sum() + p[1].sum()).backward();
  opt.step();
  const IValue good = opt.state_dict();
  CHECK(ct::to_string(good["param_groups"]) ==
        "[{'lr': 0.1, 'betas': (0.9, 0.999), 'eps': 1e-08, 'weight_decay': 0, 'amsgrad': False, 'maximize': False, 'params': [0]}, "
        "{'lr': 0.5, 'betas': (0.9, 0.999), 'eps': 1e-08, 'weight_decay': 0, 'amsgrad': False, 'maximize': False, 'params': [1]}]");
  CHECK(ct::to_string(good["state"]["1"]) == "{'step': 1, 'exp_avg': Tensor(shape=[3], dtype=float32), 'exp_avg_sq': Tensor(shape=[3], dtype=float32), 'max_exp_avg_sq': None}");
  const auto refused = [&](const IValue& d) {
    try {
      opt.load_state_dict(d);
    } catch (const ct::ValueError& e) {
      CHECK(opt.state().at<optim::AdamParamState>(p[0]).step() == 1);
      CHECK(opt.param_groups()[1].options().get_lr() == 0.5);
      return std::string(e.what());
    }
    return std::string("no error");
  };
  const auto group = [](double lr, IValue params) { return IValue::dict({{"lr", lr}, {"params", params}}); };
  const auto state = [&](IValue s, double lr = 0.2) {
    return IValue::dict({{"state", s}, {"param_groups", IValue::list({group(lr, IValue::list({0})), group(lr, IValue::list({1}))})}});
  };
  const IValue none = IValue::dict();
  CHECK(contains(refused(none), "there is no 'state'"));
  CHECK(contains(refused(IValue::dict({{"state", none}, {"param_groups", IValue::list()}})), "loaded state dict has a different number of parameter groups: 0, and the optimizer has 2"));
  CHECK(contains(refused(IValue::dict({{"state", none}, {"param_groups", IValue::list({group(1, IValue::list({0, 1})), group(1, IValue::list({2}))})}})),
                 "doesn't match the size of optimizer's group: group 0 has 2 parameters"));
  CHECK(contains(refused(state(none, -1)), "Invalid learning rate: -1"));
  CHECK(contains(refused(state(IValue::dict({{0, IValue::dict({{"step", 1}})}}))), "parameter 0: 'exp_avg' is missing"));
  CHECK(contains(refused(state(IValue::dict({{0, IValue::dict({{"step", "x"}})}}))), "parameter 0: 'step' is no number, but String"));
  CHECK(contains(refused(state(IValue::dict({{0, IValue::dict({{"step", 1.5}})}}))), "'step' is no integer, but 1.5"));
  CHECK(contains(refused(state(IValue::dict({{0, IValue::dict({{"step", 1}, {"exp_avg", ct::ones({3})}})}}))), "'exp_avg' has shape [3], which does not fit its parameter of shape [2]"));
  CHECK(contains(refused(IValue::dict({{"state", none}, {"param_groups", IValue::list({IValue::dict({{"betas", 1}, {"params", IValue::list({0})}}), group(1, IValue::list({1}))})}})),
                 "group 0: 'betas' is no pair of numbers"));
  // What fits is copied; what the dictionary lacks stays.
  opt.load_state_dict(state(IValue::dict({{1, good["state"]["1"]}})));
  CHECK(opt.state().size() == 1);
  CHECK(opt.state().at<optim::AdamParamState>(p[1]).exp_avg().is_alias_of(good["state"]["1"]["exp_avg"].toTensor()) == false);
  CHECK(opt.param_groups()[0].options().get_lr() == 0.2);
  // The learning rate before any scheduler goes along, and duplicate parameters have one number.
  optim::StepLR scheduler(opt, 1);
  opt.step();
  scheduler.step();
  optim::Adam second({optim::OptimizerParamGroup({p[0]}), optim::OptimizerParamGroup({p[1]})}, optim::AdamOptions(7));
  second.load_state_dict(opt.state_dict());
  CHECK(second.param_groups()[0].initial_lr == 0.2);
  CHECK(second.param_groups()[0].options().get_lr() == doctest::Approx(0.02));
}

TEST_CASE("a state of one's own can be cloned, and says when it cannot be saved") {
  optim::AdamWParamState s;
  s.step(5).exp_avg(ct::ones({2}));
  const auto copy = s.clone();
  CHECK(dynamic_cast<optim::AdamWParamState*>(copy.get()) != nullptr);
  CHECK(static_cast<optim::AdamWParamState&>(*copy).step() == 5);
  struct Own : optim::OptimizerParamState {};
  CHECK_THROWS_AS((void)Own().clone(), ct::NotImplementedError);
}

namespace {

// An optimizer as libtorch's users write them: with serialize() in place of visit().
struct OwnOptions : optim::OptimizerCloneableOptions<OwnOptions> {
  OwnOptions(double lr) : lr_(lr) {}
  CT_OPTIM_ARG(double, lr);
  CT_OPTIM_ARG(std::int64_t, every) = 2;

 public:
  void serialize(ct::serialize::OutputArchive& a) const override {
    a.write("lr", IValue(lr_));
    a.write("every", IValue(every_));
  }
  void serialize(ct::serialize::InputArchive& a) override {
    IValue v;
    a.read("lr", v);
    lr_ = v.toDouble();
    a.read("every", v);
    every_ = v.toInt();
  }
};
struct OwnState : optim::OptimizerCloneableParamState<OwnState> {
  std::int64_t n = 0;
  Tensor sum;
  void serialize(ct::serialize::OutputArchive& a) const override {
    a.write("n", IValue(n));
    a.write("sum", sum);
  }
  void serialize(ct::serialize::InputArchive& a) override {
    IValue v;
    a.read("n", v);
    n = v.toInt();
    a.read("sum", sum);
  }
};
struct Own : optim::Optimizer {
  explicit Own(Params p) : Optimizer({optim::OptimizerParamGroup(std::move(p))}, optim::Owned<optim::OptimizerOptions>(new OwnOptions(0.1))) {}
  Tensor step(LossClosure closure = nullptr) override { return begin_step(closure); }
  optim::Owned<optim::OptimizerParamState> new_state(const Tensor&, const optim::OptimizerOptions&) const override { return optim::Owned<optim::OptimizerParamState>(new OwnState); }
};

}  // namespace

TEST_CASE("an optimizer of one's own is saved as libtorch's are") {
  const Params p{ct::ones({2}, ct::requires_grad())};
  Own a(p), b(p);
  auto s = std::make_unique<OwnState>();
  s->n = 5;
  s->sum = ct::tensor({1.0f, 2.0f});
  a.state().insert(p[0], std::move(s));
  static_cast<OwnOptions&>(a.param_groups()[0].options()).every(7);
  std::stringstream file;
  ct::save(a, file);
  ct::load(b, file);
  CHECK(static_cast<OwnOptions&>(b.param_groups()[0].options()).every() == 7);
  CHECK(b.state().at<OwnState>(p[0]).n == 5);
  CHECK(same(b.state().at<OwnState>(p[0]).sum, ct::tensor({1.0f, 2.0f})));
  ct::serialize::OutputArchive out;
  const optim::AdamOptions adam(0.3);
  adam.serialize(out);
  optim::AdamOptions other;
  ct::serialize::InputArchive in(out.value());
  other.weight_decay(5).serialize(in);
  CHECK(other.lr() == 0.3);
  CHECK(other.weight_decay() == 0);
}

TEST_CASE("schedulers go on from their state") {
  const Folder folder;
  const auto each = [](auto make, bool metric = false) {
    const Tensor p = ct::ones({1}, ct::requires_grad()), q = ct::ones({1}, ct::requires_grad());
    optim::SGD a({p}, optim::SGDOptions(0.8).momentum(0.9)), b({q}, optim::SGDOptions(0.8).momentum(0.9));
    auto sa = make(a), sb = make(b);
    int epoch = 0;
    const auto step = [&](optim::Optimizer& o, auto& s) {
      o.step();
      if constexpr (requires { s->step(1.0); s->best(); }) s->step(1.0 / (1 + epoch / 3));
      else s->step();
    };
    (void)metric;
    for (; epoch < 7; ++epoch) step(a, sa);
    std::stringstream file;
    ct::save(IValue::dict({{"o", a.state_dict()}, {"s", sa->state_dict()}}), file);
    const IValue read = ct::load(file);
    b.load_state_dict(read["o"]);
    sb->load_state_dict(read["s"]);
    for (; epoch < 20; ++epoch) {
      step(a, sa);
      step(b, sb);
      CHECK(a.param_groups()[0].options().get_lr() == b.param_groups()[0].options().get_lr());
      CHECK(a.param_groups()[0].options().get_momentum() == b.param_groups()[0].options().get_momentum());
      CHECK(sa->get_last_lr() == sb->get_last_lr());
    }
  };
  using optim::Optimizer;
  each([](Optimizer& o) { return std::make_unique<optim::StepLR>(o, 3, 0.5); });
  each([](Optimizer& o) { return std::make_unique<optim::MultiStepLR>(o, std::vector<std::int64_t>{2, 9, 12}); });
  each([](Optimizer& o) { return std::make_unique<optim::ExponentialLR>(o, 0.9); });
  each([](Optimizer& o) { return std::make_unique<optim::CosineAnnealingLR>(o, 8); });
  each([](Optimizer& o) { return std::make_unique<optim::CosineAnnealingWarmRestarts>(o, 3, 2); });
  each([](Optimizer& o) { return std::make_unique<optim::LambdaLR>(o, [](std::int64_t e) { return 1.0 / static_cast<double>(1 + e); }); });
  each([](Optimizer& o) { return std::make_unique<optim::LinearLR>(o, 0.5, 1, 12); });
  each([](Optimizer& o) { return std::make_unique<optim::PolynomialLR>(o, 15, 2); });
  each([](Optimizer& o) { return std::make_unique<optim::CyclicLR>(o, 0.1, 0.9, 4); });
  each([](Optimizer& o) { return std::make_unique<optim::OneCycleLR>(o, 0.9, 30); });
  each([](Optimizer& o) { return std::make_unique<optim::ReduceLROnPlateau>(o, "min", 0.5, 1); });
  struct Two {
    explicit Two(Optimizer& o) : first(o, 0.5, 4), second(o, 0.9), all(o, {&first, &second}, {5}) {}
    optim::ConstantLR first;
    optim::ExponentialLR second;
    optim::SequentialLR all;
    void step() { all.step(); }
    IValue state_dict() const { return all.state_dict(); }
    void load_state_dict(const IValue& s) { all.load_state_dict(s); }
    const std::vector<double>& get_last_lr() const { return all.get_last_lr(); }
  };
  each([](Optimizer& o) { return std::make_unique<Two>(o); });
  const Tensor p = ct::ones({1}, ct::requires_grad());
  optim::SGD o({p}, optim::SGDOptions(0.8));
  optim::StepLR s(o, 3);
  CHECK_THROWS_WITH_AS(s.load_state_dict(IValue::dict({{"last_epoch", 5}})), "load_state_dict: scheduler: 'base_lrs' is missing", ct::ValueError);
  CHECK(s.last_epoch() == 0);
  CHECK_THROWS_AS(s.load_state_dict(3), ct::ValueError);
}
