// Lesson 12: Memory that is shared
// Level: intermediate
// Concepts: data_ptr, from_blob, accessor, .npy files, clone and detach compared
// Version: 1.0 (2026-11-21)
// History: 1.0: first edition in C++, with checks and questions

#include <cotangent/io.h>

#include <vector>
#include "common/lesson.h"

using namespace lesson;

// What a copy or an alias of h = 2x still has in common with h, found out by trying.
struct Probe {
  bool shares_memory, has_grad_fn, gradient_flows;
};
static Probe probe(ct::Tensor (*make)(ct::Tensor& h)) {
  auto x = ct::tensor({1.0, 2.0, 3.0, 4.0}, ct::requires_grad());
  auto h = 2 * x;
  const float* memory = h.data_ptr<float>();
  auto t = make(h);
  Probe p{t.data_ptr<float>() == memory, t.grad_fn() != nullptr, false};
  if (t.requires_grad()) {
    t.sum().backward();
    p.gradient_flows = x.grad().defined() && ct::equal(x.grad(), 2 * ct::ones({4}));
  }
  return p;
}

int main() {
  // %% [markdown]
  // # Memory that is shared
  // In Python, `t.numpy()` hands a tensor's elements to another library, and `torch.from_numpy(a)` takes an array in. Nothing is
  // copied: both look at the same memory. C++ has no NumPy in between, but the same two doors: `data_ptr<T>()` leads out,
  // `from_blob` leads in. The question is always the same: whose memory is it, and who notices a change?

  // %% [markdown]
  // ## 1. Out: `data_ptr`
  // A pointer to the first element, and an error if you ask for another type than the tensor has. Writing through it writes into
  // the tensor, and into no clone of it.

  // %%
  section("1. Out: data_ptr");
  auto t = ct::tensor({1.0, 2.0, 3.0, 4.0});
  float* p = t.data_ptr<float>();
  ct::print("shape", t.shape(), "dtype", t.dtype());
  check_that(t.sizes() == std::vector<std::int64_t>{4} && t.dtype() == ct::kFloat, "four elements of float32");
  p[0] = 10;  // a write through the pointer is a write into t
  auto copy = t.clone();
  copy.data_ptr<float>()[1] = 20;  // a clone has memory of its own
  ct::print("t    =", t);
  ct::print("copy =", copy);
  check(t, {10, 2, 3, 4});
  check(copy, {10, 20, 3, 4});
  show_error([&] { t.data_ptr<double>(); }, "expected scalar type Double but found Float");

  // %% [markdown]
  // ## 2. In: `from_blob`
  // A tensor on memory that belongs to somebody else. Each sees what the other one writes.

  // %%
  section("2. In: from_blob");
  std::vector<float> measured = {1, 2, 3, 4, 5, 6};
  auto m = ct::from_blob(measured.data(), {2, 3});  // dtype float32 unless the options say otherwise
  measured[0] = 100;  // the vector changes the tensor ..
  m.mul_(2);          // .. and the tensor the vector
  ct::print("m =", m);
  ct::print("measured =", measured);
  check(m, ct::tensor({{200.0, 4.0, 6.0}, {8.0, 10.0, 12.0}}));
  check_that(measured[0] == 200 && measured[5] == 12, "one memory, two names");
  show_error([&] { ct::from_blob(nullptr, {2, 3}); }, "the data pointer is null");

  // %% [markdown]
  // ## 3. Who frees it?
  // The tensor does not own such memory: `measured` has to live as long as `m` and its views. Where it cannot, hand over a
  // function that frees it; it is called when the last tensor on that memory is gone.

  // %%
  section("3. Who frees it?");
  int freed = 0;
  auto owned = ct::from_blob(new float[3]{1, 2, 3}, {3}, [&](void* memory) { delete[] static_cast<float*>(memory), ++freed; });
  auto tail = owned.slice(0, 1, 3);
  owned.reset();
  ct::print("the tensor is gone, a view of it still there: freed", freed, "times;", tail);
  check_that(freed == 0, "a view keeps the memory");
  check(tail, {2, 3});
  tail.reset();
  ct::print("the view is gone, too: freed", freed, "times");
  check_that(freed == 1, "the last one frees it");

  // %% [markdown]
  // ## 4. Element by element: `accessor`
  // Dtype and number of dimensions are checked once; `a[i][j]` is as fast as an array then, with strides, without bounds checks.

  // %%
  section("4. Element by element: accessor");
  auto turned = m.t();
  auto a = turned.accessor<float, 2>();
  float corners = a[0][0] + a[a.size(0) - 1][a.size(1) - 1];
  ct::print("first + last =", corners, " of sizes", a.sizes());
  check(corners, 212);
  show_error([&] { m.accessor<float, 1>(); }, "expected 1 dims but tensor has 2");

  // %% [markdown]
  // ## 5. Tracked tensors: a write that nobody notices
  // Python refuses: `Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.` The array would know
  // nothing of gradients. A raw pointer in C++ is given to you without a question, so the care is yours. Reading is harmless.
  // Writing changes values that backward relies on, and no version counter sees it: **the gradient is wrong, without an error**.
  // Below, the loss is $\sum_i w_i^2$ at $w=(1,2)$, and backward computes $2w$ from a $w$ that has become another one.

  // %%
  section("5. A write that nobody notices");
  auto w = ct::tensor({1.0, 2.0}, ct::requires_grad());
  auto loss = w.pow(2).sum();
  for (int i = 0; i < 2; ++i) w.data_ptr<float>()[i] -= 0.5f;
  loss.backward();
  ct::print("written through a pointer: w.grad =", w.grad(), " where [2, 4] belongs to the loss that was computed");
  check(w.grad(), {1, 3});
  const double silent = w.grad()[0].item<double>();

  // The same write through detach(), which shares memory *and* version counter, is noticed.
  auto v = ct::tensor({1.0, 2.0}, ct::requires_grad());
  auto loss2 = v.pow(2).sum();
  v.detach().sub_(0.5);
  show_error([&] { loss2.backward(); }, "modified by an inplace operation");

  // %% [markdown]
  // ## 6. Copies and aliases
  // **A correction.** The text that this lesson follows calls the result of `.detach().clone().cpu().numpy()` a view. The clone
  // makes it a copy; only `.detach().numpy()`, here `detach().data_ptr<T>()`, shares memory. The table is found by trying each
  // on $h=2x$.

  // %%
  section("6. clone, detach, detach().clone(), detach_()");
  struct {
    const char* text;
    ct::Tensor (*make)(ct::Tensor& h);
    Probe expected;
  } ways[] = {
      {"h.clone()         ", [](ct::Tensor& h) { return h.clone(); }, {false, true, true}},
      {"h.detach()        ", [](ct::Tensor& h) { return h.detach(); }, {true, false, false}},
      {"h.detach().clone()", [](ct::Tensor& h) { return h.detach().clone(); }, {false, false, false}},
      {"h.detach_()       ", [](ct::Tensor& h) { return h.detach_(); }, {true, false, false}},
  };
  Probe found[4];
  ct::print("                    shares memory   has grad_fn   gradient flows");
  for (int i = 0; i < 4; ++i) {
    const Probe q = found[i] = probe(ways[i].make);
    const auto word = [](bool b) { return b ? "yes" : "no "; };
    ct::print(ways[i].text, " ", word(q.shares_memory), "            ", word(q.has_grad_fn), "          ",
              q.gradient_flows ? "yes" : "no");
    check_that(q.shares_memory == ways[i].expected.shares_memory && q.has_grad_fn == ways[i].expected.has_grad_fn &&
                   q.gradient_flows == ways[i].expected.gradient_flows,
               ways[i].text);
  }
  auto c = w.clone();
  ct::print("the clone of a leaf:", c);
  check_that(c.grad_fn()->name() == "CloneBackward0", "a clone is recorded; it passes gradients on unchanged");

  // %% [markdown]
  // ## 7. Across programs: `.npy`
  // What `numpy.load` and `numpy.save` read and write. A file is a copy, so tracked tensors are welcome; the history stays here.

  // %%
  section("7. Across programs: .npy");
  const std::string path = results() + "/12_weights.npy";
  ct::save_npy(w, path);
  auto loaded = ct::load_npy(path);
  ct::print("from the file:", loaded, " requires_grad", loaded.requires_grad());
  check(loaded, {0.5, 1.5}, 0, 0);
  check_that(!loaded.requires_grad() && !loaded.is_alias_of(w), "values without history, in memory of their own");
  show_error([&] { ct::load_npy(results() + "/12_nothing.npy"); }, "No such file");

  // %% [markdown]
  // ## Questions

  // %%
  ask("Which of these share memory with h?",
      several({{"h.clone()", found[0].shares_memory},
               {"h.detach()", found[1].shares_memory},
               {"h.detach().clone()", found[2].shares_memory},
               {"h.detach_()", found[3].shares_memory}}),
      "detach() is another name for the same elements, detach_() the tensor itself; clone() always copies.");
  ask("From which of these does a gradient reach x?",
      several({{"h.clone()", found[0].gradient_flows},
               {"h.detach()", found[1].gradient_flows},
               {"h.detach().clone()", found[2].gradient_flows},
               {"h.detach_()", found[3].gradient_flows}}),
      "Only the clone is recorded (CloneBackward0, derivative 1). The others are cut off the graph.");
  ask("In part 5, the loss was computed from w = [1, 2]. Which first element does the gradient get after the write through the "
      "pointer?",
      number(silent),
      "Backward computes 2w from the w it finds in memory, 0.5, and not from the one the loss was computed with.");
  ask("Does a tensor made by from_blob keep the memory alive?",
      yes_no(ct::from_blob(measured.data(), {6}).data_ptr<float>() != measured.data()),
      "It borrows: the vector must outlive the tensor, or a deleter must be given.");
  return finish();
}
