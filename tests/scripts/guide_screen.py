"""guide_screen.py PROGRAM COURSE FOLDER -- one session of `learn` on a pseudo-terminal, as a learner would have it.

guide.sh makes the small course and sets the environment; FOLDER does not exist yet."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

program, course, folder = sys.argv[1:4]
exercise = folder + "/exercises/exercise_01_twice.cpp"
lesson = folder + "/lessons/01_a_scalar.cpp"


class Session:
    def __init__(self, *words, rows=30, columns=100):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm", COLUMNS="")
            os.environ.pop("NO_COLOR", None)
            # As under a shell: in a process group of its own. (That of a session's leader cannot be suspended.)
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            child = os.fork()
            if child == 0:
                os.setpgid(0, 0)
                os.tcsetpgrp(0, os.getpid())
                signal.signal(signal.SIGTTOU, signal.SIG_DFL)
                os.execv(program, [program, "learn", *words])
            with open(folder + ".pid", "w") as f:
                f.write(str(child))
            while True:
                status = os.waitpid(child, os.WUNTRACED)[1]
                if not os.WIFSTOPPED(status):
                    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
                open(folder + ".stopped", "w").close()
        while not os.path.exists(folder + ".pid") or not open(folder + ".pid").read():
            time.sleep(0.02)
        self.child = int(open(folder + ".pid").read())
        os.remove(folder + ".pid")
        self.size(rows, columns)

    def size(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(self.child, signal.SIGWINCH)

    def read(self, seconds):
        end = time.time() + seconds
        while time.time() < end:
            if not select.select([self.fd], [], [], max(0, end - time.time()))[0]:
                return
            try:
                part = os.read(self.fd, 65536)
            except OSError:
                return
            if not part:
                return
            self.text += part.decode(errors="replace")
            return

    # Waits until the text shows, and forgets what came before it.
    def wait(self, wanted, seconds=30):
        end = time.time() + seconds
        plain = lambda: re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text)
        while wanted not in plain():
            if time.time() > end:
                print("guide_screen: waited for %r, and saw:\n%s" % (wanted, plain()[-3000:]))
                os.kill(self.child, signal.SIGKILL)
                sys.exit(1)
            self.read(0.2)
        time.sleep(0.05)
        self.read(0.05)
        seen = plain()
        self.text = ""
        return seen

    def press(self, keys):
        self.text = ""
        os.write(self.fd, keys.encode())

    def end(self):
        # What it says last may fill the pipe; a program that is stuck is not waited for.
        end = time.time() + 10
        while time.time() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.read(0.1)
                return status
            self.read(0.1)
        os.kill(self.child, signal.SIGKILL)
        sys.exit("guide_screen: the program does not end")

    def modes(self):
        return termios.tcgetattr(self.fd)[:4]


def write(path, text, editor):
    if editor == "rename":  # as vim does: a new file takes the name
        with open(path + "~new", "w") as f:
            f.write(text)
        os.rename(path + "~new", path)
    else:
        with open(path, "w") as f:
            f.write(text)


def require(holds, what):
    if not holds:
        sys.exit("guide_screen: " + what)


fresh = open(course + "/exercises/exercise_01_twice.cpp").read()

# The first time it asks for a folder.
s = Session()
s.wait("or another place:")
before = s.modes()
s.press(folder + "\n")
s.wait("Lesson 01: A scalar")
require(s.modes() != before, "the terminal is not in single-key mode")
s.press("r")
s.wait("lesson one ran")
s.press("h")
s.wait("Hints are for exercises")
write(lesson, open(lesson).read().replace("lesson one ran", "my own lesson ran"), "write")
s.wait("my own lesson ran")
s.press("n")
s.wait("Lesson 02: A sum")
s.press("l")
s.wait("Lecture 1: A lecture")
s.press("11\r")
s.wait("Lesson 11: Later")
s.press("99\r")
s.wait("There is no lesson 99.")
s.press("2\r")
s.wait("Lesson 02: A sum")
s.press("bbb")
s.wait("This is the first step.")
s.press("q")
s.wait("Enter: back to the guide")
s.press("\n")
s.wait("Lesson 01: A scalar")
s.press("\x1b[31~")   # an unknown key with an x in sight would not leave
s.press("Z")
s.wait("There is no such key")

# On to the exercise: a check on every save, and no jump.
s.press("n" * 4)
s.wait("Exercise 01: Twice")
os.remove(exercise)
s.press("i")
s.wait("Your folder lacks this file: u brings it.")
s.press("u")
s.wait("Your folder is up to date")
s.press("i")
s.wait("The gaps in your file:")
s.press("s")
s.wait("You have not tried it yet.")
for editor in ("write", "rename"):
    write(exercise, fresh.replace("return x;", "return 2 * y;"), editor)
    seen = s.wait("does not compile")
    require("'y' was not declared" in seen or "'y' was not declared" in s.wait("declared"), "no compile error")
    s.press("f")
    s.wait("all that the compiler says")
    write(exercise, fresh.replace("return x;", "return 3 * x;"), editor)
    s.wait("factor 2 is missing")
s.press("h")
s.wait("Think of a factor.")
s.press("h")
s.wait("It is two.")
s.press("s")
s.wait("a worked solution")
write(exercise, fresh.replace("return x;", "for (volatile int i = 0;;) i = i + x;"), "rename")
s.wait("looking at it")
time.sleep(1.5)
s.press("\x03")      # Ctrl-C stops the check, not the guide
s.wait("interrupted")
start = time.time()
write(exercise, fresh.replace("return x;", "return x * 2;"), "rename")
s.wait("Passed: Exercise 01: Twice.")
print("guide_screen: from save to verdict %.1f s" % (time.time() - start))
write(folder + "/lessons/02_a_sum.cpp", open(folder + "/lessons/02_a_sum.cpp").read() + "\n", "rename")
s.wait("You saved lessons/02_a_sum.cpp: g goes there.")
time.sleep(1.2)
s.size(12, 40)
seen = s.wait("Exercise 01")
s.size(3, 10)
time.sleep(0.3)
s.size(30, 100)
s.wait("Exercise 01: Twice")

# Suspended and continued; then left: the terminal is as it was.
s.press("\x1a")
for _ in range(100):
    if os.path.exists(folder + ".stopped"):
        break
    s.read(0.05)
require(os.path.exists(folder + ".stopped"), "Ctrl-Z does not suspend")
require(s.modes() == before, "the terminal is not given back while suspended")
os.kill(s.child, signal.SIGCONT)
s.wait("Exercise 01: Twice")
require(s.modes() != before, "the terminal is not taken back")
s.press("x")
s.wait("Until next time. You are at Exercise 01")
require(s.end() == 0, "the exit status is not 0")

# Resumed where it was left; ended by signals, the terminal is as it was, with the cursor.
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    s = Session()
    s.wait("Exercise 01: Twice")
    time.sleep(0.2)
    os.kill(s.child, number)
    end = time.time() + 10
    while "\x1b[?1049l" not in s.text and time.time() < end:
        s.read(0.1)
    require("\x1b[?25h" in s.text and "\x1b[?1049l" in s.text, "signal %d leaves the screen as it is" % number)
    while s.modes() != before and time.time() < end:  # it waits until what it wrote is read
        s.read(0.05)
    require(s.modes() == before, "signal %d leaves the keys as they are" % number)
    status = s.end()
    require(os.WEXITSTATUS(status) == (0 if number == signal.SIGINT else 128 + number), "signal %d does not end it" % number)
print("guide_screen: fine")
