"""The kernel through Jupyter's own client: every message of the protocol that it answers, and a notebook run without a browser."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from client import DATA, Client, KernelCase, nbformat


class Kernel(KernelCase):
    def test_info(self):
        info = self.ask(self.client.kernel_info())
        self.assertEqual((info["status"], info["implementation"], info["language_info"]["name"]), ("ok", "cotangent", "c++"))
        self.assertEqual(info["language_info"]["file_extension"], ".cpp")

    def test_stream_and_reply(self):
        reply, seen = self.run_cell('std::cout << "hello" << std::endl;')
        self.assertEqual((reply["status"], reply["user_expressions"]), ("ok", {}))
        self.assertEqual(seen, [("stream", {"name": "stdout", "text": "hello\n"})])
        self.assertEqual(self.ok('std::cerr << "oh";'), [("stream", {"name": "stderr", "text": "oh"})])

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
        request = self.kernel.send('std::cout << "begun" << std::endl; for (volatile long i = 0;; i = i + 1) {}')
        self.kernel.wait_for_text(request, "begun")
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

    def history(self, **options):
        return self.ask(self.client.history(**{"raw": True, "output": False, **options}))["history"]

    def test_history(self):
        self.run_cell("int hist1 = 1;")
        count = self.run_cell("hist1 + 1")[0]["execution_count"]
        self.run_cell("hist_unknown")
        self.run_cell("hist1 + 1")
        self.run_cell("hist1 + 2", store_history=False)
        self.run_cell("hist1 + 3", silent=True)
        codes = ["int hist1 = 1;", "hist1 + 1", "hist_unknown", "hist1 + 1"]
        self.assertEqual(self.history(hist_access_type="tail", n=4), [[1, count - 1 + i, code] for i, code in enumerate(codes)])
        self.assertEqual(self.history(hist_access_type="range", session=0, start=count, stop=count + 2), [[1, count, codes[1]], [1, count + 1, codes[2]]])
        self.assertEqual([h[2] for h in self.history(hist_access_type="search", pattern="hist*")], codes[1:])
        self.assertEqual([h[2] for h in self.history(hist_access_type="search", pattern="hist*", unique=True)], ["hist1 + 1", "hist_unknown"])
        self.assertEqual(self.history(hist_access_type="tail", n=1, output=True), [[1, count + 2, ["hist1 + 1", "2"]]])
        self.assertEqual(self.history(hist_access_type="tail", n=0), [])

    def test_counts(self):
        """Only cells that the history keeps are counted."""
        first = self.run_cell("int counted = 1;")[0]["execution_count"]
        self.assertEqual(self.run_cell("counted", store_history=False)[0]["execution_count"], first + 1)
        self.assertEqual(self.run_cell("counted", silent=True)[0]["status"], "ok")
        reply, seen = self.run_cell("counted")
        self.assertEqual((reply["execution_count"], seen[-1][1]["execution_count"]), (first + 1, first + 1))

    def test_user_expressions(self):
        self.ok("int for_user = 4;")
        reply, seen = self.run_cell("for_user += 1;", user_expressions={"sum": "for_user + 1", "bad": "no_such_name"})
        self.assertEqual(reply["user_expressions"]["sum"], {"status": "ok", "data": {"text/plain": "6"}, "metadata": {}})
        self.assertEqual((reply["user_expressions"]["bad"]["status"], reply["user_expressions"]["bad"]["ename"]), ("error", "CompileError"))
        self.assertEqual(seen, [])

    def test_comm_info(self):
        self.assertEqual(self.ask(self.client.comm_info()), {"status": "ok", "comms": {}})

    def test_streams_while_it_runs(self):
        """What a cell prints is seen before it ends."""
        request = self.kernel.send("#include <unistd.h>\nstd::cout << \"first\" << std::endl; while (access(\"go_on\", F_OK) != 0) usleep(10000); std::cout << \"second\" << std::endl;")
        self.kernel.wait_for_text(request, "first")
        with open(os.path.join(DATA.name, "go_on"), "w"):
            pass
        self.kernel.wait_for_text(request, "second")
        self.assertEqual(self.kernel.reply(request)["status"], "ok")

    def test_huge_output(self):
        start = time.monotonic()
        seen = self.ok('for (int i = 0; i < 200000; ++i) std::cout << "line " << i << " of a text that is longer than anybody reads\\n"; 7')
        text = self.printed(seen)
        self.assertLess(len(text), 500_000)
        self.assertTrue(text.startswith("line 0 of"))
        self.assertTrue(text.endswith("line 199999 of a text that is longer than anybody reads\n"))
        self.assertIn("characters are left out ...", text)
        self.assertEqual([c["data"]["text/plain"] for k, c in seen if k == "execute_result"], ["7"])
        print("10 MB of output: %.2f s" % (time.monotonic() - start))

    def test_endless_output(self):
        request = self.kernel.send('for (long i = 0;; ++i) std::cout << i << "\\n";')
        self.kernel.wait_for_text(request, "its end follows")
        self.manager.interrupt_kernel()
        self.assertEqual(self.kernel.reply(request)["ename"], "Interrupted")
        self.assertEqual(self.value("1 + 1"), "2")

    def test_many_values_shown(self):
        seen = self.ok("for (int i = 0; i < 1000; ++i) ct::show(i);")
        self.assertEqual(len([1 for k, _ in seen if k == "display_data"]), 300)
        self.assertIn("more than 300 values", self.printed(seen))

    def test_not_utf8(self):
        self.assertEqual(self.printed(self.ok('std::cout << "caf\\xe9 \\xff|é\\n";')), "caf\ufffd \ufffd|é\n")
        reply, _ = self.run_cell('throw std::runtime_error("\\xff");')
        self.assertEqual((reply["ename"], reply["evalue"]), ("std::runtime_error", "\ufffd"))

    def test_interrupt_before_the_cell_begins(self):
        """Right after the request, while the worker is not ready yet or still reads the cell."""
        for restart in (True, False, False, False):
            if restart:
                self.run_cell("#include <unistd.h>\n#include <csignal>\nkill(getpid(), SIGKILL);")  # survived: a failed cell
                self.run_cell("#include <csignal>\n#include <unistd.h>\nkill(0, SIGKILL);")  # not survived
            request = self.kernel.send("for (volatile long i = 0;; i = i + 1) {}")
            self.assertEqual(self.kernel.get("iopub", request)["content"], {"execution_state": "busy"})
            self.assertEqual(self.kernel.get("iopub", request)["msg_type"], "execute_input")
            self.manager.interrupt_kernel()
            self.assertEqual(self.kernel.reply(request)["ename"], "Interrupted")
            self.kernel.outputs(request)

    def test_restart(self):
        self.run_cell("int before_restart = 1;")
        start = time.monotonic()
        self.manager.restart_kernel(now=False)
        self.client.wait_for_ready(timeout=120)
        self.assertEqual(self.run_cell("before_restart")[0]["ename"], "CompileError")
        print("restart and a cell: %.2f s" % (time.monotonic() - start))

    def test_worker_killed(self):
        """Even if the worker and its copies are gone, the next cell runs in a new one."""
        pid = int(self.run_cell("#include <unistd.h>\ngetpid()")[1][-1][1]["data"]["text/plain"])
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(self.run_cell("1;")[0]["ename"], "WorkerDied")
        self.assertEqual(self.run_cell("1;")[0]["status"], "ok")


def processes(session):
    """Those of a session that still run."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as file:
                state, _, _, its_session = file.read().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its_session) == session:
            found.append((int(pid), state))
    return found


