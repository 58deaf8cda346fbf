"""What cells may do to the worker: end processes, close and redirect, print much, run for long, be odd texts; and many cells in a row."""
import os
import statistics
import sys
import tempfile
import threading
import time
import unittest

from common import Worker, run


class WithWorker(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.worker = Worker(folder=self.folder.name)
        self.addCleanup(self.folder.cleanup)
        self.addCleanup(self.worker.shutdown)

    def ok(self, code, label="In[1]"):
        r = run(self.worker, code, label)
        self.assertEqual(r.status, "ok", r.error)
        return r

    def fails(self, code, name, text=""):
        r = run(self.worker, code)
        self.assertEqual((r.status, r.errors[0][0] if r.errors else ""), ("error", name), r.error)
        self.assertIn(text, r.error)
        return r

    def value(self, code):
        return self.ok(code).shown[-1]["text/plain"]


class Processes(WithWorker):
    def test_ways_to_end(self):
        self.ok("#include <unistd.h>\n#include <csignal>\nint kept = 1;")
        for code, text in [("std::quick_exit(3);", "exit(3) was called"), ("std::_Exit(4);", "exit(4) was called"), ("raise(SIGTERM);", "signal 15 (Terminated)"),
                           ("raise(SIGKILL);", "ended from outside"), ("std::terminate();", "abort() was called"), ("alarm(1); pause();", "signal 14"),
                           ("__builtin_trap();", "illegal instruction"), ("struct N { ~N() { throw 1; } }; { N n; }", "nobody caught int")]:
            self.fails("kept = 2;\n" + code, "Crash", text)
        self.assertEqual(self.value("kept"), "1")

    def test_forked(self):
        self.ok("#include <unistd.h>\n#include <sys/wait.h>\nint parts = 0;")
        r = self.ok('int child = fork();\nif (child == 0) std::cout << "child\\n";\nelse { wait(nullptr); std::cout << "parent\\n"; }')
        self.assertEqual(sorted(r.out.split()), ["child", "parent"])
        r = self.ok("if (fork() == 0) throw 1;\nwait(nullptr);")  # what goes wrong in another process is not the cell's error
        self.assertEqual(r.errors, [])
        self.ok("if (fork() == 0) _exit(0);\nwait(nullptr);")
        start = time.monotonic()
        self.fails("if (fork() == 0) { sleep(100); _exit(0); }\nstd::abort();", "Crash", "abort()")
        self.assertLess(time.monotonic() - start, 60)
        self.assertEqual(self.value("parts"), "0")

    def test_another_program(self):
        self.assertEqual(self.ok('#include <cstdlib>\nint code = std::system("echo from the shell; exit 3");').out, "from the shell\n")
        self.fails('#include <unistd.h>\nexeclp("echo", "echo", "instead", nullptr);', "Crash", "ended from outside")
        self.assertEqual(self.value("1 + 1"), "2")

    def test_all_files_closed(self):
        self.ok("#include <unistd.h>\nint kept = 5;")
        self.fails("for (int i = 3; i < 1024; ++i) close(i);", "Crash")
        self.assertEqual(self.value("kept"), "5")

    def test_threads(self):
        self.ok("#include <thread>\n#include <atomic>\nstd::atomic<int> ticks{0};\nstd::atomic<bool> stop{false};\n"
                "std::thread runner([] { while (!stop) { ++ticks; std::this_thread::sleep_for(std::chrono::milliseconds(2)); } });")
        wait = "std::this_thread::sleep_for(std::chrono::milliseconds(500)); "
        self.assertEqual(self.value("int a = ticks; " + wait + "ticks > a"), "True")
        self.fails("throw 1;", "int")
        self.assertEqual(self.value("int b = ticks; " + wait + "ticks > b"), "False")  # a copy has no threads but its own
        start = time.monotonic()
        self.worker.shutdown()
        self.assertLess(time.monotonic() - start, 30)
        self.worker.start()

    def test_a_thread_that_outlives_its_cell_prints(self):
        self.ok('#include <thread>\nstd::thread([] { std::this_thread::sleep_for(std::chrono::milliseconds(300)); std::cout << "late" << std::endl; }).detach();')
        self.assertIn("late\n", self.ok("std::this_thread::sleep_for(std::chrono::milliseconds(2000));").out)

    def test_a_crash_in_a_thread(self):
        self.ok("int kept = 3;")
        r = self.fails("#include <thread>\nstd::thread t([] {\n  *(volatile int*)0 = 1;\n});\nt.join();", "Crash", "null pointer")
        self.assertIn("at In[1], line 3:", r.error)
        self.assertEqual(self.value("kept"), "3")

    def test_pool_of_the_library_after_a_thread_crashed(self):
        product = "auto m = ct::ones({600, 600}); ct::mm(m, m).sum().item<double>()"
        for bad in ["throw 1;", "#include <thread>\nstd::thread([] { std::abort(); }).join();", "_Exit(1);"]:
            self.assertEqual(self.value(product), "216000000.0")
            self.assertEqual(run(self.worker, bad).status, "error")
        self.assertEqual(self.value(product), "216000000.0")

    def test_interrupt_while_compiling(self):
        slow = "constexpr int slow(int n) { int s = 0; for (int i = 0; i < n; ++i) s += i % 7; return s; }\n"
        slow += "\n".join("constexpr int s%d = slow(80000);" % i for i in range(60))
        threading.Timer(1.0, self.worker.interrupt).start()
        start = time.monotonic()
        r = run(self.worker, slow)
        if r.status == "ok":  # a very fast machine
            return
        self.assertEqual(r.errors[0][0], "Interrupted", r.error)
        self.assertLess(time.monotonic() - start, 60)
        self.assertEqual(self.value("1 + 1"), "2")

    def test_interrupt_between_cells_is_nothing(self):
        self.ok("int a = 1;")
        os.kill(self.worker.pid, 2)
        self.assertEqual(self.value("a"), "1")


class Files(WithWorker):
    def test_closed_stdout(self):
        for close in ["std::fclose(stdout);", "#include <unistd.h>\nclose(1); close(2);"]:
            self.ok(close)
            r = self.ok('std::printf("a\\n"); std::cout << "b\\n"; std::cerr << "c\\n"; 4')
            self.assertEqual((r.out, r.err, r.shown[0]["text/plain"]), ("a\nb\n", "c\n", "4"))

    def test_redirected_stdout(self):
        self.ok('std::freopen("out.txt", "w", stdout); std::printf("to the file");')
        self.assertEqual(self.ok('std::printf("seen\\n");').out, "seen\n")
        with open(self.folder.name + "/out.txt") as file:
            self.assertEqual(file.read(), "to the file")

    def test_folders(self):
        self.ok("#include <filesystem>\nnamespace fs = std::filesystem;\nauto first = fs::current_path();")
        self.fails('fs::create_directory("sub"); fs::current_path("sub"); throw 1;', "int")
        self.assertEqual(self.value("fs::current_path() == first"), "True")
        self.ok('fs::current_path("sub"); fs::remove_all("../sub");')
        self.assertEqual(self.value("#include <list>\nstd::list<int>{1}"), "[1]")  # works in a folder that is gone
        self.ok("fs::current_path(first);")

    def test_header_of_the_users(self):
        with open(self.folder.name + "/mine.h", "w") as file:
            file.write("#pragma once\ninline int mine() { return 1; }\n")
        include = '#include "mine.h"\n'
        self.assertEqual(self.value(include + "mine()"), "1")
        self.assertEqual(self.value(include + include + "mine() + 1"), "2")


class Texts(WithWorker):
    def test_odd_characters(self):
        self.assertEqual(self.value("int crlf = 1;\r\nint two = 2;\r\ncrlf + two"), "3")
        self.assertEqual(self.value("int old_mac = 1;\rold_mac"), "1")
        self.assertEqual(self.value("\ufeffint mark = 1; mark"), "1")
        self.assertEqual(self.value("int größe = 3; int 变量 = 4; größe + 变量"), "7")
        self.assertEqual(self.value('std::string face = "😀\\té"; face.size()'), "7")
        self.assertEqual(self.value("int nul\0 = 1; nul"), "1")
        self.assertEqual(self.value("int dollar$ = 2; dollar$"), "2")
        self.assertEqual(self.value("\n\n\t \n int lines = 5;\n\n\nlines\n\n"), "5")
        self.fails("auto 😀 = 1;", "CompileError", "unexpected character <U+1F600>")
        self.assertEqual(self.ok("\\\n").shown, [])

    def test_carets(self):
        self.assertIn("In[1]:2:5: error: use of undeclared identifier 'nope'\n    \t\tx+nope\n    \t\t  ^", self.fails("int x = 1;\n\t\tx+nope", "CompileError").error)
        self.assertIn("    é + nope\n        ^", self.fails("int é = 1;\r\né + nope\r\n", "CompileError").error)

    def test_long(self):
        self.assertEqual(self.value("int many[] = {" + "1," * 50000 + "}; std::size(many)"), "50000")
        self.assertEqual(self.value("const char* text = \"" + "x" * 1000000 + "\"; std::string(text).size()"), "1000000")
        self.assertEqual(self.value("// " + "c" * 1000000 + "\n1 + 1"), "2")
        r = self.fails("x" * 3000, "CompileError")
        self.assertGreater(len(r.error), 1000)

    def test_too_deep_for_the_compiler(self):
        self.ok("int kept = 4;")
        self.fails("{" * 20000 + "}" * 20000, "CompileError", "bracket nesting level")
        self.fails("int deep = " + "1 + " * 200000 + "1;", "CompileError")
        self.assertEqual(self.value("kept"), "4")

    def test_a_whole_program(self):
        r = self.ok("#include <iostream>\n\nint main() {\n  std::cout << 5 << std::endl;\n}\n")
        self.assertIn("main was defined, but not run", r.err)
        self.assertEqual(self.ok("#include <iostream>\n\nint main(int, char**) {\n  return 1;\n}\n").out, "")

    def test_coroutine(self):
        self.ok("""#include <coroutine>
struct Gen {
  struct promise_type {
    int v;
    Gen get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(int x) { v = x; return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }
  };
  std::coroutine_handle<promise_type> h;
  ~Gen() { h.destroy(); }
  int next() { h.resume(); return h.promise().v; }
};
Gen count(int from) { for (;;) co_yield from++; }""")
        self.assertEqual(self.value("Gen g = count(5); int x = g.next(), y = g.next(); x + y"), "11")
        self.assertEqual(self.value("g.next()"), "7")


class Much(WithWorker):
    def test_100_megabytes(self):
        start = time.monotonic()
        r = self.ok("std::string mb(1 << 20, 'x'); for (int i = 0; i < 100; ++i) std::cout << mb << '\\n';")
        print("100 MB of output in %.1f s" % (time.monotonic() - start))
        self.assertLess(len(r.out), 22 << 20)
        self.assertIn("the rest is left out", r.out)
        self.assertEqual(self.value("1 + 1"), "2")

    def test_many_cells(self):
        def resident():
            with open("/proc/%d/statm" % self.worker.pid) as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        seconds, memory = [], []
        self.ok("int total = 0;")
        for i in range(300):
            start = time.monotonic()
            if i % 10 == 9:
                self.fails("total += 1000; throw %d;" % i, "int")
            else:
                self.ok("int number%d = %d;\nauto square = [](int x) { return x * x; };\ntotal += square(number%d);" % (i, i, i))
            seconds.append(time.monotonic() - start)
            memory.append(resident())
        self.assertEqual(self.value("total"), str(sum(i * i for i in range(300) if i % 10 != 9)))
        early, late = statistics.median(seconds[10:60]), statistics.median(seconds[250:])
        print("300 cells: the median goes from %.0f to %.0f ms, resident memory from %.0f to %.0f MB" % (1000 * early, 1000 * late, memory[10], memory[-1]))
        self.assertLess(late, 10 * early + 0.5)
        self.assertLess(memory[-1], memory[10] + 400)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
