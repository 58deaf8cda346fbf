"""Runs lessons cell by cell, as a notebook would: what stands before main is the first cell, then each "// %%" of main.

lessons_test.py [PART_OF_A_NAME...]"""
import re
import sys
import tempfile

from common import ROOT, Worker, run


def cells_of(text):
    before, body = re.split(r"^int main\(.*\) \{\n", text, 1, re.M)
    cells = [before]
    for part in re.split(r"^ *// %%", body.rsplit("\n}", 1)[0], flags=re.M):
        head, _, code = part.partition("\n")
        if head.startswith(" [markdown]"):
            continue
        code = re.sub(r"^  ", "", code, flags=re.M)
        code = re.sub(r"^return (.*finish\(\));", r"\1;", code, flags=re.M)
        cells.append(re.sub(r"^return 0;", "", code, flags=re.M))
    return cells


def main():
    lessons = [p for p in sorted((ROOT / "course").glob("*/*.cpp")) if p.parent.name not in ("common", "exercises") and re.search(r"^int main\(", p.read_text(), re.M)]
    lessons = [p for p in lessons if all(word in p.name for word in sys.argv[1:])]
    failed = []
    for path in lessons:
        with tempfile.TemporaryDirectory() as folder, Worker(folder=folder) as worker:
            said = ""
            for i, code in enumerate(cells_of(path.read_text()), 1):
                r = run(worker, code, "In[%d]" % i)
                said += r.out
                if r.status != "ok":
                    failed.append(path.name)
                    print("%s, cell %d:\n%s\n%s" % (path.name, i, r.out[-500:], r.error))
                    break
            else:
                if r.err or "checks of the numbers above passed" not in said:
                    failed.append(path.name)
                print(path.name, (said.strip().split("\n") or [""])[-1], r.err)
    print("%d lessons as notebooks, %d failed" % (len(lessons), len(failed)), *failed)
    return 1 if failed or not lessons else 0


if __name__ == "__main__":
    sys.exit(main())
