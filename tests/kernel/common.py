"""What the kernel's tests share."""
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "apps/kernel"))
os.environ["PYTHONPATH"] = str(ROOT / "apps/kernel")

from cotangent_kernel.worker import Worker, find_program  # noqa: E402

__all__ = ["ROOT", "Worker", "find_program", "run"]


def run(worker, code, label="In[1]"):
    """Runs a cell. Returns the result with .out and .err (text), .shown (a list of {mime type: data}) and .error (its text)."""
    outputs = []
    result = worker.execute(code, label, lambda kind, content: outputs.append((kind, content)))
    result.out = "".join(c for k, c in outputs if k == "stdout")
    result.err = "".join(c for k, c in outputs if k == "stderr")
    result.shown = [c for k, c in outputs if k in ("display", "result")]
    result.kinds = [k for k, c in outputs]
    result.error = "".join("".join(e[2]) for e in result.errors)
    return result
