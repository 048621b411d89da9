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
    """Whether .venv was set up after each of these files changed."""
    return READY.exists() and all(READY.stat().st_mtime >= Path(file).stat().st_mtime for file in files)


def main(files: list[str]) -> int:
    """Set up .venv with the packages of the first file; the exit status."""
    place = alone()
    if is_ready(files):
        return 0
    print("Setting up .venv: about 6 GB, a minute or a few, once", flush=True)
    if not os.access(".venv/bin/pip", os.X_OK):
        subprocess.run([sys.executable, "-m", "venv", "--clear", ".venv"], check=True)
    status = subprocess.run([".venv/bin/python", HERE / "install.py", files[0]]).returncode
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
        sys.exit("error: .venv could not be made (above); on Debian it needs the package python3-venv")
