// checks/exercise_02_batches.cpp -- exercise 02: what create_mini_batches makes of rows that can be told apart.
#include <algorithm>

#include "exercises/checks/check.h"
#include "exercises/checks/exercise_02.h"

namespace exercise {
namespace {

const char* const function = "create_mini_batches";

// Rows 0 .. n - 1, and y = 10 x.
Batches batches_of(const MiniBatchFacts& learner, std::int64_t n, std::int64_t batch_size) {
  during("create_mini_batches with " + std::to_string(n) + " rows and batch size " + std::to_string(batch_size));
  auto x = ct::arange(n, ct::kFloat).unsqueeze(1);
  return learner.batches(x, 10 * x, batch_size);
}

Losses rows_of(const Batches& batches) {
  Losses rows;
  for (const auto& batch : batches)
    for (double v : numbers(batch.first)) rows.push_back(v);
  return rows;
}

}  // namespace

void check_sizes(const MiniBatchFacts& learner) {
  if (!learner.batches)
    no("there is no create_mini_batches(x, y, batch_size) that returns a list of pairs of tensors, and the checks need one",
       line_of(function));
  const std::int64_t cases[][2] = {{5, 2}, {6, 3}, {7, 3}, {4, 10}, {3, 1}, {7, 7}};
  const int loop = line_of(function, {"\\bfor\\b|\\bwhile\\b"});
  for (const auto& [n, size] : cases) {
    Losses expected, got;
    for (std::int64_t start = 0; start < n; start += size) expected.push_back(static_cast<double>(std::min(size, n - start)));
    for (const auto& [x, y] : batches_of(learner, n, size)) {
      if (!x.defined() || !y.defined() || x.dim() == 0 || y.dim() == 0)
        no("a batch holds an undefined tensor, or one without rows", loop);
      if (x.size(0) != y.size(0))
        no("a batch has " + std::to_string(x.size(0)) + " rows of x and " + std::to_string(y.size(0)) + " of y", loop);
      got.push_back(static_cast<double>(x.size(0)));
    }
    std::sort(got.rbegin(), got.rend());  // the smaller batch may come anywhere
    if (got == expected) continue;
    const std::string what = std::to_string(n) + " rows in batches of " + std::to_string(size);
    if (got.empty() && expected.size() > 1) no(what + ": there are no batches", loop);
    Losses without = expected, doubled = expected, padded(expected.size(), static_cast<double>(size));
    without.pop_back();
    doubled.push_back(0);
    if (n % size != 0 && got == without)
      no("last batch dropped: " + what + " are " + shown(expected) + ", and there are only " + shown(got), loop);
    if (got == doubled) no(what + ": there is an empty batch at the end", loop);
    if (got == padded)
      no(what + ": the last batch has " + std::to_string(size) + " rows, and only " + std::to_string(n % size) +
             " are left for it",
         loop);
    if (static_cast<std::int64_t>(got.size()) == size)
      no(what + ": there are " + std::to_string(size) +
             " batches. The batch size is the number of rows in a batch, not the number of batches",
         loop);
    no(what + " should be " + shown(expected) + " and are " + shown(got), loop);
  }
}

void check_every_row(const MiniBatchFacts& learner) {
  const auto n = 50;
  const Batches batches = batches_of(learner, n, 8);
  const Losses rows = rows_of(batches);
  std::vector<int> count(n, 0);
  for (double r : rows)
    if (r >= 0 && r < n) ++count[static_cast<std::size_t>(r)];
  const auto missing = std::find(count.begin(), count.end(), 0) - count.begin(),
             twice = std::find_if(count.begin(), count.end(), [](int c) { return c > 1; }) - count.begin();
  if (missing == n && twice == n) return;
  if (const int line = match(function, {"\\brandint\\b|\\bmultinomial\\b|\\brand\\s*\\("}))
    no("rows are drawn with replacement: row " + std::to_string(twice) + " comes " +
           std::to_string(count[static_cast<std::size_t>(std::min<std::ptrdiff_t>(twice, n - 1))]) + " times and row " +
           std::to_string(missing) + " never. A permutation has each of them once: ct::randperm(n)",
       line);
  if (numbers(batches.at(0).first) == numbers(batches.at(1).first))
    no("all batches have the same rows: each has to begin where the one before ended",
       line_of(function, {"slice|narrow|index", "\\bfor\\b|\\bwhile\\b"}));
  no("not every row is used exactly once: " +
         (missing < n
              ? "row " + std::to_string(missing) + " never comes"
              : "row " + std::to_string(twice) + " comes " + std::to_string(count[static_cast<std::size_t>(twice)]) + " times"),
     line_of(function, {"slice|narrow", "randperm", "\\bfor\\b|\\bwhile\\b"}));
}

void check_pairs(const MiniBatchFacts& learner) {
  Losses xs, ys;
  for (const auto& [x, y] : batches_of(learner, 50, 8)) {
    for (double v : numbers(x)) xs.push_back(v);
    for (double v : numbers(y)) ys.push_back(v / 10);
  }
  if (near(xs, ys, 1e-6)) return;
  const int line = line_of(function, {"\\by\\b.*randperm|randperm.*\\by\\b", "\\by\\s*(\\.|\\[)", "randperm"});
  const bool x_in_order = std::is_sorted(xs.begin(), xs.end()), y_in_order = std::is_sorted(ys.begin(), ys.end());
  const std::string which = x_in_order ? "only y is shuffled" : y_in_order ? "only x is shuffled" : "x and y have an order each";
  no("pairs shuffled apart: " + which + ", so x = " + shown(xs.at(0)) + " comes with the y of x = " + shown(ys.at(0)) +
         ". Take the rows of both with the same indices",
     line);
}

void check_shuffle(const MiniBatchFacts& learner) {
  const Batches first = batches_of(learner, 50, 5), second = batches_of(learner, 50, 5);
  const Losses a = rows_of(first), b = rows_of(second);
  if (std::is_sorted(a.begin(), a.end()))
    no("the rows come in their own order, not shuffled: the batches are the same in every epoch",
       line_of(function, {"randperm", "arange"}));
  if (a == b)
    no("two calls give the same order: same order every epoch. A seed that is set in the function sets the generator back each "
       "time",
       line_of(function, {"manual_seed|Generator", "\\bstatic\\b", "randperm"}));
  const auto neighbours = [](const Batches& batches) {
    return std::all_of(batches.begin(), batches.end(), [](const auto& batch) {
      Losses v = numbers(batch.first);
      std::sort(v.begin(), v.end());
      return v.back() - v.front() == static_cast<double>(v.size() - 1);
    });
  };
  if (neighbours(first) && neighbours(second))
    no("the batches are shuffled and not the rows: rows that stand together stay together in every epoch",
       line_of(function, {"randperm|shuffle"}));
}

}  // namespace exercise
