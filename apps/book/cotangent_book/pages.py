"""A page of the book from an executed notebook: text, code, outputs, figures, questions, as MyST Markdown for Sphinx."""
import html
import re
import xml.etree.ElementTree as ElementTree
import zlib
from difflib import SequenceMatcher

from cotangent_kernel.notebook import EMPTY

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&])")


def plain(text):
    """Text of a program, not Markdown: nothing in it has a meaning of its own, but code in backquotes stays code."""
    pieces = re.split(r"(`[^`]+`)", text)
    return "".join(p if i % 2 else SPECIAL.sub(r"\\\1", p).replace("\n", " ") for i, p in enumerate(pieces))


def raw(text):
    return f"```{{raw}} html\n{text}\n```\n\n"


def fence(language, text):
    ticks = "`" * max(3, 1 + max((len(m) for m in re.findall(r"`+", text)), default=0))
    return f"{ticks}{language}\n{text}\n{ticks}\n\n"


def folded(summary, body, kind, printed):
    """Behind a line that opens with a click; in print, below that line."""
    opened = " open" if printed else ""
    return raw(f'<details class="{kind}"{opened}><summary>{html.escape(summary)}</summary>') + body + raw("</details>")


def slug(text):
    """A short name for an anchor."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return name if len(name) <= 40 else f"{name[:31].rstrip('-')}-{zlib.crc32(text.encode()):08x}"


def printed_lines(text):
    """What a program printed, as HTML: headings of its parts, and errors that are shown on purpose, look like what they are."""
    out = []
    quoting = False
    for line in text.split("\n"):
        now = line.startswith("  | ")
        if now != quoting:
            out.append('<span class="shown">' if now else "</span>")
            quoting = now
        escaped = html.escape(line[4:] if now else line, quote=False)
        out.append(f"<b>{escaped}</b>\n" if re.fullmatch(r"== .* ==", line) else escaped + "\n")
    if quoting:
        out.append("</span>")
    return "".join(out).rstrip("\n").replace("\n</span>", "</span>")


def described(svg, name):
    """What a listener is told of a figure: its titles and axes, the nodes of a graph."""
    try:
        tree = ElementTree.fromstring(svg)
    except ElementTree.ParseError:
        return "Figure " + name
    space = "{http://www.w3.org/2000/svg}"
    title = (tree.findtext(space + "title") or tree.findtext(f"{space}g/{space}title") or "").strip()
    words = [" ".join("".join(t.itertext()).split()) for t in tree.iter(space + "text")]
    words = [w for w in words if re.search(r"[^\W\d_]{2}", w) and w not in title]
    told = ", ".join(dict.fromkeys(words))
    told = told if len(told) <= 200 else told[:200].rsplit(",", 1)[0] + ", and more"
    return "; ".join(filter(None, [title, told])) or "Figure " + name


class Writer:
    """Writes one page, for the screen or printed; figures go where `put_file(name, text)` puts them, which returns the path for the page."""

    def __init__(self, page, put_file, printed=False):
        self.page, self.put_file, self.printed = page, put_file, printed
        self.figures = 0
        self.out = []
        self.headed = False  # a heading of the text came since the last code
        self.labels = set()
        self.answers = []

    # --- Outputs ----------------------------------------------------------------------------------------------------------

    def outputs(self, cell, drop=None):
        body = ""
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                text = output.text.replace(drop, "", 1) if drop else output.text
                text = text.strip("\n")
                if text:
                    kind = "output" if output.name == "stdout" else "output stderr"
                    body += raw(f'<pre class="{kind}">{printed_lines(text)}</pre>')
            elif output.output_type == "error":
                body += raw(f'<pre class="output stderr">{html.escape(chr(10).join(output.traceback))}</pre>')
            else:
                body += self.shown(output.data)
        return body

    def shown(self, data):
        if 'class="ct-steps"' in data.get("text/html", ""):
            return self.steps(data["text/html"])
        if "image/svg+xml" in data:
            return self.figure(data["image/svg+xml"])
        if "text/html" in data:
            return raw('<div class="output shown-value">' + data["text/html"] + "</div>")
        return raw(f'<pre class="output">{html.escape(data.get("text/plain", ""))}</pre>')

    def steps(self, text):
        """A backward pass in frames: with buttons on the screen; in print all frames."""
        if self.printed:
            text = re.sub(r"(?s)<(script|style)>.*?</\1>", "", text)
        return raw('<figure class="picture">' + re.sub(r"\n\s*\n", "\n", text) + "</figure>")

    def figure(self, svg):
        self.figures += 1
        name = f"{self.page.name}_{self.figures}.svg"
        path = self.put_file(name, svg)
        alt = html.escape(described(svg, name), quote=True)
        return raw(f'<figure class="picture"><a href="{path}"><img src="{path}" alt="{alt}"{size_of(svg)}></a></figure>')

    # --- Cells ------------------------------------------------------------------------------------------------------------

    def text(self, text):
        text = re.sub(r"\A# .*\n?", "", text).strip("\n")
        if text:
            self.out.append(text + "\n\n")
            self.headed |= bool(re.search(r"^##", text, re.M))

    def code(self, cell, task=None):
        """A cell of code and what it printed; `task`: as the learner gets it, the rest is folded away."""
        heading = re.match(r'section\("((?:[^"\\]|\\.)*)"\);\n?', cell.source)
        title = re.sub(r"\\(.)", r"\1", heading[1]) if heading else None
        drop = f"\n== {title} ==\n" if title else None
        if title and not self.headed:
            self.out.append(f"## {plain(title)}\n\n")
        self.headed = False
        for phrase in errors_of(cell.source):
            label = f"error-{self.page.name}-{slug(phrase)}"
            if label not in self.labels:
                self.labels.add(label)
                self.out.append(raw(f'<span id="{label}"></span>'))
        body = fence("cpp", cell.source) + self.outputs(cell, drop)
        if task is None:
            self.out.append(body)
        else:
            if task != EMPTY["code"]:
                self.out.append(fence("cpp", task))
            self.out.append(folded("Worked solution" if self.page.exercise else "Model answer", body, "solution", self.printed))

    def asking(self, cell):
        """A cell that asks: its code computes the answers, so it is folded away."""
        lines = cell.source.count("\n") + 1
        body = fence("cpp", cell.source) + self.outputs(cell)
        what = "the answers" if cell.source.count("ask(") > 1 else "the answer"
        self.asked.append(folded(f"How the program computes {what} ({lines} lines)", body, "helpers", False))

    def before_main(self, cells):
        code = "\n\n".join(c.source for c in cells)
        helpers = [line for line in code.split("\n") if line.strip() and not re.match(r"#include|using namespace|//", line)]
        what = "Headers and helpers" if helpers else "Headers"
        self.out.append(folded(f"{what} ({len(code.splitlines())} lines)", fence("cpp", code), "helpers", self.printed and bool(helpers)))

    # --- The page ---------------------------------------------------------------------------------------------------------

    def write(self, tasks=None):
        """The Markdown of the page. `tasks`: the cells of the exercise file, if the notebook is its worked solution."""
        page = self.page
        cells = [c for c in page.node.cells if not {"finish", "about"} & set(c.metadata.get("tags", []))]
        self.asked = []
        self.out = [f"# {plain(page.title)}\n\n", self.facts()]
        tasks = matched(cells, tasks) if tasks is not None else {}
        # A notebook begins with its title; what the program has before that comes folded after the introduction.
        helpers, rest = [], cells
        if cells[0].cell_type == "markdown":
            self.text(cells[0].source)
            ours, rest = cells[0].metadata.get("cotangent", {}), cells[1:]
            if ours.get("before_main"):
                count = ours.get("place", 0)
            else:
                count = next((i for i, c in enumerate(rest) if not c.metadata.get("cotangent", {}).get("before_main")), len(rest))
            helpers, rest = rest[:count], rest[count:]
        while rest and helpers and rest[0].cell_type == "markdown" and not re.search(r"(?m)^##", rest[0].source):
            self.text(rest[0].source)
            rest = rest[1:]
        if helpers:
            self.before_main(helpers)
        for cell in rest:
            solution = "solution" in cell.metadata.get("tags", [])
            task = tasks.get(cell.id, EMPTY[cell.cell_type] if solution else None)
            if cell.cell_type == "markdown":
                if task is None:
                    self.text(cell.source)
                else:
                    # A heading cannot be folded away, so it becomes a bold line.
                    text = re.sub(r"(?m)^#+ (.*)$", r"**\1**", cell.source)
                    self.out.append(folded("Model answer", text + "\n\n", "solution", self.printed))
            elif re.search(r"^\s*ask\(", cell.source, re.M) or self.out[-1].endswith("## Questions\n\n"):
                self.asking(cell)
            elif all(re.match(r"#include|using namespace|$", line) for line in cell.source.split("\n")):
                self.before_main([cell])
            else:
                self.code(cell, task)
        # The heading may be there already; hints come before it.
        self.out[-1] = re.sub(r"\n*## Questions\s*\Z", "\n\n", "\n\n" + self.out[-1])
        self.out += [self.hints(), self.questions()]
        self.out.append(self.end())
        return "".join(self.out)

    def facts(self):
        page = self.page
        concepts = ", ".join(plain(c) for c in page.concepts)
        lines = [f"**Level**: {plain(page.source.value('Level') or page.chapter)}"]
        if concepts:
            lines.append(f"**Concepts**: {concepts}")
        if page.hints:
            lines.append(f"**Do it yourself**: `./cotangent start FOLDER`, then `./cotangent check {page.short}`")
        if not page.exercise:
            lines.append(f"**Run it yourself**: `./cotangent run {page.short}`, or `./cotangent notebook {page.short}`")
        if not self.printed:
            lines.append(f'<a href="notebooks/{page.name}.ipynb" download>Notebook {"to fill in" if page.solutions or page.exercise else "without outputs"}</a>'
                         f' · <a href="notebooks/{page.name}.cpp" download>C++ source</a>')
        version = page.source.value("Version")
        if version:
            history = page.source.value("History")
            lines.append(f"**Version**: {plain(version)}" + (f". **History**: {plain(history)}" if history else ""))
        return ":::{container} facts\n" + "\\\n".join(lines) + "\n:::\n\n"

    def hints(self):
        """An exercise's hints, each behind its own line. (In print they would be in the way of thinking.)"""
        if not self.page.hints or self.printed:
            return ""
        parts = re.split(r"(?m)^## (Hint \d+)\n", self.page.hints.read_text(encoding="utf-8"))[1:]
        return "## Hints\n\n" + "".join(folded(title, text.strip() + "\n\n", "answer", False) for title, text in zip(parts[::2], parts[1::2]))

    def questions(self):
        if not self.page.questions:
            return "".join(self.asked)
        out = "## Questions\n\n"
        if not self.printed:
            out += f"Answer them at the terminal with `./cotangent quiz {self.page.short}`, which lets you try twice.\n\n"
        for number, question in enumerate(self.page.questions, 1):
            out += f"**{number}.** {plain(question['question'])}\n\n"
            letters = "abcdefghijklmnop"
            if question["options"]:
                out += raw('<div class="options">')
                out += "\\\n".join(f"*{letters[i]}*\u2002{plain(o['text'])}" for i, o in enumerate(question["options"])) + "\n\n" + raw("</div>")
            right = [letters[i] for i, o in enumerate(question["options"]) if o["right"]]
            answer = {"number": lambda: f"{question['key']:.6g}", "yes_no": lambda: "yes" if question["key"] else "no",
                      "choice": lambda: right[0], "several": lambda: ", ".join(right) or "none of them"}[question["kind"]]()
            told = f"**{plain(answer)}**. {plain(question['why'])}\n\n"
            if self.printed:
                self.answers.append(f"**{number}.** {told}")  # at the end of the book
            else:
                out += folded("Answer", told, "answer", False)
        return out + "".join(self.asked)

    def end(self):
        said = "".join(o.text for c in self.page.node.cells if "finish" in c.metadata.get("tags", []) for o in c.outputs if o.output_type == "stream")
        match = re.search(r"(\d+) checks of the numbers above passed", said)
        if not match:
            return ""
        return raw(f'<p class="checks">The program compared what it printed with what is expected in {match[1]} places; all agreed.</p>')


