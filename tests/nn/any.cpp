// tests/nn/any.cpp -- AnyValue, AnyModule with arguments and results of any type, Sequentials of them.
#include <doctest/doctest.h>

#include <string>

#include "cotangent/cotangent.h"
#include "cotangent/nn.h"

using ct::Tensor;
namespace nn = ct::nn;

namespace {

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const ct::Error& e) {
    return e.what();
  }
  return "no error";
}

// Returns both a tensor and a number, and counts on defaults.
struct SplitImpl : nn::Cloneable<SplitImpl> {
  void reset() override {}
  std::tuple<Tensor, int> forward(const Tensor& x, double factor = 2, std::string name = "") { return {x * factor, static_cast<int>(name.size())}; }
};
CT_MODULE(Split);
// Takes what Split returns.
struct JoinImpl : nn::Cloneable<JoinImpl> {
  void reset() override {}
  Tensor forward(const std::tuple<Tensor, int>& both) const { return std::get<0>(both) + std::get<1>(both); }
};
CT_MODULE(Join);
struct CountImpl : nn::Cloneable<CountImpl> {
  void reset() override {}
  int forward(int n) { return calls += n; }
  int calls = 0;
};
CT_MODULE(Count);
struct OverloadedImpl : nn::Cloneable<OverloadedImpl> {
  void reset() override {}
  Tensor forward(const Tensor& x) { return x + 1; }
  Tensor forward(const Tensor& x, const Tensor& y) { return x * y; }
};
CT_MODULE(Overloaded);
struct MovedImpl : nn::Cloneable<MovedImpl> {
  void reset() override {}
  std::size_t forward(std::vector<int>&& v) { return std::vector<int>(std::move(v)).size(); }
};
CT_MODULE(Moved);

}  // namespace

TEST_CASE("AnyValue holds a value of any type") {
  nn::AnyValue number(5);
  CHECK(number.get<int>() == 5);
  CHECK(*number.try_get<int>() == 5);
  CHECK(number.try_get<double>() == nullptr);
  CHECK(number.type_info() == typeid(int));
  CHECK(error_of([&] { number.get<float>(); }) == "Attempted to cast AnyValue to float, but its actual type is int");
  const Tensor t = ct::ones({2});
  nn::AnyValue tensor(t);
  CHECK(tensor.get<Tensor>().is_same(t));
  CHECK(tensor.type_info() == typeid(Tensor));
  nn::AnyValue text(std::string("long enough not to fit anywhere else"));
  nn::AnyValue copy = text, moved = std::move(text);
  CHECK(copy.get<std::string>() == moved.get<std::string>());
  copy = number;
  CHECK(copy.get<int>() == 5);
  CHECK(nn::AnyValue().type_info() == typeid(void));
}

TEST_CASE("AnyModule calls forward with the types it declares") {
  nn::AnyModule split{Split()};
  const Tensor x = ct::ones({2});
  auto [y, n] = split.forward<std::tuple<Tensor, int>>(x, 3.0, std::string("abc"));
  CHECK(y[0].item<double>() == 3);
  CHECK(n == 3);
  CHECK(std::get<1>(split.forward<std::tuple<Tensor, int>>(x)) == 0);
  CHECK(std::get<0>(split.any_forward(x, 4.0).get<std::tuple<Tensor, int>>())[1].item<double>() == 4);
  CHECK(error_of([&] { split.forward(x); }).find("The type of the return value is std::tuple<ct::Tensor, int>, but you asked for type ct::Tensor") !=
        std::string::npos);
  CHECK(error_of([&] { split.forward(x, 2); }).find("Expected argument #1 to be of type double, but received value of type int") != std::string::npos);
  CHECK(error_of([&] { split.any_forward(); }).find("forward() method expects 3 argument(s), but received 0.") != std::string::npos);
  CHECK(error_of([&] { split.any_forward(x, 2.0, std::string(), 1); }).find("expects 3 argument(s), but received 4.") != std::string::npos);
  CHECK(error_of([&] { nn::AnyModule().forward(x); }) == "Cannot call forward() on an empty AnyModule");

  nn::AnyModule count = Count();
  CHECK(count.forward<int>(2) == 2);
  CHECK(count.get<CountImpl>().calls == 2);
  CHECK(count.get<Count>()->calls == 2);
  CHECK(count.ptr<CountImpl>()->calls == 2);
  CHECK(count.type_info() == typeid(CountImpl));
  const nn::AnyModule copy = count.clone();
  copy.forward<int>(1);
  CHECK(count.get<CountImpl>().calls == 2);
  CHECK(error_of([&] { count.get<SplitImpl>(); }).find("Attempted to cast module of type") == 0);

  nn::AnyModule overloaded{OverloadedImpl()};
  CHECK(overloaded.forward(x)[0].item<double>() == 2);
  CHECK(overloaded.forward(x, x + 2)[0].item<double>() == 3);
  CHECK(nn::AnyModule(Moved()).forward<std::size_t>(std::vector<int>{1, 2, 3}) == 3);
  nn::AnyModule bag(nn::EmbeddingBag(5, 3));
  CHECK(bag.forward(ct::tensor({{0, 1}})).sizes() == ct::IntArrayRef({1, 3}));
  CHECK(bag.forward(ct::tensor({0, 1}), ct::tensor({0})).sizes() == ct::IntArrayRef({1, 3}));
}

TEST_CASE("values of any type go through a Sequential") {
  auto net = nn::Sequential(Split(), Join());
  const Tensor x = ct::ones({2});
  CHECK(net(x)[0].item<double>() == 2);
  CHECK(net->forward(x, 5.0, std::string("ab"))[0].item<double>() == 7);
  auto outer = nn::Sequential(nn::Identity(), nn::Sequential(Split()));
  CHECK(std::get<0>(outer->forward<std::tuple<Tensor, int>>(x))[0].item<double>() == 2);
  CHECK(std::get<0>(outer.forward<std::tuple<Tensor, int>>(x))[0].item<double>() == 2);
  CHECK(error_of([&] { outer(x); }).find("The type of the return value is") != std::string::npos);
  CHECK(nn::Sequential(Count(), Count())->forward<int>(3) == 3);
}
