"""A lesson's C++ source as cells, and back.

A source is an ordinary program: a header comment, includes and helpers, `int main() {`, cells, `return finish();`, `}`.
Cells are marked by lines of the percent format:

    // %% [markdown] {"tags": ["solution"]}     text behind "// ", up to the next mark
    // %% {"tags": ["raises-exception"]}        code, up to the next mark

Marks may also stand before main, to cut the helpers into cells. In a notebook there is no main: its cells are dedented, and
`return finish();` is a cell `finish("NAME");`. read() and write() are inverse to each other on what has this form (the tests hold
every source of the course against that).

Lines within a raw string are what they are: neither indented nor marks. A line of text that ends with a backslash would swallow
the next one in C++, so it is written with ` //` behind it.
"""

import json
import re
from dataclasses import dataclass, field

from .tokens import line_starts

INDENT = "  "
MAIN = "int main() {"
LAST = "return finish();"


class SourceError(ValueError):
    """A source that has not the form above; the text names the file and the line."""


@dataclass
class Cell:
    kind: str                        # "markdown" or "code"
    text: str                        # without marks, comment signs and main's indentation
    metadata: dict = field(default_factory=dict)
    before_main: bool = False
    line: int = 0                    # of the source, where the cell's text begins

    @property
    def tags(self):
        return self.metadata.get("tags", [])


@dataclass
class Source:
    header: list                     # pairs (key, text); the first key is the part before the title's colon
    cells: list
    name: str = ""                   # the file's name without its ending

    @property
    def title(self):
        return self.header[0][1] if self.header else self.name

    def value(self, key):
        """The header's text under a key, or None: value("Version")."""
        return next((text for k, text in self.header if k == key), None)


_GUARDED = re.compile(r"\\( //)+$")  # a backslash at the end, kept from being one
_MARK = re.compile(r"\s*// %%\s*(\[markdown\])?\s*(\{.*\})?\s*$")


def _header(lines):
    pairs = []
    for line in lines:
        body = line[2:].rstrip()
        match = re.match(r" ([^:]+): (.*)", body)
        if match and not body.startswith("  "):
            pairs.append((match[1], match[2]))
        elif pairs and body.startswith("  "):
            pairs[-1] = (pairs[-1][0], pairs[-1][1] + "\n" + body.strip())
        else:
            break
    return pairs


def read(text, name=""):
    """Source of the text of a .cpp file. Errors: SourceError."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()

    def wrong(number, what):
        raise SourceError(f"{name or 'source'}:{number + 1}: {what}")

    count = 0
    while count < len(lines) and lines[count].startswith("//"):
        count += 1
    header = _header(lines[:count])
    if not header:
        wrong(0, "no header comment: a source begins with '// Lesson NN: Title'")
    within = line_starts(text)  # of each line, what it begins in
    mains = [i for i, line in enumerate(lines) if line.startswith("int main(") and not within[i]]
    if len(mains) != 1 or lines[mains[0]] != MAIN:
        wrong(mains[0] if mains else len(lines) - 1, f"one line must be '{MAIN}'")
    main = mains[0]
    if lines[-1] != "}" or lines[-2].strip() != LAST or main > len(lines) - 3:
        wrong(len(lines) - 1, f"the last two lines must be '{INDENT}{LAST}' and '}}'")

    cells = []

    def add(kind, metadata, first, last, before_main):
        """Lines first .. last-1 as a cell."""
        while first < last and not lines[first].strip():
            first += 1
        while first < last and not lines[last - 1].strip():
            last -= 1
        if first == last:
            return
        body = []
        for i in range(first, last):
            line = lines[i]
            if kind == "markdown":
                stripped = line.lstrip()
                if not stripped.startswith("//"):
                    wrong(i, "a line of a markdown cell must begin with '//'; code needs a mark '// %%' before it")
                stripped = stripped[3:] if stripped.startswith("// ") else stripped[2:]
                body.append(stripped[:-3] if _GUARDED.search(stripped) else stripped)
            elif before_main or not line or within[i] == "string":
                body.append(line)
            elif line.startswith(INDENT):
                body.append(line[len(INDENT):])
            elif line.startswith("#") or not line.strip():
                body.append(line)
            else:
                wrong(i, f"a line of a cell inside main must be indented by {len(INDENT)} spaces")
        cells.append(Cell(kind, "\n".join(body), metadata, before_main, first + 1))

    def cut(first, last, before_main):
        kind, metadata, start = "code", {}, first
        for i in range(first, last):
            match = None if within[i] else _MARK.match(lines[i])
            if not match:
                if not within[i] and re.match(r"\s*// %%", lines[i]):
                    wrong(i, "a mark is '// %%', then [markdown] or nothing, then metadata as a JSON object or nothing")
                continue
            add(kind, metadata, start, i, before_main)
            try:
                metadata = json.loads(match[2]) if match[2] else {}
            except (json.JSONDecodeError, RecursionError) as error:
                wrong(i, f"the cell's metadata is no JSON: {getattr(error, 'msg', 'too deep')}")
            kind, start = "markdown" if match[1] else "code", i + 1
        add(kind, metadata, start, last, before_main)

    cut(count, main, True)
    cut(main + 1, len(lines) - 2, False)
    return Source(header, cells, name)


def write(source):
    """The text of the .cpp file of a Source."""
    out = []
    for key, text in source.header:
        first, *more = text.split("\n")
        out.append(f"// {key}: {first}")
        out += [f"//   {line}" for line in more]

    def mark(cell, indent):
        data = " " + json.dumps(cell.metadata, ensure_ascii=False) if cell.metadata else ""
        return f"{indent}// %%{' [markdown]' if cell.kind == 'markdown' else ''}{data}"

    def body(cell, indent):
        lines = cell.text.split("\n")
        within = line_starts(cell.text) if cell.kind == "code" else []
        for i, line in enumerate(lines):
            if cell.kind == "markdown":
                line += " //" if re.search(r"\\( //)*$", line) else ""
                yield f"{indent}// {line}" if line else f"{indent}//"
            elif within[i] == "string" or not line or line.startswith("#"):
                yield line
            elif re.match(r"\s*// %%", line) and not within[i]:
                yield indent + line.replace("//", "// ", 1)  # a remark of this form is no mark
            else:
                yield indent + line

    first = True
    for cell in (c for c in source.cells if c.before_main):
        out.append("")
        if not first or cell.kind == "markdown" or cell.metadata:
            out.append(mark(cell, ""))
        first = False
        out += body(cell, "")
    out += ["", MAIN]
    inside = [c for c in source.cells if not c.before_main]
    for number, cell in enumerate(inside):
        if number:
            out.append("")
        out.append(mark(cell, INDENT))
        out += body(cell, INDENT)
    out += [INDENT + LAST, "}", ""]
    return "\n".join(out)
