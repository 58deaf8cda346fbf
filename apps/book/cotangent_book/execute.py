"""Runs the pages' sources cell by cell, two at a time, and keeps what came out until a source or the library changes."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import tempfile

import nbformat

from cotangent_kernel.execute import CellFailed
from cotangent_kernel.execute import run as execute_cells
from cotangent_kernel.notebook import notebook, read_source, write_whole
from cotangent_kernel.worker import WorkerDied

from .course import BookError


def fingerprint(root):
    """Of all that outputs depend on beside the source itself."""
    digest = hashlib.sha256()
    for folder in ("include", "src", "course/common", "apps/kernel", "course/data"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(root)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    digest.update(pathlib.Path(__file__).read_bytes())
    return digest.hexdigest()


def run(path):
    """(notebook with outputs, questions). Errors: BookError, when a cell fails."""
    with tempfile.TemporaryDirectory() as folder:
        source = read_source(path)
        node, questions = notebook(source), os.path.join(folder, "questions")
        try:
            execute_cells(node, name=source.name, questions=questions)
        except CellFailed as error:
            raise BookError(str(error)) from error
        with open(questions, encoding="utf-8") as file:
            return node, [json.loads(line) for line in file]


def run_to(path, kept):
    """run(), into a file. For a process of its own."""
    node, questions = run(path)
    write_whole(kept, json.dumps({"notebook": nbformat.writes(node), "questions": questions}))


def execute(pages, root, cache, jobs, say):
    """Gives each page its notebook and questions. Errors: BookError."""
    library = fingerprint(root)
    cache.mkdir(parents=True, exist_ok=True)
    waiting = {}
    kept = {}
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        for page in pages:
            digest = hashlib.sha256((library + page.worked.read_text(encoding="utf-8")).encode()).hexdigest()[:24]
            kept[page.name] = cache / f"{page.name}-{digest}.json"
            if not kept[page.name].exists():
                for old in cache.glob(f"{page.name}-*.json"):
                    old.unlink()
                waiting[pool.submit(run_to, page.worked, kept[page.name])] = page
        try:
            for count, done in enumerate(concurrent.futures.as_completed(waiting), 1):
                done.result()
                say(f"[executing {count}/{len(waiting)}] {waiting[done].name}")
        except (WorkerDied, concurrent.futures.BrokenExecutor) as error:
            pool.shutdown(cancel_futures=True)
            raise BookError(str(error)) from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    for page in pages:
        data = json.loads(kept[page.name].read_text(encoding="utf-8"))
        page.node, page.questions = nbformat.reads(data["notebook"], as_version=4), data["questions"]
    return len(waiting)