def size_of(svg):
    """Width and height of a drawing, so that the page does not jump when it arrives."""
    match = re.search(r'<svg[^>]*?\swidth="([\d.]+)(pt|px)?"[^>]*?\sheight="([\d.]+)(?:pt|px)?"', svg, re.S)
    if not match:
        return ""
    unit = 4 / 3 if match[2] == "pt" else 1
    return f' width="{float(match[1]) * unit:.0f}" height="{float(match[3]) * unit:.0f}"'


def matched(cells, tasks):
    """{id of a worked code cell: code of the exercise}, where they differ."""
    ours, theirs = [c for c in cells if c.cell_type == "code"], [c for c in tasks if c.cell_type == "code"]
    found = {}
    matcher = SequenceMatcher(None, [c.source for c in ours], [c.source for c in theirs], autojunk=False)
    for tag, a, a_end, b, b_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        for i in range(a, a_end):
            at = b + i - a
            found[ours[i].id] = theirs[at].source if at < b_end else EMPTY["code"]
    return found


def errors_of(code):
    """The phrases of the errors that a cell shows: the last argument of show_error."""
    found = []
    for match in re.finditer(r"\bshow_error\(", code):
        depth, at = 1, match.end()
        last = None
        while at < len(code) and depth:
            literal = re.match(r'"((?:[^"\\]|\\.)*)"', code[at:])
            if literal:
                if depth == 1:
                    last = (last or "") + re.sub(r"\\(.)", r"\1", literal[1])
                at += literal.end()
                continue
            depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(code[at], 0)
            at += 1
        if last:
            found.append(last)
    return found
