"""The notebook for one's own first steps: scratch.ipynb, which ./cotangent notebook puts beside the lessons."""
from nbformat import v4

SCRATCH = "scratch.ipynb"

INTRODUCTION = """# Your own notebook

Cells hold C++. **Shift+Enter** runs one; its last expression, without a semicolon, is shown. What a cell declares, later cells see,
and a cell that fails changes nothing. **Tab** completes, `?ct::randn` explains."""

GRADIENT = """auto x = ct::tensor({1.0, 2.0, 3.0}, ct::requires_grad());
auto y = (x * x).sum();
y.backward();
x.grad()"""

PLOT_TEXT = """## Your first plot

Change a number and run the cell again."""

PLOT = """#include <cotangent/plot.h>

auto t = ct::linspace(-3, 3, 200).requires_grad_();
auto f = t.sin() * (-t * t / 4).exp();
f.sum().backward();

ct::plot::Figure figure;
auto& ax = figure.ax();
ax.plot(t, f, {.label = "f"});
ax.plot(t, t.grad(), {.label = "its derivative"});
ax.xlabel("t");
ax.legend();
figure"""


def scratch():
    """A notebook node."""
    texts = [("markdown", INTRODUCTION), ("code", GRADIENT), ("markdown", PLOT_TEXT), ("code", PLOT), ("code", "")]
    cells = [(v4.new_markdown_cell if kind == "markdown" else v4.new_code_cell)(text, id="cell-%02d" % i) for i, (kind, text) in enumerate(texts)]
    return v4.new_notebook(cells=cells, metadata={
        "kernelspec": {"name": "cotangent", "display_name": "C++20 (Cotangent)", "language": "c++"},
        "language_info": {"name": "c++", "file_extension": ".cpp", "mimetype": "text/x-c++src", "codemirror_mode": "text/x-c++src"}})
