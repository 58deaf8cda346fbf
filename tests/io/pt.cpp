// tests/io/pt.cpp -- PyTorch's checkpoints, to and from Debian's python3-torch, and what must be refused.
#include "cotangent/io.h"
#include "io/files.h"
#include "io/zip.h"

using namespace test_io;
using ct::IValue;
using ct::load_pt;
using ct::save_pt;
using ct::Tensor;

namespace {

// A zip archive as torch.save makes it, of the given pickle and one storage of four float32.
std::string archive_with(const std::string& pickle, bool with_storage = true) {
  const float data[] = {1, 2, 3, 4};
  const std::vector<char> v = ct::io::write_memory([&](ct::io::Sink& sink) {
    ct::io::ZipWriter zip(sink);
    zip.stored("archive/data.pkl", {{pickle.data(), pickle.size()}});
    if (with_storage) zip.stored("archive/data/0", {{data, sizeof data}});
    zip.finish();
  });
  return {v.begin(), v.end()};
}
IValue loaded(const std::string& bytes) {
  std::istringstream in(bytes);
  return load_pt(in);
}
std::string error_for(const std::string& pickle) {
  return error_of([&] { loaded(archive_with(pickle)); });
}

// Parts of pickles.
std::string number(std::int64_t v) {
  std::string s = "\x8a\x08" + std::string(8, '\0');
  std::memcpy(&s[2], &v, 8);
  return s;
}
std::string row(const std::vector<std::int64_t>& v) {
  std::string s = "(";
  for (const std::int64_t x : v) s += number(x);
  return s + "t";
}
std::string text(const std::string& t) { return "X" + std::string(1, static_cast<char>(t.size())) + std::string(3, '\0') + t; }
std::string tensor_of(const std::string& place, const std::string& storage = "Float", std::int64_t count = 4) {
  return "\x80\x02" "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + storage + "Storage\n" + text("0") + text("cpu") + number(count) + "tQ" + place +
         "\x89" "ccollections\nOrderedDict\n)RtR.";
}
std::string place(std::int64_t offset, const std::vector<std::int64_t>& sizes, const std::vector<std::int64_t>& strides) { return number(offset) + row(sizes) + row(strides); }

}  // namespace

