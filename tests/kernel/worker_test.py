"""The worker through worker.py: errors with the cell's own lines, roll-back, interrupts, output of all kinds, questions."""
import os
import signal
import sys
import tempfile
import threading
import time
import unittest

from common import Worker, run


class WithWorker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.worker = Worker(folder=cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.worker.shutdown()
        cls.folder.cleanup()

    def ok(self, code, label="In[1]"):
        r = run(self.worker, code, label)
        self.assertEqual(r.status, "ok", r.error)
        return r

    def fails(self, code, name, label="In[1]"):
        r = run(self.worker, code, label)
        self.assertEqual(r.status, "error")
        self.assertEqual(r.errors[0][0], name, r.error)
        return r

    def value(self, code):
        return self.ok(code).shown[-1]["text/plain"]


class Errors(WithWorker):
    def test_own_lines_and_caret(self):
        r = self.fails("int fine = 1;\n  int bad = unknown + 1;\n", "CompileError", "In[7]")
        self.assertIn("In[7]:2:13: error: use of undeclared identifier 'unknown'\n      int bad = unknown + 1;\n                ^", r.error)
        self.fails("fine", "CompileError")  # nothing of the cell is there

    def test_line_below_an_include(self):
        r = self.fails("#include <cmath>\n\nint bad = ;\n", "CompileError", "In[8]")
        self.assertIn("In[8]:3:11: error: expected expression\n    int bad = ;\n", r.error)

    def test_missing_header(self):
        r = self.fails("#include <no/such.h>\nint a;", "CompileError")
        self.assertIn("In[1]:1:10: error: 'no/such.h' file not found", r.error)
        self.ok("int after_a_missing_header = 1;")

    def test_corrections_do_not_move_the_caret(self):
        self.ok("int captured = 1;")
        r = self.fails("auto f = [&, captured](int x) { return x + captured + wrong; };", "CompileError")
        self.assertIn("1:55: error: use of undeclared identifier 'wrong'\n    auto f = [&, captured](int x) { return x + captured + wrong; };\n    " + " " * 54 + "^", r.error)

    def test_brackets(self):
        self.assertIn("In[1]:1:6: error: this '(' is not closed", self.fails("print(1", "CompileError").error)
        self.assertIn("'}' closes nothing", self.fails("int a; }", "CompileError").error)
        self.assertIn("does not close the '(' of line 1, column 2", self.fails("f(1]", "CompileError").error)
        self.assertIn("this comment is not closed", self.fails("int a; /* b", "CompileError").error)

    def test_warning(self):
        r = self.ok("int noreturn(int x) { if (x) return 1; }")
        self.assertIn("In[1]:1:40: warning: non-void function does not return a value in all control paths", r.err)

    def test_library_error(self):
        r = self.fails("auto a = ct::ones({2, 3});\nct::mm(a, a);", "ct::Error")
        self.assertIn("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", r.error)
        self.assertTrue(r.restored)

    def test_exceptions(self):
        self.assertEqual(self.fails('throw std::runtime_error("message");', "std::runtime_error").errors[0][1], "message")
        self.fails("struct Mine {}; throw Mine{};", "Mine")
        self.assertEqual(self.value('int caught = 0; try { ct::ones({2}).item(); } catch (const ct::Error&) { caught = 1; } caught'), "1")

    def test_declared_only(self):
        r = self.fails("double nowhere(int);\nnowhere(1);", "LinkError")
        self.assertIn("declared and used, but never defined: nowhere(int)", r.error)


class Lines(WithWorker):
    """An error names the cell's line, and the lines of cells that called."""

    def test_own_line(self):
        r = self.fails('int fine = 1;\n\n  throw std::runtime_error("boo");  // here\n', "std::runtime_error", "In[20]")
        self.assertEqual(r.error, 'std::runtime_error: boo\n  at In[20], line 3:  throw std::runtime_error("boo");  // here\n')
        self.assertIn("at In[21], line 4:  throw k;", self.fails("#include <cmath>\nint k = 5;\n// more\nthrow k;", "int", "In[21]").error)

    def test_initialiser_and_last_expression(self):
        self.assertIn("at In[22], line 2:  int unset = (throw 1, 1);", self.fails("int before = 1;\nint unset = (throw 1, 1);", "int", "In[22]").error)
        self.assertIn("at In[23], line 3:  text.substr(\n", self.fails('std::string text("abc");\n\ntext.substr(\n  10)', "std::out_of_range", "In[23]").error)

    def test_function_of_an_earlier_cell(self):
        self.ok("int checked(int x) {\n  if (x > 2)\n    throw std::logic_error(\"large\");\n  return x;\n}\nauto call = [](int x) {\n  return checked(x);\n};", "In[30]")
        r = self.fails("checked(1);\nchecked(3);", "std::logic_error", "In[31]")
        self.assertIn('  at In[30], line 3:  throw std::logic_error("large");\n  from In[31], line 2:  checked(3);\n', r.error)
        r = self.fails("for (int i = 0; i < 5; ++i)\n  call(i);", "std::logic_error", "In[32]")
        self.assertIn("line 3:  throw std::logic_error(\"large\");\n  from In[30], line 7:  return checked(x);\n  from In[32], line 2:  call(i);\n", r.error)

    def test_from_the_library(self):
        r = self.fails("auto a = ct::ones({2, 3});\n\nct::mm(a,\n  a);\na.sum();", "ct::Error", "In[40]")
        self.assertIn("  at In[40], line 3:  ct::mm(a,\n", r.error)
        r = self.fails("std::vector<int> v{1, 2};\nint x = v.at(0);\nint y = v.at(5);\nint z = v.at(6);", "std::out_of_range", "In[41]")
        self.assertIn("  at In[41], line 3:  int y = v.at(5);\n", r.error)

    def test_errors_of_backward_name_cells(self):
        self.ok("auto x = ct::ones({2}, ct::requires_grad());\nauto y = x.exp();", "In[45]")
        r = self.fails("y.add_(1);\ny.sum().backward();", "ct::Error", "In[46]")
        self.assertIn("Saved by `exp` at In[45]:2, changed by `add_` at In[46]:1.", r.error)
        self.assertIn("recorded at In[45]:2", r.error)
        self.assertIn("  at In[46], line 2:  y.sum().backward();", r.error)

    def test_of_two_that_throw_the_same(self):
        self.ok("void same(int x) {\n  if (x == 1) throw 1;\n  if (x == 2) throw 1;\n  if (x == 3) throw 1;\n}", "In[50]")
        for i in (1, 2, 3):
            self.assertIn("at In[50], line %d:" % (i + 1), self.fails("same(%d);" % i, "int", "In[51]").error)

    def test_recursion(self):
        self.ok("int down(int n) {\n  if (n == 0) throw 1;\n  return down(n - 1) + 1;\n}", "In[60]")
        r = self.fails("down(20000);", "int", "In[61]")
        self.assertIn("at In[60], line 2:", r.error)
        self.assertTrue(r.error.endswith("  from In[61], line 1:  down(20000);\n"), r.error)
        self.assertLess(len(r.error.split("\n")), 10)

    def test_thrown_in_a_thread(self):
        self.ok("#include <future>\nauto job = [] {\n  throw 5;\n};", "In[70]")
        r = self.fails("auto later = std::async(std::launch::async, job);\n\nlater.get();", "int", "In[71]")
        self.assertIn("at In[70], line 3:  throw 5;", r.error)
        r = self.fails("std::exception_ptr kept;\ntry { job(); } catch (...) { kept = std::current_exception(); }\n\nstd::rethrow_exception(kept);", "int", "In[72]")
        self.assertIn("at In[70], line 3:  throw 5;\n  from In[72], line 2:", r.error)
        self.assertIn("from In[72], line 4:  std::rethrow_exception(kept);", r.error)

    def test_crashes(self):
        self.ok("void crash(volatile int* p) {\n  if (p) return;\n  *p = 1;\n}\nint deep(int n) {\n  volatile int a[99];\n  a[0] = n;\n  return deep(n + 1) + a[0];\n}", "In[80]")
        for code, where in [("crash(nullptr);", "at In[80], line 3:  *p = 1;\n  from In[81], line 2:  crash(nullptr);\n"), ("*(volatile int*)0 = 1;", "at In[81], line 2:"),
                            ("std::abort();", "at In[81], line 2:"), ("deep(0);", "  from In[81], line 2:  deep(0);\n"),
                            ("volatile auto none = (std::uintptr_t)16; std::cout << reinterpret_cast<ct::Tensor*>(none)->sum();", "at In[81], line 2:")]:
            self.assertIn(where, self.fails("int above = 1;\n" + code, "Crash", "In[81]").error)
        self.ok("int after_crashes = 1;")

    def test_nobody_catches(self):
        r = self.fails('#include <thread>\nstd::thread t([] {\n  throw std::logic_error("in a thread");\n});\nt.join();', "Crash", "In[90]")
        self.assertIn("nobody caught std::logic_error: in a thread", r.error)
        self.assertIn("at In[90], line 3:  throw std::logic_error", r.error)

    def test_interrupt(self):
        threading.Timer(0.5, self.worker.interrupt).start()
        r = self.fails("volatile int i = 0;\nfor (;;)\n  i = i + 1;", "Interrupted", "In[95]")
        self.assertRegex(r.error, r"\n  at In\[95\], line [23]:  (for|i)")

    def test_long_lines_are_cut(self):
        r = self.fails("throw 1; // " + "é" * 200, "int", "In[96]")
        self.assertIn("throw 1; // é", r.error)
        self.assertTrue(r.error.endswith("é ...\n"))


class RollBack(WithWorker):
    def test_nothing_changes(self):
        self.ok("int state = 1; auto t = ct::zeros({3});")
        for bad in ["throw 1;", "*(volatile int*)0 = 1;", "std::abort();", "std::exit(2);", "int deep(int n) { volatile int a[99]; a[0] = n; return deep(n + 1) + a[0]; } deep(0);"]:
            r = run(self.worker, "state = 2; t.fill_(7); int made_by_failed_cell = 1;\n" + bad)
            self.assertEqual(r.status, "error", bad)
            self.assertTrue(r.restored)
            self.assertEqual(self.value("state"), "1")
            self.assertEqual(self.value("t"), "tensor([0., 0., 0.])")
            self.fails("made_by_failed_cell", "CompileError")

    def test_messages(self):
        for code, text in [("*(volatile int*)0 = 1;", "null pointer"), ("std::abort();", "abort() was called"), ("std::exit(2);", "exit(2) was called"),
                           ("int deep2(int n) { volatile int a[99]; a[0] = n; return deep2(n + 1) + a[0]; } deep2(0);", "stack overflow"),
                           ("_exit(1);", "exit(1) was called"), ("*(volatile int*)0x123456789 = 1;", "memory was used that is not the program's")]:
            r = self.fails("#include <unistd.h>\n" + code, "Crash")
            self.assertIn(text, r.error)
            self.assertIn("as they were before this cell", r.error)

    def test_output_is_kept(self):
        self.assertEqual(run(self.worker, 'std::cout << "before"; *(volatile int*)0 = 1;').out, "before")
        self.assertEqual(run(self.worker, 'std::cout << "before"; throw 1;').out, "before")

    def test_threads_after_a_crash(self):
        big = "auto m = ct::ones({600, 600}); ct::mm(m, m).sum().item<double>()"
        self.assertEqual(self.value(big), "216000000.0")
        self.fails("std::abort();", "Crash")
        self.assertEqual(self.value(big), "216000000.0")

    def test_many_crashes(self):
        self.ok("int survivor = 5;")
        for _ in range(15):
            self.fails("std::abort();", "Crash")
        self.assertEqual(self.value("survivor"), "5")

    def test_random_numbers(self):
        self.ok("ct::manual_seed(3);")
        self.fails("ct::randn({5}); throw 1;", "int")
        self.ok("auto after = ct::randn({2}); ct::manual_seed(3); auto fresh = ct::randn({2});")
        self.assertEqual(self.value("ct::equal(after, fresh)"), "True")


class Interrupt(WithWorker):
    def interrupted(self, code, after=0.4):
        threading.Timer(after, self.worker.interrupt).start()
        start = time.monotonic()
        r = run(self.worker, code)
        self.assertLess(time.monotonic() - start, 3)
        return r

    def test_loop(self):
        self.ok("volatile long counted = 0;")
        r = self.interrupted('std::cout << "begun\\n"; for (;;) counted = counted + 1;')
        self.assertEqual((r.status, r.errors[0][0], r.out), ("error", "Interrupted", "begun\n"))
        self.assertEqual(self.value("counted"), "0")

    def test_in_a_system_call(self):
        self.assertEqual(self.interrupted("#include <unistd.h>\nsleep(20);").errors[0][0], "Interrupted")

    def test_by_signal(self):
        self.ok("1;")
        threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT)).start()
        self.assertEqual(run(self.worker, "for (volatile int i = 0;; i = i + 1) {}").errors[0][0], "Interrupted")

    def test_handler_that_refuses(self):
        threading.Timer(0.8, self.worker.interrupt).start()
        r = self.interrupted("#include <csignal>\nstd::signal(SIGINT, SIG_IGN); for (volatile int i = 0;; i = i + 1) {}")
        self.assertEqual(r.status, "error")
        self.assertEqual(self.value("1 + 1"), "2")


