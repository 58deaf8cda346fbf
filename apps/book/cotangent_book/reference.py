"""The project's own documents, as the last part of the book. Their links to files that are not in the book become text."""
import re
import shutil

CHAPTER = (
    ("from-libtorch.md", "From libtorch or PyTorch"),
    ("errors.md", "Errors"),
    ("autograd.md", "Autograd"),
    ("graphs.md", "Drawing graphs"),
    ("data.md", "Data"),
    ("io.md", "Files"),
    ("learning.md", "The guide"),
    ("command-line.md", "The command line"),
    ("notebooks.md", "Notebooks"),
    ("book.md", "The book"),
    ("exercises.md", "How exercises are checked"),
    ("course-and-libtorch.md", "The course in libtorch"),
)


def name_of(file):
    return "reference_" + file.rsplit("/", 1)[-1].removesuffix(".md").replace("-", "_")


def write(root, folder):
    """Writes the documents as pages into the folder, and returns (title in the contents, name) of each."""
    there = [(file, title) for file, title in CHAPTER if (root / "docs" / file).exists()]
    files = {file for file, _ in there}

    def link(match):
        bang, text, target = match.groups()
        if re.match(r"https?://|#", target):
            return match[0]
        path, _, anchor = target.partition("#")
        if bang:
            shutil.copy(root / "docs" / path, folder)
            return match[0]
        if path.split("/")[-1] in files and (root / "docs" / path).resolve().parent == root / "docs":
            return f"[{text}]({name_of(path)}.md{'#' + anchor if anchor else ''})"
        return text

    for file, _ in there:
        text = (root / "docs" / file).read_text(encoding="utf-8")
        # Code between fences is left alone.
        pieces = re.split(r"(^```.*?^```)", text, flags=re.M | re.S)
        pieces[::2] = [re.sub(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)", link, p) for p in pieces[::2]]
        (folder / (name_of(file) + ".md")).write_text("".join(pieces), encoding="utf-8")
    return [(title, name_of(file)) for file, title in there]
