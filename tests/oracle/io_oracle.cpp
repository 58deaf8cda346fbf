// tests/oracle/io_oracle.cpp -- files of libtorch's C++ interface, its pickles, and memory shared with it through DLPack.
#include <ATen/DLConvertor.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/serialize.h>

#include "oracle/oracle.h"

#include <sstream>

#include "cotangent/cotangent.h"
#include "cotangent/dlpack.h"
#include "cotangent/io.h"
#include "cotangent/nn.h"

namespace {

ct::Tensor ours(const at::Tensor& t) {
  const at::Tensor c = t.detach().contiguous();
  return ct::from_blob(c.data_ptr(), c.sizes().vec(), ct::dtype(
      c.scalar_type() == at::kDouble ? ct::kDouble : c.scalar_type() == at::kLong ? ct::kLong : ct::kFloat)).clone();
}
bool equal(const ct::Tensor& a, const at::Tensor& b) {
  const ct::Tensor c = ours(b);
  return a.scalar_type() == c.scalar_type() && a.sizes() == c.sizes() && ct::equal(a.detach(), c);
}

}  // namespace

TEST_CASE("files that libtorch's torch::save wrote are read") {
  torch::manual_seed(1);
  torch::nn::Sequential theirs(torch::nn::Linear(3, 4), torch::nn::Linear(torch::nn::LinearOptions(4, 2).bias(false)));
  std::ostringstream out;
  torch::save(theirs, out);
  ct::nn::Sequential net(ct::nn::Linear(3, 4), ct::nn::Linear(ct::nn::LinearOptions(4, 2).bias(false)));
  std::istringstream in(out.str());
  ct::load(net, in);
  const auto p = theirs->parameters();
  for (std::size_t i = 0; i < p.size(); ++i) CHECK(equal(net->parameters()[i], p[i]));

  const at::Tensor x = torch::arange(6, torch::kDouble).view({2, 3});
  std::ostringstream one, list;
  torch::save(x, one);
  torch::save(std::vector<at::Tensor>{x, x.t()}, list);
  std::istringstream one_in(one.str()), list_in(list.str());
  ct::Tensor y;
  ct::load(y, one_in);
  CHECK(equal(y, x));
  std::vector<ct::Tensor> ys;
  ct::load(ys, list_in);
  REQUIRE(ys.size() == 2);
  CHECK(equal(ys[1], x.t()));
}

TEST_CASE("pickles go both ways") {
  const at::Tensor x = torch::arange(6, torch::kFloat).view({2, 3});
  const ct::Tensor y = ct::arange(6.0f).view({2, 3});
  CHECK(equal(ct::pickle_load(torch::pickle_save(x)).toTensor(), x));
  c10::Dict<std::string, at::Tensor> dict;
  dict.insert("a", x);
  dict.insert("b", x.t());
  const ct::IValue d = ct::pickle_load(torch::pickle_save(dict));
  CHECK(equal(d["a"].toTensor(), x));
  CHECK(equal(d["b"].toTensor(), x.t()));
  CHECK(d["a"].toTensor().is_alias_of(d["b"].toTensor()));
  CHECK(ct::pickle_load(torch::pickle_save(std::vector<std::int64_t>{1, 2, 3})).toIntVector() == std::vector<std::int64_t>{1, 2, 3});
  CHECK(ct::pickle_load(torch::pickle_save(std::vector<double>{0.5, -1})).toDoubleVector() == std::vector<double>{0.5, -1});
  CHECK(ct::pickle_load(torch::pickle_save(std::vector<at::Tensor>{x, x})).toTensorVector().size() == 2);
  CHECK(ct::pickle_load(torch::pickle_save(2.5)).toDouble() == 2.5);
  CHECK(ct::pickle_load(torch::pickle_save("text")).toStringRef() == "text");
  CHECK(ct::to_string(ct::pickle_load(torch::pickle_save(c10::ivalue::Tuple::create({torch::IValue(1), torch::IValue(true), torch::IValue()})))) == "(1, True, None)");

  const at::Tensor back = torch::pickle_load(ct::pickle_save(y.t())).toTensor();
  CHECK(back.strides() == at::IntArrayRef({1, 3}));
  CHECK(equal(y.t(), back));
  const auto generic = torch::pickle_load(ct::pickle_save(ct::IValue::dict({{"n", 3}, {"x", 0.5}, {"l", ct::IValue::list({1, "s"})}, {"t", y}}))).toGenericDict();
  CHECK(generic.at("n").toInt() == 3);
  CHECK(generic.at("x").toDouble() == 0.5);
  CHECK(generic.at("l").toListRef()[1].toStringRef() == "s");
  CHECK(equal(y, generic.at("t").toTensor()));
}

TEST_CASE("DLPack shares memory with libtorch") {
  const ct::Tensor x = ct::arange(6.0f).view({2, 3});
  const at::Tensor y = at::fromDLPack(ct::toDLPack(x.t()));
  CHECK(y.data_ptr() == x.data_ptr());
  y.mul_(2);
  CHECK(ct::equal(x, ct::arange(6.0f).view({2, 3}) * 2));
  CHECK(equal(x.t(), y));
  for (const at::ScalarType type : {at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    ct::Tensor z;
    {
      const at::Tensor t = torch::arange(4).to(type).view({2, 2}).t();
      z = ct::fromDLPack(at::toDLPack(t));
      CHECK(z.data_ptr() == t.data_ptr());
    }
    CHECK(z.sum().item<double>() == 6);
    CHECK(z[0][1].item<double>() == 2);
  }
}