class Output(WithWorker):
    def test_order_and_streaming(self):
        times = []
        self.worker.execute('#include <unistd.h>\nstd::cout << "a" << std::endl; usleep(600000); std::cout << "b" << std::endl;', "In[1]",
                            lambda kind, content: times.append((content, time.monotonic())))
        self.assertEqual([t[0] for t in times], ["a\n", "b\n"])
        self.assertGreater(times[1][1] - times[0][1], 0.3)

    def test_shown_between_lines(self):
        r = self.ok('std::cout << "1\\n"; ct::show(2); ct::print(3); 4')
        self.assertEqual(r.kinds, ["stdout", "display", "stdout", "result"])

    def test_huge(self):
        r = self.ok('for (int i = 0; i < 200000; ++i) std::cout << "a line of text that is about fifty characters long\\n";')
        self.assertEqual(len(r.out), 200000 * 51)

    def test_too_much_is_cut(self):
        r = self.ok("std::string mb(1 << 20, 'x'); for (int i = 0; i < 30; ++i) std::cout << mb;")
        self.assertLess(len(r.out), 22 << 20)
        self.assertIn("the rest is left out", r.out)

    def test_not_utf8(self):
        r = self.ok('std::cout << "caf\\xe9 \\xff\\xfe ok\\n"; std::cout << "é\\n"; ct::show(std::string("\\xe9"));')
        self.assertEqual(r.out, "caf\ufffd \ufffd\ufffd ok\né\n")
        self.fails('throw std::runtime_error("bad \\xff byte");', "std::runtime_error")

    def test_marks_that_are_none(self):
        self.assertEqual(self.ok('std::cout << "\\x1b]ct" << "\\x1b[1mbold" << "\\x1b]ctnb";').out, "\x1b]ct\x1b[1mbold\x1b]ctnb")

    def test_tensor(self):
        shown = self.ok("ct::tensor({{1.5, 2.0}, {3.0, 4.0}})").shown[0]
        self.assertEqual(shown["text/plain"], "tensor([[1.5000, 2.0000],\n        [3.0000, 4.0000]])")
        self.assertIn("<td>1.5000</td><td>2.0000</td>", shown["text/html"])

    def test_pictures(self):
        shown = self.ok("#include <cotangent/plot.h>\nct::plot::Figure fig; fig.ax().plot({1, 4, 9}); fig").shown[0]
        self.assertIn("<svg", shown["image/svg+xml"])
        shown = self.ok('#include <cotangent/inspect.h>\nauto g = ct::ones({2}, ct::requires_grad());\nct::show(ct::inspect::graph((g * g).sum(), {{"g", g}}));').shown[0]
        self.assertIn("MulBackward0", shown["image/svg+xml"])

    def test_result_or_not(self):
        self.assertEqual(self.ok("1 + 1;").shown, [])
        self.assertEqual(self.ok("std::cout << 1").shown, [])
        self.assertEqual(self.ok("auto q = ct::ones({1}, ct::requires_grad()); (q * 2).backward()").shown, [])

    def test_stdin_is_empty(self):
        self.assertEqual(self.value("int read_in = 5; bool read = bool(std::cin >> read_in); read"), "False")


