"""A kernel that runs, and a client of it, for the tests of Jupyter's protocol. A test that fails prints all messages it has seen.

Exits with 77 (skipped) where Debian's python3-ipykernel, python3-jupyter-client, jupyter-nbconvert or python3-nbformat are missing."""
import atexit
import json
import os
import sys
import tempfile
import time
import unittest
from queue import Empty

import common  # noqa: F401  (the path of cotangent_kernel)

try:
    import ipykernel  # noqa: F401
    import nbconvert  # noqa: F401
    import nbformat  # noqa: F401
    from jupyter_client.manager import KernelManager
except ImportError as e:
    print("skipped:", e)
    sys.exit(1 if os.environ.get("CI") == "true" else 77)  # there everything is installed

from cotangent_kernel.install import install

DATA = tempfile.TemporaryDirectory()
atexit.register(DATA.cleanup)
os.environ["JUPYTER_DATA_DIR"] = os.environ["JUPYTER_RUNTIME_DIR"] = os.environ["JUPYTER_CONFIG_DIR"] = os.environ["IPYTHONDIR"] = DATA.name
install()


class Client:
    """Every message is kept with its time. A reply is found by its request: Jupyter's own wait_for_ready asks again when a
    kernel takes more than a second, so that a slow machine answers once more than anybody waits for."""
    number = 0

    def __init__(self, **options):
        self.log = []
        self.started = time.monotonic()
        # Sockets with names: ports are chosen by Jupyter and bound by the kernel, so that on a busy machine another takes them between.
        Client.number += 1
        self.manager = KernelManager(kernel_name="cotangent", transport="ipc", ip="%s/kernel_%d" % (DATA.name, Client.number))
        self.manager.start_kernel(cwd=DATA.name, **options)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)

    def close(self):
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel()

    def note(self, channel, message):
        parent = message["parent_header"].get("msg_id", "")[-4:]
        self.log.append("%8.3f %-7s %-16s %s  %s" % (time.monotonic() - self.started, channel, message["msg_type"], parent, json.dumps(message["content"])[:300]))

    def said(self, text):
        self.log.append("%8.3f %s" % (time.monotonic() - self.started, text))

    def get(self, channel, request, timeout=60):
        """The next message that answers the request."""
        end = time.monotonic() + timeout
        while True:
            try:
                message = getattr(self.client, "get_%s_msg" % channel)(timeout=max(0.0, end - time.monotonic()))
            except Empty:
                raise AssertionError("no message on %s for %s within %d s" % (channel, request[-4:], timeout)) from None
            self.note(channel, message)
            if message["parent_header"].get("msg_id") == request:
                return message

    def send(self, code, **options):
        # After an error Jupyter answers what has come by then with "aborted", unless it was told not to.
        request = self.client.execute(code, **{"stop_on_error": False, **options})
        self.said("-> execute %s %r %s" % (request[-4:], code[:100], options or ""))
        return request

    def reply(self, request, timeout=60):
        return self.get("shell", request, timeout)["content"]

    def outputs(self, request, timeout=60):
        """What comes on iopub up to idle, as (type, content), and the states."""
        seen, states = [], []
        while "idle" not in states:
            message = self.get("iopub", request, timeout)
            if message["msg_type"] == "status":
                states.append(message["content"]["execution_state"])
            else:
                seen.append((message["msg_type"], message["content"]))
        return seen, states

    def wait_for_text(self, request, text, timeout=60):
        """Reads streams until the text was printed."""
        printed = ""
        while text not in printed:
            message = self.get("iopub", request, timeout)
            if message["msg_type"] == "stream":
                printed += message["content"]["text"]


class KernelCase(unittest.TestCase):
    """One kernel for all tests of a class."""
    options = {}

    @classmethod
    def setUpClass(cls):
        cls.kernel = Client(**cls.options)
        cls.client, cls.manager = cls.kernel.client, cls.kernel.manager

    @classmethod
    def tearDownClass(cls):
        cls.kernel.close()

    def setUp(self):
        self.kernel.log.clear()

    def run(self, result=None):
        wrong = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > wrong:
            print("--- messages of %s\n%s\n---" % (self.id(), "\n".join(self.kernel.log)), file=sys.stderr)

    def run_cell(self, code, timeout=60, **options):
        """The reply, and what came on iopub between busy and idle as (type, content)."""
        request = self.kernel.send(code, **options)
        reply = self.kernel.reply(request, timeout)
        seen, states = self.kernel.outputs(request, timeout)
        self.assertEqual(states, ["busy", "idle"])
        if not options.get("silent"):
            self.assertEqual(seen[0][0], "execute_input")
            seen = seen[1:]
        return reply, seen

    def ok(self, code, **options):
        """The outputs of a cell that does not fail."""
        reply, seen = self.run_cell(code, **options)
        self.assertEqual(reply["status"], "ok", reply)
        return seen

    def value(self, code):
        return self.ok(code)[-1][1]["data"]["text/plain"]

    def printed(self, seen, name="stdout"):
        return "".join(c["text"] for k, c in seen if k == "stream" and c["name"] == name)

    def ask(self, request, timeout=60):
        return self.kernel.reply(request, timeout)
