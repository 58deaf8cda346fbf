"""Markdown with formulas as HTML that needs neither a network nor JavaScript: Debian's KaTeX typesets, once, here.

    html = markdown_html("The slope is $\\\\frac{dy}{dx}$.")      needs jupyter-nbconvert (its Markdown) and katex
    page = "<style>" + styles(html) + "</style>" + html           fonts in the page; or styles(fonts="fonts/") beside it

What stands between dollars is a formula as Jupyter has it: $ .. $ in a line of text, $$ .. $$ and \\begin{align} .. displayed.
Code in backquotes, and a dollar with a space behind it or a backslash before it, are left alone. The pieces for other Markdown
readers are cut(), typeset() and put_back().
"""

import atexit
import base64
import html as html_escapes
import json
import os
import re
import subprocess
from dataclasses import dataclass

FONTS = "/usr/share/fonts/truetype/katex"
STYLES = "/usr/share/javascript/katex/katex.min.css"

# Reads a JSON pair [tex, display] a line, and answers with a JSON pair [html, error].
PROGRAM = """
const katex = require('katex');
require('readline').createInterface({input: process.stdin}).on('line', line => {
  const [tex, displayMode] = JSON.parse(line);
  let answer;
  try { answer = [katex.renderToString(tex, {displayMode, strict: 'ignore'}), '']; }
  catch (e) { answer = ['', String(e.message || e)]; }
  process.stdout.write(JSON.stringify(answer) + '\\n');
});
"""


class FormulaError(ValueError):
    """A formula that KaTeX cannot read, or no KaTeX."""


@dataclass(frozen=True)
class Formula:
    tex: str
    display: bool = False


# --- Typesetting ------------------------------------------------------------------------------------------------------------------

_process = None
_known = {}


def _end(process):
    process.kill()
    process.communicate()


