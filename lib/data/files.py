"""Write files under a temporary name and move them into place, so that none is ever half written; lock files."""

import contextlib
import errno
import fcntl
import gzip
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from lib.strict import StudyError

if TYPE_CHECKING:  # a process that only starts another one to execute a notebook does not need this import
    import pandas as pd

# columns that hold text even where every cell looks like a number
TEXT_COLUMNS = ["path", "label", "photo", "source", "published_part", "part", "true", "predicted", "one", "other"]

# errors of a file system that does not support flock
NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}
CURES = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "delete files of yours on that disk, or ask for more room on it",
    errno.EFBIG: "move the project to a disk that takes larger files",
    errno.EROFS: "make that folder writable",
    errno.EACCES: "make that folder writable",
    errno.EPERM: "make that folder writable",
}
FULL = 2**16  # bytes; a disk with less free space counts as full


def write(path: Path, save: Callable[[Path], object]) -> None:
    """Call `save` with a temporary path beside `path`, then move the file to `path` in one step.

    StudyError: the disk is full, or the folder cannot be written; the old file stays as it was.
    """
    # the suffix stays the same, since numpy and safetensors look at it
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(temporary)
        os.replace(temporary, path)
    except StudyError:
        raise
    except Exception as error:
        if cause := system_error(error, path.parent):
            raise not_written(path, cause) from error
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def system_error(error: Exception, folder: Path) -> OSError | None:
    """The OSError behind a failed write (numpy and torch raise errors without its number); None: there is none."""
    link = error
    while link is not None:
        if isinstance(link, OSError) and link.errno:
            return link
        link = link.__cause__ or link.__context__
    if shutil.disk_usage(folder).free < FULL:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return error if isinstance(error, OSError) else None


def require_room(error: Exception, path: Path) -> None:
    """StudyError: `error`, raised while a library fetched `path`, means that nothing more can be written there."""
    cause = system_error(error, path.parent)
    if cause and cause.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}:
        raise not_written(path, cause) from None


def not_written(path: Path | str, error: OSError) -> StudyError:
    """Make the StudyError for a file that cannot be written, with its cure."""
    problem = f"{path} cannot be written ({error.strerror or error}); nothing that was there is lost"
    return StudyError(f"{problem}: {CURES.get(error.errno, 'mend that')}, and run this again")


@contextlib.contextmanager
def alone(path: Path, waiting: str = "") -> Iterator[IO]:
    """Hold a lock file until the block or this process ends; waits while another process holds it.

    A child process that inherits the open file holds the lock too, until it ends.

    Args:
        waiting: printed if another process holds it.

    StudyError: the file cannot be written, or its file system cannot lock files.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = open(path, "w")
    except OSError as error:
        raise not_written(path, error) from error
    with lock:
        hold(lock, waiting)
        yield lock


def has_flock(folder: Path) -> bool:
    """Whether files in a folder can be locked by flock, which some network file systems do not support."""
    with open(folder / "flock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in NO_LOCKS
    return True


def hold(lock: IO, waiting: str) -> None:
    """Lock an open file by flock or, if its file system lacks that, by lockf, which child processes do not inherit."""
    for take in [fcntl.flock, fcntl.lockf]:
        try:
            with contextlib.suppress(BlockingIOError, PermissionError):
                return take(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if waiting:
                print(waiting, file=sys.stderr, flush=True)
            return take(lock, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
    raise StudyError(f"no file can be locked where {lock.name} is: move the project to a disk of this machine")


def is_held(path: Path) -> bool:
    """Whether another process holds a lock file. Not for files that this process holds: it may lose their lock."""
    with open(path, "r+") as file:
        for take in [fcntl.flock, fcntl.lockf]:
            try:
                take(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return False
            except (BlockingIOError, PermissionError):
                return True
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise
    return False


def write_csv(table: "pd.DataFrame", path: Path) -> None:
    """Write a table without its index; floats have six decimals, so that equal runs write equal bytes.

    A path that ends in .gz is compressed, without a name or time in the header.
    """
    content = table.to_csv(index=False, float_format="%.6f", lineterminator="\n").encode()
    if path.suffix == ".gz":
        buffer = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as file:
            file.write(content)
        content = buffer.getvalue()
    write(path, lambda part: part.write_bytes(content))


def read_csv(path: Path) -> "pd.DataFrame":
    """Read a CSV of this project; text columns stay strings, so that a class called 7 or None survives."""
    import pandas as pd

    table = pd.read_csv(path, dtype=dict.fromkeys(TEXT_COLUMNS, str), keep_default_na=False, na_values=[""])
    empty = {name: "" for name in TEXT_COLUMNS if name in table}
    return table.fillna(empty)


def readable(path: Path) -> bytes:
    """Read a file's bytes. StudyError: it is missing, or reading it is not allowed."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise StudyError(f"{path} cannot be read ({error.strerror}): is the name right?") from None
