"""export_test.py -- notebooks, pages, PDFs and sources that ./cotangent export writes; and outputs are those that Jupyter would keep."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from html.parser import HTMLParser

from common import ROOT

try:
    import nbconvert  # noqa: F401
    import nbformat
except ImportError:
    print("jupyter-nbconvert is not installed")
    sys.exit(77)

from cotangent_kernel import course, execute, export, formulas, notebook, page
from cotangent_kernel.worker import WorkerDied, find_program

v4 = nbformat.v4
KATEX = os.path.exists(formulas.STYLES) and shutil.which("node")
LESSON = ROOT / "course" / "beginner" / "01_basic_scalar_backward.cpp"
try:
    find_program()
    WORKER = True
except WorkerDied:
    WORKER = False


class Attributes(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen.update(name for name, _ in attrs)


def call(*arguments):
    """Exit status, stdout and stderr of the command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = export.main(list(map(str, arguments)))
        except SystemExit as done:
            status = done.code
    return status, out.getvalue(), err.getvalue()


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def put(self, name, node):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(node if isinstance(node, str) else notebook.notebook_text(node))
        return path


class Files(Folder):
    def test_a_source_there_and_back(self):
        status, said, _ = call("--fresh", "--format", "ipynb", "--to", self.folder, LESSON)
        self.assertEqual((status, said), (0, f"{self.folder}/{LESSON.stem}.ipynb\n"))
        self.assertEqual(call("--format", "cpp", "--to", self.folder + "/back", said.strip())[0], 0)
        with open(f"{self.folder}/back/{LESSON.stem}.cpp", encoding="utf-8") as file:
            self.assertEqual(file.read(), LESSON.read_text(encoding="utf-8"))

    def test_fresh_has_neither_answers_nor_outputs(self):
        workshop = ROOT / "course" / "part_1" / "workshop_1_gradient_flow_to_optimisation_intuition.cpp"
        for kind in ("ipynb", "cpp"):
            self.assertEqual(call("--fresh", "--format", kind, "--to", self.folder, workshop)[0], 0)
            with open(f"{self.folder}/{workshop.stem}.{kind}", encoding="utf-8") as file:
                text = file.read()
            self.assertIn("Your code here", text)
            self.assertIn("Problem 5", text)
            self.assertNotIn("blocked", text)  # a variable of the model answer
            self.assertNotIn("execute_result", text)

    @unittest.skipUnless(shutil.which("g++"), "no g++")
    def test_a_notebook_of_ones_own_is_a_program(self):
        shown = [v4.new_output("execute_result", data={"text/plain": "?"}, execution_count=1)]
        node = v4.new_notebook(cells=[
            v4.new_markdown_cell("# Mine"), v4.new_code_cell("auto x = ct::tensor({1.0}, ct::requires_grad());\nx * x", outputs=shown),
            v4.new_code_cell('std::cout << x << "\\n";'), v4.new_code_cell("int twice(int a) {\n  return 2 * a;\n}"), v4.new_code_cell("twice(2)"),
            v4.new_code_cell("?ct::randn"), v4.new_code_cell("x.backward()")])
        self.assertEqual(call("--format", "cpp", "--to", self.folder, self.put("mine.ipynb", node))[0], 0)
        said = subprocess.run(["g++", "-std=c++20", "-fsyntax-only", "-Wall", f"-I{ROOT}/include", f"-I{ROOT}/course", self.folder + "/mine.cpp"],
                              capture_output=True, text=True)
        self.assertEqual(said.returncode, 0, said.stderr[:2000])

    def test_what_may_be_somebodys_is_never_written_over(self):
        for kind in ("ipynb", "cpp"):
            path = self.put(f"{LESSON.stem}.{kind}", "mine")
            status, _, said = call("--fresh", "--format", kind, "--to", self.folder, LESSON)
            self.assertEqual(status, 1)
            self.assertIn("exists", said)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), "mine")

    def test_errors(self):
        os.mkdir(self.folder + "/dir.ipynb")
        for file, expected in [("none.ipynb", "none.ipynb"), ("dir.ipynb", "dir.ipynb"), ("none.cpp", "none.cpp"), ("a.txt", "neither")]:
            status, _, said = call("--fresh", "--to", self.folder, os.path.join(self.folder, file))
            self.assertEqual(status, 1, file)
            self.assertIn(expected, said)
            self.assertEqual(said.count("\n"), 1, said)
        self.assertEqual(call()[0], 2)
        self.assertEqual(call("--format", "docx", LESSON)[0], 2)
        self.assertEqual(call("--fresh", "--worked", LESSON)[0], 2)


