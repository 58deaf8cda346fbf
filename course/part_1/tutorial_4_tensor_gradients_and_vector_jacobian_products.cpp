// Tutorial 4: Tensor gradients and vector-Jacobian products
// Level: part 1
// Concepts: outputs that are tensors, the vector v of v^T J, weighting, retain_graph and accumulation, finite differences
// Version: 2.1 (2026-11-21)
// History: 1.0 (2026-02-04), 1.1 (2026-02-06), 2.0 (2026-02-20); 2.1: in C++, with finite differences and a corrected total

#include <cotangent/inspect.h>
#include <cotangent/plot.h>

#include <algorithm>
#include <vector>

#include "common/lesson.h"

using namespace lesson;

// %%
// The output of the exercise: each entry of a 4 x 5 input plus 10, cubed, and transposed.
static ct::Tensor cubes(const ct::Tensor& inp) { return (inp + 10).pow(3).t(); }

// %%
// v^T J of the exercise, as a tensor in the shape of the input: which change of v . out does each entry of the input make?
static ct::Tensor pulled_back(const ct::Tensor& v) {
  auto inp = ct::eye(4, 5, v.dtype()).requires_grad_();
  cubes(inp).backward(v);
  return inp.grad();
}

// %%
// The upstream gradient of the sweep: w in row 0, 1 - w in the four rows below, divided so that all entries sum to 1.
static ct::Tensor weighting(double w) {
  auto v = ct::full({5, 4}, 1 - w, ct::kDouble);
  v[0].fill_(w);
  return v / (16 - 12 * w);
}

