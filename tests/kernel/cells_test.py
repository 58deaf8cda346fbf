"""Runs the cells of cells.txt in one worker: redefinition of all kinds, templates, lambdas, errors, crashes."""
import pathlib
import sys
import unittest

from common import Worker, run


class Cells(unittest.TestCase):
    def test_all(self):
        cells = (pathlib.Path(__file__).parent / "cells.txt").read_text().split("\n====\n")[1:]
        wrong = []
        with Worker() as worker:
            for i, cell in enumerate(cells, 1):
                cell = cell.strip("\n")
                wanted = None
                if cell.startswith("//="):
                    first, cell = cell[3:].split("\n", 1)
                    wanted = first.strip()
                r = run(worker, cell, "In[%d]" % i)
                got = (r.out + r.err + "".join(s.get("text/plain", "?") for s in r.shown)).strip()
                if r.errors:
                    got += "ERR " + r.errors[0][0] + ": " + r.errors[0][1]
                fits = r.status == "ok" if wanted is None else got.startswith(wanted[:-1]) if wanted.endswith("*") else got == wanted
                if not fits:
                    wrong.append("In[%d]: %s\n  gives %s\n%s" % (i, cell, got, r.error))
        self.assertGreater(len(cells), 130)
        self.assertEqual(len(wrong), 0, "\n".join(wrong))


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
