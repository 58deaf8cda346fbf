"""Looks through a finished site: links, anchors, titles, pictures, formulas, the search."""
import json
import pathlib
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit


class PageReader(HTMLParser):
    """What a page has: ids, references, pictures without a description, its title and words."""

    def __init__(self):
        super().__init__()
        self.ids, self.references, self.silent = set(), [], []
        self.title, self.text, self.inside = "", [], []
        self.embedded = False

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if "id" in a:
            self.ids.add(a["id"])
        if tag == "a" and "name" in a:
            self.ids.add(a["name"])
        for key in ("href", "src", "poster", "data"):
            if a.get(key):
                self.references.append((tag, a[key]))
        if a.get("srcset"):
            self.references += [(tag, piece.split()[0]) for piece in a["srcset"].split(",")]
        if tag == "img" and not (a.get("alt") or "").strip():
            self.silent.append(a.get("src", "?"))
        if tag in ("title", "script", "style", "annotation", "code", "pre"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        where = self.inside[-1] if self.inside else ""
        if where == "title":
            self.title += data
        elif where == "":
            self.text.append(data)


def problems(folder):
    """All that is wrong with the site in a folder, one line each, with the page."""
    folder = pathlib.Path(folder).resolve()
    found = []
    pages = {}
    for path in sorted(folder.rglob("*.html")):
        reader = PageReader()
        reader.feed(path.read_text(encoding="utf-8"))
        pages[path] = reader
    if not pages:
        return [f"{folder}: no pages"]
    for path, page in pages.items():
        name = path.relative_to(folder)
        if not page.title.strip():
            found.append(f"{name}: no title")
        found += [f"{name}: a picture without a description: {source}" for source in page.silent]
        text = "".join(page.text)
        for mark in ("$$", "formula-error", "katex-error", "\\begin{", "{doc}", "{ref}", ":::"):
            if mark in text or (mark.endswith("error") and f'class="{mark}' in path.read_text(encoding="utf-8")):
                found.append(f"{name}: {mark} is left in the text")
        for tag, target in page.references:
            fault = wrong(folder, path, pages, tag, target)
            if fault:
                found.append(f"{name}: <{tag}> to {target}: {fault}")
    for path in folder.rglob("*.css"):
        for target in re.findall(r"url\(\s*['\"]?([^'\")]+)", path.read_text(encoding="utf-8")):
            fault = "" if target.startswith("data:") else wrong(folder, path, pages, "url", target)
            if fault:
                found.append(f"{path.relative_to(folder)}: url({target}): {fault}")
    for path in folder.rglob("*.js"):
        if re.search(r"^\s*(import|export)\b", path.read_text(encoding="utf-8"), re.M):
            found.append(f"{path.relative_to(folder)}: a module, which browsers do not load from files")
    for path in folder.rglob("*"):
        if path.is_symlink():
            found.append(f"{path.relative_to(folder)}: a link out of the folder")
    return found + search_problems(folder, pages)


def wrong(folder, path, pages, tag, target):
    """Why a reference leads nowhere, or an empty text. Only <a> may leave the folder, to the web."""
    parts = urlsplit(target)
    if parts.scheme in ("http", "https") or parts.netloc:
        return "" if tag == "a" else "is not in the folder"
    if parts.scheme == "data":
        return ""
    if parts.scheme:
        return "leaves the folder"
    place = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if folder != place and folder not in place.parents:
        return "leaves the folder"
    if not place.is_file():
        return "there is no such file"
    if parts.fragment and place.suffix == ".html" and place in pages:
        fragment = unquote(parts.fragment)
        if fragment not in pages[place].ids and not fragment.startswith("searchbox"):
            return f"there is no {fragment} on that page"
    return ""


def search_problems(folder, pages):
    index = folder / "searchindex.js"
    if not index.exists():
        return ["there is no search index"]
    data = json.loads(re.search(r"Search\.setIndex\((.*)\)", index.read_text(encoding="utf-8"), re.S)[1])
    found = []
    known = [set() for _ in data["docnames"]]
    for words in (data["terms"], data["titleterms"]):
        for numbers in words.values():
            for number in numbers if isinstance(numbers, list) else [numbers]:
                known[number].add(1)
    for name, words in zip(data["docnames"], known):
        if not words:
            found.append(f"{name}: the search knows no word of it")
    for path in pages:
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name not in data["docnames"] and name not in ("search", "genindex"):
            found.append(f"{name}: the search does not know it")
    return found
