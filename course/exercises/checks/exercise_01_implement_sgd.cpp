// checks/exercise_01_implement_sgd.cpp -- finds out what the learner's file of exercise 01 has, and hands it to the marking.
#include "exercises/checks/program.h"

#include <type_traits>

#include "exercises/checks/exercise_01.h"

class SimpleSGD;  // whether or not the file has it
#define main exercise_main
#include CT_EXERCISE_FILE
#undef main

namespace {

using exercise::AnyOptimizer;
using exercise::Parameters;

template <class T>
concept Complete = requires {
  sizeof(T);
};
template <class T>
concept Steps = requires(T& t) {
  t.step();
};
template <class T>
concept Zeroes = requires(T& t) {
  t.zero_grad();
};
template <class T, class... Args>
concept MadeFrom = Complete<T> && std::is_constructible_v<T, Args...>;
// A call in a template with arguments that depend on it, if only on none, may name what does not exist.
template <class... None>
concept NamesTheFastest = requires(None... none) {
  std::string(fastest_run(none...));
};
template <class... None>
concept HasMain = requires(None... none) {
  exercise_main(none...);
};

template <class T>
struct Wrapped final : AnyOptimizer {
  template <class... Args>
  explicit Wrapped(Args&&... args) : optimizer(std::forward<Args>(args)...) {}
  void step() override {
    if constexpr (Steps<T>) optimizer.step();
  }
  void zero_grad() override {
    if constexpr (Zeroes<T>) optimizer.zero_grad();
  }
  T optimizer;
};

template <class T, class... None>
exercise::SimpleSGDFacts facts() {
  exercise::SimpleSGDFacts f;
  f.complete = Complete<T>;
  f.steps = Steps<T>;
  f.zeroes = Zeroes<T>;
  // The list is a temporary, which is gone when the optimizer is used.
  if constexpr (MadeFrom<T, Parameters, double>)
    f.make = [](const Parameters& p, double lr) -> AnyOptimizer* { return new Wrapped<T>(Parameters(p), lr); };
  if constexpr (MadeFrom<T, Parameters, double, double>)
    f.make_momentum = [](const Parameters& p, double lr, double m) -> AnyOptimizer* {
      return new Wrapped<T>(Parameters(p), lr, m);
    };
  if constexpr (MadeFrom<T, Parameters, double, double, bool>)
    f.make_nesterov = [](const Parameters& p, double lr, double m, bool nesterov) -> AnyOptimizer* {
      return new Wrapped<T>(Parameters(p), lr, m, nesterov);
    };
  if constexpr (NamesTheFastest<None...>) f.fastest = [] { return std::string(fastest_run(None()...)); };
  if constexpr (HasMain<None...>) f.program = [] { return static_cast<int>(exercise_main(None()...)); };
  return f;
}

}  // namespace

int main() { return exercise::mark_exercise_01(facts<SimpleSGD>(), CT_EXERCISE_FILE); }