TEST_CASE("pt: Python reads what we wrote") {
  const Folder folder;
  IValue d = IValue::dict();
  for (auto& [name, t] : of_each_dtype()) d.insert(name, t);
  const Tensor base = ct::arange(12.0f).view({3, 4});
  d.insert("base", base);
  d.insert("transposed", base.t());
  d.insert("part", base.slice(1, 1, 4, 2));
  d.insert("expanded", ct::ones({1, 2}).expand({3, 2}));
  d.insert("nothing", ct::empty({0, 2}, ct::kLong));
  d.insert("number", ct::tensor(2.5));
  d.insert("param", ct::ones({2}, ct::requires_grad()));
  d.insert("values", IValue::list({1, -1, 255, 256, 65536, std::int64_t{1} << 40, std::int64_t{-1} << 40, INT64_MIN, 0.1, true, false, IValue(), "text \xC3\xA9"}));
  d.insert("tuples", IValue::tuple({IValue::tuple({}), IValue::tuple({1}), IValue::tuple({1, 2, 3, 4})}));
  d.insert("nested", IValue::dict({{0, IValue::dict({{"a", IValue::list()}})}}));
  save_pt(d, folder / "a.pt");
  const std::string said = python(folder, R"(
import torch
d = torch.load('a.pt')
want = torch.tensor([[0, 1, -2.5], [100, 0.125, 7]], dtype=torch.float64)
for k in ['bool', 'uint8', 'int8', 'int16', 'int32', 'int64', 'float16', 'bfloat16', 'float32', 'float64']:
    w = (want.abs() if k in ('bool', 'uint8') else want).to(getattr(torch, k))
    assert d[k].dtype == w.dtype and torch.equal(d[k], w), (k, d[k])
b = d['base']
assert torch.equal(b, torch.arange(12.).view(3, 4)) and torch.equal(d['transposed'], b.t()) and torch.equal(d['part'], b[:, 1:4:2])
b[0, 1] = 50
assert d['transposed'][1, 0] == 50 and d['part'][0, 0] == 50
assert d['expanded'].stride() == (0, 1) and torch.equal(d['expanded'], torch.ones(3, 2))
assert d['nothing'].shape == (0, 2) and d['nothing'].dtype == torch.int64
assert d['number'].shape == () and d['number'] == 2.5
assert d['param'].requires_grad and not d['base'].requires_grad
print(d['values'], d['tuples'], d['nested'])
)");
  CHECK(said == "[1, -1, 255, 256, 65536, 1099511627776, -1099511627776, -9223372036854775808, 0.1, True, False, None, 'text \xC3\xA9'] ((), (1,), (1, 2, 3, 4)) {0: {'a': []}}\n");
  // And we do.
  const IValue e = load_pt(folder / "a.pt");
  CHECK(ct::to_string(e["values"]) == ct::to_string(d["values"]));
  CHECK(ct::to_string(e["tuples"]) == "((), (1,), (1, 2, 3, 4))");
  CHECK(ct::to_string(e["nested"]) == "{0: {'a': []}}");
  for (const auto& p : d.items())
    if (p.second.isTensor()) {
      CAPTURE(p.first.toStringRef());
      CHECK(same(e[p.first.toStringRef()].toTensor(), p.second.toTensor()));
      CHECK((p.second.toTensor().numel() == 0 || e[p.first.toStringRef()].toTensor().strides() == p.second.toTensor().strides()));
    }
  CHECK(e["param"].toTensor().requires_grad());
  CHECK(e["base"].toTensor().is_alias_of(e["part"].toTensor()));
  e["base"].toTensor().index_put_({0, 1}, 50);
  CHECK(e["transposed"].toTensor()[1][0].item<float>() == 50);
  // Only the part of a storage that is seen is written.
  const Tensor large = ct::zeros({1'000'000});
  CHECK(ct::pickle_save(large.slice(0, 10, 20)).size() < 2000);
  // In memory, under libtorch's names.
  CHECK(same(ct::pickle_load(ct::pickle_save(base)).toTensor(), base));
}

TEST_CASE("pt: what Python wrote") {
  const Folder folder;
  const std::string said = python(folder, R"(
import torch, collections
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2, bias=False))
net[0].weight.requires_grad_(False)
torch.save(net.state_dict(), 'net.pt')
opt = torch.optim.Adam(net.parameters(), lr=0.5, betas=(0.8, 0.9))
net(torch.randn(5, 3)).sum().backward(); opt.step()
b = torch.arange(12.).view(3, 4)
torch.save({'epoch': 7, 'loss': 0.25, 'name': 'n\u00e9', 'none': None, 'flags': [True, False], 'shape': b.shape, 'shared': (b, b.t(), b[1]),
            'opt': opt.state_dict(), 'param': torch.nn.Parameter(torch.ones(2)), 'ordered': collections.OrderedDict([(1, 2)]),
            'big': 2**40, 'half': b.half(), 'bf': b.bfloat16(), 'bool': b > 5, 'list': [b, [b.int()]]}, 'mix.pt')
torch.save(b, 'tensor.pt'); torch.save([b, b], 'list.pt')
torch.save(b, 'p4.pt', pickle_protocol=4)
torch.save(b, 'old.pt', _use_new_zipfile_serialization=False)
torch.save(net, 'module.pt')
torch.save(torch.ones(2, dtype=torch.complex64), 'complex.pt')
torch.save({'a': {1, 2}}, 'set.pt')
import numpy
torch.save({'a': numpy.float64(1)}, 'numpy.pt')
torch.save(b.to_sparse(), 'sparse.pt')
class Evil:
    def __reduce__(self): return (__import__('os').system, ('touch executed',))
