"""sources_test.py -- every source of the course is what it was after a way through cells and through a notebook."""

import glob
import json
import os
import sys
import tempfile
import unittest

try:
    import nbformat
except ImportError:
    print("python3-nbformat is not installed")
    sys.exit(77)

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "apps", "kernel"))
from cotangent_kernel import cells, notebook, tokens  # noqa: E402

COURSE = os.path.join(ROOT, "course")

PROGRAM = """\
// Lesson 99: A title: with a colon
// Level: test
// Concepts: one,
//   two

#include "common/lesson.h"

using namespace lesson;

// %%
static int twice(int a) {
  return 2 * a;
}

int main() {
  // %% [markdown]
  // # Heading
  //
  //     indented "text"

  // %%
  int a = 1;
  if (a) {
    a = twice(a);
  }

  // %% {"tags": ["solution"]}
  check(a, 2);

  // %% [markdown] {"tags": ["solution"]}
  // The answer.
  return finish();
}
"""


def sources():
    found = glob.glob(os.path.join(COURSE, "*", "*.cpp")) + glob.glob(os.path.join(COURSE, "exercises", "worked", "*.cpp"))
    return [p for p in sorted(found) if "/common/" not in p]


class Sources(unittest.TestCase):
    def there_and_back(self, text, name):
        source = cells.read(text, name)
        self.assertEqual(cells.write(source), text)
        node = nbformat.reads(notebook.notebook_text(notebook.notebook(source)), as_version=4)
        self.assertEqual(cells.write(notebook.source_of(node)), text)
        return source

    def test_small(self):
        source = self.there_and_back(PROGRAM, "99_test")
        self.assertEqual(source.title, "A title: with a colon")
        self.assertEqual(source.value("Concepts"), "one,\ntwo")
        self.assertEqual([c.kind for c in source.cells], ["code", "code", "markdown", "code", "code", "markdown"])
        self.assertEqual(source.cells[2].text, '# Heading\n\n    indented "text"')
        self.assertEqual(source.cells[3].text, "int a = 1;\nif (a) {\n  a = twice(a);\n}")
        self.assertEqual(source.cells[3].line, 22)

    def test_course(self):
        self.assertGreater(len(sources()), 5)
        for path in sources():
            with self.subTest(path):
                with open(path, encoding="utf-8") as file:
                    source = self.there_and_back(file.read(), os.path.basename(path)[:-4])
                self.assertTrue(any(c.kind == "markdown" for c in source.cells))

    def test_fresh_has_no_solutions(self):
        node = notebook.notebook(cells.read(PROGRAM, "99"), solutions=False)
        text = notebook.notebook_text(node)
        self.assertNotIn("check(a, 2)", text)
        self.assertNotIn("The answer", text)
        self.assertIn("Your code here", text)
        whole = notebook.notebook(cells.read(PROGRAM, "99"))
        self.assertEqual([c.id for c in node.cells], [c.id for c in whole.cells])

    def test_an_answer_in_several_cells_is_one_empty_cell_and_room(self):
        answer = '  // %% {"tags": ["solution"]}\n  check(a, 2);\n\n'
        self.assertIn(answer, PROGRAM)
        node = notebook.notebook(cells.read(PROGRAM.replace(answer, 3 * answer), "99"), solutions=False)
        found = [c.source for c in node.cells if c.source in (*notebook.EMPTY.values(), notebook.MORE)]
        self.assertEqual(found, [notebook.EMPTY["code"], notebook.MORE, notebook.MORE, notebook.EMPTY["markdown"]])

    def test_a_cell_added_in_the_notebook(self):
        node = notebook.notebook(cells.read(PROGRAM, "99"))
        node.cells.append(nbformat.v4.new_code_cell("a += 1;"))
        node.cells.append(nbformat.v4.new_code_cell("   "))
        text = cells.write(notebook.source_of(node))
        self.assertIn("  // %%\n  a += 1;\n  return finish();\n}\n", text)
        cells.read(text)

    def test_errors_name_the_line(self):
        for broken, expected in [
                ("", "x:1: no header"),
                (PROGRAM.replace("int main() {", "int main(int, char**) {"), "x:15: one line must be 'int main() {'"),
                (PROGRAM.replace("  return finish();\n", ""), "the last two lines must be"),
                (PROGRAM.replace("  // # Heading", "  # Heading"), "x:17: a line of a markdown cell"),
                (PROGRAM.replace("  int a = 1;", "int a = 1;"), "x:22: a line of a cell inside main must be indented"),
                (PROGRAM.replace('{"tags": ["solution"]}', "{tags}", 1), "x:27: the cell's metadata is no JSON"),
                (PROGRAM.replace("// %% [markdown]\n", "// %% [markdwn]\n"), "x:16: a mark is"),
        ]:
            with self.assertRaises(cells.SourceError) as caught:
                cells.read(broken, "x")
            self.assertIn(expected, str(caught.exception))

    def test_what_an_editor_may_have_done(self):
        """Everything that is edited in Jupyter comes back as a source that can be read, and once more as the same."""
        node = notebook.notebook(cells.read(PROGRAM, "99"))
        markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
        node.cells += [
            markdown("*/ ends no comment, /* begins none  \nhard break \\\\\nlast \\"),
            markdown("a\\ //\n\\ // //"),
            markdown("äöü ∂y/∂x 🙂 \u2028 \x0b // %% [markdown]\n// %% {\"x\"\n\n\n   indented"),
            code('auto text = R"x(\n// %% [markdown]\nint main() {\n  )" indented\n)x";'),
            code("/*\n// %%\n   return finish();\n*/\nint b = 1;"),
            code("// %% my own remark\nint c = 2;  // %%"),
            code("int d = 1;\r\nint e = 2;\r\n"),
            code("\n\n  int f = 3;\n\n"),
            code("#define G 4\nint g = G;"),
            code("#include <map>\nstd::map<int, int> h;"),
            code("static int helper(int x) {\n  return x;\n}"),
            code("?ct::randn"), code("ct::tensor?"), code("finish();"), code(""), markdown("  \n"),
            nbformat.v4.new_raw_cell("raw"),
        ]
        node.cells.reverse()
        for cell in node.cells:
            cell.pop("id", None)
        node.nbformat_minor = 4
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "n.ipynb")
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(json.dumps(node))
            source = notebook.source_of(notebook.read_notebook(path))
        text = cells.write(source)
        again = cells.read(text, source.name)
        self.assertEqual([(c.kind, c.text, c.before_main) for c in again.cells], [(c.kind, c.text.replace("// %% my", "//  %% my"), c.before_main) for c in source.cells])
        self.assertEqual(cells.write(again), text)
        texts = [c.text for c in source.cells]
        self.assertIn("*/ ends no comment, /* begins none  \nhard break \\\\\nlast \\", texts)
        self.assertIn("int d = 1;\nint e = 2;", texts)
        self.assertIn("  int f = 3;", texts)
        self.assertIn("// ?ct::randn", texts)
        self.assertIn("//  %% my own remark\nint c = 2;  // %%", [c.text for c in again.cells])
        self.assertNotIn("finish();", texts)
        self.assertEqual({c.text.split("\n")[0] for c in source.cells if c.before_main},
                         {'#include "common/lesson.h"', "static int twice(int a) {", "#include <map>", "static int helper(int x) {"})
        # No line of text ends with a backslash, which would swallow the next line.
        self.assertFalse([line for line in text.split("\n") if line.endswith("\\")])

    def test_values_of_cells(self):
        node = notebook.notebook(cells.read(PROGRAM, "99"))
        ran = nbformat.v4.new_code_cell("a += 1;\na + 1  // what comes next", outputs=[nbformat.v4.new_output("execute_result", data={"text/plain": "4"}, execution_count=1)])
        node.cells += [ran, nbformat.v4.new_code_cell("f(a)")]
        text = cells.write(notebook.source_of(node))
        self.assertIn("  a += 1;\n  ct::show(a + 1);  // what comes next\n", text)
        self.assertIn("\n  f(a);\n", text)
        self.assertIn("\n#include <cotangent/show.h>\n", text)

    def test_last_expressions(self):
        for text, expected in [
                ("x.grad()", "x.grad()"), ("int a = 1;\nx + 1", "x + 1"), ("f([&] { return 1; })", "f([&] { return 1; })"), ("if (a) { b; }\nx", "x"),
                ("std::vector<int>{1, 2}.size()", "std::vector<int>{1, 2}.size()"), ("struct A { int x; };\nA{1}", "A{1}"), ("a;\n// c\nb /* x */", "b"),
                ('"a;b"', '"a;b"'), ("#define A 1\nA", "A"), ("1'000 + x", "1'000 + x"), ('R"(a;\nb)"', 'R"(a;\nb)"'),
                ("x;", None), ("auto f = [] { return 1; };", None), ("for (;;) {}", None), ("int f() { return 1; }", None), ("if (a) { b; } else { c; }", None),
                ("", None), ("// a", None), ("(x", None)]:
            found = tokens.last_expression(text)
            self.assertEqual(None if found is None else text[found[0]:found[1]], expected, text)

    def test_metadata_that_is_gone(self):
        source = cells.read(PROGRAM, "99")
        node = notebook.notebook(source)
        for cell in node.cells:
            cell.metadata.clear()
        for forget in (["cotangent"], ["kernelspec", "language_info"], ["title"]):
            for key in forget:
                node.metadata.pop(key)
            back = notebook.source_of(node, "/somewhere/mine.ipynb")
            cells.read(cells.write(back))
            self.assertEqual([c.text for c in back.cells if c.before_main and c.kind == "code"], [c.text for c in source.cells if c.before_main])
        self.assertEqual(back.header, [("Notebook", "Heading")])
        node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("int a;")])
        for header in (7, [], [["a"]], [["a", 1]], [["a: b", "c"]], [["a\nb", "c"]], ["ab", "cd"], {"a": "b"}, [["", ""]]):
            node.metadata["cotangent"] = {"header": header, "name": 3}
            cells.read(cells.write(notebook.source_of(node, "mine.ipynb")))

    def test_what_is_no_notebook_of_ours(self):
        def reads(data):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "n.ipynb")
                with open(path, "wb") as file:
                    file.write(data if isinstance(data, bytes) else json.dumps(data).encode())
                return notebook.source_of(notebook.read_notebook(path), path)

        cell = {"cell_type": "code", "source": "int a;", "metadata": {}, "outputs": [], "execution_count": None}
        whole = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 0}
        self.assertEqual(reads(whole).cells[-1].text, "int a;")
        self.assertEqual(reads({**whole, "cells": [{**cell, "source": ["int a;\n", "int b;"]}]}).cells[-1].text, "int a;\nint b;")
        self.assertEqual(reads(b"\xef\xbb\xbf" + json.dumps(whole).encode()).cells[-1].text, "int a;")
        self.assertEqual(reads({**whole, "cells": [{**cell, "source": "// \ud83d"}]}).cells[-1].text, "// ?")
        for broken, expected in [
                (b"", "not a notebook"), (b"[" * 100000, "not a notebook"), (b"[]", "not a notebook"), (b"3", "not a notebook"), (b"\xff", "not UTF-8"), ({**whole, "nbformat": 9}, "not a notebook"),
                ({**whole, "cells": 3}, "not a notebook"), ({**whole, "cells": [3]}, "not a notebook"), ({**whole, "cells": [{}]}, "not a notebook"),
                ({**whole, "cells": []}, "nothing in it"), ({**whole, "metadata": {"kernelspec": {"name": "python3", "language": "python"}}}, "a notebook in python"),
                ({**whole, "metadata": {"language_info": {"name": "python"}}}, "a notebook in python"), ({**whole, "metadata": []}, "not a notebook")]:
            with self.assertRaises(cells.SourceError, msg=str(broken)[:80]) as caught:
                reads(broken)
            self.assertIn(expected, str(caught.exception))

    def test_large(self):
        text = "// " + "x" * 100 + "\n" + "f(a, \"b\", 'c');\n" * 100
        node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for _ in range(300)] + [nbformat.v4.new_code_cell("a " * 200000), nbformat.v4.new_code_cell("(" * 200000)])
        written = cells.write(notebook.source_of(node, "n"))
        self.assertEqual(cells.write(cells.read(written)), written)

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            def put(name, data):
                path = os.path.join(folder, name)
                with open(path, "wb") as file:
                    file.write(data)
                return path
            for path in [put("a.ipynb", b"no json"), put("b.ipynb", b"\xff\xfe"), put("c.ipynb", b"{}"), put("d.cpp", b"// a: \xff\n"),
                         put("e.ipynb", b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'), os.path.join(folder, "none.cpp"), put("f.txt", b"")]:
                self.assertEqual(notebook.main([path]), 1, path)
            source = put("g.cpp", PROGRAM.encode())
            self.assertEqual(notebook.main([source]), 0)
            self.assertEqual(notebook.main([source]), 1)  # never over an existing file
            into = os.path.join(folder, "mine")
            self.assertEqual(notebook.main(["--into", into, source]), 0)
            put("mine/g.ipynb", b"changed")
            self.assertEqual(notebook.main(["--into", into, source]), 0)  # somebody's work stays
            with open(os.path.join(into, "g.ipynb"), "rb") as file:
                self.assertEqual(file.read(), b"changed")
            self.assertEqual(notebook.main([source[:-4] + ".ipynb", "-o", os.path.join(folder, "h.cpp")]), 0)


if __name__ == "__main__":
    unittest.main()
