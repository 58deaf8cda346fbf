// tests/io/safetensors.cpp -- reading, writing, mapping, and what must be refused.
#include "cotangent/io.h"
#include "io/files.h"

using namespace test_io;
using ct::load_safetensors;
using ct::Metadata;
using ct::save_safetensors;
using ct::Tensor;
using ct::TensorDict;

namespace {

std::string file_of(const std::string& header, const std::string& data) {
  std::string out(8, '\0');
  const std::uint64_t n = header.size();
  std::memcpy(out.data(), &n, 8);
  return out + header + data;
}
std::string error_for(const std::string& header, const std::string& data) {
  std::istringstream in(file_of(header, data));
  return error_of([&] { load_safetensors(in); });
}
TensorDict parsed(const std::string& file) {
  std::istringstream in(file);
  return load_safetensors(in);
}
std::string text_of(const TensorDict& d, const Metadata& m = Metadata()) {
  std::ostringstream out;
  save_safetensors(d, out, m);
  return out.str();
}

}  // namespace

TEST_CASE("safetensors: every dtype, sizes, order and notes come back") {
  const Folder folder;
  TensorDict d;
  for (auto& [name, t] : of_each_dtype()) d.insert(name, t);
  d.insert("number", ct::tensor(2.5));
  d.insert("nothing", ct::empty({0, 3}));
  d.insert("transposed", ct::arange(6).view({2, 3}).t());
  d.insert("part", ct::arange(10.0).slice(0, 1, 9, 3));
  d.insert("tracked", ct::ones({2}, ct::requires_grad()) * 2);
  d.insert("strange \" \\ \n \xC3\xA9", ct::ones({1}));
  Metadata notes;
  notes.insert("made by", "a test \"with quotes\"");
  save_safetensors(d, folder / "a.safetensors", notes);
  CHECK(folder.files() == 1);

  for (const bool mmap : {false, true}) {
    CAPTURE(mmap);
    Metadata read;
    const TensorDict e = load_safetensors(folder / "a.safetensors", mmap, &read);
    REQUIRE(e.size() == d.size());
    CHECK(read.pairs() == notes.pairs());
    for (std::size_t i = 0; i < d.size(); ++i) {
      CAPTURE(d[i].key());
      CHECK(e[i].key() == d[i].key());
      CHECK(same(e[i].value(), d[i].value()));
      CHECK(e[i]->is_contiguous());
      CHECK(!e[i]->requires_grad());
      CHECK(reinterpret_cast<std::uintptr_t>(e[i]->data_ptr()) % static_cast<std::uintptr_t>(e[i]->element_size()) == 0);
    }
  }
}

TEST_CASE("safetensors: a hand-made file as its specification says") {
  const std::string data("\x00\x00\x80\x3f\x00\x00\x00\x40\x07", 9);
  Metadata notes;
  std::istringstream in(file_of(R"({"__metadata__":{"k":"v"},"b":{"dtype":"U8","shape":[1],"data_offsets":[8,9]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   )", data));
  const TensorDict d = load_safetensors(in, &notes);
  REQUIRE(d.size() == 2);
  CHECK(d[0].key() == "b");
  CHECK(same(d["a"], ct::tensor({1.0f, 2.0f})));
  CHECK(d["b"].item<int>() == 7);
  CHECK(notes["k"] == "v");
  // Elements that do not lie on a multiple of their size, flags other than 0 and 1.
  const Folder folder;
  put(folder / "askew", file_of(R"({"f":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})", std::string("\x05\x00\x00\x80\x3f", 5)));
  for (const bool mmap : {false, true}) {
    const TensorDict e = load_safetensors(folder / "askew", mmap);
    CHECK(same(e["a"], ct::tensor({1.0f})));
    CHECK(same(e["f"], ct::tensor({true})));
  }
  CHECK(parsed(file_of("{}", "")).is_empty());
}

