"""Notebooks of sources, and sources of notebooks: fresh ones here, worked ones with the outputs that a worker gives.

    python3 -m cotangent_kernel.notebook SOURCE.cpp [-o OUT.ipynb]       a fresh notebook
    python3 -m cotangent_kernel.notebook --into FOLDER SOURCE.cpp..      fresh notebooks of those that are not there yet
    python3 -m cotangent_kernel.notebook NOTEBOOK.ipynb [-o OUT.cpp]     the source of an edited notebook

Fresh: same prose, no outputs, cells with the tag "solution" empty. A notebook remembers where its cells stood in the source
(before main or in it), so that nothing is lost on the way back; a cell that was added in Jupyter belongs into main.
"""

import argparse
import os
import sys

import nbformat
from nbformat import v4

from .cells import Cell, Source, SourceError, read, write

EMPTY = {"code": "// Your code here", "markdown": "*Your answer here*"}


def notebook(source, solutions=True):
    """A notebook node of a Source, without outputs."""
    cells = []

    def add(kind, text, **metadata):
        make = v4.new_markdown_cell if kind == "markdown" else v4.new_code_cell
        cells.append(make(text, id=f"cell-{len(cells):02d}", metadata=metadata))

    for cell in source.cells:
        text = cell.text
        if not solutions and "solution" in cell.tags:
            text = EMPTY[cell.kind]
        metadata = dict(cell.metadata)
        if cell.before_main:
            metadata["cotangent"] = {"before_main": True}
        add(cell.kind, text, **metadata)
    # A cell has no file of whose name finish() could say what the lesson is called.
    add("code", f'finish("{source.name}");', tags=["finish"])
    return v4.new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"name": "cotangent", "display_name": "C++20 (Cotangent)", "language": "c++"},
            "language_info": {"name": "c++", "file_extension": ".cpp", "mimetype": "text/x-c++src", "codemirror_mode": "text/x-c++src"},
            "title": source.title,
            "cotangent": {"name": source.name, "header": [list(pair) for pair in source.header], "solutions": solutions},
        })


def source_of(node, name=""):
    """The Source of a notebook node, whoever edited it. Errors: SourceError if it is no notebook of ours."""
    ours = node.metadata.get("cotangent")
    if not isinstance(ours, dict) or not isinstance(ours.get("header"), list):
        raise SourceError(f"{name or 'notebook'}: its metadata has no 'cotangent' entry, so it was not made from a source of the course")
    cells = []
    for cell in node.cells:
        metadata = {k: v for k, v in cell.metadata.items() if k in ("tags",) and v}
        if "finish" in metadata.get("tags", []) or not cell.source.strip() or cell.cell_type == "raw":
            continue
        before = bool(cell.metadata.get("cotangent", {}).get("before_main"))
        cells.append(Cell("markdown" if cell.cell_type == "markdown" else "code", cell.source.rstrip("\n"), metadata, before))
    # What stands before main comes first, wherever it was moved to.
    cells.sort(key=lambda c: not c.before_main)
    return Source([tuple(pair) for pair in ours["header"]], cells, ours.get("name", name))


def read_source(path):
    """Errors: SourceError, OSError; a file that is not UTF-8 is a SourceError."""
    try:
        with open(path, encoding="utf-8") as file:
            return read(file.read(), os.path.splitext(os.path.basename(path))[0])
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 at byte {error.start}") from error


def read_notebook(path):
    try:
        return nbformat.read(path, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, UnicodeDecodeError, KeyError, AttributeError) as error:
        raise SourceError(f"{path}: not a notebook: {str(error).splitlines()[0][:200]}") from error


def write_whole(path, text):
    """Whole or not at all: a reader never sees half a file."""
    partial = f"{path}.{os.getpid()}.part"
    try:
        with open(partial, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(partial, path)
    except OSError:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


def notebook_text(node):
    nbformat.validate(node)
    return nbformat.writes(node) + "\n"


def fill(folder, sources, solutions=False):
    """Fresh notebooks of the sources in a folder; one that is there is somebody's work and stays. Returns all paths."""
    os.makedirs(folder, exist_ok=True)
    paths = []
    for path in sources:
        paths.append(os.path.join(folder, os.path.splitext(os.path.basename(path))[0] + ".ipynb"))
        if not os.path.exists(paths[-1]):
            write_whole(paths[-1], notebook_text(notebook(read_source(path), solutions)))
    return paths


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="cotangent_kernel.notebook", description="Converts a source of the course into a fresh notebook, or an edited notebook into a source.")
    parser.add_argument("file", nargs="+", help="a .cpp source or an .ipynb notebook; with --into any number of sources")
    parser.add_argument("--into", metavar="FOLDER", help="write a notebook of each source there, unless it is there already")
    parser.add_argument("-o", "--output", help="where to write; else beside the file, never over an existing one")
    parser.add_argument("--solutions", action="store_true", help="keep the solution cells of a source")
    options = parser.parse_args(arguments)
    if len(options.file) > 1 and not options.into:
        parser.error("several files go with --into")
    file = options.file[0]
    stem, ending = os.path.splitext(file)
    try:
        if options.into:
            print("\n".join(fill(options.into, options.file, options.solutions)))
            return 0
        if ending == ".cpp":
            output, text = options.output or stem + ".ipynb", notebook_text(notebook(read_source(file), options.solutions))
        elif ending == ".ipynb":
            output, text = options.output or stem + ".cpp", write(source_of(read_notebook(file), file))
        else:
            raise SourceError(f"{file}: neither a .cpp source nor an .ipynb notebook")
        if not options.output and os.path.exists(output):
            raise SourceError(f"{output} exists; name another file with -o")
        write_whole(output, text)
    except (SourceError, OSError) as error:
        print(f"cotangent: {error}", file=sys.stderr)
        return 1
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
