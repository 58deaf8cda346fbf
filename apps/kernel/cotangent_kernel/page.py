"""A notebook as an HTML page in one file: formulas typeset, figures inside, no scripts, nothing from a network; and as a PDF of that
page. nbconvert puts the cells together, with the template and the styles in page/."""

import base64
import os
import re
import shutil
import subprocess
import tempfile
import warnings
from xml.etree import ElementTree

from .formulas import markdown_html, styles

FOLDER = os.path.dirname(os.path.abspath(__file__))
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# What text and HTML outputs may have. A notebook may come from anybody, and a page may be opened by anybody.
TAGS = ["a", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
        "kbd", "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"]
ATTRIBUTES = {"*": ["class", "id", "colspan", "rowspan", "title", "align"], "a": ["href"], "img": ["src", "alt", "width", "height"]}


class PageError(Exception):
    """The page or the PDF cannot be made; the text says why and what to do."""


def _clean(text):
    import bleach
    return bleach.clean(text, tags=TAGS, attributes=ATTRIBUTES, protocols=["http", "https", "mailto", "data"], strip=True)


def _title_of_svg(svg):
    try:
        tree = ElementTree.fromstring(svg)
    except ElementTree.ParseError:
        return "figure"
    space = "{http://www.w3.org/2000/svg}"
    return " ".join((tree.findtext(space + "title") or tree.findtext(f"{space}g/{space}title") or "figure").split())


def _filters():
    return {
        "formulas_html": lambda text, attachments=None: markdown_html(text, strict=False, attachments=attachments, clean=_clean),
        "data_address": lambda svg: "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode(),
        "title_of_svg": _title_of_svg,
        "one_line": lambda data: re.sub(r"[^A-Za-z0-9+/=]", "", data),
        "clean_html": _clean,
        "tag_classes": lambda tags: "".join(" tag-" + re.sub(r"[^\w-]", "", tag) for tag in tags if isinstance(tag, str)),
    }


def _heading(node):
    """The page's title, and the line above the text: what kind of notebook this is."""
    ours = node.metadata.get("cotangent", {})
    header = [tuple(pair) for pair in ours.get("header", [])] if isinstance(ours, dict) else []
    if not header:
        first = next((m for c in node.cells if c.cell_type == "markdown" for m in [re.match(r"#+\s+(.+)", c.source)] if m), None)
        return first[1] if first else "Notebook", ""
    about = [header[0][0]] + [text for key, text in header if key in ("Level",)]
    concepts = next((text.replace("\n", " ") for key, text in header if key == "Concepts"), "")
    return ": ".join(header[0]), " · ".join(about) + (" — " + concepts if concepts else "")


def page(node):
    """The HTML of a notebook node, whose author need not be trusted."""
    from nbconvert.exporters import HTMLExporter
    from traitlets.config import Config

    title, about = _heading(node)
    # What is there in several forms: the picture, not the HTML, which may be a page with scripts.
    order = ["image/svg+xml", "image/png", "image/jpeg", "text/html", "text/markdown", "text/plain"]
    exporter = HTMLExporter(config=Config({"NbConvertBase": {"display_data_priority": order}}), template_name="page", extra_template_basedirs=[FOLDER], filters=_filters(),
                            exclude_input_prompt=True, exclude_output_prompt=True)
    with open(os.path.join(FOLDER, "page", "style.css"), encoding="utf-8") as file:
        own = file.read()
    mark = "/* formulas */"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of one Debian package about another
        text, _ = exporter.from_notebook_node(node, resources={"page": {"title": title, "about": about, "styles": mark + "\n" + own}})
    return text.replace(mark, styles(text) if 'class="katex' in text else "", 1)


def pdf(html_text, path, seconds=120):
    """Prints a page into a PDF file. Errors: PageError if no browser can do it."""
    with tempfile.TemporaryDirectory(prefix="cotangent-") as folder:
        source, printed = os.path.join(folder, "page.html"), os.path.join(folder, "page.pdf")
        with open(source, "w", encoding="utf-8") as file:
            file.write(html_text)
        print_page("file://" + source, printed, "--no-sandbox", seconds=seconds)
        partial = f"{path}.{os.getpid()}.part"
        shutil.copyfile(printed, partial)
        os.replace(partial, path)


def print_page(url, target, *options, seconds):
    """A browser prints the page at a URL as a PDF. Errors: PageError."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        raise PageError("a PDF is printed by Chromium: apt-get install chromium-headless-shell")
    with tempfile.TemporaryDirectory(prefix="cotangent-") as profile:
        said = run_program([browser, "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                            "--disable-sync", f"--user-data-dir={profile}", "--no-pdf-header-footer", f"--print-to-pdf={target}", *options, url], seconds)
    if not os.path.exists(target) or os.path.getsize(target) == 0:
        raise PageError(f"{browser} made no PDF: {said[-500:]}")


def run_program(command, seconds):
    """What a program said. It is ended, with what it started, after a time. Errors: PageError."""
    name = os.path.basename(command[0])
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as error:
            raise PageError(f"{name}: {error.strerror}") from error
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            raise PageError(f"{name} did not finish within {seconds} s") from None
        said.seek(0)
        text = said.read()
    if process.returncode:
        raise PageError(f"{name} failed:\n{text[-1000:]}")
    return text
