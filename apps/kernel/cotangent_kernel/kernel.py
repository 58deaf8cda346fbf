"""A Jupyter kernel: ipykernel's Kernel with our worker behind it."""
import re

from ipykernel.kernelbase import Kernel

from .worker import Worker, WorkerDied

ASK = re.compile(r"^\s*(?:\?\??\s*([\w:.]+)|([\w:.]+)\s*\?\??)\s*$")  # ?name and name?


def coloured(line):
    """A line of a compiler's or program's complaint, for a terminal or a browser."""
    if re.match(r"\s*[\^~ \t]+$", line) and "^" in line:
        return "\x1b[32m" + line + "\x1b[0m"
    line = re.sub(r"^((?:In\[[^\]]*\]|[^\s:]+):\d+:\d+: )(error|warning|note)(: )", lambda m: m[1] + "\x1b[1;" + {"error": "31", "warning": "35", "note": "36"}[m[2]] + "m" + m[2] + "\x1b[0m" + m[3], line)
    return line


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
        self.worker = Worker()  # it prepares itself while Jupyter connects

    # --- cells --------------------------------------------------------------------------------------------------------

    def do_execute(self, code, silent, store_history=True, user_expressions=None, allow_stdin=False, *, cell_id=None):
        counts = {"execution_count": self.execution_count}
        if not code.strip():
            return {"status": "ok", "payload": [], "user_expressions": {}, **counts}
        asked = ASK.match(code)
        if asked:
            text = self.explain(asked[1] or asked[2]) or "Nothing is known about " + (asked[1] or asked[2]) + "."
            return {"status": "ok", "user_expressions": {}, **counts,
                    "payload": [{"source": "page", "data": {"text/plain": text}, "start": 0}]}
        # A blank first line, and the cell's own text, would have the same label.
        label = "In[%d]" % self.execution_count if store_history and not silent else "In[ ]"
        output = (lambda kind, content: None) if silent else self.output
        try:
            result = self.worker.execute(code, label, output)
        except WorkerDied as e:
            return {**self.failed("WorkerDied", str(e), ["The worker has died (" + str(e) + "); a new one was started. All variables are gone.\n"], silent), **counts}
        if result.status == "ok":
            return {"status": "ok", "payload": [], "user_expressions": {}, **counts}
        name, value, text = result.errors[0] if result.errors else ("Error", "", [])
        return {**self.failed(name, value, text, silent, restart=False), **counts}

    def failed(self, name, value, text, silent, restart=True):
        if restart:
            self.restart_worker()
        lines = [coloured(line) for line in "".join(text).rstrip("\n").split("\n")]
        content = {"ename": name, "evalue": value, "traceback": lines}
        if not silent:
            self.send_response(self.iopub_socket, "error", content)
        return {"status": "error", **content}

    def output(self, kind, content):
        if kind in ("stdout", "stderr"):
            self.send_response(self.iopub_socket, "stream", {"name": kind, "text": content})
        elif kind == "result":
            self.send_response(self.iopub_socket, "execute_result", {"data": content, "metadata": {}, "execution_count": self.execution_count})
        elif kind == "display":
            self.send_response(self.iopub_socket, "display_data", {"data": content, "metadata": {}})

    # --- questions ----------------------------------------------------------------------------------------------------

    def ask(self, op, **request):
        try:
            return self.worker.ask(op, **request)
        except WorkerDied:
            self.restart_worker()
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

    # --- the worker's life --------------------------------------------------------------------------------------------

    def restart_worker(self):
        self.worker.shutdown()
        self.worker = Worker()

    def do_shutdown(self, restart):
        self.worker.shutdown()
        return {"status": "ok", "restart": restart}
