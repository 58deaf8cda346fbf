"""./cotangent notebook: puts notebooks into a folder, registers the kernel, and starts Jupyter there, or finds the one that runs.

    python3 -m cotangent_kernel.open --folder FOLDER [--worker PROGRAM] [--worked] [--one] SOURCE.cpp...

A notebook that is there already is somebody's work and stays. Jupyter answers this machine alone, and asks for its token."""
import argparse
import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import webbrowser

import nbformat
from nbformat.sign import NotebookNotary

from . import install
from .cells import SourceError
from .execute import CellFailed, worked
from .notebook import fill, notebook_text, write_whole
from .scratch import SCRATCH, scratch
from .worker import WorkerDied


def say(*lines):
    for line in lines:
        print("cotangent:", line, file=sys.stderr, flush=True)


# --- Notebooks --------------------------------------------------------------------------------------------------------


def worked_copies(folder, sources):
    """NAME_worked.ipynb for each source: a copy of the committed one, else made now, which takes as long as its cells do."""
    os.makedirs(folder, exist_ok=True)
    paths = []
    for source in map(pathlib.Path, sources):
        target = pathlib.Path(folder) / (source.stem + "_worked.ipynb")
        paths.append(str(target))
        if target.exists():
            continue
        course = next((p for p in source.parents if p.name == "course"), source.parent)
        ready = course / "notebooks/worked" / (source.stem + ".ipynb")
        if ready.exists():
            with open(ready, encoding="utf-8") as file:
                write_whole(str(target), file.read())
        elif len(sources) == 1:
            say("running %s for its outputs" % source.stem)
            solved = source.parent / "worked" / source.name
            write_whole(str(target), notebook_text(worked(str(solved if solved.exists() else source))))
        else:
            paths.pop()
            continue
        trust(str(target))
    return paths


def trust(path):
    """Jupyter hides figures of a notebook that somebody else has run, unless the user has signed it. This one is the course's."""
    NotebookNotary().sign(nbformat.read(path, as_version=4))


def put_scratch(folder):
    path = os.path.join(folder, SCRATCH)
    if not os.path.exists(path):
        write_whole(path, nbformat.writes(scratch()) + "\n")


# --- Jupyter ----------------------------------------------------------------------------------------------------------


def running_server(folder=None, pid=None):
    """What Jupyter notes about a server that answers: of this folder, or of this process."""
    from notebook.notebookapp import list_running_servers
    with contextlib.suppress(OSError, ValueError):
        for server in list_running_servers():
            if pid is not None and server["pid"] != pid:
                continue
            if folder is not None and os.path.realpath(server.get("notebook_dir", "")) != os.path.realpath(folder):
                continue
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server["port"]), timeout=2):
                return server
    return None


def address(server, file):
    """Where the file, or without one the list of all, is to be seen."""
    page = "notebooks/" + urllib.parse.quote(os.path.basename(file)) if file else "tree"
    token = "?token=" + server["token"] if server.get("token") else ""
    return server["url"] + page + token


def browse(url):
    """Opens a browser if there is a screen: without one it would be a text browser, which runs no notebooks."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and webbrowser.open(url)


def with_us():
    """In the new process: it gets SIGTERM if this one is gone before."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def serve(folder, file, port=None):
    """Runs Jupyter until Ctrl-C, or its own Quit button. Returns the exit status."""
    running = running_server(folder)
    if running:
        url = address(running, file)
        say("Jupyter runs here already: " + url)
        browse(url)
        return 0
    command = [sys.executable, "-m", "notebook", "--no-browser", "--ip=127.0.0.1", "--notebook-dir=" + folder, "--log-level=ERROR"]
    if os.geteuid() == 0:
        command.append("--allow-root")
    if port:
        command.append("--port=%d" % port)
    ending = []
    before = {s: signal.signal(s, lambda number, _: ending.append(number)) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    # In a session of its own, so that Ctrl-C is ours: Jupyter would ask whether it is meant.
    log = os.path.join(install.folder().parent, "cotangent-notebook.log")
    with open(log, "w") as lines:
        jupyter = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=lines, stderr=lines, start_new_session=True, preexec_fn=with_us)
    try:
        told = False
        while jupyter.poll() is None and not ending:
            time.sleep(0.1)
            server = None if told else running_server(pid=jupyter.pid)
            if server:
                url = address(server, file)
                say("Jupyter runs in %s; Ctrl-C ends it. Its address, if no browser opens:" % folder, "  " + url)
                browse(url)
                told = True
        if jupyter.poll() is None:
            jupyter.terminate()
            try:
                jupyter.wait(15)
            except subprocess.TimeoutExpired:
                jupyter.kill()
                jupyter.wait()
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)
    if ending or (told and jupyter.returncode == 0):
        say("Jupyter has ended. Your notebooks are in " + folder)
        return 0
    with open(log) as lines:
        say("Jupyter failed:", *lines.read().splitlines()[-15:])
    return 1


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="cotangent_kernel.open")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--worker", help="the program cotangent-worker")
    parser.add_argument("--worked", action="store_true", help="notebooks with their answers and outputs, as NAME_worked.ipynb")
    parser.add_argument("--one", action="store_true", help="open this one, not the list of all")
    parser.add_argument("--port", type=int)
    parser.add_argument("source", nargs="+")
    options = parser.parse_args(arguments)
    folder = os.path.abspath(options.folder)
    try:
        made = worked_copies(folder, options.source) if options.worked else fill(folder, options.source)
        put_scratch(folder)
        install.install(worker=options.worker)
    except (SourceError, CellFailed, WorkerDied, OSError) as error:
        say(str(error))
        return 1
    return serve(folder, made[0] if options.one and made else None, options.port)


if __name__ == "__main__":
    sys.exit(main())