int main() {
  // %% [markdown]
  // # Tutorial 4: Tensor gradients and vector-Jacobian products
  // A loss is one number, and its gradient has the shape of the input. What if the output is a *tensor*? Each of its entries has
  // a derivative by each of the inputs: that is the **Jacobian**, a matrix that nobody wants to store. Backward does not. Give
  // it a weight for each output, and it computes the gradient of the weighted sum, at the price of one pass. So the weights, v,
  // are a question put to the output: *if these entries matter that much, which inputs matter?*
  //
  // After this tutorial you can call backward on a tensor, predict where its answer is other than zero, check it by finite
  // differences, and say why a total can stand still while its parts move.

  // %% [markdown]
  // ## 1. Computation A
  // With $m$ outputs and $n$ inputs the Jacobian $J$ is an $m\times n$ matrix. Backward with the weights $v_k$ gives
  //
  // $$v^\top J,\qquad (v^\top J)_i=\sum_k v_k\,\frac{\partial\,\mathrm{out}_k}{\partial\,\mathrm{inp}_i},$$
  //
  // the gradient of the *number* $\langle v,\mathrm{out}\rangle=\sum_k v_k\,\mathrm{out}_k$.
  //
  // The input here is a $4\times5$ identity matrix, and $\mathrm{out}=\left((\mathrm{inp}+1)^2\right)^\top$, of shape $(5,4)$.

  // %%
  section("1. Computation A");
  auto inp = ct::eye(4, 5).requires_grad_();
  auto out = (inp + 1).pow(2).t();
  ct::print("out =", out);
  check_that(out.size(0) == 5 && out.size(1) == 4 && out.grad_fn()->name() == "TBackward0", "a transposed result");
  check(out, ct::ones({5, 4}) + 3 * ct::eye(5, 4));

  // %%
  save(ct::inspect::graph(out, {{"inp", inp}, {"out", out}}), "tutorial_4_graph");

  // %% [markdown]
  // Without $v$ there is nothing to start from; and $v$ must have the shape of the output, not of the input.

  // %%
  show_error([&] { out.backward(); }, "grad can be implicitly created only for scalar outputs");
  show_error([&] { out.backward(ct::ones({4, 5})); }, "invalid gradient at index 0");

  // %% [markdown]
  // ## 2. All outputs count alike
  // With $v$ all ones, backward computes the gradient of $\sum_k\mathrm{out}_k$. Each input entry makes one output entry, with
  // the derivative $2(\mathrm{inp}+1)$: 4 on the diagonal, 2 elsewhere. We keep the graph, to ask again.

  // %%
  section("2. v = ones");
  out.backward(ct::ones_like(out), /*retain_graph=*/true);
  ct::print("inp.grad =", inp.grad());
  check(inp.grad(), 2 * (inp.detach() + 1));
  check(inp.grad(), 2 * ct::ones({4, 5}) + 2 * ct::eye(4, 5));
  auto first = inp.grad().clone();

  // %% [markdown]
  // ## 3. Again, and cleared
  // The second call adds the same once more: 8 and 4. Cleared, the third one gives the first result again. (In Python,
  // `inp.grad.zero_()`.)

  // %%
  section("3. Again, and cleared");
  out.backward(ct::ones_like(out), true);
  ct::print("second call: diagonal", inp.grad()[0][0].item<float>(), " elsewhere", inp.grad()[0][1].item<float>());
  check(inp.grad(), 2 * first);
  inp.mutable_grad().zero_();
  out.backward(ct::ones_like(out));
  ct::print("after clearing: diagonal", inp.grad()[0][0].item<float>(), " elsewhere", inp.grad()[0][1].item<float>());
  check(inp.grad(), first);

  // %% [markdown]
  // That last call did not keep the graph; so it was the last one.

  // %%
  show_error([&] { out.backward(ct::ones_like(out)); }, "Trying to backward through the graph a second time");

  // %% [markdown]
  // ## 4. Exercise: a question of your own
  // Now $\mathrm{out}=\left((\mathrm{inp}+10)^3\right)^\top$: entries 1331 on the diagonal, 1000 elsewhere (`cubes`, above).
  // Choose `v` so that the *first row* of the output is what matters, and put $v^\top J$, as `pulled_back` above computes it,
  // into `answer`. Before you run it: where will the gradient be other than 0? In a row of the input, or in a column?

  // %%
  section("4. Exercise");
  auto big = cubes(ct::eye(4, 5));
  ct::print("out: diagonal", big[0][0].item<float>(), " elsewhere", big[0][1].item<float>());
  check(big, ct::full({5, 4}, 1000) + 331 * ct::eye(5, 4));
  auto v = ct::zeros({5, 4});
  ct::Tensor answer;  // for v^T J, in the shape of the input

  // %% {"tags": ["solution"]}
  v[0].fill_(1);  // the first row of the output counts, nothing else does
  answer = pulled_back(v);
  ct::print("v =", v);
  ct::print("inp.grad =", answer);

  // %%
  if (!answer.defined()) {
    ct::print("There is no answer yet: the cell above is yours.");
  } else {
    check(answer.t()[0], v[0][0].item<double>() * ct::tensor({363.0, 300.0, 300.0, 300.0}));
    check_that(answer.count_nonzero().item<std::int64_t>() == 4, "everything outside column 0 is 0");
  }

  // %% [markdown] {"tags": ["solution"]}
  // The first row of the *output* comes from the first **column** of the input, because of the transpose. There the gradient is
  // $3(\mathrm{inp}+10)^2$: $3\cdot 11^2=363$ on the diagonal, $3\cdot10^2=300$ below. No other entry of the input has a part in
  // the first row of the output, so all others are 0.

  // %% [markdown]
  // ## 5. What inp.grad means
  // Each entry of `inp.grad` is $\partial\langle v,\mathrm{out}\rangle/\partial\,\mathrm{inp}_{ij}$. Wiggle one entry by $\pm h$
  // and look: **finite differences**, here in `double` for all twenty entries. With $E_{ij}$, which is 1 at $(i,j)$ and 0
  // elsewhere,
  //
  // $$\frac{\partial\langle v,\mathrm{out}\rangle}{\partial\,\mathrm{inp}_{ij}}\approx
  // \frac{\langle v,\mathrm{out}(\mathrm{inp}+hE_{ij})\rangle-\langle v,\mathrm{out}(\mathrm{inp}-hE_{ij})\rangle}{2h}.$$

  // %%
  section("5. Finite differences");
  auto mixed = weighting(0.75), at = ct::eye(4, 5, ct::kDouble), numeric = ct::zeros({4, 5}, ct::kDouble);
  const double h = 1e-4;
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 5; ++j) {
      auto bump = ct::zeros({4, 5}, ct::kDouble);
      bump.index_put_({i, j}, h);
      numeric.index_put_({i, j}, (mixed * (cubes(at + bump) - cubes(at - bump))).sum() / (2 * h));
    }
  auto exact = pulled_back(mixed);
  ct::print("numeric, row 0:", numeric[0]);
  ct::print("exact, row 0:  ", exact[0]);
  check(exact, numeric, 1e-6);

  // %% [markdown]
  // ## 6. From even weights to one heavy row
  // Let row 0 of $v$ have the weight $w$ and the others $1-w$, divided by $Z=16-12w$, so that all entries of $v$ sum to one. Then
  //
  // | entry of `inp.grad` | value | row of `out` it feeds |
  // |---|---|---|
  // | [0, 0] | $363\,w/Z$ | 0, heavy; diagonal |
  // | [1, 0] | $300\,w/Z$ | 0, heavy |
  // | [0, 1] | $300\,(1-w)/Z$ | 1, light |
  // | [1, 1] | $363\,(1-w)/Z$ | 1, light; diagonal |
  //
  // **A correction.** In the text that this tutorial follows, the curves of [0, 1] and [1, 0] have each other's names: because of
  // the transpose it is [1, 0] that lies in the heavily weighted column.

  // %%
  section("6. Sweep");
  std::vector<double> weights, d00, d10, d01, d11, sums;
  for (int step = 0; step <= 20; ++step) {
    const double w = 0.5 + step * 0.025, Z = 16 - 12 * w;
    auto g = pulled_back(weighting(w));
    weights.push_back(w);
    d00.push_back(g[0][0].item<double>());
    d10.push_back(g[1][0].item<double>());
    d01.push_back(g[0][1].item<double>());
    d11.push_back(g[1][1].item<double>());
    sums.push_back(g.sum().item<double>());
    check(ct::tensor({d00.back(), d10.back()}), {363 * w / Z, 300 * w / Z}, 1e-6);
    check(ct::tensor({d01.back(), d11.back()}), {300 * (1 - w) / Z, 363 * (1 - w) / Z}, 1e-6);
  }

  // %%
  for (std::size_t i : {0u, 10u, 20u})
    ct::print("w", ct::fixed(weights[i], 2), " [0,0]", ct::fixed(d00[i], 6), " [1,0]", ct::fixed(d10[i], 6), " [0,1]",
              ct::fixed(d01[i], 6), " [1,1]", ct::fixed(d11[i], 6), " sum", ct::fixed(sums[i], 4));
  check(ct::tensor({d00[0], d10[0], d01[0], d11[0], sums[0]}), {18.15, 15, 15, 18.15, 312.6}, 1e-6);
  check(ct::tensor({d00[10], d10[10], d01[10], d11[10], sums[10]}), {38.892857, 32.142857, 10.714286, 12.964286, 313.5}, 1e-6);
  check(ct::tensor({d00[20], d10[20], d01[20], d11[20], sums[20]}), {90.75, 75, 0, 0, 315.75}, 1e-6);

  // %%
  ct::plot::Figure figure;
  figure.ax().plot(weights, d00, {.label = "[0, 0]: heavy, diagonal", .marker = "o"});
  figure.ax().plot(weights, d10, {.label = "[1, 0]: heavy, off-diagonal", .marker = "s"});
  figure.ax().plot(weights, d01, {.label = "[0, 1]: light, off-diagonal", .marker = "^"});
  figure.ax().plot(weights, d11, {.label = "[1, 1]: light, diagonal", .marker = "D"});
  figure.ax()
      .title("Four entries of inp.grad")
      .xlabel("weight w of the first row")
      .ylabel("gradient")
      .grid()
      .legend("upper left");
  save(figure, "tutorial_4_sweep");
  const auto rises = [](const std::vector<double>& y) { return std::is_sorted(y.begin(), y.end()); };
  check_that(rises(figure.ax().series().at(0).y) && rises(figure.ax().series().at(1).y), "heavy entries rise");
  check_that(!rises(figure.ax().series().at(2).y) && figure.ax().series().at(3).y.back() == 0, "light entries fall to 0");

  // %% [markdown]
  // ## 7. The total
  // **A correction.** The text that this tutorial follows prints the total as the "sum of a $2\times2$ block" and calls it nearly
  // constant. It is the sum of all twenty entries. Its closed form:
  //
  // $$\frac{1263\,w+4989\,(1-w)}{16-12w}.$$
  //
  // The heavy row feeds one diagonal entry and three others, $363+3\cdot300=1263$ for four weights: 315.75 for each. The light
  // rows have three diagonal entries and thirteen others, $3\cdot363+13\cdot300=4989$ for sixteen weights: 311.81 each. The total
  // is an average of these two, with weights that sum to one; so it cannot leave the interval between them.

  // %%
  section("7. The total");
  for (std::size_t i = 0; i < weights.size(); ++i)
    check(sums[i], (1263 * weights[i] + 4989 * (1 - weights[i])) / (16 - 12 * weights[i]), 1e-6);
  ct::print("total from", ct::fixed(sums.front(), 2), "to", ct::fixed(sums.back(), 2), ": between", 4989.0 / 16, "and",
            1263.0 / 4);
  check_that(rises(sums) && sums.front() > 4989.0 / 16 && sums.back() <= 1263.0 / 4 + 1e-9,
             "the total stays within the interval");

  // %% [markdown]
  // ## What to take along
  // - Backward never builds the Jacobian. It computes $v^\top J$: the gradient of $\langle v,\mathrm{out}\rangle$.
  // - $v$ has the shape of the output, the result that of the input; it is linear in $v$.
  // - `backward()` of a scalar is the case $v=1$.
  // - An entry of the input is sensitive if it feeds an output that $v$ weights, *and* has a large derivative on the way.
  //
  // ## Executive summary
  // What did this notebook show, with which numbers? Write it down in three or four lines, for somebody who has no time to run
  // it.

  // %% [markdown] {"tags": ["solution"]}
  // - A $v$ that is 1 in the first row of the output gets the answer (363, 300, 300, 300) in the first *column* of the input, and
  //   0 elsewhere: the output is transposed.
  // - Finite differences of $\langle v,\mathrm{out}\rangle$ agree with backward in all twenty entries, to one in a million.
  // - From even weights to one heavy row, entry [0, 0] rises from 18.15 to 90.75, and [1, 1] falls from 18.15 to 0.
  // - The total only goes from 312.6 to 315.75: it is an average of 311.81 and 315.75, whatever the weights are.

  // %% [markdown]
  // ## Questions

  // %%
  auto row_0 = ct::zeros({5, 4});
  row_0[0].fill_(1);
  auto asked_row = pulled_back(row_0);
  const auto live = [&](int i, int j) { return asked_row[i][j].item<double>() != 0; };

  // %%
  ask("v is 1 in row 0 of out and 0 elsewhere. Which entries of inp.grad are other than 0?",
      several({{"[0, 0]", live(0, 0)},
               {"[0, 1]", live(0, 1)},
               {"[1, 0]", live(1, 0)},
               {"[3, 0]", live(3, 0)},
               {"[3, 4]", live(3, 4)}}),
      "Row 0 of out is made of column 0 of inp: out is transposed.");
  auto doubled = pulled_back(2 * row_0);
  ask("What is inp.grad[0][0] if v is 2 in row 0 instead?", number(doubled[0][0].item<double>()),
      "v^T J is linear in v: twice 363.");

  // %%
  ask("Which entry is the most sensitive one for w = 0.75?",
      choice({{"[0, 0]", exact.argmax().item<int>() == 0},
              {"[0, 1]", exact.argmax().item<int>() == 1},
              {"[1, 0]", exact.argmax().item<int>() == 5},
              {"[1, 1]", exact.argmax().item<int>() == 6}}),
      "It feeds the heavy row, and its own value is 11 instead of 10, so that its derivative is larger.");
  const double spread = sums.back() - sums.front();
  ask("Why is the total almost constant while its parts are not?",
      choice(
          {{"The weights sum to 1, and the mean derivative is nearly the same in heavy and light rows", spread > 1 && spread < 5},
           {"The sum of a gradient never depends on v", spread < 1e-6},
           {"Only a 2 x 2 block is summed, and what it loses on one side it gains on the other",
            d00[20] + d10[20] + d01[20] + d11[20] == sums[20]}}),
      "It is an average of 315.75 and 311.81, whatever the weights are.");
  return finish();
}