def gone(session, seconds=20):
    """Whether all of them end in time."""
    end = time.monotonic() + seconds
    while processes(session) and time.monotonic() < end:
        time.sleep(0.05)
    return not processes(session)


class Lives(unittest.TestCase):
    """How kernels and workers begin and end."""

    def setUp(self):
        self.kernel = Client()
        self.addCleanup(self.kernel.close)
        self.session = self.session_of(self.kernel)

    def session_of(self, kernel):
        request = kernel.send("#include <unistd.h>\ngetsid(0)")
        self.assertEqual(kernel.reply(request)["status"], "ok", kernel.log)
        return int(kernel.outputs(request)[0][-1][1]["data"]["text/plain"])

    def start_loop(self):
        request = self.kernel.send('std::cout << "begun" << std::endl; for (volatile long i = 0;; i = i + 1) {}')
        self.kernel.wait_for_text(request, "begun")
        return request

    def test_shutdown(self):
        with tempfile.TemporaryDirectory() as folder:
            kernel = Client(env={**os.environ, "TMPDIR": folder})
            self.addCleanup(kernel.close)
            session = self.session_of(kernel)
            kernel.reply(kernel.send("#include <cotangent/plot.h>\n#include <cstdlib>\nct::plot::Figure f; f.ax().plot({1, 2}); ct::show(f); std::system(\"sleep 600 &\");"))
            self.assertGreater(len(processes(session)), 1)
            kernel.manager.shutdown_kernel()
            self.assertTrue(gone(session), processes(session))
            self.assertEqual(os.listdir(folder), [])

    def test_shutdown_in_a_loop(self):
        self.start_loop()
        start = time.monotonic()
        self.kernel.manager.shutdown_kernel()
        self.assertTrue(gone(self.session), processes(self.session))
        print("shutdown of a loop: %.2f s" % (time.monotonic() - start))

    def test_killed_in_a_loop(self):
        """Jupyter's button for a restart kills the kernel, which cannot tell its worker."""
        self.start_loop()
        self.kernel.manager.restart_kernel(now=True)
        self.assertTrue(gone(self.session), processes(self.session))
        self.kernel.client.wait_for_ready(timeout=120)
        self.assertTrue(processes(self.session_of(self.kernel)))

    def test_no_zombies(self):
        for code in ("throw 1;", "*(volatile int*)0 = 1;", "std::abort();", "bad", "int a = 1;", "#include <csignal>\nraise(SIGKILL);", "a"):
            request = self.kernel.send(code)
            self.kernel.reply(request)
            self.kernel.outputs(request)
        self.assertEqual([p for p in processes(self.session) if p[1] == "Z"], [])
        self.assertLessEqual(len(processes(self.session)), 2)

    def test_interrupt_by_message(self):
        request = self.start_loop()
        control = self.kernel.client
        message = control.session.msg("interrupt_request", {})
        control.control_channel.send(message)
        self.assertEqual(control.get_control_msg(timeout=60)["msg_type"], "interrupt_reply")
        self.assertEqual(self.kernel.reply(request)["ename"], "Interrupted")

    def test_two_at_once(self):
        other = Client()
        self.addCleanup(other.close)
        for kernel, code in ((self.kernel, "int mine = 1;"), (other, "int mine = 2;"), (self.kernel, "std::abort();")):
            kernel.reply(kernel.send(code))
        for kernel, value in ((self.kernel, "1"), (other, "2")):
            request = kernel.send("mine")
            self.assertEqual(kernel.outputs(request)[0][-1][1]["data"]["text/plain"], value)


class NoWorker(unittest.TestCase):
    """The kernel answers, and says what is missing."""

    def test_not_built(self):
        kernel = Client(env={**os.environ, "COTANGENT_WORKER": "/no/such/worker"})
        self.addCleanup(kernel.close)
        for _ in range(2):
            reply = kernel.reply(kernel.send("1"))
            self.assertEqual(reply["ename"], "WorkerDied")
            self.assertIn("/no/such/worker cannot be started: No such file or directory", reply["evalue"])
        self.assertEqual(kernel.reply(kernel.client.is_complete("f("))["status"], "unknown")

    def test_dies_at_once(self):
        with tempfile.TemporaryDirectory() as folder:
            program = folder + "/worker"
            with open(program, "w") as file:
                file.write("#!/bin/sh\necho worker: a library is missing >&2\nexit 1\n")
            os.chmod(program, 0o755)
            kernel = Client(env={**os.environ, "COTANGENT_WORKER": program})
            self.addCleanup(kernel.close)
            self.assertIn("worker: a library is missing", kernel.reply(kernel.send("1"))["evalue"])


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
