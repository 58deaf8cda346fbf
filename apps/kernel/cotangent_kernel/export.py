"""Notebooks, pages, PDFs and sources of lessons and of notebooks: what ./cotangent export does once it knows the files.

    python3 -m cotangent_kernel.export [--fresh|--worked] [--format ipynb|html|pdf|cpp] [--to DIR] FILE..
    python3 -m cotangent_kernel.export --update [FILE..]       the course's own notebooks, where they are not what the sources give

A FILE is a source (.cpp) or a notebook (.ipynb). Exit status 3: cells must be run, and there is no worker.
"""

import argparse
import os
import sys
from pathlib import Path

from . import course
from .cells import SourceError, write
from .execute import CellFailed, run
from .formulas import FormulaError
from .notebook import notebook, notebook_text, read_notebook, read_source, source_of, write_whole
from .worker import WorkerDied, find_program

NO_WORKER = 3
# What only we write may be written again; notebooks and sources may have become somebody's work.
OURS = ("html", "pdf")


def _own(path):
    """The course's entry of a source of the course, or None."""
    path = Path(path).resolve()
    return next((e for e in course.entries() if path in (e.fresh, e.worked)), None)


def _outputs_of(node):
    """The committed notebook with outputs, if it is that of this very text; else the cells are run."""
    path = course.committed(node.metadata.cotangent.name, "worked")
    try:
        known = read_notebook(path)
    except (SourceError, OSError):
        return None
    return known if [c.source for c in known.cells] == [c.source for c in node.cells] else None


def planned(path, worked=None):
    """The notebook node of a file, and whether its cells must still be run. worked: None takes a notebook as it is, True runs its
    cells, False empties it."""
    if str(path).endswith(".ipynb"):
        node = read_notebook(path)
        if worked is False:
            node = notebook(source_of(node, str(path)), solutions=False)
        return node, bool(worked)
    entry = _own(path)
    if worked is False:
        return notebook(read_source(entry.fresh if entry else path), solutions=False), False
    node = notebook(read_source(entry.worked if entry else path))
    known = _outputs_of(node) if entry else None
    return (known, False) if known else (node, True)


def export(path, kind, folder, worked=None):
    """Writes one file of this kind into the folder and returns its path. Errors: SourceError, OSError, CellFailed, WorkerDied,
    FormulaError, PageError."""
    stem = os.path.splitext(os.path.basename(path))[0]
    target = os.path.join(folder, f"{stem}.{kind}")
    if kind not in OURS and os.path.exists(target):
        raise SourceError(f"{target} exists and may be yours: name another folder with --to, or move it away")
    if kind == "cpp":
        if str(path).endswith(".ipynb"):
            source = source_of(read_notebook(path), str(path))
        else:
            entry = _own(path)
            source = read_source(path if not entry else entry.fresh if worked is False else entry.worked)
            if worked is False:
                source = source_of(notebook(source, solutions=False))
        text = write(source)
    else:
        node, to_run = planned(path, worked)
        if to_run:
            run(node, name=str(path))
        if kind == "ipynb":
            text = notebook_text(node)
        else:
            from .page import page, pdf
            text = page(node)
    os.makedirs(folder, exist_ok=True)
    if kind == "pdf":
        pdf(text, target)
    else:
        write_whole(target, text)
    return target


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="cotangent export", description="Writes lessons as notebooks, pages, PDFs or sources, and notebooks as any of these.")
    parser.add_argument("file", nargs="*")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--fresh", dest="worked", action="store_false", default=None, help="without outputs and solutions")
    group.add_argument("--worked", dest="worked", action="store_true", default=None, help="with outputs and solutions (what lessons get; a notebook's cells are run)")
    parser.add_argument("--format", choices=("ipynb", "html", "pdf", "cpp"), default="html")
    parser.add_argument("--to", metavar="DIR", default="exports", help="the folder to write into (exports/)")
    parser.add_argument("--update", action="store_true", help="bring course/notebooks/ up to date")
    options = parser.parse_args(arguments)
    if not options.file and not options.update:
        parser.error("name a lesson or a notebook, or --all")
    failed = 0
    from .page import PageError

    def must_run(path):
        try:
            return options.format != "cpp" and planned(path, options.worked)[1]
        except (SourceError, OSError):
            return False  # is said below

    try:
        if options.update or any(map(must_run, options.file)):
            find_program()
    except WorkerDied as error:
        print(f"cotangent: {error}", file=sys.stderr)
        return NO_WORKER
    if options.update:
        try:
            course.update(options.file, report=lambda line: print(line, flush=True))
            return 0
        except (SourceError, OSError, CellFailed, WorkerDied) as error:
            print(f"cotangent: {error}", file=sys.stderr)
            return 1
    for path in options.file:
        try:
            if not path.endswith((".cpp", ".ipynb")):
                raise SourceError(f"{path}: neither a .cpp source nor an .ipynb notebook")
            print(export(path, options.format, options.to, options.worked), flush=True)
        except (SourceError, OSError, CellFailed, FormulaError, PageError, WorkerDied) as error:
            print(f"cotangent: {error}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
