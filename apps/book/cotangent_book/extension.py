"""Sphinx: formulas are typeset when the book is built, by KaTeX."""
import os
import pathlib
import re
import shutil

from docutils import nodes
from sphinx.search.en import SearchEnglish

from cotangent_kernel.formulas import Formula, FormulaError, font_files, styles, typeset


def visit(display):
    def visitor(translator, node):
        try:
            tex = node.astext()
            text = typeset(Formula(tex.strip(), display))
        except FormulaError as error:
            from sphinx.util import logging
            logging.getLogger(__name__).warning("formula: %s", error, location=node)
            text = ""
        if display:
            text = f'<div class="formula">{text}</div>'
        translator.body.append(text)
        raise nodes.SkipNode
    return visitor


def put_fonts(app, error):
    """KaTeX's style sheet and fonts lie in the book's own folder."""
    if error or app.builder.format != "html":
        return
    folder = os.path.join(app.outdir, "_static", "katex")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "katex.css"), "w", encoding="utf-8") as file:
        file.write(styles(fonts=""))
    for path in font_files():
        shutil.copy(path, folder)


def keep_inside(app, error):
    """Debian's themes refer to files of the system, which a web server would serve: they come into the book."""
    if error or app.builder.format != "html":
        return
    for path in pathlib.Path(app.outdir, "_static").rglob("*.css"):
        text = path.read_text(encoding="utf-8")

        def bring(match):
            name = match[1].rsplit("/", 1)[-1]
            shutil.copy("/usr/share" + match[1], path.parent / name)
            return f"url({name})"

        inside = re.sub(r"url\((/javascript/[^)]+)\)", bring, text)
        if inside != text:
            path.write_text(inside, encoding="utf-8")
    # Browsers load no modules from files, so a script that imports another one gets that one's text.
    for path in pathlib.Path(app.outdir, "_static").rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        joined = re.sub(r'^import \w+ from "\./([\w.-]+)";$', lambda m: (path.parent / m[1]).read_text(encoding="utf-8"), text, flags=re.M)
        if joined != text:
            path.write_text(joined, encoding="utf-8")


class SearchCode(SearchEnglish):
    """English, in which a name is found by its parts, too: retain_graph by "retain"."""
    lang = "en-code"

    def split(self, text):
        words = super().split(text)
        return words + [part for word in words if "_" in word for part in word.split("_") if len(part) > 2]


def setup(app):
    app.add_html_math_renderer("katex", (visit(False), None), (visit(True), None))
    app.add_css_file("katex/katex.css")
    app.add_search_language(SearchCode)
    app.connect("build-finished", put_fonts)
    app.connect("build-finished", keep_inside)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
