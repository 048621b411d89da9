"""Run notebooks in this Python, independent of the user's settings of Jupyter, IPython and matplotlib.

Another environment's kernel called `python3`, an IPython profile, a matplotlibrc or PYTHONPATH would change what a
notebook computes, prints and draws. A container may run it as a user without a name or a home.
"""

import getpass
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from lib import strict

LONGEST = 60  # letters of a folder; the path of a socket in it may have 103
# CRITICAL: a kernel that is interrupted while it ends would log "ERROR: KeyboardInterrupt"
COMMAND = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=CRITICAL"]


def settle_in() -> None:
    """Set HOME, LOGNAME and MPLCONFIGDIR if libraries would otherwise fail, or warn each time.

    OSError: build/ cannot be written.
    """
    try:
        getpass.getuser()
    except (KeyError, OSError):  # the system has no such user: a KeyError before Python 3.13
        os.environ["LOGNAME"] = str(os.getuid())
    own = strict.ROOT / "build" / ".home"
    if not os.path.isdir(os.path.expanduser("~")):
        own.mkdir(parents=True, exist_ok=True)
        os.environ["HOME"] = str(own)
    cache, config = (os.environ.get(f"XDG_{name}_HOME") or f"~/.{name.lower()}" for name in ["CACHE", "CONFIG"])
    usual = [os.environ["MPLCONFIGDIR"]] if os.environ.get("MPLCONFIGDIR") else [cache, config]
    if not all(map(can_be_written, usual)):
        os.environ["MPLCONFIGDIR"] = str(own / "matplotlib")


def can_be_written(name: str) -> bool:
    """Whether a folder, or the nearest one above that is there, takes files."""
    folder = Path(os.path.expanduser(name)).absolute()
    nearest = next(parent for parent in [folder, *folder.parents] if parent.exists())
    return os.access(nearest, os.W_OK | os.X_OK)


@contextmanager
def this_python() -> Iterator:
    """Set the environment in which a kernel called `python3` is this Python; yields settings for Papermill.

    The kernel is reached through sockets in a folder, so that no port is open; if every temporary folder has too long
    a name for that, through a port.
    """
    from traitlets.config import Config

    with tempfile.TemporaryDirectory(prefix="kernel-", dir=short_folder()) as name:
        folder = Path(name)
        described = folder / "kernels" / "python3" / "kernel.json"
        described.parent.mkdir(parents=True)
        described.write_text(json.dumps({"argv": COMMAND, "display_name": "Python 3", "language": "python"}))
        (folder / "matplotlibrc").write_text("")
        with mock.patch.dict(os.environ, environment(folder), clear=True):
            sockets = {"transport": "ipc", "ip": f"{folder}/kernel"} if len(name) <= LONGEST + 20 else {}
            yield Config({"KernelManager": sockets})


def short_folder() -> str:
    """A folder for temporary files: the usual one, or another if its name is too long for sockets."""
    usual = tempfile.gettempdir()
    for folder in [usual, "/tmp", "/var/tmp", "/dev/shm"]:
        if len(folder) <= LONGEST and os.access(folder, os.W_OK | os.X_OK):
            return folder
    return usual


def environment(folder: Path) -> dict[str, str]:
    """This process's environment without Python's variables, and with `folder` for settings of Jupyter and IPython."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    jupyter = os.pathsep.join(filter(None, [str(folder), os.environ.get("JUPYTER_PATH")]))
    return plain | {
        "PYTHONUTF8": "1",
        "JUPYTER_PATH": jupyter,
        "IPYTHONDIR": str(folder / "ipython"),
        "MATPLOTLIBRC": str(folder / "matplotlibrc"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        # otherwise every log has a warning of the debugger
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
