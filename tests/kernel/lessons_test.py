"""Runs every lesson as a notebook, once, and holds it against its program and against the committed notebooks.

lessons_test.py [PART_OF_A_NAME...]

What the cells print, in order, is what the program prints (its programs are in the folder $COTANGENT_LESSONS), and where the program
writes a figure the notebook shows it. course/notebooks/{fresh,worked}/ hold what the sources give, so that text, code and output
cannot drift apart; what times, versions and last digits may differ is in cotangent_kernel/course.py."""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

from common import ROOT, find_program

try:
    import nbformat
except ImportError:
    print("python3-nbformat is not installed")
    sys.exit(77)

from cotangent_kernel import course, execute, notebook

PROGRAMS = os.environ.get("COTANGENT_LESSONS")


def program_of(entry):
    return os.path.join(PROGRAMS, "lesson_" + entry.name + ("_worked" if entry.worked != entry.fresh else ""))


def printed_by_program(entry):
    with tempfile.TemporaryDirectory() as folder:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COTANGENT_")}
        done = subprocess.run([program_of(entry)], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        text = done.stdout.replace(os.path.realpath(folder) + "/", "")
    if done.returncode:
        raise AssertionError(f"the program failed: {done.stderr[-500:]}")
    # One figure may be several files.
    return re.sub(r"figure: results/(\S+?)\.\w+\n(?:figure: results/\1[._]\S*\n)*", r"figure: <\1>\n", text)


def printed_by_cells(node, source):
    """As the program prints it: line 3 of In[2] is a line of the source."""
    lines = [cell.line for cell in source.cells if cell.kind == "code"]
    text = ""
    for cell in node.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                text += output.text if output.name == "stdout" else "on stderr: " + output.text
            elif "image/svg+xml" in output.get("data", {}):
                text += "figure: " + output.data["text/plain"] + "\n"
            else:
                text += f"{output.output_type}: {output.get('data', {}).get('text/plain')}\n"
    return re.sub(r"\bIn\[(\d+)\]:(\d+)", lambda m: f"{source.name}.cpp:{lines[int(m[1]) - 1] + int(m[2]) - 1}", text)


def first_difference(a, b):
    a, b = a.split("\n"), b.split("\n")
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return f"line {at + 1}:\n    program:  {''.join(a[at:at + 1])}\n    notebook: {''.join(b[at:at + 1])}"


def problems(entry):
    """What is wrong with a lesson as a notebook."""
    for kind, make in (("fresh", lambda: nbformat.reads(course.fresh_text(entry), as_version=4)), ("worked", lambda: execute.worked(entry.worked))):
        try:
            node = make()
        except execute.CellFailed as error:
            yield str(error)
            return
        path = course.committed(entry.name, kind)
        if not path.exists():
            yield f"{path.relative_to(ROOT)} is missing. All are made by: {course.UPDATE}"
        else:
            different = course.difference(notebook.read_notebook(path), node)
            if different:
                yield f"{path.relative_to(ROOT)} is not what the source gives: {different}\n  It is brought up to date by: {course.UPDATE}"
    said = printed_by_cells(node, notebook.read_source(entry.worked))
    if "checks of the numbers above passed" not in said:
        yield "its checks did not pass: " + said[-300:]
    if PROGRAMS:
        said, ran = course.without_machine(said), course.without_machine(printed_by_program(entry))
        if said != ran:
            yield "the cells print something else than the program, " + first_difference(ran, said)


def main():
    entries = [e for e in course.entries() if any(word in e.name for word in sys.argv[1:] or [""])]
    find_program()
    if PROGRAMS:
        missing = [e.name for e in entries if not os.path.exists(program_of(e))]
        if missing:
            print("not built in " + PROGRAMS + ":", *missing)
            return 1
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for entry, wrong in zip(entries, pool.map(lambda e: list(problems(e)), entries)):
            failed += bool(wrong)
            print(entry.name + ":", "\n  ".join(wrong) or "ok", flush=True)
    print(f"{len(entries)} lessons as notebooks, {failed} failed")
    return 1 if failed or not entries else 0


if __name__ == "__main__":
    sys.exit(main())
