"""python3 -m cotangent_book [--pdf] [--to DIR] [PAGE..]: builds the book, or only some pages of it."""
import argparse
import hashlib
import pathlib
import re
import shutil
import sys
import time

from cotangent_kernel.cells import SourceError
from cotangent_kernel.formulas import FormulaError
from cotangent_kernel.notebook import notebook, notebook_text, read_source

from . import check, course, execute, indexes, pdf, reference, site
from .pages import Writer

ROOT = pathlib.Path(__file__).resolve().parents[3]


def write_sources(pages, folder, printed):
    """The book as Markdown; returns the pages of the reference part. A file that stays the same keeps its time, so that Sphinx need not read it again."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "figures").mkdir(parents=True)

    def put_file(name, text):
        (fresh / "figures" / name).write_text(text, encoding="utf-8")
        return "figures/" + name

    told = []
    for page in pages:
        tasks = notebook(read_source(page.path)).cells if page.exercise else None
        writer = Writer(page, put_file, printed)
        (fresh / (page.name + ".md")).write_text(writer.write(tasks), encoding="utf-8")
        told.append((indexes.label(page), page.name, writer.answers))
    documents = reference.write(ROOT, fresh)
    (fresh / "concepts.md").write_text(indexes.concepts(pages), encoding="utf-8")
    (fresh / "error_messages.md").write_text(indexes.errors(pages, printed), encoding="utf-8")
    documents = [("Index of concepts", "concepts"), ("Index of error messages", "error_messages"), *documents]
    if printed:
        (fresh / "answers.md").write_text(indexes.answers(told), encoding="utf-8")
        documents.insert(0, ("Answers", "answers"))
    (fresh / "index.md").write_text(indexes.front(pages, printed) + indexes.contents(pages, documents), encoding="utf-8")

    folder.mkdir(parents=True, exist_ok=True)
    new = {p.relative_to(fresh) for p in fresh.rglob("*") if p.is_file()}
    for old in [p for p in folder.rglob("*") if p.is_file() and p.relative_to(folder) not in new]:
        old.unlink()
    for name in new:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if not (folder / name).exists() or (folder / name).read_bytes() != (fresh / name).read_bytes():
            shutil.copy(fresh / name, folder / name)
    shutil.rmtree(fresh)
    return documents


def forget_others(work):
    """Pages of an earlier build are taken over only if the contents and this program are the same: every page shows the contents."""
    made_of = hashlib.sha256((work / "pages/index.md").read_bytes())
    for path in sorted(pathlib.Path(__file__).parent.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            made_of.update(path.read_bytes())
    mark = work / "made_of"
    if not mark.exists() or mark.read_text() != made_of.hexdigest():
        for old in ("html", "html.trees"):
            shutil.rmtree(work / old, ignore_errors=True)
        mark.write_text(made_of.hexdigest())
    shutil.rmtree(work / "html/figures", ignore_errors=True)


def put_notebooks(pages, site_folder):
    """To take away: each page as a fresh notebook and as the program it is."""
    folder = site_folder / "notebooks"
    folder.mkdir(exist_ok=True)
    for page in pages:
        (folder / (page.name + ".ipynb")).write_text(notebook_text(notebook(page.source, solutions=False)), encoding="utf-8")
        shutil.copy(page.path, folder)


def version():
    text = (ROOT / "include/cotangent/version.h").read_text(encoding="utf-8")
    return re.search(r'#define CT_VERSION "([^"]*)"', text)[1]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="./cotangent book", description="Builds the course as a site that works from its folder; --pdf: as a PDF, too.")
    parser.add_argument("page", nargs="*", help="only pages whose names contain this")
    parser.add_argument("--to", metavar="DIR", help="where the book goes; else build/book")
    parser.add_argument("--pdf", action="store_true", help="also DIR/cotangent.pdf")
    parser.add_argument("--work", metavar="DIR", help="for what is kept between two builds; else build/book-work")
    parser.add_argument("--jobs", type=int, default=2, help="how many pages are executed at once")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    target = pathlib.Path(options.to or ROOT / "build/book").absolute()
    work = pathlib.Path(options.work or ROOT / "build/book-work").absolute()
    try:
        pages = course.pages(ROOT, options.page)
        executed = execute.execute(pages, ROOT, work / "executed", options.jobs, site.progress)
        if options.page:
            work = work / "some"
        site.progress("[pages]")
        write_sources(pages, work / "pages", False)
        forget_others(work)
        folder = site.build("html", work / "pages", work, "SCREEN")
        shutil.copytree(work / "pages/figures", folder / "figures", dirs_exist_ok=True)
        put_notebooks(pages, folder)
        site.progress("[checking]")
        wrong = check.problems(folder)
        if wrong:
            raise course.BookError("the book has faults:\n  " + "\n  ".join(wrong))
        if options.pdf:
            site.progress("[printing]")
            documents = write_sources(pages, work / "print", True)
            for old in ("singlehtml", "singlehtml.trees"):
                shutil.rmtree(work / old, ignore_errors=True)
            joined = site.build("singlehtml", work / "print", work, "PRINT")
            shutil.copytree(work / "print/figures", joined / "figures", dirs_exist_ok=True)
            leaves = pdf.make(pages, documents, joined, work / "cotangent.pdf", version())
        site.put(folder, target)
        if options.pdf:
            shutil.copy(work / "cotangent.pdf", target)
            print(f"{target / 'cotangent.pdf'}: {leaves} pages")
    except (course.BookError, SourceError, FormulaError, OSError) as error:
        print(f"\ncotangent: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ncotangent: interrupted; what was executed is kept", file=sys.stderr)
        return 130
    site.progress("")
    print(f"{len(pages)} pages of the course ({executed} executed anew) in {time.monotonic() - started:.0f} s")
    print(target / "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
