"""formulas_test.py -- formulas are found where they are and nowhere else, and come out typeset, with the fonts that they need."""

import glob
import os
import re
import shutil
import sys
import unittest

from common import ROOT

try:
    import nbconvert  # noqa: F401
except ImportError:
    print("jupyter-nbconvert is not installed")
    sys.exit(77)

from cotangent_kernel import cells, formulas
from cotangent_kernel.formulas import Formula

KATEX = os.path.exists(formulas.STYLES) and shutil.which("node")


class Cut(unittest.TestCase):
    def test_what_is_a_formula(self):
        for text, expected in [
                ("$x$", [Formula("x")]),
                ("a $x_1$ b $y_2$.", [Formula("x_1"), Formula("y_2")]),
                ("$$\nx = y\n$$", [Formula("x = y", True)]),
                ("$-2$, $0$ and $3$", [Formula("-2"), Formula("0"), Formula("3")]),
                ("$a\nb$", [Formula("a\nb")]),
                ("$a\n\nb$", []),
                ("it costs 3 $ and 4 $ more", []),
                (r"\$5 and $x$", [Formula("x")]),
                (r"$\$5$", [Formula(r"\$5")]),
                ("`$x$` and ``a ` $y$``", []),
                ("```\n$x$\n```\n$y$", [Formula("y")]),
                ("~~~cpp\n$x$\n~~~", []),
                ("```\n```\n$y$", [Formula("y")]),
                ("text\n\n    $x$\n\n$y$", [Formula("y")]),
                (r"$\{a\}$ $\mathtt{x.grad}_i$", [Formula(r"\{a\}"), Formula(r"\mathtt{x.grad}_i")]),
                (r"\begin{align*}a &= b\end{align*}", [Formula(r"\begin{align*}a &= b\end{align*}", True)]),
        ]:
            with self.subTest(text):
                self.assertEqual(formulas.cut(text)[1], expected)

    def test_the_rest_stays(self):
        text, found = formulas.cut(r"Costs \$5: $a*b*c$ *and* `$x$`")
        self.assertEqual(len(found), 1)
        self.assertEqual(formulas.put_back(text, ["F"]), "Costs $5: F *and* `$x$`")


@unittest.skipUnless(KATEX, "katex is not installed")
class Typeset(unittest.TestCase):
    def test_markdown(self):
        html = formulas.markdown_html("# Slope\n\nFor $a_i*b_i*c$ and\n\n$$\\frac{1}{2} < x$$\n\n| a | $b$ |\n|---|---|\n| 1 | *2* |\n")
        self.assertEqual(html.count('class="katex"'), 3)
        self.assertEqual(html.count('class="katex-display"'), 1)
        self.assertIn("<table>", html)
        self.assertIn("<em>2</em>", html)
        self.assertNotIn("$", html)
        self.assertIn("<h1>Slope</h1>", html)

    def test_numbers_within_paragraphs(self):
        self.assertNotIn("<ol>", formulas.markdown_html("the factors 1, 2,\n3. And more"))
        self.assertIn("3. And more", formulas.markdown_html("the factors 1, 2,\n3. And more"))
        for text in ["1. one\n2. two", "text\n\n2. two", "1. one\n   more\n2. two", "text:\n1. one\n2. two"]:
            self.assertIn("<ol>", formulas.markdown_html(text), text)

    def test_what_cannot_be_read(self):
        with self.assertRaises(formulas.FormulaError) as caught:
            formulas.markdown_html(r"$\frac{1$")
        self.assertIn(r"\frac{1", str(caught.exception))
        self.assertIn('class="formula-error"', formulas.markdown_html(r"$\nosuch{1}$ and $<b>{$", strict=False))
        self.assertNotIn("<b>", formulas.markdown_html(r"$<b>{$", strict=False))
        self.assertIn("katex", formulas.markdown_html("$x$"))  # and goes on

    def test_styles(self):
        html = formulas.markdown_html("$x$")
        css = formulas.styles(html)
        self.assertIn("KaTeX_Math", css)
        self.assertNotIn("fonts/", css)
        self.assertLess(len(css), 150000)
        self.assertEqual(formulas.styles("<p>").count("@font-face"), 0)
        all_fonts = formulas.styles(fonts="here/")
        names = set(re.findall(r"url\(here/([^)]*)\)", all_fonts))
        self.assertEqual(names, {os.path.basename(p) for p in formulas.font_files()})
        for path in formulas.font_files():
            self.assertTrue(os.path.exists(path), path)

    def test_all_formulas_of_the_course(self):
        count = 0
        for path in sorted(glob.glob(str(ROOT / "course" / "*" / "*.cpp"))):
            if "/common/" in path:
                continue
            with open(path, encoding="utf-8") as file:
                source = cells.read(file.read(), os.path.basename(path)[:-4])
            for cell in source.cells:
                if cell.kind == "markdown":
                    with self.subTest(path, line=cell.line):
                        for formula in formulas.cut(cell.text)[1]:
                            count += 1
                            formulas.typeset(formula)
        self.assertGreater(count, 300)


if __name__ == "__main__":
    unittest.main()
