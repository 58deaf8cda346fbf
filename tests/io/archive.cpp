// tests/io/archive.cpp -- save and load of everything that they take, in each format, and libtorch's archives.
#include "cotangent/io.h"

#include <cmath>
#include <map>

#include "cotangent/nn.h"
#include "cotangent/optim.h"
#include "io/files.h"

using namespace test_io;
using ct::IValue;
using ct::Tensor;
using ct::serialize::InputArchive;
using ct::serialize::OutputArchive;
namespace nn = ct::nn;

namespace {

struct InnerImpl : nn::Module {
  InnerImpl() : counter(register_buffer("counter", ct::tensor(0))), weight(register_parameter("weight", ct::randn({2, 3}))) {}
  Tensor forward(const Tensor& x) { return x; }
  Tensor counter, weight;
};
CT_MODULE(Inner);
// Has something to save that is no tensor.
struct OuterImpl : nn::Module {
  OuterImpl() : inner(register_module("inner", Inner())), relu(register_module("relu", nn::ReLU())), bias(register_parameter("bias", ct::randn({2}))) {}
  Tensor forward(const Tensor& x) { return x; }
  void save(OutputArchive& archive) const override {
    nn::Module::save(archive);
    archive.write("epoch", IValue(epoch));
    archive.write("words", IValue(words));
  }
  void load(InputArchive& archive) override {
    nn::Module::load(archive);
    IValue v;
    archive.read("epoch", v);
    epoch = v.toInt();
    archive.read("words", v);
    words.clear();
    for (const IValue& w : v.toListRef()) words.push_back(w.toStringRef());
  }
  Inner inner;
  nn::ReLU relu;
  Tensor bias;
  std::int64_t epoch = 0;
  std::vector<std::string> words;
};
CT_MODULE(Outer);

}  // namespace

TEST_CASE("save and load: tensors, lists, dicts and values, in each format") {
  const Folder folder;
  const Tensor x = ct::arange(6.0f).view({2, 3}), y = ct::tensor({true, false});
  for (const char* ending : {".safetensors", ".pt", ".pth", ".npz", ".npy", "", ".other"}) {
    CAPTURE(std::string(ending));
    const std::string path = folder / ("x" + std::string(ending));
    ct::save(x, path);
    Tensor t;
    ct::load(t, path);
    CHECK(same(t, x));
    Tensor there = ct::zeros({2, 3}), other = there;
    ct::load(there, path);  // a tensor that is defined keeps its identity
    CHECK(same(other, x));
    if (std::string(ending) == ".npy") {
      CHECK(same(ct::load(path).toTensor(), x));
      continue;
    }
    ct::save(std::vector<Tensor>{x, y}, path);
    std::vector<Tensor> list;
    ct::load(list, path);
    REQUIRE(list.size() == 2);
    CHECK(same(list[0], x));
    CHECK(same(list[1], y));
    ct::TensorDict dict;
    dict.insert("first.one", x);
    dict.insert("b", y);
    ct::save(dict, path);
    ct::TensorDict read;
    ct::load(read, path);
    CHECK(read.keys() == dict.keys());
    CHECK(same(read["first.one"], x));
    const std::map<std::string, Tensor> map{{"k", x}, {"l", y}};
    std::map<std::string, Tensor> map_read;
    ct::save(map, path);
    ct::load(map_read, path);
    CHECK(map_read.size() == 2);
    CHECK(same(map_read.at("l"), y));
  }
  const IValue v = IValue::dict({{"a", x}, {"n", 3}, {"lr", 0.1}, {"big", 1e300}, {"whole", 2.0}, {"nan", std::nan("")}, {"inf", -HUGE_VAL}, {"text", "q\"\n\xC3\xA9"}, {"none", IValue()},
                                 {"list", IValue::list({1, IValue::tuple({true, y})})}, {"dict", IValue::dict({{7, x}, {"$odd", IValue::dict()}})}, {"empty", IValue::list()}});
  for (const char* file : {"v.safetensors", "v.pt"}) {
    CAPTURE(std::string(file));
    ct::save(v, folder / file);
    const IValue r = ct::load(folder / file);
    CHECK(r.size() == v.size());
    for (const auto& p : v.items()) {
      CAPTURE(p.first.toStringRef());
      const IValue& mine = r[p.first.toStringRef()];
      CHECK(mine.kind() == p.second.kind());
      CHECK(ct::to_string(mine) == ct::to_string(p.second));
    }
    CHECK(r["lr"].toDouble() == 0.1);
    CHECK(r["whole"].isDouble());
    CHECK(same(r["list"][1][1].toTensor(), y));
    CHECK(same(r["dict"]["7"].toTensor(), x));
    CHECK(r["dict"].items()[0].first.isInt());
  }
  // Streams and memory.
  std::stringstream stream;
  ct::save(x, stream);
  Tensor t;
  ct::load(t, stream);
  CHECK(same(t, x));
  std::stringstream zip;
  ct::save(v, zip, ct::FileFormat::pt);
  CHECK(ct::load(zip)["n"].toInt() == 3);
  std::string collected;
  OutputArchive out;
  out << x;
  out.save_to([&](const void* p, std::size_t n) {
    n = std::min<std::size_t>(n, 100);
    collected.append(static_cast<const char*>(p), n);
    return n;
  });
  InputArchive in;
  in.load_from(collected.data(), collected.size());
  Tensor u;
  in >> u;
  CHECK(same(u, x));
  InputArchive by_function;
  by_function.load_from([&](std::uint64_t pos, void* to, std::size_t n) {
    std::memcpy(to, collected.data() + pos, n);
    return n;
  }, [&] { return collected.size(); });
  CHECK(by_function.keys() == std::vector<std::string>{"0"});
}

