"""The book as one PDF: Sphinx joins the pages, Chromium prints them twice, the second time with page numbers in the contents."""
import html
import os
import re

from cotangent_kernel.page import PageError, print_page, run_program

from .course import CHAPTERS, BookError

SECONDS = 600


def make(pages, reference, folder, target, version):
    """Prints the joined pages in `folder` as `target`; returns the number of pages. Errors: BookError."""
    index = folder / "index.html"
    text = index.read_text(encoding="utf-8")
    chapters = [(chapter, [(p.entry, p.name) for p in pages if p.chapter == chapter]) for _, chapter, _ in CHAPTERS]
    chapters = [c for c in chapters if c[1]] + [("Reference", reference)]
    # A page's place is its title: before that would be on the leaf before.
    text = re.sub(r'(<span id="document-[^"]+"></span>)(\s*<section[^>]*>\s*<h2[^>]*>)', r"\2\1", text)
    printed = folder / "printed.html"
    numbers = {}
    for _ in range(2):
        printed.write_text(with_front(text, chapters, numbers, version), encoding="utf-8")
        print_to(printed, target)
        numbers = destinations(target)
        missing = [name for _, entries in chapters for _, name in entries if f"document-{name}" not in numbers]
        if missing:
            raise BookError(f"pages are missing in the PDF: {', '.join(missing)}")
    return int(re.search(r"Pages:\s+(\d+)", run("pdfinfo", str(target)))[1])


def with_front(text, chapters, numbers, version):
    """The joined pages with a title page and contents before them."""
    rows = []
    for chapter, entries in chapters:
        rows.append(f"<h2>{html.escape(chapter)}</h2>")
        for title, name in entries:
            number = numbers.get(f"document-{name}", "")
            rows.append(f'<p><a href="#document-{name}"><span class="entry">{html.escape(title)}</span><span class="dots"></span><span class="number">{number}</span></a></p>')
    front = (f'<div class="title-page"><p class="name">Cotangent</p><p class="subtitle">Gradients in C++, computed, seen and understood</p>'
             f'<p class="edition">Version {version}</p></div><nav class="contents"><p class="heading">Contents</p>{"".join(rows)}</nav>')
    return text.replace("<body>", "<body>" + front, 1)


def destinations(file):
    """{name: page} of the places that the contents lead to."""
    found = {}
    for line in run("pdfinfo", "-dests", str(file)).splitlines():
        match = re.match(r"\s*(\d+)\s.*\"(.*)\"", line)
        if match:
            found[match[2]] = int(match[1])
    return found


def print_to(page, target):
    # Chromium has no sandbox for root.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    try:
        print_page(page.as_uri(), target, "--generate-pdf-document-outline", *options, seconds=SECONDS)
    except PageError as error:
        raise BookError(str(error)) from error


def run(*command):
    try:
        return run_program(command, SECONDS)
    except PageError as error:
        raise BookError(str(error)) from error
