"""What is in the book, and in which order: chapters and the sources of their pages."""
import pathlib
import re
from dataclasses import dataclass, field

from cotangent_kernel.notebook import read_source

CHAPTERS = (
    ("course/beginner", "Beginner", "One gradient, then a graph, then a loop that learns."),
    ("course/intermediate", "Intermediate", "Optimizers, modules, freezing, accumulation: the tools of real training."),
    ("course/advanced", "Advanced", "Vectors instead of numbers: Jacobians, and why nobody computes them."),
    ("course/lecture", "Lecture", "Gradient tracking from the beginning, and what is built when."),
    ("course/exercises", "Exercises", "Two programs with gaps, hints, and a check that says what is wrong."),
    ("course/part_1", "Part 1: Concepts", "Four tutorials and two workshops, each a notebook to fill in."),
    ("course/part_2", "Part 2: Optimisation dynamics", "What gradient descent does over time, from one dimension to many."),
)


class BookError(Exception):
    """The book cannot be built; the text says why and what to do."""


@dataclass
class Page:
    path: pathlib.Path             # the source
    chapter: str
    source: object                 # cotangent_kernel.cells.Source
    worked: pathlib.Path = None    # what is executed: the source, or an exercise's worked solution
    hints: pathlib.Path = None      # of an exercise or a workshop
    node: object = None            # the executed notebook
    questions: list = field(default_factory=list)

    @property
    def name(self):
        return self.path.stem

    @property
    def short(self):
        """What ./cotangent calls it: "03", "tutorial_1", "part_2_tutorial_1"."""
        match = re.match(r"\d+(?=_)|(?:part_\d+_)?[a-z]+_\d+", self.name)
        return match[0] if match else self.name

    @property
    def exercise(self):
        """Whether the source is the task, and the worked solution another one."""
        return self.path.parent.name == "exercises"

    @property
    def title(self):
        return f"{self.source.header[0][0]}: {self.source.title}"

    @property
    def entry(self):
        """Its name in the contents."""
        label = self.source.header[0][0]
        return f"{label.removeprefix('Lesson ').removeprefix('Part 2, ')} · {self.source.title}"

    @property
    def concepts(self):
        return [c.strip() for c in re.split(r",(?![^(]*\))", (self.source.value("Concepts") or "").replace("\n", " ")) if c.strip()]

    @property
    def solutions(self):
        return any("solution" in c.tags for c in self.source.cells)


def pages(root, only=()):
    """The pages of the book; `only`: those whose names contain one of these words. Errors: BookError, SourceError."""
    found = []
    for folder, chapter, _ in CHAPTERS:
        for path in sorted((root / folder).glob("*.cpp"), key=order):
            if only and not any(word in path.stem for word in only):
                continue
            page = Page(path, chapter, read_source(path), path)
            if page.exercise:
                page.worked = path.parent / "worked" / path.name
            hints = root / "course/exercises/hints" / (path.stem + ".md")
            page.hints = hints if hints.exists() else None
            found.append(page)
    if not found:
        raise BookError(f"no page of the course is called {' or '.join(only)}")
    return found


def order(path):
    """Workshops come after tutorials."""
    return ("workshop" in path.stem, path.stem)
