"""A Jupyter kernel: ipykernel's Kernel with our worker behind it."""
import collections
import fnmatch
import re
import signal
import threading

from ipykernel.kernelbase import Kernel

from .worker import Worker, WorkerDied

ASK = re.compile(r"^\s*(?:\?\??\s*([\w:.]+)|([\w:.]+)\s*\?\??)\s*$")  # ?name and name?


def coloured(line):
    """A line of a compiler's or program's complaint, for a terminal or a browser."""
    if re.match(r"\s*[\^~ \t]+$", line) and "^" in line:
        return "\x1b[32m" + line + "\x1b[0m"
    line = re.sub(r"^((?:In\[[^\]]*\]|[^\s:]+):\d+:\d+: )(error|warning|note)(: )", lambda m: m[1] + "\x1b[1;" + {"error": "31", "warning": "35", "note": "36"}[m[2]] + "m" + m[2] + "\x1b[0m" + m[3], line)
    return line


class Outputs:
    """What one cell prints and shows, on its way to Jupyter. A browser is slow with megabytes of text, and Jupyter's server drops
    what comes faster than 1 MB a second: of long output the beginning and the end are handed on."""
    BEGINNING, END, MOST_SHOWN = 400_000, 40_000, 300

    def __init__(self, kernel, count, silent):
        self.kernel, self.count, self.silent = kernel, count, silent
        self.result = None
        self.printed = collections.Counter()
        self.ends = {}
        self.shown = 0

    def send(self, kind, content):
        if not self.silent:
            self.kernel.send_response(self.kernel.iopub_socket, kind, content)

    def take(self, kind, content):
        if kind in ("stdout", "stderr"):
            room = max(0, self.BEGINNING - self.printed[kind])
            self.printed[kind] += len(content)
            if content[:room]:
                self.send("stream", {"name": kind, "text": content[:room]})
            if content[room:]:
                if kind not in self.ends:
                    self.send("stream", {"name": kind, "text": "\n... this cell prints much: its end follows when it is done ...\n"})
                self.ends[kind] = (self.ends.get(kind, "") + content[room:])[-self.END:]
        elif kind == "result":
            self.result = content
            self.send("execute_result", {"data": content, "metadata": {}, "execution_count": self.count})
        elif kind == "display":
            self.shown += 1
            if self.shown <= self.MOST_SHOWN:
                self.send("display_data", {"data": content, "metadata": {}})
            elif self.shown == self.MOST_SHOWN + 1:
                self.send("stream", {"name": "stdout", "text": "... more than %d values are shown: the rest is left out\n" % self.MOST_SHOWN})

    def finish(self):
        for kind, end in self.ends.items():
            left_out = self.printed[kind] - self.BEGINNING - len(end)
            note = "... %d characters are left out ...\n" % left_out if left_out else ""
            self.send("stream", {"name": kind, "text": note + end})

    def failed(self, name, value, text):
        lines = [coloured(line) for line in text.rstrip("\n").split("\n")]
        content = {"ename": name, "evalue": value, "traceback": lines}
        self.send("error", content)
        return content


