#!/usr/bin/env python3
"""compare.py SOURCE_DIR LESSONS_DIR LIBRARY COMPILER WORK_DIR -- the course is true of PyTorch, too.

Every lesson below SOURCE_DIR/course is compiled against libtorch 1.13 through adapter.h, runs, and must print what the lesson's
program in LESSONS_DIR prints: the same text, and the same numbers up to the last printed digit. Keys of questions are compared,
too. Messages of errors and warnings (lines that begin with "  | ") are each library's own. What is left out, and why, stands
in the table of docs/course-and-libtorch.md. Lessons stand in namespaces of one program, since libtorch's headers take longer to read than all lessons.
"""
import concurrent.futures
import glob
import json
import os
import re
import shutil
import subprocess
import sys

source, lessons_dir, library, compiler, work = (os.path.abspath(a) if i != 3 else a for i, a in enumerate(sys.argv[1:6]))
here = os.path.dirname(os.path.abspath(__file__))
only = sys.argv[6:]  # names of lessons, to look at a few
PAGE = "course-and-libtorch.md"
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1")
# Our headers that the adapter takes as they are; all others are the adapter.
OURS = {"api.h", "callable.h", "data.h", "plot.h"}
# What libtorch's C++ interface has under another name.
SPELLINGS = [(r"\.shape\(\)", ".sizes()"), (r"\bnext_functions\(\)", "next_edges()"),
             (r"\bstd::nullopt\b", "c10::nullopt"), (r"(->|\bnode\.)name\(\)(?!\.)", r"\1name()->*ct::as_in_python")]


class Lesson:
    def __init__(self, path):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.namespace = "course_" + self.name
        with open(path, encoding="utf-8") as f:
            self.lines = f.read().split("\n")
        self.exceptions = []

    def cell(self, title):
        """The lines (from 0) of the cell that begins the section `title`."""
        starts = [i for i, line in enumerate(self.lines) if re.match(r"\s*// %%", line)] + [len(self.lines)]
        for begin, end in zip(starts, starts[1:]):
            if any(f'section("{title}")' in line for line in self.lines[begin:end]):
                return range(begin, end)
        sys.exit(f'{PAGE}: {self.name} has no section "{title}"')

    def section_lines(self, title):
        """The lines (from 0) from section(title) to the next section."""
        begin = next((i for i, line in enumerate(self.lines) if f'section("{title}")' in line), None)
        if begin is None:
            sys.exit(f'{PAGE}: {self.name} has no section "{title}"')
        end = next((i for i in range(begin + 1, len(self.lines)) if re.search(r"\bsection\(", self.lines[i])), len(self.lines))
        return range(begin, end)

    def of(self, kind):
        return [e for e in self.exceptions if e["kind"] == kind]

    def text(self, without_cells=True):
        """The source for a namespace: includes stand before it, and lines keep their numbers."""
        left_out = {i for e in self.of("cell") for i in self.cell(e["what"])} if without_cells else set()
        out = [("" if i in left_out or line.startswith("#include") else line) for i, line in enumerate(self.lines)]
        for ours, theirs in SPELLINGS:
            out = [re.sub(ours, theirs, line) for line in out]
        return out


