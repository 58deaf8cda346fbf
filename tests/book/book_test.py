"""The book of a few pages is built, and the checks that every build makes find what is wrong.

    book_test.py        exit status 77: what the book is made with is not installed"""
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "apps/kernel"), str(ROOT / "apps/book")]
if not all(importlib.util.find_spec(name) for name in ("sphinx", "myst_parser", "furo", "nbformat")) or not os.path.exists("/usr/share/javascript/katex"):
    print("Sphinx, MyST, Furo, nbformat or KaTeX is not installed")
    sys.exit(77)

from cotangent_book import check, pages, pdf, site  # noqa: E402
from cotangent_book.course import BookError  # noqa: E402
from cotangent_kernel.page import BROWSERS  # noqa: E402

WORK = tempfile.TemporaryDirectory()
BOOK = pathlib.Path(WORK.name, "book")


def build(*arguments):
    paths = os.pathsep.join([str(ROOT / "apps/kernel"), str(ROOT / "apps/book")])
    return subprocess.run([sys.executable, "-m", "cotangent_book", "--work", WORK.name + "/work", *arguments],
                          env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True)


def setUpModule():
    made = build("--to", str(BOOK), "03_retain", "05_complete", "tutorial_2_minimal", "exercise_01")
    if made.returncode:
        sys.exit(made.stderr)


class Site(unittest.TestCase):
    def page(self, name):
        return (BOOK / (name + ".html")).read_text(encoding="utf-8")

    def test_nothing_is_wrong_with_it(self):
        self.assertEqual(check.problems(BOOK), [])

    def test_a_lesson(self):
        text = self.page("03_retain_graph")
        self.assertIn("<title>Lesson 03: The life of a graph", text)
        self.assertRegex(text, r'class="shown">.*Trying to backward through the graph a second time')
        self.assertRegex(text, r'<img src="figures/03_retain_graph_1.svg" alt="Graph[^"]+leaf')
        self.assertIn("./cotangent run 03", re.sub("<[^>]*>", "", text))
        self.assertRegex(text, r'(?s)<details class="answer"><summary>Answer</summary>.*?<strong>b, c</strong>')
        self.assertRegex(text, r"compared what it printed with what is expected in \d+ places; all agreed")

    def test_a_tutorial(self):
        text = self.page("tutorial_2_minimal_learning_problem")
        self.assertGreater(text.count('class="katex"'), 20)
        self.assertGreater(text.count("Model answer"), 0)
        fresh = (BOOK / "notebooks/tutorial_2_minimal_learning_problem.ipynb").read_text(encoding="utf-8")
        self.assertIn("Your code here", fresh)

    def test_an_exercise(self):
        text = self.page("exercise_01_implement_sgd")
        task, solution = text.index("todo"), text.index("Worked solution")
        self.assertLess(task, solution)
        self.assertIn("Hint 3", text)

    def test_names_are_found_by_their_parts(self):
        index = (BOOK / "searchindex.js").read_text(encoding="utf-8")
        self.assertRegex(index, r'"retain":')
        self.assertRegex(index, r'"retain_graph":')

    def test_indexes(self):
        self.assertIn('tutorial_2_minimal_learning_problem.html">Tutorial 2', self.page("concepts"))
        self.assertRegex(self.page("error_messages"), r'Trying to backward through the graph a second time.*\s*<a href="03_retain_graph.html#error-')

    def test_a_second_build_runs_nothing_again(self):
        made = build("--to", str(BOOK), "03_retain", "05_complete", "tutorial_2_minimal", "exercise_01")
        self.assertIn("(0 executed anew)", made.stdout)
        self.assertTrue(made.stdout.endswith(f"{BOOK}/index.html\n"))

    def test_a_folder_of_somebody_else_is_left_alone(self):
        with tempfile.TemporaryDirectory() as other:
            pathlib.Path(other, "thesis.txt").write_text("mine")
            made = build("--to", other, "03_retain")
            self.assertEqual(made.returncode, 1)
            self.assertIn("has other files in it", made.stderr)
            self.assertEqual(os.listdir(other), ["thesis.txt"])

    @unittest.skipUnless(shutil.which("pdfinfo") and any(map(shutil.which, BROWSERS)), "no Chromium or pdfinfo")
    def test_a_pdf(self):
        with tempfile.TemporaryDirectory() as folder:
            made = build("--pdf", "--to", folder, "03_retain", "tutorial_2_minimal")
            self.assertEqual(made.returncode, 0, made.stderr)
            file = pathlib.Path(folder, "cotangent.pdf")
            places = pdf.destinations(file)
            text = subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True).stdout.split("\f")
            for title, name in (("Lesson 03: The life of a graph", "03_retain_graph"), ("Tutorial 2: A minimal", "tutorial_2_minimal_learning_problem")):
                self.assertIn(title, text[places["document-" + name] - 1])
                entry = re.search(name[0:2].replace("tu", "Tutorial 2") + r" · .*?(\d+)\n", text[1])
                self.assertEqual(int(entry[1]), places["document-" + name])
            self.assertIn("10 p.", "".join(text[places["document-answers"] - 1:]))  # an answer, at the end

    def test_an_unknown_page(self):
        self.assertIn("no page of the course is called pineapple", build("pineapple").stderr)


