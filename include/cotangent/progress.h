// cotangent/progress.h -- how far a long loop is: for (auto& batch : ct::progress(loader)) ...
#pragma once

#include <cstdint>
#include <memory>  // the state of a bar, which its iterators share
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "cotangent/api.h"
#include "cotangent/arg.h"

namespace ct {

/// Names are tqdm's.
struct ProgressOptions {
  ProgressOptions() = default;
  ProgressOptions(const char* desc) : desc_(desc) {}
  ProgressOptions(std::string desc) : desc_(std::move(desc)) {}

  /// What stands before the bar.
  CT_ARG(std::string, desc);
  /// Steps in all, where the range does not know.
  CT_ARG(std::optional<std::int64_t>, total);
  CT_ARG(std::string, unit) = "it";
  /// Whether the bar stays when the loop is done; unless given, that of an outer loop does.
  CT_ARG(std::optional<bool>, leave);
  /// Nothing is written, and a step costs one addition and one comparison.
  CT_ARG(bool, disable) = false;
  /// Seconds between two updates at least; in a file or a pipe, `line_interval`.
  CT_ARG(double, mininterval) = 0.1;
  CT_ARG(double, line_interval) = 10;
  /// Columns, in place of the terminal's.
  CT_ARG(std::optional<std::int64_t>, ncols);
  /// Where to: stderr unless given.
  CT_ARG(int, fd) = 2;
  /// "terminal": one line, drawn over; "lines": a plain line now and then; "notebook": drawn over by a carriage return alone.
  /// Unless given, the environment variable CT_PROGRESS says so, or "off"; else what `fd` is.
  CT_ARG(std::string, mode);
};

/// A bar that is moved by hand. Never throws; what cannot be written is lost. To be used by one thread.
///   ct::Progress bar(1000, "training");
///   for (..) { ..; bar.set_postfix("loss", loss); bar.update(); }
/// Shows:  training:  42%|████▏     | 420/1000 [00:03<00:04, 131.20it/s, loss=0.31]
class CT_API Progress {
 public:
  explicit Progress(std::optional<std::int64_t> total, const ProgressOptions& options = {}) noexcept;
  explicit Progress(const ProgressOptions& options = {}) noexcept;
  Progress(Progress&& o) noexcept : n_(o.n_), next_(o.next_), impl_(std::exchange(o.impl_, nullptr)) {}
  Progress& operator=(Progress&& o) noexcept { std::swap(n_, o.n_), std::swap(next_, o.next_), std::swap(impl_, o.impl_); return *this; }
  /// Shows where the loop stopped, also when an exception ends it.
  ~Progress();

  void update(std::int64_t steps = 1) noexcept {
    n_ += steps;
    if (n_ >= next_) look();
  }
  std::int64_t n() const noexcept { return n_; }
  void set_description(std::string_view desc) noexcept;
  /// Values behind the bar, by name; shown at the next update.
  void set_postfix(std::string_view name, std::string_view value) noexcept;
  void set_postfix(std::string_view name, const char* value) noexcept { set_postfix(name, std::string_view(value)); }
  template <class T>
    requires(std::is_arithmetic_v<T>)
  void set_postfix(std::string_view name, T value) noexcept {
    if constexpr (std::is_floating_point_v<T>) set_number(name, static_cast<double>(value));
    else set_number(name, static_cast<std::int64_t>(value));
  }
  /// Draws now.
  void refresh() noexcept;
  /// A line of text above the bar.
  void write(std::string_view line) noexcept;
  /// The last update; further ones count, but are not shown.
  void close() noexcept;

 private:
  void look() noexcept;
  void set_number(std::string_view name, double value) noexcept;
  void set_number(std::string_view name, std::int64_t value) noexcept;

  struct Impl;
  std::int64_t n_ = 0;
  std::int64_t next_ = INT64_MAX;  // when to look at the clock
  Impl* impl_ = nullptr;           // null: disabled
};

namespace detail {

struct Count {
  struct iterator {
    std::int64_t i;
    std::int64_t operator*() const { return i; }
    iterator& operator++() { return ++i, *this; }
    bool operator==(const iterator& o) const { return i == o.i; }
  };
  std::int64_t n;
  iterator begin() const { return {0}; }
  iterator end() const { return {n}; }
  std::int64_t size() const { return n; }
};

// The steps of a range, if it knows them: an integer, or an optional one.
template <class R>
std::optional<std::int64_t> size_of(const R& r) {
  if constexpr (requires { r.size(); }) {
    const auto n = r.size();
    if constexpr (std::is_integral_v<decltype(n)>) return static_cast<std::int64_t>(n);
    else if (n) return static_cast<std::int64_t>(*n);
  }
  return std::nullopt;
}

}  // namespace detail

/// A range with a bar: made by progress().
template <class R>
class ProgressRange {
 public:
  ProgressRange(R&& range, const ProgressOptions& options) : range_(std::forward<R>(range)), options_(options) {
    if (!options_.total()) options_.total() = detail::size_of(range_);
  }

  using Inner = decltype(std::declval<std::remove_reference_t<R>&>().begin());
  using End = decltype(std::declval<std::remove_reference_t<R>&>().end());
  class iterator {
   public:
    iterator(Inner inner, std::shared_ptr<Progress> bar) : inner_(std::move(inner)), bar_(std::move(bar)) {}
    decltype(auto) operator*() { return *inner_; }
    iterator& operator++() {
      bar_->update();  // the body is done, before the next step is waited for
      ++inner_;
      return *this;
    }
    bool operator!=(const End& end) {
      if (!(inner_ == end)) return true;
      bar_->close();
      return false;
    }
    bool operator==(const End& end) { return !(*this != end); }

   private:
    Inner inner_;
    std::shared_ptr<Progress> bar_;
  };

  iterator begin() {
    auto bar = std::make_shared<Progress>(options_);
    return {range_.begin(), std::move(bar)};
  }
  End end() { return range_.end(); }

 private:
  R range_;
  ProgressOptions options_;
};

/// Python's tqdm: the range, and a bar that follows it. `break` leaves the bar where it is.
///   for (auto& [x, y] : ct::progress(loader, "epoch 1")) ...
template <class R>
  requires(!std::is_arithmetic_v<std::remove_cvref_t<R>>)
ProgressRange<R> progress(R&& range, const ProgressOptions& options = {}) {
  return {std::forward<R>(range), options};
}
/// 0, 1, .., n - 1. Python's trange.
inline ProgressRange<detail::Count> progress(std::int64_t n, const ProgressOptions& options = {}) { return {detail::Count{n < 0 ? 0 : n}, options}; }

}  // namespace ct
