"""Runs the pages' sources cell by cell, two at a time, and keeps what came out until a source or the library changes."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import tempfile

import nbformat
from nbformat import v4

from cotangent_kernel.notebook import notebook, read_source
from cotangent_kernel.worker import Worker, WorkerDied

from .course import BookError

CELL_SECONDS = 600


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
    node = notebook(read_source(path))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COTANGENT_QUESTIONS"] = os.path.join(folder, "questions")
        os.environ["COTANGENT_RESULTS"] = os.path.join(folder, "results")
        with Worker(folder=folder) as worker:
            for number, cell in enumerate((c for c in node.cells if c.cell_type == "code"), 1):
                outputs = []
                result = worker.execute(cell.source, f"In[{number}]", lambda kind, content: outputs.append((kind, content)))
                cell.outputs, cell.execution_count = [], number
                for kind, content in outputs:
                    add(cell.outputs, kind, content, number)
                if result.status != "ok" and "raises-exception" not in cell.metadata.get("tags", []):
                    said = "\n".join("".join(e[2]) for e in result.errors)
                    raise BookError(f"{path}: cell {number} fails:\n{said}")
        with open(os.environ["COTANGENT_QUESTIONS"], encoding="utf-8") as file:
            questions = [json.loads(line) for line in file]
    return node, questions


def add(outputs, kind, content, number):
    """One output more of a cell; figures that it saved are shown where it says so."""
    if kind in ("display", "result"):
        data = {m: c for m, c in content.items()}
        outputs.append(v4.new_output("display_data", data=data) if kind == "display"
                       else v4.new_output("execute_result", data=data, execution_count=number))
        return
    for piece in re.split(r"(?m)^(figure: .*\n)", content):
        match = re.fullmatch(r"figure: (.*)\n", piece)
        if match:
            if match[1].endswith(".svg"):
                data = {"image/svg+xml": pathlib.Path(match[1]).read_text(encoding="utf-8"), "text/plain": pathlib.Path(match[1]).stem}
                outputs.append(v4.new_output("display_data", data=data))
        elif piece:
            if outputs and outputs[-1].output_type == "stream" and outputs[-1].name == kind:
                outputs[-1].text += piece
            else:
                outputs.append(v4.new_output("stream", name=kind, text=piece))


def run_to(path, kept):
    """run(), into a file. For a process of its own."""
    node, questions = run(path)
    text = json.dumps({"notebook": nbformat.writes(node), "questions": questions})
    partial = f"{kept}.{os.getpid()}.part"
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(partial, kept)


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
        except (BookError, WorkerDied, OSError) as error:
            pool.shutdown(cancel_futures=True)
            raise BookError(str(error)) from error
    for page in pages:
        data = json.loads(kept[page.name].read_text(encoding="utf-8"))
        page.node, page.questions = nbformat.reads(data["notebook"], as_version=4), data["questions"]
    return len(waiting)