torch.save(Evil(), 'evil.pt')
)");
  REQUIRE(said == "");
  const IValue net = load_pt(folder / "net.pt");
  CHECK(net.size() == 8);
  CHECK(net["0.weight"].toTensor().sizes() == ct::IntArrayRef({4, 3}));
  CHECK(net["1.num_batches_tracked"].toTensor().item<int>() == 0);
  const IValue mix = load_pt(folder / "mix.pt");
  CHECK(mix["epoch"].toInt() == 7);
  CHECK(mix["loss"].toDouble() == 0.25);
  CHECK(mix["name"].toStringRef() == "n\xC3\xA9");
  CHECK(mix["none"].isNone());
  CHECK(ct::to_string(mix["flags"]) == "[True, False]");
  CHECK(ct::to_string(mix["shape"]) == "(3, 4)");
  CHECK(ct::to_string(mix["ordered"]) == "{1: 2}");
  CHECK(mix["big"].toInt() == std::int64_t{1} << 40);
  const Tensor b = ct::arange(12.0f).view({3, 4});
  CHECK(same(mix["shared"][0].toTensor(), b));
  CHECK(same(mix["shared"][1].toTensor(), b.t()));
  CHECK(same(mix["shared"][2].toTensor(), b[1]));
  CHECK(mix["shared"][1].toTensor().is_alias_of(mix["shared"][0].toTensor()));
  CHECK(mix["param"].toTensor().requires_grad());
  CHECK(same(mix["half"].toTensor(), b.to(ct::kHalf)));
  CHECK(same(mix["bf"].toTensor(), b.to(ct::kBFloat16)));
  CHECK(same(mix["bool"].toTensor(), b > 5));
  CHECK(same(mix["list"][1][0].toTensor(), b.to(ct::kInt)));
  CHECK(mix["opt"]["param_groups"][0]["betas"][0].toDouble() == 0.8);
  CHECK(mix["opt"]["state"]["1"]["exp_avg"].toTensor().sizes() == ct::IntArrayRef({4}));
  CHECK(same(load_pt(folder / "tensor.pt").toTensor(), b));
  CHECK(load_pt(folder / "list.pt").toTensorVector().size() == 2);
  CHECK(same(load_pt(folder / "p4.pt").toTensor(), b));
  const auto error = [&](const char* name) { return error_of([&] { ct::load(folder / name); }); };
  CHECK(contains(error("old.pt"), "as torch.save wrote it before PyTorch 1.6"));
  CHECK(contains(error("module.pt"), "it asks for torch.nn.modules.container.Sequential, which is not on the list"));
  CHECK(contains(error("complex.pt"), "it asks for torch.ComplexFloatStorage, a dtype that does not exist here"));
  CHECK(contains(error("set.pt"), "it asks for __builtin__.set"));
  CHECK(contains(error("numpy.pt"), "it asks for numpy.core.multiarray.scalar"));
  CHECK(contains(error("sparse.pt"), "it asks for torch._utils._rebuild_sparse_tensor"));
  CHECK(contains(error("evil.pt"), "it asks for posix.system"));
  CHECK(!std::filesystem::exists(folder / "executed"));
}

