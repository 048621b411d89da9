"""Files that are whole or not there: written under a temporary name, then moved into place, by one at a time."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pandas as pd

from lib.errors import StudyError


def write(path: Path, save: Callable[[Path], object]) -> None:
    """Call `save` with a temporary path beside `path`, then move what it wrote to `path` in one step.

    StudyError: the disk is full, or the folder cannot be written; what was there is still there.
    """
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")  # numpy adds a suffix where it misses one
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(temporary)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        cure = {
            errno.ENOSPC: "make room on that disk",
            errno.EROFS: "make that folder writable",
            errno.EACCES: "make that folder writable",
        }
        says = f"{path} cannot be written ({error.strerror}); nothing that was there is lost"
        raise StudyError(f"{says}: {cure.get(error.errno, 'mend that')}, and run this again") from error


@contextlib.contextmanager
def alone(path: Path) -> Iterator[IO]:
    """Hold a lock file, and let go of it however this process ends; waits until no other holds it.

    A process that is given the open file holds it too, until it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """A table without its index; floats with six decimals, so that equal runs write equal bytes."""
    write(path, lambda p: table.to_csv(p, index=False, float_format="%.6f", lineterminator="\n"))


TEXT = dict.fromkeys(
    ["path", "label", "photo", "source", "published_part", "part", "true", "predicted", "one", "other"], str
)


def read_csv(path: Path) -> pd.DataFrame:
    """A table of ours: what is text stays text, be it called 7 or None; an empty cell of it is an empty text."""
    table = pd.read_csv(path, dtype=TEXT, keep_default_na=False, na_values=[""])
    return table.fillna(dict.fromkeys(TEXT.keys() & set(table.columns), ""))


def readable(path: Path) -> bytes:
    """A file's bytes; a StudyError where there is none, or it may not be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise StudyError(f"{path} cannot be read ({error.strerror}): is the name right?") from None
