// cotangent/optim/optimizer.h -- what all optimizers share: groups of parameters with their options, state, step and zero_grad.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "cotangent/callable.h"
#include "cotangent/tensor.h"

/// An option with libtorch's fluent setter and getter: CT_OPTIM_ARG(double, momentum) = 0; then options.momentum(0.9).
#define CT_OPTIM_ARG(T, name)                                                                      \
 public:                                                                                           \
  auto name(const T& new_##name) -> decltype(*this) { this->name##_ = new_##name; return *this; }  \
  const T& name() const noexcept { return this->name##_; }                                         \
  T& name() noexcept { return this->name##_; }                                                     \
 private:                                                                                          \
  T name##_

namespace ct {
class IValue;
}
namespace ct::serialize {
class OutputArchive;
class InputArchive;
}

namespace ct::optim {

/// Sole owner of a T that may be a derived class, as std::unique_ptr, which it also takes.
template <class T>
class Owned {
 public:
  Owned() noexcept = default;
  Owned(std::nullptr_t) noexcept {}
  explicit Owned(T* p) noexcept : p_(p) {}
  template <class P>
    requires(std::is_convertible_v<decltype(std::declval<P&>().release()), T*>)
  Owned(P&& p) noexcept : p_(p.release()) {}
  Owned(Owned&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  Owned& operator=(Owned o) noexcept { std::swap(p_, o.p_); return *this; }
  ~Owned() { delete p_; }
  T* get() const noexcept { return p_; }
  T* operator->() const noexcept { return p_; }
  T& operator*() const noexcept { return *p_; }
  T* release() noexcept { return std::exchange(p_, nullptr); }
  explicit operator bool() const noexcept { return p_ != nullptr; }

 private:
  T* p_ = nullptr;
};

/// Is shown each option by Python's name, to read or to replace it.
class CT_API OptionsVisitor {
 public:
  virtual ~OptionsVisitor();
  virtual void value(const char* name, double& v) = 0;
  virtual void value(const char* name, bool& v) = 0;
  virtual void value(const char* name, std::int64_t& v) = 0;
  virtual void value(const char* name, std::optional<std::int64_t>& v) = 0;
  virtual void value(const char* name, std::optional<std::string>& v) = 0;
  virtual void value(const char* name, std::tuple<double, double>& v) = 0;
};

/// What an optimizer's options have in common. Each optimizer has its own: SGDOptions(0.1).momentum(0.9).
class CT_API OptimizerOptions {
 public:
  virtual ~OptimizerOptions();
  virtual Owned<OptimizerOptions> clone() const = 0;
  virtual double get_lr() const = 0;
  virtual void set_lr(double lr) = 0;
  /// What a scheduler cycles against the learning rate: momentum, or beta1; none if there is neither.
  virtual std::optional<double> get_momentum() const { return std::nullopt; }
  virtual void set_momentum(double) {}
  /// Errors: ct::ValueError with PyTorch's text for a value out of its range.
  virtual void check() const {}
  /// What is saved of them, under Python's names; where a class of yours does not override it, serialize() says it.
  virtual void visit(OptionsVisitor& v);
  /// libtorch's form of the same: by default what visit() has, or the learning rate.
  virtual void serialize(serialize::OutputArchive& archive) const;
  virtual void serialize(serialize::InputArchive& archive);
};
template <class Derived>
class OptimizerCloneableOptions : public OptimizerOptions {
 public:
  Owned<OptimizerOptions> clone() const override { return Owned<OptimizerOptions>(new Derived(static_cast<const Derived&>(*this))); }
  double get_lr() const override { return static_cast<const Derived&>(*this).lr(); }
  void set_lr(double lr) override { static_cast<Derived&>(*this).lr(lr); }
};

/// Is shown each part of an optimizer's state by name, to read or to replace it.
class CT_API StateVisitor {
 public:
  virtual ~StateVisitor();
  virtual void value(const char* name, Tensor& v) = 0;
  virtual void value(const char* name, std::int64_t& v) = 0;
  virtual void value(const char* name, double& v) = 0;
  virtual void value(const char* name, std::vector<Tensor>& v) = 0;
  virtual void value(const char* name, std::vector<double>& v) = 0;
};
/// What an optimizer remembers of one parameter.
class CT_API OptimizerParamState {
 public:
  virtual ~OptimizerParamState();
  /// What is saved of it. Errors: ct::NotImplementedError where a class of yours overrides neither this nor serialize().
  virtual void visit(StateVisitor& v);
  /// libtorch's form of the same: by default what visit() has.
  virtual void serialize(serialize::OutputArchive& archive) const;
  virtual void serialize(serialize::InputArchive& archive);
  /// A copy with the same tensors. Errors: the same.
  virtual Owned<OptimizerParamState> clone() const;
};
template <class Derived>
class OptimizerCloneableParamState : public OptimizerParamState {
 public:
  Owned<OptimizerParamState> clone() const override { return Owned<OptimizerParamState>(new Derived(static_cast<const Derived&>(*this))); }
};

/// The state of each parameter that has any, in the order in which they got it. Python's dict with tensors as keys.
class CT_API OptimizerState {
 public:
  struct Entry {
    Tensor param;
    Owned<OptimizerParamState> state;
  };
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  /// Null if there is none.
  OptimizerParamState* find(const Tensor& param) const;
  std::size_t count(const Tensor& param) const { return find(param) != nullptr; }
  /// Errors: ct::IndexError if the parameter has no state (it had no gradient yet).
  OptimizerParamState& at(const Tensor& param) const;
  template <class State>
  State& at(const Tensor& param) const { return static_cast<State&>(at(param)); }
  OptimizerParamState& insert(const Tensor& param, Owned<OptimizerParamState> state);
  void clear();
  OptimizerState() = default;
  OptimizerState(const OptimizerState&) = delete;
  OptimizerState& operator=(const OptimizerState&) = delete;
  void swap(OptimizerState& o) noexcept;
  ~OptimizerState();

 private:
  struct Index;
  std::vector<Entry> entries_;
  Index* index_ = nullptr;
};

/// Parameters that share options.
class CT_API OptimizerParamGroup {
 public:
  OptimizerParamGroup(const OptimizerParamGroup& o);
  OptimizerParamGroup(OptimizerParamGroup&&) noexcept = default;
  OptimizerParamGroup& operator=(OptimizerParamGroup&&) noexcept = default;
  OptimizerParamGroup(std::vector<Tensor> params) : params_(std::move(params)) {}
  /// Takes libtorch's std::unique_ptr, too.
  OptimizerParamGroup(std::vector<Tensor> params, Owned<OptimizerOptions> options) : params_(std::move(params)), options_(std::move(options)) {}
  /// The same without the pointer: {{w}, SGDOptions(0.1)}.
  OptimizerParamGroup(std::vector<Tensor> params, const OptimizerOptions& options) : params_(std::move(params)), options_(options.clone()) {}
  ~OptimizerParamGroup();

  bool has_options() const { return static_cast<bool>(options_); }
  /// Errors: ct::Error if there are none, which happens only before the group is added to an optimizer.
  OptimizerOptions& options();
  const OptimizerOptions& options() const;
  void set_options(Owned<OptimizerOptions> options) { options_ = std::move(options); }
  std::vector<Tensor>& params() { return params_; }
  const std::vector<Tensor>& params() const { return params_; }
  /// Python's group['initial_lr']: the learning rate before the first scheduler changed it.
  std::optional<double> initial_lr;

 private:
  std::vector<Tensor> params_;
  Owned<OptimizerOptions> options_;
};

/// Changes parameters in place so that a loss falls. Gradients are read from .grad; parameters without one are left alone.
///   for (..) { opt.zero_grad(); loss(model).backward(); opt.step(); }
///
/// step() is not recorded and counts in the version of each parameter, so that a backward through values saved before it
/// reports them. Parameters and state have the same dtype; float16 and bfloat16 are computed in float32 and rounded once.
class CT_API Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer();

  /// Computes the loss and its gradients anew; called with recording on. Empty by default.
  using LossClosure = Callback<Tensor()>;
  /// One update of all parameters. Returns what the closure returns, undefined without one.
  virtual Tensor step(LossClosure closure = nullptr) = 0;
  /// Drops all gradients, or fills them with zeros. The default is Python's; libtorch's C++ interface fills with zeros.
  void zero_grad(bool set_to_none = true);

  /// A group without options gets a copy of the defaults.
  /// Errors: ct::ValueError for an undefined or non-leaf tensor, one that is in another group, an invalid option, no tensor at all.
  void add_param_group(OptimizerParamGroup group);
  std::vector<OptimizerParamGroup>& param_groups() { return param_groups_; }
  const std::vector<OptimizerParamGroup>& param_groups() const { return param_groups_; }
  /// Those of the first group.
  std::vector<Tensor>& parameters() { return param_groups_.at(0).params(); }
  const std::vector<Tensor>& parameters() const { return param_groups_.at(0).params(); }
  void add_parameters(const std::vector<Tensor>& parameters);
  /// Number of parameters in all groups.
  std::size_t size() const;
  OptimizerOptions& defaults() { return *defaults_; }
  const OptimizerOptions& defaults() const { return *defaults_; }
  OptimizerState& state() { return state_; }
  const OptimizerState& state() const { return state_; }
  /// How often step() was called, by which schedulers notice a wrong order; -1 if a class of yours does not call begin_step().
  std::int64_t step_count() const { return step_count_; }

  /// State and options in Python's form: {"state": {0: {"step": 5, ..}, ..}, "param_groups": [{"lr": 0.1, .., "params": [0, ..]}]},
  /// where parameters are numbered in the order of the groups. The tensors are those of the optimizer, not copies.
  IValue state_dict() const;
  /// Takes over what state_dict() gave here or in Python; parameters stay as they are. Tensors are copied, in the dtype of
  /// their parameter. Options that the dictionary does not have stay.
  /// Errors: ct::ValueError with PyTorch's text if groups, sizes or entries do not fit; nothing is changed then.
  void load_state_dict(const IValue& state);
  /// Writes and reads the same; programs call ct::save(optimizer, path) and ct::load of cotangent/io.h.
  virtual void save(serialize::OutputArchive& archive) const;
  virtual void load(serialize::InputArchive& archive);

 protected:
  Optimizer(std::vector<OptimizerParamGroup> groups, Owned<OptimizerOptions> defaults);
  /// What step() does first: counts, and calls the closure with recording on.
  Tensor begin_step(const LossClosure& closure);
  /// State for a parameter, to be filled from a file. Errors: ct::NotImplementedError where a class of yours does not override it.
  virtual Owned<OptimizerParamState> new_state(const Tensor& param, const OptimizerOptions& options) const;

  std::vector<OptimizerParamGroup> param_groups_;
  OptimizerState state_;
  Owned<OptimizerOptions> defaults_;
  std::int64_t step_count_ = -1;
};

namespace detail { struct Step; }

/// An optimizer that treats parameters one by one: what most of them are.
class CT_API ParamwiseOptimizer : public Optimizer {
 public:
  Tensor step(LossClosure closure = nullptr) override;

 protected:
  ParamwiseOptimizer(const char* name, std::vector<OptimizerParamGroup> groups, Owned<OptimizerOptions> defaults);

 private:
  Owned<OptimizerParamState> new_state(const Tensor& p, const OptimizerOptions& options) const override { return make_state(p, options); }
  virtual Owned<OptimizerParamState> make_state(const Tensor& p, const OptimizerOptions& options) const = 0;
  virtual void update(detail::Step& step, OptimizerParamState& state, const OptimizerOptions& options) const = 0;
  const char* name_;
};

}  // namespace ct::optim

// The constructors of an optimizer, as libtorch has them, and what it overrides.
#define CT_OPTIM_CLASS(Name, ...)                                                                                        \
  class CT_API Name : public ParamwiseOptimizer {                                                                        \
   public:                                                                                                               \
    explicit Name(std::vector<OptimizerParamGroup> groups, Name##Options defaults __VA_ARGS__);                          \
    explicit Name(std::vector<Tensor> params, Name##Options defaults __VA_ARGS__);                                       \
                                                                                                                         \
   private:                                                                                                              \
    Owned<OptimizerParamState> make_state(const Tensor& p, const OptimizerOptions& options) const override;              \
    void update(detail::Step& step, OptimizerParamState& state, const OptimizerOptions& options) const override;         \
  }
