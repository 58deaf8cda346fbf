// tests/io/numpy.cpp -- .npy and .npz to and from NumPy itself, and what must be refused.
#include "cotangent/io.h"
#include "io/files.h"

using namespace test_io;
using ct::load_npy;
using ct::load_npz;
using ct::save_npy;
using ct::save_npz;
using ct::Tensor;
using ct::TensorDict;

namespace {

Tensor npy(const std::string& bytes) {
  std::istringstream in(bytes);
  return load_npy(in);
}
std::string npy_error(const std::string& bytes) { return error_of([&] { npy(bytes); }); }
std::string npy_of(const Tensor& t) {
  std::ostringstream out;
  save_npy(t, out);
  return out.str();
}
TensorDict npz(const std::string& bytes, std::int64_t max_bytes = std::int64_t{4} << 30) {
  std::istringstream in(bytes);
  return load_npz(in, max_bytes);
}
std::string npz_of(const TensorDict& d, bool compressed) {
  std::ostringstream out;
  save_npz(d, out, compressed);
  return out.str();
}
std::string with_header(const std::string& dict, const std::string& data, char version = 1) {
  std::string s = std::string("\x93NUMPY", 6) + version + '\0';
  s += static_cast<char>(dict.size() & 255);
  s += static_cast<char>(dict.size() >> 8);
  if (version > 1) s += std::string(2, '\0');
  return s + dict + data;
}

}  // namespace

