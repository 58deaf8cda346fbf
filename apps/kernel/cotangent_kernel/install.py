"""Registers the kernel for the user: python3 -m cotangent_kernel install [--name NAME] [--prefix DIR] [--worker PROGRAM]."""
import argparse
import json
import os
import pathlib
import shutil
import tempfile

NAME = "cotangent"


def spec(worker=None):
    """kernel.json. Debian's own Python with Debian's packages: another one may come first in PATH, or others be in the user's folder."""
    package = pathlib.Path(__file__).resolve().parent
    env = {"PYTHONPATH": str(package.parent), "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    if worker:
        env["COTANGENT_WORKER"] = str(pathlib.Path(worker).resolve())
    return {
        "argv": ["/usr/bin/python3", "-m", "cotangent_kernel", "-f", "{connection_file}"],
        "display_name": "C++20 (Cotangent)",
        "language": "c++",
        "interrupt_mode": "signal",
        "env": env,
        "metadata": {"debugger": False},
    }


def folder(prefix=None):
    if prefix:
        return pathlib.Path(prefix) / "share/jupyter/kernels"
    data = os.environ.get("JUPYTER_DATA_DIR")
    if not data:
        data = pathlib.Path(os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local/share") / "jupyter"
    return pathlib.Path(data) / "kernels"


def install(name=NAME, prefix=None, worker=None):
    target = folder(prefix) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    new = pathlib.Path(tempfile.mkdtemp(dir=target.parent, prefix="." + name))
    (new / "kernel.json").write_text(json.dumps(spec(worker), indent=1) + "\n")
    new.chmod(0o755)
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)
    return target


def main(arguments):
    parser = argparse.ArgumentParser(prog="python3 -m cotangent_kernel")
    parser.add_argument("what", choices=["install", "uninstall"])
    parser.add_argument("--name", default=NAME)
    parser.add_argument("--prefix", help="below this folder instead of the user's own")
    parser.add_argument("--worker", help="the program cotangent-worker, if not the newest that was built here")
    options = parser.parse_args(arguments)
    if options.what == "install":
        print("kernel:", install(options.name, options.prefix, options.worker))
    else:
        shutil.rmtree(folder(options.prefix) / options.name, ignore_errors=True)
