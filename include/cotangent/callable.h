// cotangent/callable.h -- functions as values, without <functional>.
#pragma once

#include <type_traits>
#include <utility>

namespace ct {

template <class Signature>
class FunctionRef;

/// Refers to any callable for the duration of a call: two words, no allocation. The callable must outlive it.
template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_r_v<R, F&, Args...>)
  FunctionRef(F&& f) noexcept {
    using T = std::remove_reference_t<F>;
    if constexpr (std::is_function_v<T>) {
      object_ = reinterpret_cast<void*>(&f);
      call_ = [](void* p, Args... args) -> R { return reinterpret_cast<T*>(p)(std::forward<Args>(args)...); };
    } else {
      object_ = const_cast<void*>(static_cast<const void*>(&f));
      call_ = [](void* p, Args... args) -> R { return (*static_cast<T*>(p))(std::forward<Args>(args)...); };
    }
  }
  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

template <class Signature>
class Callback;

/// Owns a callable, for instance a hook; copies share it. Empty when default-constructed.
template <class R, class... Args>
class Callback<R(Args...)> {
 public:
  Callback() noexcept = default;
  Callback(std::nullptr_t) noexcept {}
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Callback> && std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
  Callback(F&& f) : held_(new Model<std::decay_t<F>>(std::forward<F>(f))) {}
  Callback(const Callback& o) noexcept : held_(o.held_) {
    if (held_) __atomic_add_fetch(&held_->refs, 1, __ATOMIC_RELAXED);
  }
  Callback(Callback&& o) noexcept : held_(std::exchange(o.held_, nullptr)) {}
  Callback& operator=(Callback o) noexcept { std::swap(held_, o.held_); return *this; }
  ~Callback() {
    if (held_ && __atomic_sub_fetch(&held_->refs, 1, __ATOMIC_ACQ_REL) == 0) delete held_;
  }

  explicit operator bool() const noexcept { return held_ != nullptr; }
  /// The callable must be there.
  R operator()(Args... args) const { return held_->call(std::forward<Args>(args)...); }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual R call(Args... args) = 0;
    int refs = 1;  // <atomic> would be a third of what this header costs
  };
  template <class F>
  struct Model final : Held {
    template <class G>
    explicit Model(G&& g) : f(std::forward<G>(g)) {}
    R call(Args... args) override {
      if constexpr (std::is_void_v<R>) f(std::forward<Args>(args)...);
      else return f(std::forward<Args>(args)...);
    }
    F f;
  };
  Held* held_ = nullptr;
};

}  // namespace ct