TEST_CASE("npy and npz: NumPy reads what we wrote") {
  const Folder folder;
  TensorDict d;
  for (auto& [name, t] : of_each_dtype()) {
    save_npy(t, folder / (name + ".npy"));
    d.insert(name, t);
  }
  d.insert("number", ct::tensor(2.5));
  d.insert("row", ct::arange(4));
  d.insert("nothing", ct::empty({0, 3}));
  d.insert("transposed", ct::arange(6).view({2, 3}).t());
  d.insert("a/b c", ct::ones({1, 2, 3}));
  save_npy(d["transposed"], folder / "transposed.npy");
  save_npz(d, folder / "stored.npz");
  save_npz(d, folder / "packed.npz", true);
  CHECK(python(folder, R"(
import numpy as np, zipfile
s, p = np.load('stored.npz'), np.load('packed.npz')
assert zipfile.ZipFile('stored.npz').testzip() is None and zipfile.ZipFile('packed.npz').testzip() is None
assert list(s) == list(p), (list(s), list(p))
for k in s:
    assert (s[k] == p[k]).all() and s[k].dtype == p[k].dtype, k
for k in ['bool', 'uint8', 'int8', 'int16', 'int32', 'int64', 'float16', 'float32', 'float64']:
    x = np.load(k + '.npy')
    want = np.array([[0, 1, -2.5], [100, 0.125, 7]])
    if k in ('bool', 'uint8'): want = abs(want)
    assert x.dtype == k and (x == want.astype(k)).all() and (x == s[k]).all(), (k, x)
b = s['bfloat16'].view('<u2').astype('<u4') << 16
assert (b.view('<f4') == [[0, 1, -2.5], [100, 0.125, 7]]).all()
assert (np.load('transposed.npy') == np.arange(6).reshape(2, 3).T).all()
print(s['number'].shape, s['number'], s['row'].tolist(), s['nothing'].shape, s['transposed'].tolist(), s['a/b c'].shape)
)") == "() 2.5 [0, 1, 2, 3] (0, 3) [[0, 3], [1, 4], [2, 5]] (1, 2, 3)\n");
  for (const char* name : {"stored.npz", "packed.npz"}) {
    const TensorDict e = load_npz(folder / name);
    REQUIRE(e.keys() == d.keys());
    for (std::size_t i = 0; i < d.size(); ++i) CHECK(same(d[i].value(), e[i].value()));
  }
}

TEST_CASE("npy and npz: what NumPy wrote, in all its forms") {
  const Folder folder;
  const std::string said = python(folder, R"(
import numpy as np
a = np.arange(24).reshape(2, 3, 4)
d = {}
for t in ['?', 'i1', 'u1', '<i2', '>i2', '<i4', '>i4', '<i8', '>i8', '<f2', '>f2', '<f4', '>f4', '<f8', '>f8']:
    for order in 'CF':
        d[t.replace('<', 'L').replace('>', 'B').replace('?', 'b') + order] = np.asarray(a.astype(t), order=order)
np.savez('s.npz', **d)
np.savez_compressed('c.npz', **d)
np.savez('pos.npz', a, a[0])
for v in [(1, 0), (2, 0), (3, 0)]:
    with open('v%d.npy' % v[0], 'wb') as f: np.lib.format.write_array(f, np.float32([[1, 2], [3, 4]]), version=v)
np.save('zero.npy', np.float64(3))
np.save('empty.npy', np.zeros((3, 0, 2), order='F'))
np.save('u2.npy', np.uint16([1]))
np.save('c8.npy', np.complex64([1]))
np.save('obj.npy', np.array([{}], object), allow_pickle=True)
np.save('str.npy', np.array(['ab']))
np.save('rec.npy', np.zeros(2, [('a', '<f4'), ('b', '<i4')]))
print(len(d))
)");
  REQUIRE(said == "30\n");
  const Tensor a = ct::arange(24).view({2, 3, 4});
  for (const char* name : {"s.npz", "c.npz"}) {
    const TensorDict d = load_npz(folder / name);
    CHECK(d.size() == 30);
    for (const auto& item : d) {
      CAPTURE(item.key());
      CHECK(item->sizes() == a.sizes());
      CHECK(item->is_contiguous());
      CHECK(same(*item, a.to(item->scalar_type())));
    }
    CHECK(d["Bf2F"].scalar_type() == ct::kHalf);
    CHECK(d["bC"].scalar_type() == ct::kBool);
    CHECK(d["Bi8C"].scalar_type() == ct::kLong);
  }
  const TensorDict pos = load_npz(folder / "pos.npz");
  CHECK(pos.keys() == std::vector<std::string>{"arr_0", "arr_1"});
  for (const char* v : {"v1.npy", "v2.npy", "v3.npy"}) CHECK(same(load_npy(folder / v), ct::tensor({{1.0f, 2.0f}, {3.0f, 4.0f}})));
  CHECK(same(load_npy(folder / "zero.npy"), ct::tensor(3.0, ct::kDouble)));
  CHECK(load_npy(folder / "empty.npy").sizes() == ct::IntArrayRef({3, 0, 2}));
  CHECK(contains(error_of([&] { load_npy(folder / "u2.npy"); }), "its dtype '<u2' does not exist here"));
  CHECK(contains(error_of([&] { load_npy(folder / "c8.npy"); }), "its dtype '<c8' does not exist here"));
  CHECK(contains(error_of([&] { load_npy(folder / "obj.npy"); }), "Python objects, which are never loaded from a file"));
  CHECK(contains(error_of([&] { load_npy(folder / "str.npy"); }), "its dtype '<U2'"));
  CHECK(contains(error_of([&] { load_npy(folder / "rec.npy"); }), "records with fields"));
}

TEST_CASE("npy: what is refused, and with which words") {
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
  CHECK(npy_error(with_header(good, "1234")) == "no error");
  CHECK(npy_error(with_header("{'shape':(1,),'fortran_order':False,\"descr\":\"<f4\"}", "1234")) == "no error");
  CHECK(npy_error("") == "load_npy: '<stream>', byte 0: the file is cut off or damaged: an array has at least 10 bytes");
  CHECK(contains(npy_error("PK\x03\x04......."), "this is no .npy file"));
  CHECK(contains(npy_error(with_header(good, "1234", 4)), "version 4 of the .npy format"));
  CHECK(contains(npy_error(with_header(good, "123")), "an array of shape [1] and dtype <f4 has 4 bytes, but 3 are left"));
  CHECK(contains(npy_error(with_header(good, "12345")), "but 5 are left"));
  const auto shape = [](const std::string& s) { return npy_error(with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (" + s + "), }", "1234")); };
  CHECK(shape("") == "no error");
  CHECK(contains(shape("99999999999999999999,"), "a size has more than 64 bits"));
  CHECK(contains(shape("4294967296, 4294967296, 4294967296"), "no array can have the shape"));
  CHECK(contains(shape("9223372036854775807, 0, 9223372036854775807"), "no array can have the shape"));
  CHECK(contains(shape("1000000000000,"), "has 4000000000000 bytes, but 4 are left"));
  CHECK(contains(shape("-1,"), "a size is no number"));
  CHECK(contains(shape("1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"), "more than 16 dimensions"));
  CHECK(contains(shape("1,(2)"), "a size is no number"));
  const auto header = [](const std::string& s) { return npy_error(with_header(s, "1234")); };
  CHECK(contains(header(""), "'{' is missing"));
  CHECK(contains(header("{"), "a string is missing"));
  CHECK(contains(header("{'descr': '<f4', 'fortran_order': False}"), "it lacks 'shape'"));
  CHECK(contains(header("{'descr': '<f4', 'descr': '<f4'}"), "it has 'descr' twice"));
  CHECK(contains(header("{'more': 1}"), "the unknown key 'more'"));
  CHECK(contains(header("{'descr': '<f4"), "a string does not end"));
  CHECK(contains(header("{'fortran_order': 1}"), "neither True nor False"));
  CHECK(contains(header(good + "x"), "something follows the dict"));
  CHECK(contains(header(std::string(60'000, '(')), "'{' is missing"));
  // A header that claims more than there is.
  CHECK(contains(npy_error(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12)), "should have 4294967295 bytes, but 0 are left"));
}

TEST_CASE("npz: what is refused, and with which words") {
  const Folder folder;
  const auto made = [&](const std::string& code) {
    const std::string said = python(folder, "import zipfile, io, numpy as np\ndef npy(a):\n  f = io.BytesIO(); np.save(f, a); return f.getvalue()\n" + code);
    CHECK(said == "");
    return error_of([&] { load_npz(folder / "a.npz"); });
  };
  CHECK(contains(error_of([] { npz(""); }), "this is no zip archive"));
  CHECK(contains(error_of([] { npz(std::string(100, 'x')); }), "the directory that a zip archive ends with is not there"));
  CHECK(contains(made("import warnings; warnings.simplefilter('ignore')\nwith zipfile.ZipFile('a.npz', 'w') as z:\n  z.writestr('a.npy', npy(1.)); z.writestr('a.npy', npy(2.))"), "entry 'a.npy' is there twice"));
  CHECK(contains(made("with zipfile.ZipFile('a.npz', 'w', zipfile.ZIP_BZIP2) as z: z.writestr('a.npy', npy(1.))"), "is packed by method 12"));
  CHECK(contains(made("with zipfile.ZipFile('a.npz', 'w') as z: z.writestr('a.npy', b'abc')"), "entry 'a.npy': the file is cut off or damaged: an array has at least 10 bytes"));
  CHECK(made("with zipfile.ZipFile('a.npz', 'w') as z: z.writestr('../../a.npy', npy(1.)); z.writestr('/etc/b.npy', npy(2.)); z.writestr('readme.txt', 'x'); z.comment = b'hello'") == "no error");
  CHECK(load_npz(folder / "a.npz").keys() == std::vector<std::string>{"../../a", "/etc/b"});  // names, never paths
  // A bomb: a small file that unpacks to a lot. It is stopped before anything is unpacked.
  CHECK(contains(made("with zipfile.ZipFile('a.npz', 'w', zipfile.ZIP_DEFLATED) as z:\n  with z.open('a.npy', 'w', force_zip64=True) as f:\n"
                      "    f.write(npy(np.zeros(1))[:128].replace(b'(1,), ', b'(' + str(10**7).encode() + b',), ')[:128]); f.write(bytes(8 * 10**6))"),
                 "entry 'a.npy'"));
  TensorDict zeros;
  zeros.insert("a", ct::zeros({1'000'000}));
  const std::string packed = npz_of(zeros, true);
  CHECK(packed.size() < 10'000);
  CHECK(same(npz(packed)["a"], zeros["a"]));
  {
    const MemoryUse use;
    CHECK(contains(error_of([&] { npz(packed, 3'999'999); }), "the arrays would unpack to more than 3999999 bytes"));
    CHECK(use.most() < 200'000);
  }
  // A packed size that is impossible is refused however much is allowed.
  std::string wrong = packed;
  const std::size_t central = wrong.rfind(std::string("PK\x01\x02", 4));
  const std::uint32_t huge = 0xF0000000;
  std::memcpy(&wrong[central + 24], &huge, 4);
  const MemoryUse use;
  CHECK(contains(error_of([&] { npz(wrong, INT64_MAX); }), "bytes, which is impossible"));
  CHECK(use.most() < 200'000);
  // Two entries on the same bytes.
  TensorDict two;
  two.insert("a", ct::ones({2}));
  two.insert("b", ct::ones({2}));
  std::string overlap = npz_of(two, false);
  const std::size_t first = overlap.find(std::string("PK\x01\x02", 4)), second = overlap.find(std::string("PK\x01\x02", 4), first + 4);
  std::memset(&overlap[second + 42], 0, 4);
  CHECK(contains(error_of([&] { npz(overlap); }), "has another name, 'a.npy', where it begins"));
  overlap[second + 46] = 'a';
  CHECK(contains(error_of([&] { npz(overlap); }), "is there twice"));
  // One changed byte of the elements.
  std::string changed = npz_of(two, false);
  changed[changed.find(std::string("PK\x03\x04", 4), 10) - 1] ^= 1;
  CHECK(contains(error_of([&] { npz(changed); }), "entry 'a.npy': its checksum is wrong"));
}

TEST_CASE("npy and npz: damaged files give errors and take no memory") {
  damage(npy_of(ct::arange(6.0f).view({2, 3})), [](const std::string& bytes) { (void)npy(bytes).sum().item(); });
  TensorDict d;
  d.insert("a", ct::arange(3.0f));
  d.insert("b", ct::tensor({true, false}));
  damage(npz_of(d, false), [](const std::string& bytes) {
    for (const auto& item : npz(bytes)) (void)item->sum().item();
  });
  damage(npz_of(d, true), [](const std::string& bytes) {
    for (const auto& item : npz(bytes)) (void)item->sum().item();
  }, 1100);
}