def read_exceptions(lessons):
    with open(os.path.join(source, "docs", PAGE), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if not line.startswith("|") or line.startswith("|---") or line.startswith("| lesson | what"):
                continue
            match = re.fullmatch(r'\| (\S+) \| (?:(lesson)|(cell|section|check|line) "(.*)") \| (\S.*) \|', line.strip())
            if not match:
                sys.exit(f"{PAGE}:{number}: cannot be read: {line}")
            found = [l for l in lessons if l.name == match[1] or l.name.startswith(match[1] + "_")]
            if len(found) != 1:
                if only:
                    continue
                sys.exit(f"{PAGE}:{number}: {len(found)} lessons are called {match[1]}")
            found[0].exceptions.append({"kind": match[2] or match[3], "what": match[4], "line": number, "used": False})


# ---- compiling ----------------------------------------------------------------------------------------------------------------

def write_if_changed(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


def shadow_headers():
    """An include folder in which <cotangent/..> is the adapter."""
    real = os.path.join(source, "include")
    for path in glob.glob(os.path.join(real, "cotangent", "**", "*.*"), recursive=True):
        name = os.path.relpath(path, real)
        if os.path.relpath(name, "cotangent") not in OURS:
            write_if_changed(os.path.join(work, "include", name), '#include "adapter.h"\n')


def program(lessons, without_cells=True):
    common = os.path.join(source, "course", "common")
    text = ['#include "adapter.h"']
    text += [f'#include "{path}"' for path in sorted(glob.glob(os.path.join(common, "*.cpp")))]
    includes = {line for l in lessons for line in l.lines if line.startswith("#include")}
    text += sorted(includes)
    for l in lessons:
        text += [f"namespace {l.namespace} {{", f'#line 1 "{l.path}"'] + l.text(without_cells) + ["}", '#line 1 "lessons.cpp"']
    text += ["int main(int argc, char** argv) {",
             "  c10::SetStackTraceFetcher([] { return std::string(); });  // looking up names takes long, and nobody reads them",
             "  const std::string name = argc > 1 ? argv[1] : \"\";"]
    text += [f'  if (name == "{l.name}") return {l.namespace}::main();' for l in lessons]
    return "\n".join(text + ["  return 2;", "}", ""])


FLAGS = ["-std=c++20", "-O0", "-w", "-fmax-errors=0", f"-I{work}/include", f"-I{source}/include", f"-I{source}/course", f"-I{here}",
         "-isystem", "/usr/include/torch/csrc/api/include", f'-DCT_COURSE_DIR="{source}/course"']


def compile_file(path, out):
    """None, or what the compiler said. ccache makes it quick the second time, where there is one."""
    ccache = [shutil.which("ccache")] if shutil.which("ccache") else []
    done = subprocess.run(ccache + [compiler] + FLAGS + ["-c", path, "-o", out], capture_output=True, text=True)
    return done.stderr if done.returncode else None


def errors_in(lesson, log):
    """Lines (from 1) of the lesson that the compiler's errors name."""
    return sorted({int(n) for n in re.findall(re.escape(lesson.path) + r":(\d+)", log)})


def build(lessons):
    """Compiles everything; lessons that do not compile are reported and left out."""
    texts_object, object_file, whole = (os.path.join(work, n) for n in ("texts.o", "lessons.o", "lessons"))
    failures = []
    while True:
        write_if_changed(os.path.join(work, "lessons.cpp"), program(lessons))
        log = compile_file(os.path.join(work, "lessons.cpp"), object_file)
        if log is None:
            break
        bad = [l for l in lessons if errors_in(l, log)]
        if not bad:
            sys.exit(log[:4000])
        for l in bad:
            said = log.split("\n")
            first = next(i for i, line in enumerate(said) if re.search(re.escape(l.path) + r":\d+", line))
            said = [line for line in said[first:first + 40] if l.path in line or " error: " in line]
            failures.append((l, "does not compile:\n    " + "\n    ".join(line[:300] for line in said[:6])))
        lessons = [l for l in lessons if l not in bad]
    real = ["-std=c++20", "-O1", f"-I{source}/include", f"-I{here}", "-c", os.path.join(here, "texts.cpp"), "-o", texts_object]
    subprocess.run([compiler] + real, check=True)
    subprocess.run([compiler, object_file, texts_object, library, f"-Wl,-rpath,{os.path.dirname(library)}",
                    "-ltorch", "-ltorch_cpu", "-lc10", "-o", whole], check=True)
    return lessons, failures


def stale_by_compiling(lessons):
    """Of what is listed because it does not compile: what does."""
    listed = [l for l in lessons if l.of("lesson") or l.of("cell")]
    if not listed:
        return []
    path = os.path.join(work, "listed.cpp")
    write_if_changed(path, program(listed, without_cells=False))
    log = subprocess.run([compiler] + FLAGS + ["-fsyntax-only", path], capture_output=True, text=True).stderr
    stale = []
    for l in listed:
        at = errors_in(l, log)
        for e in l.of("lesson"):
            if not at:
                stale.append(f"{PAGE}:{e['line']}: {l.name} does compile")
        for e in l.of("cell"):
            if not any(n - 1 in l.cell(e["what"]) for n in at):
                stale.append(f"{PAGE}:{e['line']}: the cell \"{e['what']}\" of {l.name} does compile; "
                             "if it differs, list the section")
    return stale


# ---- running and comparing ------------------------------------------------------------------------------------------------------

def run(command, name, which):
    folder = os.path.join(work, "run", name, which)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    questions = os.path.join(folder, "questions.json")
    environment = dict(ENVIRONMENT, COTANGENT_RESULTS=os.path.join(folder, "results"), COTANGENT_QUESTIONS=questions)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, errors="replace")
    keys = []
    if os.path.exists(questions):
        with open(questions, encoding="utf-8") as f:
            keys = [json.loads(line) for line in f]
    for name_, text in (("stdout", done.stdout), ("stderr", done.stderr)):
        with open(os.path.join(folder, name_), "w") as f:
            f.write(text)
    return done, keys


NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|inf|nan)(?![\w])|\d+")


