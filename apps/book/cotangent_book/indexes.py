"""The front page, and the indexes of concepts and of error messages."""
from collections import defaultdict

from .course import CHAPTERS
from .pages import errors_of, plain, slug

FRONT = """# Cotangent

Compute gradients, see them, and understand where they come from. This is a course about automatic differentiation and about
learning by gradients, in C++, with a library that has PyTorch's semantics: the same operations, the same graphs, the same errors,
and for the same seed the same numbers. Every program in the book was run when the book was made; what stands below the code
is what it printed.

## Three paths

::::{container} paths

:::{container} path
**The scripts.** Twenty-seven short programs, from one derivative to Jacobians that are never computed, with a lecture and two
exercises. Begin here if you write code first and read later.

SCRIPTS
:::

:::{container} path
**The concept course.** Four tutorials and two workshops that ask before they tell: predict, run, compare. Each is a notebook to
fill in, with a model answer.

CONCEPTS
:::

:::{container} path
**Optimisation dynamics.** What happens after the gradient is known: step lengths, conditioning, momentum, saddles. Begin here if
backward holds no secrets for you.

DYNAMICS
:::

::::

## How to start

On Debian 12, in the folder of the repository:

```sh
./cotangent learn          # the guide: what is next, and it checks your files when you save them
./cotangent run 01         # one lesson, as a program
./cotangent notebook 01    # the same lesson, live in Jupyter
```

The first call installs the Debian packages that it needs, and builds the library.

- Questions at the end of a page can be answered at the terminal: `./cotangent quiz`. Here, the answers are folded away.
- Looking for a word? The search at the left knows every page, and there is an index of {doc}`concepts <concepts>`.
- An error came up? The {doc}`index of errors <error_messages>` says which page shows it and why it comes.
"""


def front(pages, printed):
    """The front page. In print it is the title page, and the contents are made with the page numbers."""
    if printed:
        return "# Cotangent\n\n"
    first = {}
    for page in pages:
        first.setdefault(page.chapter, page)

    def link(text, *chapters):
        for chapter in chapters:
            if chapter in first:
                return f"{{doc}}`{text}: {first[chapter].entry} <{first[chapter].name}>`"
        return ""

    text = FRONT.replace("SCRIPTS", link("First", "Beginner", "Intermediate", "Advanced"))
    text = text.replace("CONCEPTS", link("First", "Part 1: Concepts")).replace("DYNAMICS", link("First", "Part 2: Optimisation dynamics"))
    return text


def contents(pages, reference):
    """The trees of pages, one for each chapter."""
    out = []
    for _, chapter, _ in CHAPTERS:
        inside = [p for p in pages if p.chapter == chapter]
        if inside:
            out.append(tree(chapter, [(p.entry, p.name) for p in inside]))
    if reference:
        out.append(tree("Reference", reference))
    return "".join(out)


def tree(caption, entries):
    lines = "\n".join(f"{title} <{name}>" if title else name for title, name in entries)
    return f"```{{toctree}}\n:caption: '{caption}'\n:maxdepth: 1\n:hidden:\n\n{lines}\n```\n\n"


def answers(told):
    """In print: the answers of all questions. `told`: (title, name, answers) of pages."""
    out = ["# Answers\n\n"]
    for title, name, texts in told:
        if texts:
            out.append(f"## {plain(title)}\n\n" + "".join(texts))
    return "".join(out)


def concepts(pages):
    """Each concept, and the pages that have it in their first lines."""
    where = defaultdict(list)
    for page in pages:
        for concept in page.concepts:
            where[concept].append(page)
    out = ["# Concepts\n\nWhat the pages are about, in their own words.\n\n"]
    letter = None
    for concept in sorted(where, key=lambda c: (c.lstrip(".").lower(), c)):
        initial = concept.lstrip(".")[0].upper()
        if initial != letter:
            letter = initial
            out.append(f"## {letter}\n\n")
        out.append(f"- {plain(concept)}: " + ", ".join(f"{{doc}}`{label(p)} <{p.name}>`" for p in where[concept]) + "\n")
    return "".join(line if not line.startswith("## ") else "\n" + line for line in out)


def label(page):
    return page.source.header[0][0].replace("`", "")


def errors(pages, printed):
    """Each error that is shown on purpose, by its phrase, and where."""
    where = defaultdict(list)
    for page in pages:
        for cell in page.node.cells:
            if cell.cell_type == "code":
                for phrase in errors_of(cell.source):
                    if page not in where[phrase]:
                        where[phrase].append(page)
    out = ["# Error messages\n\nErrors are part of the lesson: these are raised on purpose, shown in full, and explained. Each is listed by\n"
           "the words by which it is recognised. [Errors](reference_errors.md) describes their form, and the lines of your program that they name.\n\n"]
    for phrase in sorted(where, key=str.lower):
        links = ", ".join(f"<a href=\"{'' if printed else p.name + '.html'}#error-{p.name}-{slug(phrase)}\">{label(p)}</a>" for p in where[phrase])
        out.append(f"- {plain(phrase)}<br>{links}\n")
    return "".join(out)
