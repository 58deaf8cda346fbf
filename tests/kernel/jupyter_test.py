"""The kernel through Jupyter's own client: every message of the protocol that it answers, and a notebook run without a browser.

Exits with 77 (skipped) where Debian's python3-ipykernel, python3-jupyter-client, jupyter-nbconvert or python3-nbformat are missing."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import common  # noqa: F401  (the path of cotangent_kernel)

try:
    import ipykernel  # noqa: F401
    import nbconvert  # noqa: F401
    import nbformat
    from jupyter_client.manager import KernelManager
except ImportError as e:
    print("skipped:", e)
    sys.exit(77)

from cotangent_kernel.install import install

DATA = tempfile.TemporaryDirectory()
os.environ["JUPYTER_DATA_DIR"] = DATA.name
os.environ["IPYTHONDIR"] = DATA.name
install()


class Kernel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = KernelManager(kernel_name="cotangent")
        cls.manager.start_kernel(cwd=DATA.name)
        cls.client = cls.manager.client()
        cls.client.start_channels()
        cls.client.wait_for_ready(timeout=60)

    @classmethod
    def tearDownClass(cls):
        cls.client.stop_channels()
        cls.manager.shutdown_kernel()

    def run_cell(self, code, timeout=30, **options):
        """The reply, and what came on iopub between busy and idle as (type, content)."""
        # After an error Jupyter answers what comes in the next tenth of a second with "aborted", unless it was told not to.
        request = self.client.execute(code, **{"stop_on_error": False, **options})
        reply = self.client.get_shell_msg(timeout=timeout)
        self.assertEqual(reply["parent_header"]["msg_id"], request)
        seen, states = [], []
        while "idle" not in states:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status":
                states.append(message["content"]["execution_state"])
            else:
                seen.append((message["msg_type"], message["content"]))
        self.assertEqual(states, ["busy", "idle"])
        return reply["content"], seen

    def ask(self, request):
        while True:
            reply = self.client.get_shell_msg(timeout=30)
            if reply["parent_header"]["msg_id"] == request:
                return reply["content"]

    def test_info(self):
        info = self.ask(self.client.kernel_info())
        self.assertEqual((info["status"], info["implementation"], info["language_info"]["name"]), ("ok", "cotangent", "c++"))
        self.assertEqual(info["language_info"]["file_extension"], ".cpp")

    def test_stream_and_reply(self):
        reply, seen = self.run_cell('std::cout << "hello" << std::endl;')
        self.assertEqual((reply["status"], reply["user_expressions"]), ("ok", {}))
        self.assertEqual(seen[0][0], "execute_input")
        self.assertEqual(seen[1:], [("stream", {"name": "stdout", "text": "hello\n"})])
        _, seen = self.run_cell('std::cerr << "oh";')
        self.assertEqual(seen[1:], [("stream", {"name": "stderr", "text": "oh"})])

    def test_result_and_count(self):
        first, _ = self.run_cell("int in_kernel = 41;")
        reply, seen = self.run_cell("in_kernel + 1")
        self.assertEqual(reply["execution_count"], first["execution_count"] + 1)
        kind, content = seen[-1]
        self.assertEqual((kind, content["data"], content["execution_count"]), ("execute_result", {"text/plain": "42"}, reply["execution_count"]))

    def test_display(self):
        _, seen = self.run_cell("ct::show(ct::ones({2, 2}));")
        self.assertEqual(seen[-1][0], "display_data")
        self.assertEqual(sorted(seen[-1][1]["data"]), ["text/html", "text/plain"])

    def test_error(self):
        reply, seen = self.run_cell("int a = 1;\nint b = unknown;")
        self.assertEqual((reply["status"], reply["ename"], reply["evalue"]), ("error", "CompileError", "use of undeclared identifier 'unknown'"))
        kind, content = seen[-1]
        self.assertEqual(kind, "error")
        text = "\n".join(content["traceback"])
        self.assertIn("In[%d]:2:9: " % reply["execution_count"], text)
        self.assertIn("    int b = unknown;\n\x1b[32m            ^", text)
        reply, _ = self.run_cell("ct::ones({2}).backward();")
        self.assertEqual((reply["status"], reply["ename"]), ("error", "ct::Error"))
        self.assertEqual(self.run_cell("1;")[0]["status"], "ok")

    def test_crash(self):
        self.run_cell("int before_crash = 7;")
        self.assertEqual(self.run_cell("before_crash = 8; *(volatile int*)0 = 1;")[0]["ename"], "Crash")
        self.assertEqual(self.run_cell("before_crash")[1][-1][1]["data"]["text/plain"], "7")

    def test_silent(self):
        reply, seen = self.run_cell("std::cout << 1; 2", silent=True)
        self.assertEqual((reply["status"], seen), ("ok", []))

    def test_empty(self):
        self.assertEqual(self.run_cell(" \n")[0]["status"], "ok")

    def test_interrupt(self):
        request = self.client.execute("for (volatile long i = 0;; i = i + 1) {}", stop_on_error=False)
        time.sleep(0.7)
        self.manager.interrupt_kernel()
        self.assertEqual(self.ask(request)["ename"], "Interrupted")
        self.assertEqual(self.run_cell("1;")[0]["status"], "ok")

    def test_interrupt_of_nothing(self):
        self.manager.interrupt_kernel()
        time.sleep(0.2)
        self.assertEqual(self.run_cell("1;")[0]["status"], "ok")

    def test_stop_on_error(self):
        failing, skipped = self.client.execute("throw 1;"), self.client.execute("int never_made = 1;")
        self.assertEqual(self.ask(failing)["status"], "error")
        self.assertIn(self.ask(skipped)["status"], ("aborted", "error"))

    def test_complete(self):
        reply = self.ask(self.client.complete("int a = 1; é; ct::rand", 22))
        self.assertEqual((reply["status"], reply["cursor_start"], reply["cursor_end"]), ("ok", 18, 22))
        self.assertIn("randn", reply["matches"])

    def test_inspect(self):
        reply = self.ask(self.client.inspect("ct::Tensor().backward", 21))
        self.assertTrue(reply["found"])
        self.assertIn("Accumulates d(this)/d(leaf)", reply["data"]["text/plain"])
        self.assertFalse(self.ask(self.client.inspect("nothing_here", 5))["found"])
        for code in ["?ct::Tensor", "ct::Tensor?"]:
            reply, _ = self.run_cell(code)
            self.assertIn("class Tensor", reply["payload"][0]["data"]["text/plain"])

    def test_is_complete(self):
        self.assertEqual(self.ask(self.client.is_complete("int f() {")), {"status": "incomplete", "indent": "  "})
        self.assertEqual(self.ask(self.client.is_complete("int a;"))["status"], "complete")

    def test_history(self):
        self.assertEqual(self.ask(self.client.history())["history"], [])

    def test_restart(self):
        self.run_cell("int before_restart = 1;")
        start = time.monotonic()
        self.manager.restart_kernel(now=False)
        self.client.wait_for_ready(timeout=60)
        self.assertEqual(self.run_cell("before_restart")[0]["ename"], "CompileError")
        print("restart and a cell: %.2f s" % (time.monotonic() - start))

    def test_worker_killed(self):
        """Even if the worker and its copies are gone, the next cell runs in a new one."""
        pid = int(self.run_cell("#include <unistd.h>\ngetpid()")[1][-1][1]["data"]["text/plain"])
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
        self.assertEqual(self.run_cell("1;")[0]["ename"], "WorkerDied")
        self.assertEqual(self.run_cell("1;")[0]["status"], "ok")


class Notebook(unittest.TestCase):
    def test_nbconvert(self):
        new = nbformat.v4.new_code_cell
        book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "cotangent", "display_name": "C++", "language": "c++"}})
        book.cells = [new("auto x = ct::tensor({1.0, 2.0}, ct::requires_grad());"), new("(x * x).sum().backward(); x.grad()"),
                      new("throw 1;", metadata={"tags": ["raises-exception"]}),
                      new("#include <cotangent/plot.h>\nct::plot::Figure fig; fig.ax().plot({1, 2});\nfig")]
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(book, folder + "/book.ipynb")
            done = subprocess.run([sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--output", "done.ipynb", folder + "/book.ipynb"],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(folder + "/done.ipynb") as file:
                cells = json.load(file)["cells"]
        self.assertEqual("".join(cells[1]["outputs"][0]["data"]["text/plain"]), "tensor([2., 4.])")
        self.assertEqual(cells[2]["outputs"][0]["ename"], "int")
        self.assertIn("<svg", "".join(cells[3]["outputs"][0]["data"]["image/svg+xml"]))


if __name__ == "__main__":
    start = time.monotonic()
    unittest.main(argv=sys.argv)
