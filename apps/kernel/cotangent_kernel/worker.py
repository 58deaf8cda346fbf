"""Starts cotangent-worker, sends it cells, and hands on what they print, show and throw. Needs nothing but Python 3.9.

    with Worker() as worker:
        result = worker.execute("1 + 1", "In[1]", on_output=print)
"""
import base64
import codecs
import contextlib
import ctypes
import json
import os
import pathlib
import selectors
import signal
import subprocess
import threading
import time

MARK = b"\x1b]ctnb;"
END = b"\x07"
MOST_TEXT = 20 << 20   # bytes of printed text that are handed on for one cell
MOST_PENDING = 64 << 20  # bytes of one mark
AGAIN = (0.1, 0.3, 1.0, 3.0)  # an interrupt is repeated so many seconds after the first: a worker that only begins the cell ignores it

# Outlives whoever runs cells: when that program's end of the pipe closes, an idle worker ends by itself, and a busy one is ended.
GUARD = """
read -r word
for i in 1 2 3 4 5 6 7 8 9 10; do
  kill -s 0 -- "-$1" 2>/dev/null || exit 0
  sleep 0.1
done
kill -s KILL -- "-$1" 2>/dev/null
"""


class WorkerDied(Exception):
    """The worker is gone, and its variables with it."""


class Result:
    """What a cell came to: status "ok" or "error"; errors as (name, value, lines of text)."""

    def __init__(self):
        self.status = "error"
        self.errors = []
        self.restored = False  # the cell failed, and everything is as it was before it
        self.seconds = 0.0
        self.cpp = ""          # what the compiler was given


class Stream:
    """Bytes of stdout or stderr on their way to text and marks."""

    def __init__(self, name):
        self.name = name
        self.reset()

    def reset(self):
        self.bytes = b""
        self.searched = 0
        self.text = []
        self.size = 0
        self.total = 0
        self.since = None
        self.ended = False
        self.cut = False
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(self, data, emit):
        self.bytes += data
        while self.bytes:
            at = self.bytes.find(MARK)
            if at < 0:
                # The beginning of a mark may be at the end.
                keep = next((n for n in range(min(len(MARK) - 1, len(self.bytes)), 0, -1) if MARK.startswith(self.bytes[-n:])), 0)
                cut = len(self.bytes) - keep
                self.add(self.bytes[:cut])
                self.bytes = self.bytes[cut:]
                return
            self.add(self.bytes[:at])
            self.bytes = self.bytes[at:]
            end = self.bytes.find(END, max(0, self.searched))
            if end < 0:
                self.searched = len(self.bytes)
                if len(self.bytes) > MOST_PENDING:
                    self.bytes, self.searched = b"", 0
                return
            mark, self.bytes, self.searched = self.bytes[len(MARK):end], self.bytes[end + 1:], 0
            self.see(mark, emit)

    def see(self, mark, emit):
        kind, *fields = mark.split(b";")
        if kind == b"end":
            self.put(self.decoder.decode(b"", True))
            self.ended = True
            return
        forms = {}
        try:
            for mime, content in zip(fields[::2], fields[1::2]):
                forms[mime.decode()] = base64.b64decode(content).decode("utf-8", "replace")
        except ValueError:
            return
        self.flush(emit)
        emit(kind.decode("ascii", "replace"), forms)

    def add(self, data):
        self.total += len(data)
        if self.total > MOST_TEXT:
            if not self.cut:
                self.cut = True
                self.put("\n... more than %d MB were printed; the rest is left out\n" % (MOST_TEXT >> 20))
            return
        self.put(self.decoder.decode(data))

    def put(self, text):
        if text:
            self.text.append(text)
            self.size += len(text)
            if self.since is None:
                self.since = time.monotonic()

    def flush(self, emit):
        if self.text:
            emit(self.name, "".join(self.text))
        self.text, self.size, self.since = [], 0, None


def find_program():
    """The worker: $COTANGENT_WORKER, or where it was built."""
    if os.environ.get("COTANGENT_WORKER"):
        return os.environ["COTANGENT_WORKER"]
    root = pathlib.Path(__file__).resolve().parents[3]
    built = sorted(root.glob("build/*/apps/kernel/cotangent-worker"), key=lambda p: (p.parts[-4] != "release", -p.stat().st_mtime))
    if not built:
        raise WorkerDied("cotangent-worker is not built: cmake --preset release && cmake --build --preset release --target cotangent-worker")
    return str(built[0])


