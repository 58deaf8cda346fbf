"""Worked notebooks: the cells of a notebook run in a worker, and what they give is kept as Jupyter keeps it. Needs no Jupyter.

    node = worked("course/beginner/03_retain_graph.cpp")      or a Source; an nbformat node with outputs
    run(node)                                                 the same for any notebook node, in place
"""

import os
import tempfile

from nbformat import v4

from .cells import Source
from .notebook import notebook, read_source
from .worker import Worker


class CellFailed(Exception):
    """A cell that is not meant to fail did; the text names it."""


def worked(source, program=None):
    """The executed notebook of a source (a Source, or the path of one), with its solutions. `program`: the worker, if not the one
    that was built. Errors: SourceError, OSError; CellFailed; WorkerDied if there is no worker."""
    if not isinstance(source, Source):
        source = read_source(source)
    return run(notebook(source), program, source.name)


def run(node, program=None, name="notebook", questions=None):
    """Runs all code cells of a notebook in a new worker and returns the notebook. Cells run in an empty folder of their own, whose
    path is taken out of what they print. As in Jupyter, a cell with the tag raises-exception may fail, and the rest goes on.
    `questions`: the file that finish() writes a lesson's questions and answers to."""
    environment = {name: value for name, value in os.environ.items() if name not in ("COTANGENT_RESULTS", "COTANGENT_QUESTIONS")}
    if questions:
        environment["COTANGENT_QUESTIONS"] = questions
    with tempfile.TemporaryDirectory(prefix="cotangent-") as folder:
        folder = os.path.realpath(folder)
        with Worker(program, folder=folder, environment=environment) as worker:
            count = 0
            for number, cell in enumerate(node.cells, 1):
                if cell.cell_type != "code":
                    continue
                cell.outputs, cell.execution_count = [], None
                cell.metadata.pop("execution", None)  # times
                if not cell.source.strip():
                    continue
                count += 1
                cell.execution_count = count
                failed = _run_cell(cell, worker, count, folder)
                if failed and "raises-exception" not in cell.metadata.get("tags", []):
                    raise CellFailed("%s, cell %d (In[%d]):\n%s" % (name, number, count, failed))
    return node


def _run_cell(cell, worker, count, folder):
    """Runs one cell; returns the text of its error, if it has one."""

    def clean(text):
        return text.replace(folder + os.sep, "").replace(folder, ".")

    def take(kind, content):
        if kind in ("stdout", "stderr"):
            last = cell.outputs[-1] if cell.outputs else None
            if last is not None and last.output_type == "stream" and last.name == kind:
                last.text += content
            else:
                cell.outputs.append(v4.new_output("stream", name=kind, text=content))
        elif kind == "result":
            cell.outputs.append(v4.new_output("execute_result", data=content, execution_count=count))
        elif kind == "display":
            cell.outputs.append(v4.new_output("display_data", data=content))

    result = worker.execute(cell.source, "In[%d]" % count, take)
    for output in cell.outputs:
        if output.output_type == "stream":
            output.text = clean(output.text)
    if result.status == "ok":
        return ""
    from .kernel import coloured  # with it comes Jupyter, which nothing else here needs

    name, value, text = result.errors[0] if result.errors else ("Error", "", [])
    text = clean("".join(text)).rstrip("\n")
    cell.outputs.append(v4.new_output("error", ename=name, evalue=clean(value), traceback=[coloured(line) for line in text.split("\n")]))
    return text or name
