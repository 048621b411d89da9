"""Make .venv and install a requirements file into it, one `make` at a time: `make` calls it.

    python3 .setup/environment.py requirements-dev.txt constraints.txt

Does nothing where .venv/ready is newer than the files named: another `make`, for which this one waited, has done it.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

READY, HERE = Path(".venv/ready"), Path(__file__).parent
VENV, PROGRAMS = READY.parent, [".venv/bin/python", ".venv/bin/pip"]


def alone() -> int:
    """Wait until no other `make` sets up this environment; the lock is held until the descriptor is closed."""
    place = os.open(HERE, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another make sets up .venv here: waiting for it", flush=True)
        fcntl.flock(place, fcntl.LOCK_EX)
    except OSError:
        # a file system without flock: nothing to wait by
        pass
    return place


def is_ready(files: list[str]) -> bool:
    """Whether .venv was set up after each of these files changed, and has a Python that may be run."""
    return READY.exists() and can_run() and all(READY.stat().st_mtime >= Path(file).stat().st_mtime for file in files)


def can_run() -> bool:
    """Whether the Python and the pip of .venv are there, and may be run by this user."""
    return all(os.access(program, os.X_OK) for program in PROGRAMS)


def make_anew() -> None:
    """Make an empty .venv. Ends with a message where it is a link, since what that leads to may be in use."""
    if VENV.is_symlink():
        sys.exit(f"error: .venv is a link to {os.readlink(VENV)}, which has no Python to run here: delete the link")
    if not os.access(VENV if VENV.exists() else ".", os.W_OK):
        sys.exit(f"error: {VENV.absolute()} cannot be written: make its folder writable, or copy the project elsewhere")
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)


def main(files: list[str]) -> int:
    """Set up .venv with the packages of the first file; the exit status."""
    place = alone()
    if is_ready(files):
        return 0
    print("Setting up .venv: about 6 GB, a minute or a few, once", flush=True)
    if not can_run():
        make_anew()
    status = subprocess.run([PROGRAMS[0], HERE / "install.py", files[0]]).returncode
    if status == 0:
        READY.touch()
    os.close(place)
    return status


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except subprocess.CalledProcessError:
        sys.exit("error: .venv could not be made (above): it needs room on this disk; Debian's package is python3-venv")
    except OSError as error:
        cure = "mend that, or copy the project elsewhere"
        sys.exit(f"error: {error.filename or VENV} cannot be written or run ({error.strerror}): {cure}")