class Worker:
    def __init__(self, program=None, folder=None, arguments=(), environment=None):
        self.program = program or find_program()
        self.folder = folder
        self.environment = environment  # None: ours
        self.arguments = list(arguments)
        self.process = None
        self.pid = None
        self.running = False      # a cell is under way
        self.expecting = False    # one that comes next, or waits for the worker to get ready
        self.interrupts = []      # when its end was asked for
        self.killed = False       # and it was killed for that
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()

    # --- the process --------------------------------------------------------------------------------------------------

    def start(self):
        # A cell that fails ends the process, and a copy of it goes on, which is then a child of ours.
        ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
        requests, self.requests = os.pipe()
        self.events, events = os.pipe()
        command = [self.program, "--channels=%d,%d" % (requests, events), *self.arguments]
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                            pass_fds=(requests, events), start_new_session=True, cwd=self.folder,
                                            env=self.environment)
        except OSError as e:
            for fd in (self.requests, self.events):
                os.close(fd)
            raise WorkerDied("%s cannot be started: %s" % (self.program, e.strerror)) from None
        finally:
            os.close(requests)
            os.close(events)
        self.pid = self.process.pid
        self.guard = subprocess.Popen(["/bin/sh", "-c", GUARD, "cotangent-guard", str(self.process.pid)], stdin=subprocess.PIPE,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd="/")
        self.streams = {self.process.stdout.fileno(): Stream("stdout"), self.process.stderr.fileno(): Stream("stderr")}
        self.lines = b""
        self.ready = False
        self.gone = None
        self.selector = selectors.DefaultSelector()
        for fd in [*self.streams, self.events]:
            os.set_blocking(fd, False)
            self.selector.register(fd, selectors.EVENT_READ)

    def wait_until_ready(self, timeout=60, interruptible=False):
        end = time.monotonic() + timeout
        said = []
        while not self.ready:
            try:
                events = self.read(min(0.1, end - time.monotonic()) if interruptible else end - time.monotonic(), lambda _, text: said.append(text))
            except WorkerDied as e:
                for stream in self.streams.values():
                    stream.flush(lambda _, text: said.append(text))
                raise WorkerDied("".join([str(e), ": " if said else "", *said]).strip()) from None
            for event in events:
                if event["event"] == "failed":
                    raise WorkerDied(event["text"])
                self.ready |= event["event"] == "ready"
            if interruptible and self.interrupts:
                return
            if time.monotonic() > end:
                raise WorkerDied("the worker does not get ready")

    def expect(self, on=True):
        """From now on an interrupt is meant for the cell that comes next."""
        self.interrupts = []
        self.expecting = on

    def interrupt(self):
        """Ends the running cell; a second time, at once and from outside."""
        if not (self.running or self.expecting):
            return
        now = time.monotonic()
        self.interrupts.append(now)
        if self.running:
            # Two clicks are one. A cell that is over may have been confirmed already: then its end would be the state's end.
            self.killed = now - self.interrupts[0] > 0.3
            self.signal(signal.SIGKILL if self.killed else signal.SIGINT)

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self):
        """Ends the worker at once, from another thread: whoever waits for a cell gets WorkerDied."""
        process = self.process
        if process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    def shutdown(self):
        if not self.process:
            return
        with contextlib.suppress(OSError):
            os.write(self.requests, b'{"op": "shutdown"}\n')
        with contextlib.suppress(OSError):
            os.close(self.requests)
        if not self.wait(2.0, self.pid):
            self.signal(signal.SIGKILL)
            self.kill()
            self.wait(2.0, self.pid)
        self.kill()  # programs that cells have started and left behind
        self.close()

    def close(self):
        self.selector.close()
        self.guard.kill()
        self.guard.stdin.close()
        self.guard.wait()
        self.reap_all()
        self.process.stdout.close()
        self.process.stderr.close()
        with contextlib.suppress(OSError):
            os.close(self.events)
        self.process.poll()
        self.process = None

    def wait(self, seconds, pid):
        end = time.monotonic() + seconds
        while not self.reap(pid):
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True

    def reap(self, pid):
        if pid == self.process.pid:
            return self.process.poll() is not None
        try:
            return os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:  # not ours yet, or gone
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return True
            return False

    def reap_all(self):
        """Copies of the worker that ended as our children, since the process that made them was gone before."""
        with contextlib.suppress(OSError):
            for task in os.listdir("/proc/self/task"):
                with open("/proc/self/task/%s/children" % task) as file:
                    children = [int(pid) for pid in file.read().split()]
                for pid in children:
                    with contextlib.suppress(OSError):
                        if pid not in (self.process.pid, self.pid) and os.getsid(pid) == self.process.pid:
                            os.waitpid(pid, os.WNOHANG)

    # --- requests -----------------------------------------------------------------------------------------------------

    def send(self, **request):
        data = json.dumps(request).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self.requests, data):]
        except OSError:
            raise WorkerDied("the worker has ended") from None

    def read(self, timeout, emit):
        """Waits for output or events; hands on output, and returns the events."""
        events, self.came = [], False
        waiting = [s.since for s in self.streams.values() if s.since is not None]
        if waiting:
            timeout = max(0.0, min(timeout, min(waiting) + 0.05 - time.monotonic()))
        for key, _ in self.selector.select(0.0 if self.gone else max(0.0, timeout)):
            try:
                data = os.read(key.fd, 1 << 16)
            except BlockingIOError:
                continue
            self.came = True
            if not data:
                self.selector.unregister(key.fd)
                if key.fd == self.events:
                    self.gone = time.monotonic()
            elif key.fd == self.events:
                *lines, self.lines = (self.lines + data).split(b"\n")
                events += [json.loads(line) for line in lines]
            else:
                self.streams[key.fd].take(data, emit)
        # What it had printed comes first; but others may hold its output open.
        if self.gone and not events and (not self.came or time.monotonic() > self.gone + 1.0):
            raise WorkerDied("the worker has ended")
        for stream in self.streams.values():
            if stream.since is not None and (time.monotonic() - stream.since >= 0.05 or stream.size > 1 << 16):
                stream.flush(emit)
        return events

    def ask(self, op, timeout=10, **request):
        """A question that runs no cell: complete, inspect, is_complete."""
        self.wait_until_ready()
        self.send(op=op, **request)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for event in self.read(end - time.monotonic(), lambda *_: None):
                if event["event"] == "answer":
                    return event
        raise WorkerDied("the worker does not answer")

    def execute(self, code, label="In[ ]", on_output=lambda kind, content: None, optimise=None):
        """Runs a cell. on_output is called with ("stdout", text), ("stderr", text), ("display" or "result", {mime type: data})."""
        result = Result()
        for stream in self.streams.values():
            stream.reset()
        done = None
        self.killed, repeated = False, 0
        if not self.expecting:
            self.expect()
        with self.interrupts_forwarded():
            try:
                self.reap_all()
                self.wait_until_ready(interruptible=True)
                self.running = not self.interrupts
            finally:
                self.expecting = False
            if not self.running:
                result.errors.append(("Interrupted", "interrupted", ["Interrupted before it began.\n"]))
                return result
            try:
                self.send(op="execute", code=code, label=label, **({} if optimise is None else {"optimise": optimise}))
                while True:
                    if self.interrupts and done is None and repeated < len(AGAIN) and time.monotonic() - self.interrupts[0] >= AGAIN[repeated]:
                        self.signal(signal.SIGINT)
                        repeated += 1
                    wait = 0.1 if self.interrupts else 60.0
                    for event in self.read(wait if done is None else max(0.0, done - time.monotonic()), on_output):
                        if event["event"] == "error":
                            result.errors.append((event["name"], event["value"], event["text"]))
                        elif event["event"] == "done":
                            result.status, result.restored = event["status"], event["restored"]
                            result.seconds, result.cpp = event["seconds"], event["cpp"]
                            old, self.pid = self.pid, event["pid"]
                            if old != self.pid:
                                self.wait(0.5, old)
                            done = time.monotonic() + 1.0  # the end of the output is in the pipe, unless a cell closed stdout
                    if done is not None and (all(s.ended for s in self.streams.values()) or time.monotonic() > done and not self.came):
                        break
            finally:
                self.running = False
                for stream in self.streams.values():
                    stream.flush(on_output)
        if self.killed and result.errors and result.errors[0][0] == "Crash":
            result.errors = [("Interrupted", "interrupted", ["Interrupted. Variables and functions are as they were before this cell.\n"])]
        return result

    @contextlib.contextmanager
    def interrupts_forwarded(self):
        """Ctrl-C is the running cell's: it must not tear this program out of its reading."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, lambda *_: self.interrupt())
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