def close(a, b):
    if a == b:
        return True
    x, y = float(a), float(b)
    if x == y or (x != x and y != y):
        return True
    if "." not in a and "." not in b and "e" not in a + b:
        return False  # integers are counted, not rounded
    digits = min((len(s.split("e")[0].split(".")[1]) if "." in s else 0) for s in (a, b))
    exponent = int(a.split("e")[1]) if "e" in a else 0
    last = 1.01 * 10.0 ** (exponent - digits) if digits else 0.0
    return abs(x - y) <= max(1e-9 if "e" in a + b else 1e-6, 1e-4 * abs(y), last)


def difference(ours, theirs):
    """None, or where two texts differ."""
    a, b = (re.sub(r"torch\.Size\((\[[^]]*\])\)", r"\1", re.sub(r"Backward[01]\b", "Backward", re.sub(r"\s+", " ", t))) for t in (ours, theirs))
    pa, pb = NUMBER.split(a), NUMBER.split(b)
    na, nb = NUMBER.findall(a), NUMBER.findall(b)
    squeeze = lambda s: s.replace(" ", "")
    for i in range(max(len(pa), len(pb))):
        here_a, here_b = (squeeze(p[i]) if i < len(p) else None for p in (pa, pb))
        if here_a != here_b or (i < len(na) and (i >= len(nb) or not close(na[i], nb[i]))):
            context = lambda p, n: "".join(x + y for x, y in zip(p[max(0, i - 3):i + 3], n[max(0, i - 3):i + 3] + [""] * 9))
            return f"ours:     ..{context(pa, na)}\n    libtorch: ..{context(pb, nb)}"
    return None


def check_comparison():
    """What counts as the same, and what does not."""
    for same, x, y in [(True, "x = 1.2346", "x = 1.2347"), (False, "x = 1.2346", "x = 1.2349"), (False, "3 steps", "4 steps"),
                       (True, "[ 1.,  -0.]", "[1., 0.]"), (False, "[1.]", "[-1.]"), (True, "1.2000e-05", "1.2001e-05"),
                       (False, "1.2000e-05", "1.2100e-05"), (True, "<MulBackward1>", "<MulBackward0>"),
                       (False, "<MulBackward0>", "<AddBackward0>"), (False, "1.5", "nan"), (True, "torch.Size([2, 3])", "[2, 3]")]:
        assert (difference(x, y) is None) == same, (x, y)


def blocks(text, lesson):
    """(title, lines) of the output, without messages, and with figures by name."""
    out = [("", [])]
    for line in text.split("\n"):
        heading = re.fullmatch(r"== (.*) ==", line)
        if heading:
            out.append((heading[1], []))
        elif line.startswith("  | ") or re.fullmatch(r"\d+ checks of the numbers above passed\.", line):
            continue
        elif line.startswith("figure: "):
            out[-1][1].append("figure: " + os.path.basename(line))
        else:
            out[-1][1].append(line)
    return out