@unittest.skipUnless(KATEX, "katex is not installed")
class Pages(Folder):
    def test_a_lesson(self):
        status, said, wrong = call("--to", self.folder, LESSON)
        self.assertEqual(status, 0, wrong)
        with open(said.strip(), encoding="utf-8") as file:
            html = file.read()
        for piece in ('<img alt="', "data:image/svg+xml;base64,", "highlight hl-c++", "prefers-color-scheme: dark", 'name="viewport"', 'class="katex"'):
            self.assertTrue(piece in html, piece)
        self.assertFalse("<script" in html)
        self.assertEqual(re.findall(r"""(?:src|href)=["'](?!data:|#)[^"']*""", html), [])
        self.assertEqual(re.findall(r"url\((?!data:)[^)]*\)", html), [])

    def test_formulas_and_tables(self):
        node = v4.new_notebook(cells=[
            v4.new_markdown_cell("# On $x^2$\n\n$$\\frac{1}{2}$$\n\n| a | b |\n|---|---|\n| 1 | 2 |"),
            v4.new_code_cell("x", execution_count=1, outputs=[v4.new_output("execute_result", execution_count=1, data={
                "text/plain": "plain words", "text/html": '<div class="ct-tensor"><table><tr><td>1.5</td></tr></table></div>'})]),
            v4.new_code_cell("y", execution_count=2, outputs=[v4.new_output("error", ename="E", evalue="v", traceback=["\x1b[31mred\x1b[0m & <b>"])])])
        html = page.page(node)
        self.assertEqual(html.count('class="katex"'), 2)
        self.assertIn("<td>1.5</td>", html)
        self.assertEqual(html.count("plain words"), 0)  # the table says it
        self.assertIn('<span class="ansi-red-fg">red</span> &amp; &lt;b&gt;', html)

    def test_a_picture_goes_before_a_page(self):
        svg = "<svg xmlns='http://www.w3.org/2000/svg'><title>seen</title></svg>"
        node = v4.new_notebook(cells=[v4.new_code_cell("x", outputs=[v4.new_output("display_data", data={"text/html": "<p>unseen</p>", "image/svg+xml": svg, "text/plain": "p"})])])
        html = page.page(node)
        self.assertTrue('alt="seen"' in html)
        self.assertFalse("unseen" in html)

    def test_nothing_runs_in_a_page(self):
        bad = "<script>alert(1)</script><img src=x onerror=alert(1)><iframe src=//a></iframe>"
        node = v4.new_notebook(metadata={"cotangent": {"header": [["<script>", bad]]}}, cells=[
            v4.new_markdown_cell(bad + "\n\n[a](javascript:alert(1)) [b](vbscript:x) **bold** $x$ ![p](attachment:none.png)"),
            v4.new_markdown_cell("# " + bad, metadata={"tags": ['"><script>']}),
            v4.new_code_cell(bad, outputs=[
                v4.new_output("display_data", data={"text/html": bad}), v4.new_output("stream", text=bad),
                v4.new_output("display_data", data={"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'><title>\"><script></title></svg>"}),
                v4.new_output("display_data", data={"image/png": '"><script>', "text/plain": bad}), v4.new_output("display_data", data={"text/plain": bad}),
                v4.new_output("display_data", data={"application/javascript": "alert(1)"}), v4.new_output("display_data", data={"text/markdown": bad}),
                v4.new_output("error", ename=bad, evalue=bad, traceback=[bad])])])
        html = page.page(node)
        for word in ("<script", "<iframe", "javascript:"):
            self.assertFalse(word in html.lower(), word)
        reader = Attributes()
        reader.feed(html)
        self.assertEqual([a for a in reader.seen if a.startswith("on")], [])
        self.assertTrue("<strong>bold</strong>" in html)

    def test_notebooks_of_others(self):
        """What is in them is shown as it stands, also where nothing is remembered."""
        node = v4.new_notebook(cells=[v4.new_markdown_cell("## Mine\n\n$\\nosuch{$"), v4.new_code_cell("1"), v4.new_raw_cell("raw"), v4.new_code_cell("")])
        status, said, wrong = call("--to", self.folder, self.put("mine.ipynb", node))
        self.assertEqual(status, 0, wrong)
        with open(said.strip(), encoding="utf-8") as file:
            html = file.read()
        self.assertTrue("<title>Mine</title>" in html)
        self.assertTrue("formula-error" in html)

    @unittest.skipUnless(any(map(shutil.which, page.BROWSERS)), "no Chromium")
    def test_pdf(self):
        status, said, wrong = call("--fresh", "--format", "pdf", "--to", self.folder, LESSON)
        self.assertEqual(status, 0, wrong)
        with open(said.strip(), "rb") as file:
            self.assertEqual(file.read(5), b"%PDF-")

    def test_no_browser(self):
        browsers, page.BROWSERS = page.BROWSERS, ()
        self.addCleanup(setattr, page, "BROWSERS", browsers)
        status, _, wrong = call("--fresh", "--format", "pdf", "--to", self.folder, LESSON)
        self.assertEqual(status, 1)
        self.assertIn("apt-get install chromium-headless-shell", wrong)


