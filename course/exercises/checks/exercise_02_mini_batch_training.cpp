// checks/exercise_02_mini_batch_training.cpp -- finds out what the learner's file of exercise 02 has, and hands it to the marking.
#include "exercises/checks/program.h"

#include "exercises/checks/exercise_02.h"

struct Parabola;  // whether or not the file has it
#define main exercise_main
#include CT_EXERCISE_FILE
#undef main

namespace {

using ct::Tensor;
using exercise::Coefficients;
using exercise::Losses;
using Rows = std::int64_t;

template <class T>
concept Complete = requires {
  sizeof(T);
};
template <class T>
concept Model = Complete<T> && requires(Tensor t, T m) {
  T{t, t, t};
  m.w2 = t;
  m.w1 = t;
  m.b = t;
};
// In a template, a call whose arguments depend on it may name what does not exist.
template <class X>
concept MakesBatches = requires(X x, Rows n) {
  create_mini_batches(x, x, n).begin();
  std::get<1>(*create_mini_batches(x, x, n).begin());
};
template <class M>
concept Trains = requires(M& m, Tensor x, Rows n) {
  Losses(train_with_mini_batches(m, x, x, n, 0.1, 1));
};
template <class M>
concept Loads = requires(M& m, Tensor x, Rows n) {
  Losses(train_with_data_loader(m, x, x, n, 0.1, 1));
};
template <class M>
concept Varies = requires(M& m, Tensor x, Rows n) {
  double(gradient_variance(m, x, x, n, 1));
};
template <class S>
concept Compares = requires(S sizes) {
  std::vector<Losses>(compare_batch_sizes(sizes, 0.1, 1));
};
template <class... None>
concept NamesFewest = requires(None... none) {
  Rows(fewest_epochs(none...));
};
template <class... None>
concept NamesSmoothest = requires(None... none) {
  Rows(smoothest(none...));
};
template <class... None>
concept HasMain = requires(None... none) {
  exercise_main(none...);
};

// Lends the coefficients to a model and takes back what it has afterwards, also if the call throws.
template <class M>
struct Lent {
  explicit Lent(Coefficients& c) : coefficients(c), model{c.w2, c.w1, c.b} {}
  ~Lent() { coefficients = {model.w2, model.w1, model.b}; }
  Coefficients& coefficients;
  M model;
};

template <class M, class X, class S, class... None>
exercise::MiniBatchFacts facts() {
  exercise::MiniBatchFacts f;
  f.model = Model<M>;
  if constexpr (MakesBatches<X>)
    f.batches = [](const X& x, const X& y, Rows n) {
      exercise::Batches out;
      for (auto&& batch : create_mini_batches(x, y, n)) out.emplace_back(std::get<0>(batch), std::get<1>(batch));
      return out;
    };
  if constexpr (Model<M>) {
    if constexpr (Trains<M>)
      f.train = [](Coefficients& c, const X& x, const X& y, Rows n, double lr, int epochs) {
        Lent<M> lent(c);
        return Losses(train_with_mini_batches(lent.model, x, y, n, lr, epochs));
      };
    if constexpr (Loads<M>)
      f.load = [](Coefficients& c, const X& x, const X& y, Rows n, double lr, int epochs) {
        Lent<M> lent(c);
        return Losses(train_with_data_loader(lent.model, x, y, n, lr, epochs));
      };
    if constexpr (Varies<M>)
      f.variance = [](Coefficients& c, const X& x, const X& y, Rows n, int epochs) {
        Lent<M> lent(c);
        return double(gradient_variance(lent.model, x, y, n, epochs));
      };
  }
  if constexpr (Compares<S>)
    f.compare = [](const S& sizes, double lr, int epochs) { return std::vector<Losses>(compare_batch_sizes(sizes, lr, epochs)); };
  if constexpr (NamesFewest<None...>) f.fewest = [] { return Rows(fewest_epochs(None()...)); };
  if constexpr (NamesSmoothest<None...>) f.smoothest = [] { return Rows(smoothest(None()...)); };
  if constexpr (HasMain<None...>) f.program = [] { return static_cast<int>(exercise_main(None()...)); };
  return f;
}

}  // namespace

int main() { return exercise::mark_exercise_02(facts<Parabola, Tensor, std::vector<Rows>>(), CT_EXERCISE_FILE); }