def compare(lesson, whole):
    binary = os.path.join(lessons_dir, "lesson_" + lesson.name)
    if not os.path.exists(binary):
        return [f"{lesson.name}: {binary} is not built (target lessons)"]
    (ours, our_keys), (theirs, their_keys) = run([binary], lesson.name, "ours"), run([whole, lesson.name], lesson.name, "libtorch")
    wrong = []
    if ours.returncode:
        wrong.append(f"our program stopped with {ours.returncode}")
    # Checks that fail in libtorch must be listed.
    failed = re.findall(r"^  line (\d+): (.*)$", theirs.stderr, re.M)
    for line, message in failed:
        allowed = [e for e in lesson.of("check") if e["what"] in message]
        allowed += [e for e in lesson.of("section") if int(line) - 1 in lesson.section_lines(e["what"])]
        for e in allowed:
            e["used"] = True
        if not allowed:
            wrong.append(f"line {line}: {message[:300]}")
    if theirs.returncode not in (0, 1) or (theirs.returncode == 1 and not failed):
        wrong.append(f"libtorch's program stopped with {theirs.returncode}: {theirs.stderr[-600:]}")
    a, b = blocks(ours.stdout, lesson), blocks(theirs.stdout, lesson)
    for e in lesson.of("cell"):
        e["used"] = True
        a = [block for block in a if block[0] != e["what"]]
        b = [block for block in b if block[0] != e["what"]]
    if [t for t, _ in a] != [t for t, _ in b]:
        wrong.append(f"sections differ: {[t for t, _ in a]} and {[t for t, _ in b]}")
    else:
        for (title, x), (_, y) in zip(a, b):
            if not difference("\n".join(x), "\n".join(y)):
                continue
            skip = [e for e in lesson.of("section") if e["what"] == title]
            for e in skip:
                e["used"] = True
            drop = [e for e in lesson.of("line") if any(re.search(e["what"], line) for line in x + y)]
            keep = lambda lines: [line for line in lines if not any(re.search(e["what"], line) for e in drop)]
            found = difference("\n".join(keep(x)), "\n".join(keep(y)))
            for e in drop:
                e["used"] = True
            if found and not skip:
                wrong.append(f'in "{title}":\n    {found}')
    cut = lesson.of("cell") or lesson.of("section")
    for x, y in zip(our_keys, their_keys):
        same = close("%.9g" % x["key"], "%.9g" % y["key"]) and [o["right"] for o in x["options"]] == [o["right"] for o in y["options"]]
        if not same and not any(e for e in lesson.of("check") if e["what"] in x["question"] and not e.update(used=True)):
            wrong.append(f"the answer of \"{x['question'][:60]}..\" differs: {x['key']} {[o['right'] for o in x['options']]} "
                         f"and {y['key']} {[o['right'] for o in y['options']]}")
    if len(our_keys) != len(their_keys) and not cut:
        wrong.append(f"{len(our_keys)} questions and {len(their_keys)}")
    for e in lesson.exceptions:
        if not e["used"]:
            wrong.append(f"{PAGE}:{e['line']}: not needed any more")
    return [f"{lesson.name}: {w}" for w in wrong]


def main():
    check_comparison()
    paths = sorted(glob.glob(os.path.join(source, "course", "*", "**", "*.cpp"), recursive=True))
    lessons = [Lesson(p) for p in paths if os.path.relpath(p, os.path.join(source, "course")).split(os.sep)[0] not in ("common", "exercises")]
    if only:
        lessons = [l for l in lessons if any(l.name.startswith(o) for o in only)]
    if not lessons:
        sys.exit("no lessons found")
    read_exceptions(lessons)
    os.makedirs(work, exist_ok=True)
    shadow_headers()
    comparable = [l for l in lessons if not l.of("lesson")]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        stale = pool.submit(stale_by_compiling, lessons)
        comparable, failures = build(comparable)
        wrong = [f"{l.name}: {text}" for l, text in failures]
        for result in pool.map(lambda l: compare(l, os.path.join(work, "lessons")), comparable):
            wrong += result
        wrong += stale.result()
    for w in wrong:
        print(w)
    left_out = sum(bool(l.of("lesson")) for l in lessons)
    print(f"{len(comparable)} of {len(lessons)} lessons run in libtorch, {left_out} cannot; {len(wrong)} differences")
    sys.exit(1 if wrong else 0)


main()