TEST_CASE("safetensors: the bytes are those that other readers expect") {
  TensorDict d;
  d.insert("small", ct::tensor({1, 2, 3}, ct::kByte));
  d.insert("large", ct::tensor({1.5}, ct::kDouble));
  const std::string s = text_of(d);
  const std::string header = R"({"small":{"dtype":"U8","shape":[3],"data_offsets":[8,11]},"large":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})";
  std::uint64_t n = 0;
  std::memcpy(&n, s.data(), 8);
  CHECK(n % 8 == 0);
  CHECK(s.substr(8, header.size()) == header);
  CHECK(s.size() == 8 + n + 11);
  CHECK(s.substr(s.size() - 3) == "\x01\x02\x03");

  const Folder folder;
  save_safetensors(d, folder / "a");
  CHECK(python(folder, R"(
import json, struct, numpy as np
b = open('a', 'rb').read()
n, = struct.unpack('<Q', b[:8])
h = json.loads(b[8:8+n])
for k, v in h.items():
    lo, hi = v['data_offsets']
    print(k, np.frombuffer(b[8+n+lo:8+n+hi], {'U8': '<u1', 'F64': '<f8'}[v['dtype']]).reshape(v['shape']).tolist())
)") == "small [1, 2, 3]\nlarge [1.5]\n");
}

TEST_CASE("safetensors: a mapped file is read when it is touched, and stays as it is") {
  const Folder folder;
  TensorDict d;
  d.insert("a", ct::arange(1'000'000.0f));
  save_safetensors(d, folder / "a");
  const std::string before = bytes_of(folder / "a");
  Tensor t;
  {
    const MemoryUse use;
    t = load_safetensors(folder / "a", true)["a"];
    CHECK(use.most() < 100'000);
  }
  CHECK(t[999'999].item<float>() == 999'999);
  t.fill_(7);  // in memory only
  CHECK(bytes_of(folder / "a") == before);
  // Replacing or removing the file does not disturb the tensors.
  const Tensor u = load_safetensors(folder / "a", true)["a"];
  d["a"] = ct::zeros({10});
  save_safetensors(d, folder / "a");
  std::filesystem::remove(folder / "a");
  CHECK(u.sum().item<double>() == doctest::Approx(1e6 * 999'999 / 2));
}

TEST_CASE("safetensors: many tensors are no slower each than few") {
  TensorDict d;
  const Tensor t = ct::ones({1});
  for (int i = 0; i < 100'000; ++i) d.insert("layers." + std::to_string(i) + ".weight", t);
  CHECK(parsed(text_of(d)).size() == 100'000);
}

TEST_CASE("safetensors: what is refused, and with which words") {
  CHECK(error_of([] { parsed(""); }) == "load_safetensors: '<stream>', byte 0: the file is cut off or damaged: 8 bytes should be here, but it has 0 bytes in all");
  CHECK(contains(error_of([] { parsed(std::string(8, '\xff')); }), "byte 0: the header is said to have 18446744073709551615 bytes"));
  CHECK(contains(error_of([] { parsed(std::string("\xff\xff\x00\x00\x00\x00\x00\x00{", 9)); }), "byte 8: the file is cut off or damaged: 65535 bytes"));
  CHECK(contains(error_for("[]", ""), "the header does not begin with '{'"));
  CHECK(contains(error_for("{\"a\":", ""), "byte 13: the header is no valid JSON: syntax error"));
  const auto one = [](const std::string& dtype, const std::string& shape, const std::string& offsets, const std::string& data) {
    return error_for("{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + offsets + "]}}", data);
  };
  CHECK(one("F32", "1", "0,4", "1234") == "no error");
  CHECK(contains(one("F32", "1", "0,4", "123"), "tensor 'a' ends at byte 4 of the data, which has 3"));
  CHECK(contains(one("F32", "1", "0,4", "12345"), "no tensor owns the last 1 bytes"));
  CHECK(contains(one("F32", "2", "0,4", "1234"), "tensor 'a': data_offsets [0, 4] do not fit the 8 bytes of dtype F32 and shape [2]"));
  CHECK(contains(one("F32", "1", "4,8", "12345678"), "tensor 'a' leaves a gap"));
  CHECK(contains(one("F32", "1", "4,0", "1234"), "do not fit"));
  CHECK(contains(one("F32", "1", "-4,0", "1234"), "unexpected negative number as its 'data_offsets'"));
  CHECK(contains(one("F32", "1", "0,4.5", "1234"), "unexpected a number that is no integer of 64 bits as its 'data_offsets'"));
  CHECK(contains(one("F32", "1", "0,4,8", "1234"), "data_offsets must be two numbers"));
  CHECK(contains(one("F32", "4294967296,4294967296,4", "0,0", ""), "which is too large"));
  CHECK(contains(one("F32", "9223372036854775807,9223372036854775807,0", "0,0", ""), "which is too large"));
  CHECK(contains(one("F32", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "0,4", "1234"), "too many dimensions"));
  CHECK(contains(one("F32", "18446744073709551616", "0,0", ""), "no integer of 64 bits"));
  CHECK(contains(one("U16", "1", "0,2", "12"), "tensor 'a': its dtype U16 does not exist here"));
  CHECK(contains(error_for(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", "123"), "tensor 'b' overlaps another tensor"));
  CHECK(contains(error_for(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", "12"), "has the tensor 'a' twice"));
  CHECK(contains(error_for(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "1"), "has its 'dtype' twice"));
  CHECK(contains(error_for(R"({"a":{"dtype":"U8","shape":[1]}})", "1"), "lacks its 'data_offsets'"));
  CHECK(contains(error_for(R"({"a":{"dtype":"U8","shape":[1],"more":1}})", "1"), "unexpected an integer as its 'more'"));
  CHECK(contains(error_for(R"({"a":1})", "1"), "the header's entry 'a' is an integer instead of an object"));
  CHECK(contains(error_for(R"({"__metadata__":{"a":1}})", ""), "where a string must be"));
  CHECK(contains(error_for(R"({"a":{"b":{"c":1}}})", ""), "unexpected an object as its 'b'"));
  CHECK(contains(error_for("{\"a\":" + std::string(1'000'000, '['), ""), "is an array instead of an object"));
  CHECK(contains(error_for("{\"\xff\":{}}", ""), "no valid JSON"));
  CHECK(contains(error_of([] { load_safetensors("/nowhere/a.safetensors"); }), "load_safetensors: cannot read '/nowhere/a.safetensors': No such file or directory"));
  CHECK(contains(error_of([] { load_safetensors("/tmp"); }), "Is a directory"));
  TensorDict d;
  d.insert("__metadata__", ct::ones({1}));
  CHECK_THROWS_WITH_AS(text_of(d), "save_safetensors: no tensor can have the name __metadata__, which safetensors reserves", ct::ValueError);
  d.clear();
  d.insert("\xff", ct::ones({1}));
  CHECK_THROWS_AS(text_of(d), ct::ValueError);
  d.clear();
  d.insert("a", Tensor());
  CHECK_THROWS_WITH_AS(text_of(d), "save_safetensors: the tensor 'a' is undefined", ct::ValueError);
}

TEST_CASE("safetensors: damaged files give errors and take no memory") {
  TensorDict d;
  d.insert("a", ct::arange(3.0f));
  d.insert("flags", ct::tensor({true, false}));
  d.insert("b.c", ct::ones({2, 2}, ct::kLong));
  Metadata notes;
  notes.insert("k", "v");
  const Folder folder;
  int k = 0;
  damage(text_of(d, notes), [&](const std::string& bytes) {
    for (const auto& item : parsed(bytes)) (void)item->sum().item();
    if (++k % 16 != 0) return;
    put(folder / "a", bytes);
    for (const auto& item : load_safetensors(folder / "a", true)) (void)item->sum().item();
  });
}
