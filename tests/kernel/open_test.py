"""./cotangent notebook behind the launcher: the notebooks in the folder, the kernel's registration, and Jupyter itself, started,
asked, found again and ended. The starter notebook and the examples of docs/notebooks.md are run."""
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from contextlib import redirect_stderr

from client import nbformat
from common import ROOT, Worker, run
from nbformat.sign import NotebookNotary

from cotangent_kernel import install, open as opener
from cotangent_kernel.scratch import scratch

LESSON = str(ROOT / "course/beginner/01_basic_scalar_backward.cpp")


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.join(folder.name, "some folder", "notebooks")
        os.makedirs(self.folder)

    def content(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def test_nothing_is_overwritten(self):
        with open(os.path.join(self.folder, "scratch.ipynb"), "w") as file:
            file.write("mine")
        with open(os.path.join(self.folder, "01_basic_scalar_backward_worked.ipynb"), "w") as file:
            file.write("mine, too")
        opener.put_scratch(self.folder)
        paths = opener.worked_copies(self.folder, [LESSON])
        self.assertEqual([os.path.basename(p) for p in paths], ["01_basic_scalar_backward_worked.ipynb"])
        self.assertEqual((self.content("scratch.ipynb"), self.content(os.path.basename(paths[0]))), ("mine", "mine, too"))

    def test_worked(self):
        with redirect_stderr(io.StringIO()):
            paths = opener.worked_copies(self.folder, [LESSON])
        node = nbformat.read(paths[0], as_version=4)
        nbformat.validate(node)
        self.assertTrue(any(cell.get("outputs") for cell in node.cells))
        # Otherwise Jupyter hides the figures.
        self.assertTrue(NotebookNotary().check_signature(node))
        node.cells[0].source = "edited"
        self.assertFalse(NotebookNotary().check_signature(node))

    def test_committed_one_is_copied(self):
        course = os.path.join(self.folder, "course")
        os.makedirs(course + "/notebooks/worked")
        text = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("committed", id="a")]))
        with open(course + "/notebooks/worked/lesson.ipynb", "w") as file:
            file.write(text)
        opener.worked_copies(self.folder, [course + "/beginner/lesson.cpp", course + "/beginner/not_worked.cpp"])
        self.assertEqual(self.content("lesson_worked.ipynb"), text)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "not_worked_worked.ipynb")))


class Registration(unittest.TestCase):
    def test_absolute_and_replaced(self):
        with tempfile.TemporaryDirectory() as prefix:
            for worker in ("/first/worker", "/second/worker"):
                where = install.install(prefix=prefix, worker=worker)
                spec = json.loads((where / "kernel.json").read_text())
                self.assertEqual(spec["argv"][0], "/usr/bin/python3")
                self.assertEqual((spec["env"]["COTANGENT_WORKER"], spec["env"]["PYTHONPATH"]), (worker, str(ROOT / "apps/kernel")))
            self.assertEqual([p.name for p in where.parent.iterdir()], ["cotangent"])

    def test_where(self):
        before = {k: os.environ.pop(k, None) for k in ("JUPYTER_DATA_DIR", "XDG_DATA_HOME")}
        self.addCleanup(os.environ.update, {k: v for k, v in before.items() if v is not None})
        self.assertEqual(str(install.folder()), os.path.expanduser("~/.local/share/jupyter/kernels"))
        os.environ["XDG_DATA_HOME"] = "/data"
        self.addCleanup(os.environ.pop, "XDG_DATA_HOME")
        self.assertEqual(str(install.folder()), "/data/jupyter/kernels")


