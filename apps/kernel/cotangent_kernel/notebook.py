"""Notebooks of sources, and sources of notebooks: fresh ones here, worked ones with the outputs that a worker gives.

    python3 -m cotangent_kernel.notebook SOURCE.cpp [-o OUT.ipynb]       a fresh notebook
    python3 -m cotangent_kernel.notebook --into FOLDER SOURCE.cpp..      fresh notebooks of those that are not there yet
    python3 -m cotangent_kernel.notebook NOTEBOOK.ipynb [-o OUT.cpp]     the source of an edited notebook

Fresh: same prose, no outputs, cells with the tag "solution" empty. A notebook remembers where its cells stood in the source
(before main or in it), so that nothing is lost on the way back; a cell that was added in Jupyter belongs into main.
"""

import argparse
import os
import re
import sys
import warnings

import nbformat
from nbformat import v4

from .cells import Cell, Source, SourceError, read, write
from .tokens import belongs_before_main, last_expression

EMPTY = {"code": "// Your code here", "markdown": "*Your answer here*"}
MORE = "// More room, if you need it"  # of a model answer in several cells, the further ones


def notebook(source, solutions=True):
    """A notebook node of a Source, without outputs."""
    cells = []

    def add(kind, text, **metadata):
        make = v4.new_markdown_cell if kind == "markdown" else v4.new_code_cell
        cells.append(make(text, id=f"cell-{len(cells):02d}", metadata=metadata))

    # A notebook begins with its title, although a program must begin with its headers.
    first = next((c for c in source.cells if c.kind == "markdown"), None)
    titled = first is not None and first.text.startswith("# ")
    for cell in [first] * titled + [c for c in source.cells if not titled or c is not first]:
        text = cell.text
        if not solutions and "solution" in cell.tags:
            again = cell.kind == "code" and cells and cells[-1].source in (EMPTY["code"], MORE)
            text = MORE if again else EMPTY[cell.kind]
        metadata = dict(cell.metadata)
        if cell.before_main:
            metadata["cotangent"] = {"before_main": True}
            if titled and cell is first and cell is not source.cells[0]:
                metadata["cotangent"]["place"] = source.cells.index(cell)
        add(cell.kind, text, **metadata)
    # A cell has no file of whose name finish() could say what the lesson is called.
    add("code", f'finish("{source.name}");', tags=["finish"])
    if source.value("Version"):
        history = source.value("History")
        add("markdown", "---\n\nVersion %s.%s Earlier ones: see `course/legacy/README.md`." % (
            source.value("Version"), f" History: {history.rstrip('.')}." if history else ""), tags=["about"])
    return v4.new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"name": "cotangent", "display_name": "C++20 (Cotangent)", "language": "c++"},
            "language_info": {"name": "c++", "file_extension": ".cpp", "mimetype": "text/x-c++src", "codemirror_mode": "text/x-c++src"},
            "title": source.title,
            "cotangent": {"name": source.name, "header": [list(pair) for pair in source.header], "solutions": solutions},
        })


# --- Back to a source ---------------------------------------------------------------------------------------------------------

QUESTION = re.compile(r"^\s*(?:\?\??\s*[\w:.]+|[\w:.]+\s*\?\??)\s*$")  # ?name and name? ask the kernel
SHOW = "#include <cotangent/show.h>"
# What cells have without asking, and the last line of a source.
GIVEN = '#include <cotangent/cotangent.h>\n' + SHOW + '\n\n#include <iostream>\n\n#include "common/lesson.h"\n\nusing lesson::finish;'


def _language(node):
    """The notebook's language, as its metadata has it, or nothing."""
    for key, field in (("kernelspec", "language"), ("language_info", "name")):
        entry = node.metadata.get(key)
        if isinstance(entry, dict) and isinstance(entry.get(field), str) and entry[field]:
            return entry[field]
    return ""


def _header(ours, cells, name):
    """The header that the notebook remembers; else one with its first heading."""
    pairs = ours.get("header")
    try:
        pairs = [(key, text) for key, text in pairs]
        if pairs and all(isinstance(t, str) for pair in pairs for t in pair):
            written = write(Source(pairs, [Cell("code", "f();")]))
            if read(written).header == pairs:
                return pairs
    except (TypeError, ValueError):
        pass
    titles = [re.match(r"#+\s+(.+)", c.text) for c in cells if c.kind == "markdown"]
    title = next((m[1].strip() for m in titles if m), "") or os.path.splitext(os.path.basename(name))[0] or "without a title"
    return [("Notebook", title)]


