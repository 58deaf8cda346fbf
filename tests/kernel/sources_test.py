"""sources_test.py -- every source of the course is what it was after a way through cells and through a notebook."""

import glob
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
from cotangent_kernel import cells, notebook  # noqa: E402

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