class Questions(WithWorker):
    def test_complete(self):
        self.ok("auto my_tensor = ct::ones({2}); int my_number = 1;")
        def texts(code):
            return [m["text"] for m in self.worker.ask("complete", code=code, at=len(code))["matches"]]
        self.assertEqual(texts("my_"), ["my_number", "my_tensor"])
        self.assertIn("requires_grad_", texts("my_tensor.req"))
        self.assertIn("randn", texts("int a = 1;\nauto b = ct::rand"))
        self.assertIn("backward", texts("void f() {\n  my_tensor.ba"))
        self.assertEqual(texts("no_such_thing."), [])
        self.assertEqual(self.value("my_number"), "1")

    def test_inspect(self):
        def text(code):
            return self.worker.ask("inspect", code=code, at=len(code))["text"]
        self.ok("/// Adds one.\nint add_one(int x) { return x + 1; }", "In[3]")
        self.assertIn("int add_one(int x)    (In[3]:2)\n    Adds one.", text("add_one"))
        self.assertIn("into .grad of", text("ct::Tensor().backward"))
        self.assertIn("void show(", text("ct::show("))
        self.assertEqual(text("nothing_of_this_name"), "")

    def test_is_complete(self):
        for code, status in [("int a = 1;", "complete"), ("void f() {", "incomplete"), ("f(1", "incomplete"), ("}", "invalid"), ("/* a", "incomplete"),
                             ("R\"(a", "incomplete"), ("a // (", "complete"), ('"("', "complete")]:
            self.assertEqual(self.worker.ask("is_complete", code=code)["status"], status, code)


class Several(unittest.TestCase):
    def test_two_at_once(self):
        with Worker() as one, Worker() as two:
            run(one, "int mine = 1;")
            run(two, "int mine = 2;")
            self.assertEqual(run(one, "std::abort();").status, "error")
            self.assertEqual([run(w, "mine").shown[0]["text/plain"] for w in (one, two)], ["1", "2"])

    def test_shutdown_runs_destructors(self):
        with tempfile.TemporaryDirectory() as folder:
            with Worker(folder=folder) as worker:
                self.assertEqual(run(worker, '#include <fstream>\nstd::ofstream file("written.txt"); file << "text";').status, "ok")
            with open(folder + "/written.txt") as file:
                self.assertEqual(file.read(), "text")

    def test_no_process_stays(self):
        worker = Worker()
        run(worker, "throw 1;")
        pid = worker.pid
        worker.shutdown()
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