class Checks(unittest.TestCase):
    """Each fault, put into a copy of the book, is found and named."""

    def faults(self, name, change):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder, "book")
            shutil.copytree(BOOK, copy)
            path = copy / name
            before = path.read_text(encoding="utf-8")
            after = change(before)
            self.assertNotEqual(before, after)
            path.write_text(after, encoding="utf-8")
            return "\n".join(check.problems(copy))

    def test_faults_are_found(self):
        page = "03_retain_graph.html"
        body = "</article>"
        for wanted, name, change in (
                ("03_retain_graph.html: <a> to nowhere.html: there is no such file", page, lambda t: t.replace(body, '<a href="nowhere.html">x</a>' + body)),
                ("<a> to index.html#nothing: there is no nothing on that page", page, lambda t: t.replace(body, '<a href="index.html#nothing">x</a>' + body)),
                ("<a> to file:///usr/share/x: leaves the folder", page, lambda t: t.replace(body, '<a href="file:///usr/share/x">x</a>' + body)),
                ("<script> to https://example.org/x.js: is not in the folder", page, lambda t: t.replace(body, '<script src="https://example.org/x.js"></script>' + body)),
                ("a picture without a description: figures/03_retain_graph_1.svg", page, lambda t: re.sub(r' alt="Graph[^"]*"', "", t)),
                ("no title", page, lambda t: re.sub(r"<title>.*</title>", "<title></title>", t)),
                ("$$ is left in the text", page, lambda t: t.replace(body, "<p>$$x$$</p>" + body)),
                ("the search does not know it", "searchindex.js", lambda t: t.replace('"03_retain_graph"', '"03_other"')),
                ("url(/javascript/x.css): leaves the folder", "_static/book.css", lambda t: t + "@import url(/javascript/x.css);"),
                ("a module, which browsers do not load from files", "_static/book.js", lambda t: 'import "./x.js";\n' + t)):
            with self.subTest(wanted):
                self.assertIn(wanted, self.faults(name, change))

    def test_sphinx_warnings_stop_the_build(self):
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            (work / "pages").mkdir()
            for text, wanted in (("# A\n\n{doc}`nothing`\n", "unknown document: 'nothing'"), ("# A\n\n$\\frac{1}$\n", "KaTeX parse error")):
                (work / "pages/index.md").write_text(text)
                with self.assertRaisesRegex(BookError, wanted):
                    site.build("html", work / "pages", work, "SCREEN")


class Pieces(unittest.TestCase):
    def test_phrases_of_errors(self):
        self.assertEqual(pages.errors_of('show_error([&] { f("no", {1}); }, "a \\"key\\" phrase");'), ['a "key" phrase'])
        self.assertEqual(pages.errors_of('show_error(f,\n  "two "\n  "parts"); print("x");'), ["two parts"])

    def test_printed_lines(self):
        self.assertEqual(pages.printed_lines("a < b\n  | no\n  |   why\nc"), 'a &lt; b\n<span class="shown">no\n  why</span>c')

    def test_text_of_a_program_is_not_markdown(self):
        self.assertEqual(pages.plain("p <- p - a*b, `p_`"), "p \\<- p - a\\*b, `p_`")


if __name__ == "__main__":
    unittest.main(warnings="ignore")