def _program_text(cell):
    """The text of a code cell as a program has it: what Jupyter alone understands is put into C++."""
    text = cell.source
    if QUESTION.match(text):
        return "// " + text.strip()
    last = last_expression(text)
    if last is None:
        return text
    start, end = last
    # Only the value of a cell that was run is known to be one that can be shown.
    if any(output.get("output_type") == "execute_result" for output in cell.get("outputs", [])):
        return text[:start] + "ct::show(" + text[start:end] + ");" + text[end:]
    return text[:end] + ";" + text[end:]


def source_of(node, name=""):
    """The Source of a notebook node, whoever edited it. Errors: SourceError if it is no notebook in C++."""
    language = _language(node)
    if language and language.lower() not in ("c++", "c++20", "cpp"):
        raise SourceError(f"{name or 'notebook'}: a notebook in {language}, not in C++")
    ours = node.metadata.get("cotangent")
    ours = ours if isinstance(ours, dict) else {}
    cells, moved = [], None
    for cell in node.cells:
        tags = cell.metadata.get("tags")
        metadata = {"tags": [t for t in tags if isinstance(t, str)]} if isinstance(tags, list) and tags else {}
        if {"finish", "about"} & set(metadata.get("tags", [])) or not cell.source.strip() or cell.cell_type not in ("code", "markdown"):
            continue
        remembered = cell.metadata.get("cotangent")
        if cell.cell_type == "markdown":
            text = cell.source
        else:
            if re.fullmatch(r'(return )?(lesson::)?finish\((".*")?\);?', cell.source.strip()):
                continue  # the source has it anyhow
            text = _program_text(cell)
        remembered = remembered if isinstance(remembered, dict) else {}
        before = bool(remembered.get("before_main")) or (cell.cell_type == "code" and belongs_before_main(text))
        text = re.sub(r"^(?:[ \t]*\n)+", "", text).rstrip()
        cells.append(Cell(cell.cell_type, text, metadata, before))
        if before and isinstance(remembered.get("place"), int):
            moved = cells[-1], max(0, remembered["place"])
    if not cells:
        raise SourceError(f"{name or 'notebook'}: there is nothing in it")
    if not any(isinstance(c.metadata.get("cotangent"), dict) for c in node.cells):
        # Nothing is remembered: what is above the last include stands before main.
        includes = [i for i, c in enumerate(cells) if c.before_main and "#include" in c.text]
        for cell in cells[:includes[-1] if includes else 0]:
            cell.before_main = True
    if not any('"common/lesson.h"' in c.text for c in cells):
        cells.insert(0, Cell("code", GIVEN, {}, True))
    elif any("ct::show(" in c.text and c.kind == "code" for c in cells) and not any(SHOW in c.text for c in cells):
        cells.insert(0, Cell("code", SHOW, {}, True))
    # What stands before main comes first, wherever it was moved to.
    cells.sort(key=lambda c: not c.before_main)
    if moved:  # the title, out of the way of the headers
        cells = [c for c in cells if c is not moved[0]]
        cells.insert(min(moved[1], sum(c.before_main for c in cells)), moved[0])
    return Source(_header(ours, cells, name), cells, ours["name"] if isinstance(ours.get("name"), str) else name)


def read_source(path):
    """Errors: SourceError, OSError; a file that is not UTF-8 is a SourceError."""
    try:
        with open(path, encoding="utf-8") as file:
            return read(file.read(), os.path.splitext(os.path.basename(path))[0])
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 at byte {error.start}") from error


def read_notebook(path):
    """A notebook of any version of the format, with what is missing filled in. Errors: SourceError, OSError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cells without ids
            with open(path, encoding="utf-8-sig") as file:
                node = nbformat.reads(file.read(), as_version=4)
        for cell in node.cells:
            text = cell.get("source", "")
            text = "".join(text) if isinstance(text, list) else text
            # Ends of lines as here, and no halves of characters, which no file can have.
            cell.source = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode("utf-8")
            cell.setdefault("metadata", nbformat.NotebookNode())
            cell.cell_type
        return node
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 at byte {error.start}") from error
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, KeyError, AttributeError, TypeError, ValueError, RecursionError) as error:
        said = (str(error).splitlines() or [""])[0]
        raise SourceError(f"{path}: not a notebook: {said[:200] if not isinstance(error, nbformat.reader.NotJSONError) else 'no JSON'}") from error


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