class CotangentKernel(Kernel):
    implementation = "cotangent"
    implementation_version = "0.1"
    banner = "C++20 with Cotangent. A failed cell changes nothing; the last expression of a cell is shown; ?name explains."
    language_info = {
        "name": "c++",
        "version": "20",
        "mimetype": "text/x-c++src",
        "file_extension": ".cpp",
        "codemirror_mode": "text/x-c++src",
        "pygments_lexer": "cpp",
    }

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.worker = None
        self.taken = threading.Lock()  # the worker is at work for a message; interrupts and the end come from other threads
        self.ending = False
        self.inputs = []               # (count, code, result) for the history
        self.start_worker()            # it prepares itself while Jupyter connects

    # --- cells --------------------------------------------------------------------------------------------------------

    def do_execute(self, code, silent, store_history=True, user_expressions=None, allow_stdin=False, *, cell_id=None):
        store_history = store_history and not silent
        # Jupyter's counter goes on for every cell that is not silent; protocol: only for those that the history keeps.
        count = self.execution_count
        if not silent and not store_history:
            self.execution_count -= 1
        reply = {"status": "ok", "execution_count": count, "payload": [], "user_expressions": {}}
        asked = ASK.match(code)
        out = Outputs(self, count, silent)
        if asked:
            text = self.explain(asked[1] or asked[2]) or "Nothing is known about " + (asked[1] or asked[2]) + "."
            reply["payload"] = [{"source": "page", "data": {"text/plain": text}, "start": 0}]
        elif code.strip():
            # A blank first line, and the cell's own text, would have the same label.
            error = self.run_cell(code, "In[%d]" % count if store_history else "In[ ]", out)
            if error:
                reply = {"status": "error", "execution_count": count, **error}
            else:
                reply["user_expressions"] = {name: self.value_of(text) for name, text in (user_expressions or {}).items()}
        if store_history and code.strip():
            self.inputs.append((count, code, out.result))
        return reply

    def run_cell(self, code, label, out):
        """Runs it, and hands on what it prints and shows; what went wrong, or nothing."""
        with self.taken:
            try:
                if not self.worker:
                    self.start_worker()
                if not self.worker:
                    raise WorkerDied(self.why_not)
                result = self.worker.execute(code, label, out.take)
            except WorkerDied as e:
                return out.failed("WorkerDied", str(e), self.after_death(str(e)))
            finally:
                out.finish()
        if result.status == "ok":
            return None
        name, value, text = result.errors[0] if result.errors else ("Error", "", [])
        return out.failed(name, value, "".join(text))

    def value_of(self, expression):
        """A user expression: what it shows, or its error."""
        out = Outputs(self, 0, silent=True)
        error = self.run_cell(expression, "In[ ]", out)
        if error:
            return {"status": "error", **error}
        return {"status": "ok", "data": out.result or {"text/plain": ""}, "metadata": {}}

    # A signal is for the running cell. Jupyter's own handler would tear this program out of whatever it is doing.
    def pre_handler_hook(self):
        if self.worker:
            self.worker.expect()
        self.signal_before = signal.signal(signal.SIGINT, lambda *_: self.worker and self.worker.interrupt())

    def post_handler_hook(self):
        signal.signal(signal.SIGINT, self.signal_before)
        if self.worker:
            self.worker.expect(False)

    # --- questions ----------------------------------------------------------------------------------------------------

    def ask(self, op, **request):
        with self.taken:
            try:
                return self.worker.ask(op, **request) if self.worker else {}
            except WorkerDied as e:
                self.after_death(str(e))
                return {}

    def do_is_complete(self, code):
        status = "complete" if not code.strip() or ASK.match(code) else self.ask("is_complete", code=code).get("status", "unknown")
        return {"status": status, "indent": "  "} if status == "incomplete" else {"status": status}

    def do_complete(self, code, cursor_pos):
        answer = self.ask("complete", code=code, at=len(code[:cursor_pos].encode()))
        start = len(code.encode()[:answer["start"]].decode("utf-8", "ignore")) if "start" in answer else cursor_pos
        matches = [m["text"] for m in answer.get("matches", [])]
        types = [{"start": start, "end": cursor_pos, "text": m["text"], "type": m["kind"], "signature": m["signature"]} for m in answer.get("matches", [])]
        return {"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": cursor_pos,
                "metadata": {"_jupyter_types_experimental": types}}

    def explain(self, name):
        return self.ask("inspect", code=name, at=len(name.encode())).get("text", "")

    def do_inspect(self, code, cursor_pos, detail_level=0, omit_sections=()):
        text = self.ask("inspect", code=code, at=len(code[:cursor_pos].encode())).get("text", "")
        return {"status": "ok", "found": bool(text), "data": {"text/plain": text} if text else {}, "metadata": {}}

    def do_history(self, hist_access_type, output, raw, session=None, start=None, stop=None, n=None, pattern=None, unique=False):
        """The cells of this session (as number 1; 0 means the current one)."""
        found = self.inputs
        if hist_access_type == "range":
            found = [e for e in found if session in (0, 1, None) and (start or 0) <= e[0] and (stop is None or e[0] < stop)]
        elif hist_access_type == "search":
            found = [e for e in found if fnmatch.fnmatchcase(e[1], pattern or "*")]
            if unique:
                found = list({e[1]: e for e in found}.values())
        if hist_access_type != "range" and n is not None:
            found = found[len(found) - min(n, len(found)):]
        text = lambda e: (e[1], e[2]["text/plain"] if e[2] else None) if output else e[1]
        return {"status": "ok", "history": [(1, e[0], text(e)) for e in found]}

    # --- the worker's life --------------------------------------------------------------------------------------------

    def start_worker(self):
        """Without a worker the kernel lives on, and the next cell says why there is none."""
        try:
            self.worker = Worker()
        except WorkerDied as e:
            self.worker, self.why_not = None, str(e)

    def after_death(self, why):
        text = "The worker, which compiles and runs the cells, has died: %s.\n" % why.rstrip(".")
        if self.worker and not self.ending:
            self.end_worker()
            self.start_worker()
            if self.worker:
                text += "A new one was started. All variables, functions and includes are gone: run the cells again from the first one.\n"
        return text

    def end_worker(self):
        if self.worker:
            self.worker.shutdown()
        self.worker = None

    def do_shutdown(self, restart):
        # This comes in another thread, perhaps in the middle of a cell, which is ended then.
        self.ending = True
        worker = self.worker
        if worker and not self.taken.acquire(blocking=False):
            worker.kill()
            self.taken.acquire(timeout=5)
        self.end_worker()
        return {"status": "ok", "restart": restart}
