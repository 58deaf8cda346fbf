"""Sphinx makes the pages: its settings, and one run."""
import io
import pathlib
import re
import shutil
import sys

from .course import BookError

STATIC = pathlib.Path(__file__).parent / "static"

SETTINGS = {
    "project": "Cotangent",
    "author": "the Cotangent authors",
    "copyright": "the Cotangent authors",
    "language": "en",
    "extensions": ["myst_parser", "cotangent_book.extension"],
    "myst_enable_extensions": ["dollarmath", "amsmath", "colon_fence"],
    "myst_heading_anchors": 4,
    "html_math_renderer": "katex",
    "html_static_path": [str(STATIC)],
    "html_copy_source": False,
    "html_show_sphinx": False,
    "html_show_copyright": False,
    "html_show_search_summary": False,
    "html_domain_indices": False,
    "html_use_index": False,
    "html_search_language": "en-code",
    "highlight_language": "none",
    "smartquotes": False,
    "exclude_patterns": [],
}
LIGHT = {
    "color-brand-primary": "#00569c",
    "color-brand-content": "#00569c",
    "color-foreground-muted": "#5a5d6b",
    "color-book-error": "#a3291d",
    "color-book-error-background": "#fdf1ef",
    "color-book-line": "#c9d3de",
    "color-book-comment": "#446973",
}
# All of the theme's dark colours: Debian's furo has lost those for readers whose system is dark and who have not pressed the button.
DARK = {
    "color-problematic": "#ee5151",
    "color-foreground-primary": "#dcdee0",
    "color-foreground-secondary": "#a9adb3",
    "color-foreground-muted": "#969ba3",
    "color-foreground-border": "#666666",
    "color-background-primary": "#131416",
    "color-background-secondary": "#1a1c1e",
    "color-background-hover": "#1e2124ff",
    "color-background-hover--transparent": "#1e212400",
    "color-background-border": "#303335",
    "color-background-item": "#444444",
    "color-brand-primary": "#7db8f0",
    "color-brand-content": "#7db8f0",
    "color-highlighted-background": "#083563",
    "color-highlight-on-target": "#333300",
    "color-admonition-background": "#18181a",
    "color-card-border": "#1a1c1e",
    "color-card-background": "#18181a",
    "color-book-error": "#ff9d8f",
    "color-book-error-background": "#2a1a18",
    "color-book-line": "#3f4b57",
    "color-book-comment": "#a5a58d",
}
SCREEN = {
    "html_theme": "furo",
    "html_title": "Cotangent",
    "html_css_files": ["book.css"],
    "html_js_files": ["book.js"],
    "pygments_style": "friendly",
    "pygments_dark_style": "monokai",
    "html_theme_options": {
        "light_css_variables": LIGHT,
        "dark_css_variables": DARK,
        "top_of_page_button": None,
    },
}
PRINT = {
    "html_theme": "basic",
    "html_title": "Cotangent",
    "html_css_files": ["print.css"],
    "pygments_style": "friendly",
    "html_sidebars": {"**": []},
    "html_permalinks": False,
}


def build(builder, source, work, settings):
    """Runs Sphinx. Errors: BookError, with all that it warned of: a link to nowhere, a formula that cannot be read."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    # Settings of a theme are known only to a conf.py.
    (work / "conf").mkdir(parents=True, exist_ok=True)
    (work / "conf/conf.py").write_text(f"from cotangent_book.site import SETTINGS, {settings}\nglobals().update(SETTINGS | {settings})\n", encoding="utf-8")
    said = io.StringIO()
    try:
        with patch_docutils(), docutils_namespace():
            app = Sphinx(str(source), str(work / "conf"), str(work / builder), str(work / (builder + ".trees")), builder,
                         status=None, warning=said, freshenv=False)
            app.build()
    except Exception as error:
        raise BookError(f"Sphinx: {error}\n{said.getvalue()}") from error
    warnings = re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue()).strip()
    if warnings:
        raise BookError(f"Sphinx warns:\n{warnings}")
    return work / builder


def put(folder, target):
    """The finished site in place of an older one. Errors: BookError, if there is something else."""
    mark = target / ".cotangent-book"
    if target.exists() and not target.is_dir():
        raise BookError(f"{target} is a file; name a folder with --to")
    if target.is_dir() and any(target.iterdir()) and not mark.exists():
        raise BookError(f"{target} has other files in it; name an empty folder or a new one with --to")
    target.mkdir(parents=True, exist_ok=True)
    mark.write_text("made by ./cotangent book, which replaces all that is here\n", encoding="utf-8")
    for old in target.iterdir():
        if old.name == mark.name:
            continue
        shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    for new in folder.iterdir():
        if new.name in (".buildinfo", "objects.inv"):
            continue
        if new.is_dir():
            shutil.copytree(new, target / new.name)
        else:
            shutil.copy(new, target / new.name)


def progress(line):
    """A line that the next one replaces, on a terminal."""
    if sys.stderr.isatty():
        print("\r\033[K" + line, end="", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr, flush=True)