@unittest.skipUnless(WORKER, "the worker is not built")
class Outputs(Folder):
    def test_as_jupyter_keeps_them(self):
        """The same notebook, run here and by nbconvert --execute."""
        os.environ["JUPYTER_DATA_DIR"] = self.folder + "/data"
        try:
            from cotangent_kernel.install import install
            from nbconvert.preprocessors import ExecutePreprocessor
            import ipykernel  # noqa: F401
        except ImportError:
            self.skipTest("ipykernel is not installed")
        install()

        def node():
            made = notebook.notebook(notebook.read_source(LESSON))
            extra = ["1 + 1", 'ct::show(ct::ones({2})); std::fprintf(stderr, "to stderr\\n"); ct::print("and"); ct::print("this")',
                     'throw ct::ValueError("on purpose");', "int wrong = nothing;", "  ", "wrong"]
            for text in extra:
                made.cells.append(v4.new_code_cell(text, id=f"extra-{len(made.cells)}", metadata={"tags": ["raises-exception"]}))
            return made

        ours, jupyters = execute.run(node()), node()
        ExecutePreprocessor(timeout=120, record_timing=False).preprocess(jupyters, {"metadata": {"path": self.folder}})
        for cell in jupyters.cells:
            cell.metadata.pop("execution", None)
        jupyters.metadata.pop("language_info")
        ours.metadata.pop("language_info")
        self.assertEqual(course.difference(jupyters, ours), "")
        self.assertEqual([c.get("execution_count") for c in ours.cells], [c.get("execution_count") for c in jupyters.cells])
        self.assertEqual([[o.output_type for o in c.get("outputs", [])] for c in ours.cells], [[o.output_type for o in c.get("outputs", [])] for c in jupyters.cells])
        self.assertEqual([o.get("traceback") for c in ours.cells for o in c.get("outputs", [])], [o.get("traceback") for c in jupyters.cells for o in c.get("outputs", [])])
        nbformat.validate(ours)

    def test_a_cell_that_fails(self):
        path = self.put("failing.ipynb", v4.new_notebook(cells=[v4.new_code_cell("int a = 1;"), v4.new_code_cell("nothing")]))
        status, _, wrong = call("--worked", "--to", self.folder, path)
        self.assertEqual(status, 1)
        self.assertIn("cell 2 (In[2])", wrong)
        self.assertIn("nothing", wrong)

    def test_no_worker(self):
        before = os.environ.get("COTANGENT_WORKER")
        os.environ["COTANGENT_WORKER"] = ""
        self.addCleanup(os.environ.__setitem__, "COTANGENT_WORKER", before or "")
        root = export.find_program
        self.addCleanup(setattr, export, "find_program", root)

        def none():
            raise WorkerDied("cotangent-worker is not built")
        export.find_program = none
        status, _, wrong = call("--worked", "--to", self.folder, self.put("a.ipynb", v4.new_notebook(cells=[v4.new_code_cell("int a = 1;")])))
        self.assertEqual(status, export.NO_WORKER)
        self.assertIn("not built", wrong)


class Same(unittest.TestCase):
    def test_numbers(self):
        for a, b, expected in [("x 1.2345", "x 1.2346", True), ("x 1.2345", "x 1.2347", False), ("3 checks", "4 checks", False), ("1.0000e-05", "1.0001e-05", True),
                               ("a", "b", False), ("M1.5,2.25", "M1.6,2.25", True), ("x 1.5", "y 1.5", False), ("[1., 2.]", "[1., 3.]", False),
                               ("  zero_grad()    0.3", "  zero_grad()    7.9", True)]:
            self.assertEqual(course.same(a, b), expected, (a, b))

    def test_notebooks(self):
        def node(text="a", out="1", **metadata):
            return v4.new_notebook(cells=[v4.new_code_cell(text, id="cell-00", metadata=metadata, outputs=[v4.new_output("stream", text=out)])])
        self.assertEqual(course.difference(node(), node()), "")
        self.assertIn("cell 1", course.difference(node(), node("b")))
        self.assertIn("output 1", course.difference(node(), node(out="2")))
        self.assertIn("cell 1", course.difference(node(), node(tags=["x"])))
        more = node()
        more.cells[0].outputs.append(v4.new_output("stream", text="x"))
        self.assertNotEqual(course.difference(node(), more), "")


if __name__ == "__main__":
    unittest.main()
