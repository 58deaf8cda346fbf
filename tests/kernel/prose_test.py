"""prose_test.py -- the text cells of the course are Markdown that every reader shows alike, and say what a notebook must say."""

import glob
import os
import re
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "apps", "kernel"))
from cotangent_kernel import cells  # noqa: E402

ITEM = re.compile(r"(- |\d+\. )")


def sources():
    for path in sorted(glob.glob(os.path.join(ROOT, "course", "*", "*.cpp"))):
        if os.path.basename(os.path.dirname(path)) != "common":
            with open(path, encoding="utf-8") as file:
                yield path, cells.read(file.read(), os.path.basename(path))


def faults(text):
    """What is wrong with the Markdown of a cell: (line, what)."""
    lines, within, display = text.split("\n"), False, False
    for i, line in enumerate(lines):
        before = lines[i - 1] if i else ""
        if display:  # some readers look for lists before they look for formulas
            if re.match(r"([-+*>#|] |=+$)", line):
                yield i, "a line of a formula looks like Markdown"
        elif re.match(r"#+ ", line):
            if before:
                yield i, "a heading needs an empty line before it"
        elif ITEM.match(line):
            if before and not within and not before.startswith("#"):
                yield i, "a list needs an empty line before it, or a word was broken off into the line's beginning"
            within = True
        elif re.match(r"[+*>] |[-=]+$", line):
            yield i, "the line's beginning is Markdown"
        elif line.startswith("|") and before and not before.startswith("|"):
            yield i, "a table needs an empty line before it"
        if not line:
            within = False
        if line.count("$$") % 2:
            display = not display
    if display:
        yield len(lines) - 1, "a displayed formula has no end"


class Prose(unittest.TestCase):
    def test_faults_are_found(self):
        for text in ("text\n- item", "factors 1, 2\n3. So it is", "text\n## Heading", "text\n| a | b |", "$$a\n- b$$", "$$a", "a\n---"):
            self.assertTrue(list(faults(text)), text)
        for text in ("- a\n  more\n- b", "## Heading\n- a", "1. a\n2. b", "$$a\n=b$$", "text\n\n| a |\n|---|\n| b |", "**A correction.** $2-3$"):
            self.assertEqual(list(faults(text)), [], text)

    def test_markdown(self):
        for path, source in sources():
            for cell in source.cells:
                if cell.kind == "markdown":
                    for line, what in faults(cell.text):
                        self.fail(f"{path}:{cell.line + line}: {what}")

    def test_headings(self):
        for path, source in sources():
            with self.subTest(path):
                text = [c for c in source.cells if c.kind == "markdown"]
                titles = [line for c in text for line in c.text.split("\n") if line.startswith("# ")]
                self.assertEqual(len(titles), 1)
                self.assertTrue(text[0].text.startswith(titles[0]))
                headings = sum(line.startswith(("## ", "### ")) for c in text for line in c.text.split("\n"))
                sections = sum(c.text.count('section("') for c in source.cells if c.kind == "code" and not c.before_main)
                self.assertGreaterEqual(headings, sections, "each section needs a heading")

    def test_summaries(self):
        """Who works on a task ends with a summary: asked for in the fresh notebook, given in the worked one."""
        found = 0
        for path, source in sources():
            if not any(c.kind == "code" and "solution" in c.tags for c in source.cells):
                continue
            with self.subTest(path):
                found += 1
                at = [i for i, c in enumerate(source.cells) if c.kind == "markdown" and re.search("^## Executive summary$", c.text, re.M)]
                self.assertEqual(len(at), 1)
                self.assertNotIn("solution", source.cells[at[0]].tags)
                self.assertIn("solution", source.cells[at[0] + 1].tags)
        self.assertGreater(found, 5)

    def test_versions(self):
        for path, source in sources():
            if "exercise" in source.name:
                continue
            with self.subTest(path):
                version = re.match(r"(\d+\.\d+) \(\d{4}-\d\d-\d\d\)$", source.value("Version") or "")
                self.assertTrue(version)
                self.assertIn(version[1] + ":", source.value("History") or "")


if __name__ == "__main__":
    unittest.main()