TEST_CASE("save and load: modules, also with state of their own, and what does not fit") {
  const Folder folder;
  Outer net;
  net->epoch = 12;
  net->words = {"a", "b"};
  net->inner->counter.fill_(5);
  for (const char* file : {"n.safetensors", "n.pt"}) {
    CAPTURE(std::string(file));
    ct::save(net, folder / file);
    Outer other;
    const Tensor handle = other->inner->weight;
    ct::load(other, folder / file);
    CHECK(same(handle, net->inner->weight));
    CHECK(same(other->bias, net->bias));
    CHECK(other->inner->counter.item<int>() == 5);
    CHECK(other->epoch == 12);
    CHECK(other->words == net->words);
    CHECK(handle.requires_grad());
    // Through a pointer, and as the module itself.
    Outer third;
    std::shared_ptr<OuterImpl> pointer = third.ptr();
    ct::load(pointer, folder / file);
    CHECK(same(third->bias, net->bias));
    ct::save(*net, folder / "again");
    ct::load(*third, folder / "again");
  }
  // Values of another dtype are converted, in place: members and registry stay the same tensors.
  ct::TensorDict doubles;
  doubles.insert("weight", ct::full({2, 3}, 0.1, ct::dtype(ct::kDouble)));
  doubles.insert("counter", ct::tensor(7.0, ct::dtype(ct::kDouble)));
  ct::save(doubles, folder / "doubles");
  Inner inner;
  ct::load(inner, folder / "doubles");
  CHECK(inner->counter.item<int>() == 7);
  CHECK(inner->counter.scalar_type() == ct::kLong);
  CHECK(inner->counter.is_same(inner->named_buffers()["counter"]));
  CHECK(inner->weight.scalar_type() == ct::kFloat);
  CHECK(inner->weight[0][0].item<float>() == 0.1f);
  nn::Sequential a(nn::Linear(3, 4), nn::ReLU(), nn::Linear(4, 2)), b(nn::Linear(3, 4), nn::ReLU(), nn::Linear(4, 3)), c(nn::Linear(3, 4), nn::ReLU(), nn::Linear(4, 2), nn::Linear(2, 2));
  ct::save(a, folder / "a.safetensors");
  const Tensor before = b->parameters()[0].clone();
  const std::string error = error_of([&] { ct::load(b, folder / "a.safetensors"); });
  CHECK(contains(error, "load: '" + folder.path + "/a.safetensors': Error(s) in loading state_dict for "));
  CHECK(contains(error, "size mismatch for 2.weight: copying a param with shape [2, 4] from checkpoint, the shape in current model is [3, 4]."));
  CHECK(contains(error, "size mismatch for 2.bias"));
  CHECK(same(b->parameters()[0], before));
  CHECK(contains(error_of([&] { ct::load(c, folder / "a.safetensors"); }), "Missing key(s) in state_dict: \"3.weight\", \"3.bias\".\n  The file has: 0, 2"));
  // As Python has it, both ways.
  const std::string said = python(folder, R"(
import torch
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
torch.save(net.state_dict(), 'py.pt')
x = torch.ones(1, 3)
torch.save({'model': net.state_dict(), 'out': net(x), 'epoch': 3}, 'nested.pt')
)");
  REQUIRE(said == "");
  ct::load(a, folder / "py.pt");
  const IValue nested = ct::load(folder / "nested.pt");
  CHECK(ct::allclose(a->forward(ct::ones({1, 3})), nested["out"].toTensor()));
  a->load_state_dict(nested["model"].toTensorDict());
  InputArchive archive, model;
  archive.load_from(folder / "nested.pt");
  archive.read("model", model);
  model >> a;
  CHECK(archive.keys() == std::vector<std::string>{"model", "out", "epoch"});
  CHECK(model.keys() == std::vector<std::string>{"0", "2"});
  ct::save(a, folder / "ours.pt");
  ct::optim::SGD sgd(a->parameters(), ct::optim::SGDOptions(0.1));
  ct::save_checkpoint(folder / "checkpoint.pt", *a, sgd, IValue::dict({{"epoch", 9}}));
  CHECK(python(folder, R"(
import torch
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
net.load_state_dict(torch.load('ours.pt'))
assert torch.allclose(net(torch.ones(1, 3)), torch.load('nested.pt')['out'])
c = torch.load('checkpoint.pt')
net.load_state_dict(c['model'])
torch.optim.SGD(net.parameters(), 1).load_state_dict(c['optimizer'])
torch.set_rng_state(c['rng_state'])
print(sorted(c), c['extra'])
)") == "['extra', 'model', 'optimizer', 'rng_state'] {'epoch': 9}\n");
}

TEST_CASE("archives: nested ones, what is missing, what is there already") {
  OutputArchive out, inner, empty;
  inner.write("x", ct::ones({2}));
  inner.write("n", 5);
  out.write("inner", inner);
  out.write("empty", empty);
  out("text", IValue("hello"));
  CHECK_THROWS_WITH_AS(out.write("text", 1), "OutputArchive: the key 'text' is already there", ct::ValueError);
  for (const ct::FileFormat format : {ct::FileFormat::safetensors, ct::FileFormat::pt}) {
    std::stringstream s;
    out.save_to(s, format);
    InputArchive in, nested, none;
    in.load_from(s);
    in.read("inner", nested);
    in.read("empty", none);
    CHECK(none.keys().empty());
    Tensor x;
    IValue n;
    nested.read("x", x);
    nested.read("n", n);
    CHECK(x.sizes() == ct::IntArrayRef({2}));
    CHECK(n.toInt() == 5);
    CHECK(!nested.try_read("y", x));
    CHECK(!in.try_read("nothing", nested));
    CHECK(contains(error_of([&] { nested.read("y", x); }), "load: '<stream>': No such serialized tensor 'inner.y'"));
    CHECK(contains(error_of([&] { in.read("y", nested); }), "No such serialized submodule 'y'"));
    CHECK(contains(error_of([&] { in.read("text", x); }), "'text' is a value, not a tensor"));
    Tensor wrong = ct::zeros({3}, ct::requires_grad());
    InputArchive again;
    in.read("inner", again);
    CHECK(contains(error_of([&] { again.read("x", wrong); }), "has shape [2], but it is to be loaded into one of shape [3]"));
    ct::TensorDict dict;
    CHECK(contains(error_of([&] { in >> dict; }), "not a tensor\n  ct::load(path) reads values of any kind."));
  }
  // A checkpoint that does not fit leaves everything as it was.
  const Folder folder;
  nn::Linear a(2, 2), b(3, 2);
  ct::optim::Adam oa(a->parameters()), ob(b->parameters(), ct::optim::AdamOptions(0.7));
  ct::save_checkpoint(folder / "c", *a, oa);
  ct::manual_seed(5);
  const Tensor rng = ct::get_rng_state(), w = b->weight.clone();
  CHECK(contains(error_of([&] { ct::load_checkpoint(folder / "c", *b, ob); }), "size mismatch for weight"));
  CHECK(same(ct::get_rng_state(), rng));
  CHECK(same(b->weight, w));
  CHECK(ob.param_groups()[0].options().get_lr() == 0.7);
}

TEST_CASE("load: the format is seen in the content") {
  const Folder folder;
  put(folder / "empty", "");
  put(folder / "text", "hello, this is a text");
  put(folder / "old", "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
  CHECK(contains(error_of([&] { ct::load(folder / "empty"); }), "the file is empty"));
  CHECK(contains(error_of([&] { ct::load(folder / "text"); }), "none of the formats that can be read: safetensors, .pt, .npy, .npz"));
  CHECK(contains(error_of([&] { ct::load(folder / "old"); }), "before PyTorch 1.6"));
  CHECK(contains(error_of([&] { ct::load(folder / "missing"); }), "load: cannot read '" + folder.path + "/missing': No such file"));
  ct::save(ct::ones({2}), folder / "a.pt");
  std::filesystem::rename(folder / "a.pt", folder / "a.safetensors");
  CHECK(ct::load(folder / "a.safetensors").toTensor().numel() == 2);
  CHECK_THROWS_AS(ct::save(IValue::dict({{"a", 1}}), folder / "a.npz"), ct::ValueError);
  CHECK_THROWS_AS(ct::save(std::vector<Tensor>{ct::ones({1}), ct::ones({1})}, folder / "a.npy"), ct::ValueError);
  CHECK(!std::filesystem::exists(folder / "a.npy"));
}

TEST_CASE("load: damaged archives give errors and take no memory") {
  std::ostringstream out;
  ct::save(IValue::dict({{"a", ct::ones({2})}, {"v", IValue::list({1, 2.5, IValue::tuple({true, "x"}), ct::ones({1})})}, {"d", IValue::dict({{1, IValue::dict({{"k", -HUGE_VAL}})}})}}), out);
  damage(out.str(), [](const std::string& bytes) {
    std::istringstream in(bytes);
    (void)ct::to_string(ct::load(in));
  }, 300);
  // Depth in the values.
  const auto with_values = [](const std::string& json) {
    std::ostringstream o;
    ct::Metadata notes;
    notes.insert("cotangent", json);
    ct::save_safetensors(ct::TensorDict(), o, notes);
    std::istringstream in(o.str());
    return error_of([&] { ct::load(in); });
  };
  CHECK(with_values("{}") == "no error");
  CHECK(contains(with_values("{\"a\":" + std::string(1'000'000, '[')), "nested more than 150 deep"));
  CHECK(contains(with_values("[]"), "they are no object"));
  CHECK(contains(with_values("{\"a\":{\"$tensor\":\"x\"}}"), "there is no tensor 'x'"));
  CHECK(contains(with_values("{\"a\":{\"$what\":1}}"), "'$what' is not known"));
  CHECK(contains(with_values("{\"a\":{\"$tuple\":[],\"b\":1}}"), "the key 'b' is there twice"));
  CHECK(contains(with_values("{\"a\":1,\"a\":2}"), "the key 'a' is there twice"));
  CHECK(contains(with_values("{\"a\":{\"$items\":[[1,2],[1,3]]}}"), "the key '1' is there twice"));
  CHECK(contains(with_values("{"), "the values in the header are damaged"));
}