def _ask(formula):
    global _process
    if _process is None or _process.poll() is not None:
        # Debian's modules; a node of another origin does not look there by itself.
        path = os.pathsep.join(["/usr/share/nodejs", *filter(None, [os.environ.get("NODE_PATH")])])
        try:
            _process = subprocess.Popen(["node", "-e", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, encoding="utf-8", env={**os.environ, "NODE_PATH": path})
        except OSError as error:
            raise FormulaError("formulas are typeset by KaTeX: apt-get install katex (%s)" % error) from error
        atexit.register(_end, _process)
    try:
        _process.stdin.write(json.dumps([formula.tex, formula.display]) + "\n")
        _process.stdin.flush()
        answer = _process.stdout.readline()
    except OSError:
        answer = ""
    if not answer:
        said = [line for line in _process.stderr.read().splitlines() if "Error" in line][:1]
        _process = None
        raise FormulaError("formulas are typeset by KaTeX: apt-get install katex (%s)" % "".join(said or ["it does not answer"]))
    return json.loads(answer)


def typeset(formula, strict=True):
    """The HTML of a Formula, as MathML for readers that listen and as boxes for those that look.
    A formula that cannot be read is an error, or, if not `strict`, shown as it was written, in red."""
    if formula not in _known:
        _known[formula] = _ask(formula)
    html, error = _known[formula]
    if not error:
        return html
    if strict:
        raise FormulaError("%s, in the formula %s" % (error, formula.tex))
    return '<code class="formula-error" title="%s">%s</code>' % tuple(html_escapes.escape(s, quote=True) for s in (error, formula.tex))


# --- Formulas in Markdown -----------------------------------------------------------------------------------------------------------

# Marks for what was cut out: letters of nobody's, which Markdown leaves alone.
_OPEN, _CLOSE = "\ue000", "\ue001"
_PARTS = re.compile(r"""
    (?P<fence>^[ ]{0,3}(?P<ticks>```+|~~~+)[^\n]*\n(?:.*?\n)??[ ]{0,3}(?P=ticks)[`~]*[ ]*$)   # a block of code between fences
  | (?P<block>(?:^\n|\A)(?:(?:[ ]{4}|\t)[^\n]*(?:\n|\Z))+)                                   # an indented one
  | (?P<code>(?P<quote>`+)(?!`).+?(?<!`)(?P=quote)(?!`))                                       # code in a line
  | (?P<escaped>\\[\\$`])
  | (?P<environment>\\begin\{(?P<name>(?:equation|align|alignat|gather|CD)\*?)\}.*?\\end\{(?P=name)\})
  | \$\$(?P<display>(?:[^$\\]|\\.)+?)\$\$
  | \$(?P<inline>(?![\s$])(?:[^$\\\n]|\\.|\n(?!\s*\n))*?(?<![\s\\]))\$(?!\d)
""", re.X | re.M | re.S)


def cut(markdown):
    """The text with marks in place of its formulas, and the formulas."""
    formulas = []

    def replace(match):
        tex = match["display"] or match["environment"] or match["inline"]
        if not tex:
            return "$" if match["escaped"] == "\\$" else match[0]
        formulas.append(Formula(tex.strip(), not match["inline"]))
        return "%s%d%s" % (_OPEN, len(formulas) - 1, _CLOSE)

    return _PARTS.sub(replace, markdown.replace(_OPEN, "").replace(_CLOSE, "")), formulas


def put_back(html, typeset_formulas):
    """Typeset formulas in place of the marks."""
    return re.sub(_OPEN + r"(\d+)" + _CLOSE, lambda m: typeset_formulas[int(m[1])], html)


def _paragraphs(markdown):
    """A line within a paragraph that happens to begin with "3. " begins no list, although nbconvert's reader thinks so."""
    out, fence, state = [], False, ""
    for line in markdown.split("\n"):
        fence ^= bool(re.match(r" {0,3}(```|~~~)", line))
        item = re.match(r" {0,3}(?:[-*+]|(\d+)[.)]) ", line)
        if fence or not line.strip():
            state = ""
        elif item and item[1] and item[1] != "1" and state == "paragraph":
            line = re.sub(r"^( *\d+)", r"\1\\", line)
        elif item or state != "list":
            state = "list" if item else "" if re.match(r" {0,3}(#|\||>)", line) else "paragraph"
        out.append(line)
    return "\n".join(out)


def markdown_html(markdown, strict=True, anchors=False, attachments=None, clean=None):
    """HTML of Markdown with formulas. Code between fences is coloured with Pygments' classes; `anchors` gives headings an id and
    a link to themselves, as nbconvert does. `attachments` are a cell's pictures, and `clean` takes out of the HTML what is not
    wanted, before the formulas are put in. Errors: FormulaError (see typeset)."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    attachments = attachments or {}
    # A picture that is not there leaves its name.
    markdown = re.sub(r"!\[([^\]\n]*)\]\(attachment:([^)\s]+)[^)\n]*\)", lambda m: m[0] if attachments.get(m[2]) else m[1] or m[2], markdown)

    text, formulas = cut(_paragraphs(markdown))
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=not anchors, attachments=attachments)
    html = MarkdownWithMath(renderer=renderer).render(text)
    if clean:
        html = clean(html)
    return put_back(html, [typeset(f, strict) for f in formulas])


# --- Styles -------------------------------------------------------------------------------------------------------------------------

_FACE = re.compile(r"@font-face\{font-family:(\w+);src:url\(fonts/([\w-]+\.woff2)\)[^}]*\}")


def _fonts_of(css, html):
    """The files of the fonts that the classes of this HTML ask for."""
    classes = set(" ".join(re.findall(r'class="([^"]*)"', html)).split())
    if "katex" not in classes:
        return set()
    families, bold, italic = {"KaTeX_Main"}, False, False
    for selectors, rule in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        if not any(set(re.findall(r"\.([\w-]+)", s)) <= classes for s in selectors.split(",") if ".katex" in s):
            continue
        families.update(re.findall(r"font(?:-family)?:[^;]*?(KaTeX_\w+)", rule))
        bold |= "font-weight:700" in rule
        italic |= "font-style:italic" in rule
    wanted = set()
    for family, file in _FACE.findall(css):
        styles = file.split("-")[1].split(".")[0]
        if family in families and (bold or "Bold" not in styles) and (italic or "Italic" not in styles):
            wanted.add(file)
    return wanted


def styles(html=None, fonts=None):
    """KaTeX's style sheet. Without `fonts`, the fonts (of this HTML, else all) are in it, as data; else they are files in the
    folder `fonts`, an address like "fonts/" (copy font_files() there)."""
    with open(STYLES, encoding="utf-8") as file:
        css = file.read()
    wanted = None if html is None else _fonts_of(css, html)

    def face(match):
        if wanted is not None and match[2] not in wanted:
            return ""
        if fonts is not None:
            address = fonts + match[2]
        else:
            with open(os.path.join(FONTS, match[2]), "rb") as file:
                address = "data:font/woff2;base64," + base64.b64encode(file.read()).decode()
        rule = re.sub(r"src:[^;]*;", "src:url(%s) format('woff2');" % address, match[0])
        return rule

    return _FACE.sub(face, css)


def font_files():
    """The paths of the fonts that styles(fonts=...) names."""
    with open(STYLES, encoding="utf-8") as file:
        return sorted(os.path.join(FONTS, name) for _, name in _FACE.findall(file.read()))
