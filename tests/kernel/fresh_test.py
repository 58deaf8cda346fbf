"""fresh_test.py [PART_OF_A_NAME...] -- a fresh notebook, whose answers are empty, runs from top to bottom: nothing that comes after
an empty answer fails or complains. A learner can look around before the work, and leave a task out."""

import glob
import os
import sys
import tempfile

from common import ROOT, Worker, run

try:
    import nbformat  # noqa: F401
except ImportError:
    print("python3-nbformat is not installed")
    sys.exit(77)

from cotangent_kernel.notebook import EMPTY, notebook, read_source


def main():
    failed, count = [], 0
    for path in sorted(glob.glob(str(ROOT / "course/part_*/*.cpp"))):
        source, name = read_source(path), os.path.basename(path)[:-4]
        if not any("solution" in c.tags for c in source.cells) or not all(word in name for word in sys.argv[1:]):
            continue
        count += 1
        with tempfile.TemporaryDirectory() as folder, Worker(folder=folder) as worker:
            empty, wrong = 0, []
            for i, cell in enumerate(c for c in notebook(source, solutions=False).cells if c.cell_type == "code"):
                empty += cell.source == EMPTY["code"]
                result = run(worker, cell.source, "In[%d]" % (i + 1))
                if result.status != "ok" or result.err:
                    wrong.append("cell %d: %s\n%s%s" % (i + 1, cell.source[:200], result.error, result.err))
            print("%s: %d empty answers, %s" % (name, empty, "runs" if not wrong else "fails in\n" + "\n".join(wrong)), flush=True)
            if wrong or not empty:
                failed.append(name)
    print("%d fresh notebooks, %d failed" % (count, len(failed)), *failed)
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