TEST_CASE("pt: what is refused, and with which words") {
  const std::string good = place(0, {2, 2}, {2, 1}), misfit = "does not fit its storage '0' of 4 elements";
  CHECK(error_for(tensor_of(good)) == "no error");
  CHECK(error_for(tensor_of(good, "Int")) == "no error");
  CHECK(error_for(tensor_of(place(4, {0}, {7}))) == "no error");
  const auto at = [&](std::int64_t offset, const std::vector<std::int64_t>& sizes, const std::vector<std::int64_t>& strides) { return error_for(tensor_of(place(offset, sizes, strides))); };
  CHECK(contains(at(1, {2, 2}, {2, 1}), misfit));
  CHECK(contains(at(-1, {1}, {1}), misfit));
  CHECK(contains(at(4, {}, {}), misfit));
  CHECK(contains(at(5, {0}, {1}), misfit));
  CHECK(contains(at(0, {2}, {4}), misfit));
  CHECK(contains(at(3, {2}, {-1}), misfit));
  CHECK(contains(at(INT64_MAX, {2}, {1}), misfit));
  CHECK(contains(at(0, {1 << 20}, {INT64_MAX}), misfit));
  CHECK(contains(at(0, {std::int64_t{1} << 60}, {0}), misfit) == false);  // one element, seen often
  CHECK(contains(at(0, {std::int64_t{1} << 61}, {0}), "no tensor can have the sizes"));
  CHECK(contains(at(0, {-1}, {1}), "no tensor can have the sizes [-1]"));
  CHECK(contains(at(0, {2}, {1, 1}), "no tensor can have the sizes [2] and the strides [1, 1]"));
  CHECK(contains(at(0, std::vector<std::int64_t>(17, 1), std::vector<std::int64_t>(17, 1)), "no tensor can have the sizes"));
  CHECK(contains(error_for(tensor_of(number(0) + number(2) + number(1))), "a tensor is not made of a storage"));
  CHECK(contains(error_for(tensor_of(good, "Double")), "entry 'archive/data/0' has 16 bytes, but is to hold 4 elements of Double"));
  for (const std::int64_t n : {std::int64_t{5}, INT64_MAX, std::int64_t{-1}}) CHECK(contains(error_for(tensor_of(good, "Float", n)), "has 16 bytes, but is to hold " + std::to_string(n)));
  CHECK(contains(error_for(tensor_of(good, "QInt8")), "it asks for torch.QInt8Storage, a dtype that does not exist here"));

  const auto pickle = [&](const std::string& code) { return error_for("\x80\x02" + code); };
  CHECK(pickle("N.") == "no error");
  CHECK(contains(pickle(""), "it is cut off or damaged: 1 bytes should follow, and 0 do"));
  CHECK(contains(pickle("."), "it ends with 0 values instead of one"));
  CHECK(contains(pickle("NN."), "it ends with 2 values instead of one"));
  CHECK(contains(pickle("(."), "there is no value where one is needed"));
  CHECK(contains(pickle("X\xff\xff\xff\xff."), "4294967295 bytes should follow"));
  CHECK(contains(pickle("\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), "18446744073709551615 bytes should follow"));
  CHECK(contains(pickle("X\x01" + std::string(3, '\0') + "\xff."), "a text is not UTF-8"));
  CHECK(contains(pickle("\x8a\x09" + std::string(9, 'x') + "."), "an integer has more than 64 bits"));
  CHECK(contains(pickle("cos\nsystem\nX\x02" + std::string(3, '\0') + "ls\x85R."), "it asks for os.system"));
  CHECK(contains(pickle("cbuiltins\neval\n."), "it asks for builtins.eval"));
  CHECK(contains(pickle("X\x02" + std::string(3, '\0') + "osX\x06" + std::string(3, '\0') + "system\x93."), "it asks for os.system"));
  CHECK(contains(pickle("ios\nsystem\n."), "instruction 105 (\"i\") is not supported"));
  CHECK(contains(pickle("ctorch\nFloatStorage\n."), "it holds torch.FloatStorage itself, not a value"));
  CHECK(contains(pickle("ctorch\nFloatStorage\n\x85."), "it holds a storage itself"));
  CHECK(contains(pickle("ctorch\nFloatStorage\n)R."), "it calls torch.FloatStorage, which is no function that may be called"));
  CHECK(contains(pickle("ccollections\nOrderedDict\n)\x81."), "an object of a class is made"));
  CHECK(contains(pickle("h\x07."), "value 7 is used, but it was not remembered"));
  CHECK(contains(pickle("NQ."), "a persistent id that is no storage"));
  CHECK(contains(pickle("}(NNu."), "the key of a dict must be text or an integer"));
  CHECK(contains(pickle("}(K\x01NK\x01Nu."), "the key '1' is already there"));
  CHECK(contains(pickle("}(K\x01u."), "a key has no value"));
  CHECK(contains(pickle("a."), "there is no value where one is needed"));
  CHECK(contains(pickle("NNa."), "there is no list to add to"));
  CHECK(contains(pickle("t."), "there is no mark"));
  CHECK(contains(error_for("\x80\x09N."), "protocol 9 is not known"));
  // What would contain itself, and what would look much larger than it is.
  CHECK(contains(pickle("]q\x01h\x01" "a."), "cannot contain itself"));
  CHECK(contains(pickle(std::string("]q\x01]q\x02h\x01" "aa.")), "is part of another value cannot be changed"));
  std::string shared = "N";
  for (int i = 0; i < 60; ++i) shared += std::string("q\x01h\x01\x86");
  CHECK(contains(pickle(shared + "."), "grow beyond all measure"));
  CHECK(contains(pickle(std::string(300, ']') + std::string(299, 'a') + "."), "nested more than 200 deep"));
  CHECK(contains(pickle(std::string(100'000, '(') + "."), "it ends with 100000 values"));
  CHECK(contains(pickle(")" + std::string(100'000, '\x85') + "."), "nested more than 200 deep"));
}

TEST_CASE("pt: archives that are not as PyTorch makes them") {
  const Folder folder;
  const auto made = [&](const std::string& code) {
    const std::string said = python(folder, "import zipfile\nwith zipfile.ZipFile('a.pt', 'w') as z:\n" + code);
    REQUIRE(said == "");
    return error_of([&] { load_pt(folder / "a.pt"); });
  };
  CHECK(made("  z.writestr('x/data.pkl', b'\\x80\\x02N.')") == "no error");
  CHECK(contains(made("  z.writestr('x/data.pkl', b'\\x80\\x02N.'); z.writestr('y/data.pkl', b'\\x80\\x02N.')"), "there are two pickles"));
  CHECK(contains(made("  z.writestr('x/y/data.pkl', b'\\x80\\x02N.')"), "a zip archive without a data.pkl"));
  CHECK(contains(made("  z.writestr('x/data.pkl', b'\\x80\\x02N.' , zipfile.ZIP_DEFLATED)"), "is compressed, which torch.save never does"));
  CHECK(contains(made("  z.writestr('x/data.pkl', b'\\x80\\x02N.'); z.writestr('x/byteorder', 'big')"), "its byte order is 'big'"));
  CHECK(made("  z.writestr('x/data.pkl', b'\\x80\\x02N.'); z.writestr('x/byteorder', 'little')") == "no error");
  const std::string good = tensor_of(place(0, {4}, {1}));
  std::string bytes = archive_with(good);
  CHECK(same(loaded(bytes).toTensor(), ct::tensor({1.0f, 2.0f, 3.0f, 4.0f})));
  bytes[bytes.find(std::string("\0\0\x80\x3f", 4))] ^= 1;
  CHECK(contains(error_of([&] { loaded(bytes); }), "entry 'archive/data/0': its checksum is wrong"));
  CHECK(contains(error_of([&] { loaded(archive_with(good, false)); }), "there is no entry for the storage '0'"));
}

TEST_CASE("pt: damaged files give errors and take no memory") {
  const IValue d = IValue::dict({{"a", ct::arange(3.0f)}, {"b", IValue::list({1, "x", 0.5, IValue::tuple({true})})}});
  const std::vector<char> v = ct::pickle_save(d);
  damage(std::string(v.begin(), v.end()), [](const std::string& bytes) { (void)ct::to_string(loaded(bytes)); }, 300);
  // Without the checksums in the way: the pickle itself.
  damage(tensor_of(place(0, {2, 2}, {2, 1})), [](const std::string& pickle) { (void)ct::to_string(loaded(archive_with(pickle))); }, 300);
  const std::string all("\x80\x02}(" + text("a") + "](N\x88\x89K\x01M\x01\x02J\x01\x02\x03\x04" + number(5) + "G12345678" + text("t") + "q\x01h\x01" "e" + text("b") +
                        "NN\x86\x85q\x02" + text("c") + "h\x02" + text("d") + "ccollections\nOrderedDict\n)R" + "u.");
  REQUIRE(error_for(all) == "no error");
  damage(all, [](const std::string& pickle) { (void)ct::to_string(loaded(archive_with(pickle))); }, 300);
}