class Examples(unittest.TestCase):
    def test_scratch(self):
        node = scratch()
        nbformat.validate(node)
        shown = []
        with Worker() as worker:
            for cell in node.cells:
                if cell.cell_type == "code" and cell.source:
                    result = run(worker, cell.source)
                    self.assertEqual((result.status, result.err), ("ok", ""), result.error)
                    shown += result.shown
        self.assertEqual(shown[0]["text/plain"], "tensor([2., 4., 6.])")
        self.assertIn("<svg", shown[1]["image/svg+xml"])

    def test_page(self):
        """Each cell of the page, in order, gives what the page says that it gives."""
        page = (ROOT / "docs/notebooks.md").read_text()
        cells = re.findall(r"```cpp\n(.*?)```\n(?:\n```text\n(.*?)```)?", page, re.S)
        self.assertGreaterEqual(len(cells), 3)
        with tempfile.TemporaryDirectory() as folder, Worker(folder=folder) as worker:
            for code, promised in cells:
                result = run(worker, code)
                self.assertEqual(result.status, "ok", result.error)
                given = result.out + "".join(s.get("text/plain", "") for s in result.shown)
                if promised:
                    self.assertEqual(given.strip(), promised.strip())


class Served(unittest.TestCase):
    """Jupyter as ./cotangent notebook starts it."""

    def start(self, *more):
        self.output = tempfile.TemporaryFile("w+")
        self.addCleanup(self.output.close)
        env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        process = subprocess.Popen([sys.executable, "-m", "cotangent_kernel.open", "--folder", self.folder, "--one", *more, LESSON],
                                   stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, env=env, start_new_session=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def said(self):
        self.output.seek(0)
        return self.output.read()

    def wait_for(self, what, seconds=90):
        end = time.monotonic() + seconds
        while not re.search(what, self.said()):
            self.assertLess(time.monotonic(), end, self.said())
            time.sleep(0.1)
        return re.search(what, self.said())

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name + "/notebooks"

    def test_life(self):
        process = self.start()
        url, token = self.wait_for(r"(http://(?:127\.0\.0\.1|localhost):\d+/)notebooks/01_basic_scalar_backward\.ipynb\?token=(\w{20,})").groups()
        first = self.output
        self.assertNotEqual(os.listdir(self.folder), [])
        with urllib.request.urlopen(url + "notebooks/01_basic_scalar_backward.ipynb?token=" + token, timeout=60) as page:
            self.assertIn(b"01_basic_scalar_backward", page.read())
        with urllib.request.urlopen(url + "api/kernelspecs?token=" + token, timeout=60) as answer:
            self.assertIn("cotangent", json.load(answer)["kernelspecs"])
        with self.assertRaises(urllib.error.HTTPError) as refused:  # nobody without the token
            urllib.request.urlopen(url + "api/contents", timeout=60)
        self.assertEqual(refused.exception.code, 403)
        port = int(re.search(r":(\d+)/", url)[1])
        with open("/proc/net/tcp") as file:
            listening = [line.split()[1] for line in file if line.split()[3] == "0A" and line.split()[1].endswith(":%04X" % port)]
        self.assertEqual(listening, ["0100007F:%04X" % port])  # 127.0.0.1
        # A second call finds it.
        self.assertEqual(self.start().wait(60), 0)
        self.assertIn("Jupyter runs here already: %snotebooks/" % url, self.said())
        self.output = first
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 0)
        self.assertIn("Jupyter has ended. Your notebooks are in " + self.folder, self.said())
        self.assertNotIn("Traceback", self.said())
        with self.assertRaises(OSError):
            urllib.request.urlopen(url, timeout=5)

    def test_ends_with_its_starter(self):
        process = self.start()
        url = self.wait_for(r"http://\S+:\d+/")[0]
        process.kill()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(url, timeout=5)
            except urllib.error.HTTPError:
                pass
            except OSError:
                return
            time.sleep(0.2)
        self.fail("Jupyter still answers")

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_folder_that_cannot_be_written(self):
        os.makedirs(self.folder)
        os.chmod(self.folder, stat.S_IRUSR | stat.S_IXUSR)
        self.assertEqual(self.start().wait(60), 1)
        self.assertIn("Permission denied", self.said())


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
