"""A file is whole or not there, and what cannot be written is told with its cure."""

import contextlib
import errno
import os
import subprocess
import sys

import pandas as pd
import pytest
from conftest import ROOT

from lib.data import files
from lib.data.files import alone, read_csv, write, write_csv
from lib.strict import StudyError


@contextlib.contextmanager
def mounted(folder, options: str):
    """A small file system of its own; the test is skipped where nothing may be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs leave to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_what_was_there_stays(tmp_path):
    with mounted(tmp_path / "small", "size=64k") as folder:
        write_csv(pd.DataFrame({"a": [1]}), folder / "a.csv")
        with pytest.raises(StudyError, match="a.csv cannot be written .No space left.*make room on that disk"):
            write_csv(pd.DataFrame({"a": range(100_000)}), folder / "a.csv")
        assert (folder / "a.csv").read_text() == "a\n1\n" and [p.name for p in folder.iterdir()] == ["a.csv"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    with mounted(tmp_path / "fixed", "ro") as folder:
        with pytest.raises(
            StudyError, match="b.csv cannot be written .Read-only file system.*writable, and run this again"
        ):
            write_csv(pd.DataFrame({"a": [1]}), folder / "deep" / "b.csv")


def test_what_fails_while_it_is_written_leaves_the_old_file(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(ZeroDivisionError):
        write(tmp_path / "a.txt", lambda path: path.write_text("half") and 1 / 0)
    assert (tmp_path / "a.txt").read_text() == "old"


def test_labels_that_look_like_numbers_or_nothing_stay_what_they_are(tmp_path):
    table = pd.DataFrame({"path": ["1", "2", "3"], "label": ["None", "7", "NA"], "source": ["", "007", "nan"]})
    table = table.assign(width=[1, 2, 3], p=[0.5, None, 1])
    write_csv(table, tmp_path / "a.csv")
    read = read_csv(tmp_path / "a.csv")
    assert read[["path", "label", "source"]].astype(object).equals(table[["path", "label", "source"]].astype(object))
    assert read.width.tolist() == [1, 2, 3] and read.p.isna().tolist() == [False, True, False]


HOLD = """
import sys, time
from pathlib import Path
from lib.data.files import alone
with alone(Path(sys.argv[1]), "another one is at it"):
    print("held", flush=True)
    sys.stdin.read(1)
"""


def holder(path, **options) -> subprocess.Popen:
    """A process that holds a lock until it is written to."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", HOLD, str(path)], cwd=ROOT, **pipes, **options)


def test_who_finds_a_lock_held_says_so_and_waits(tmp_path):
    with holder(tmp_path / "a.lock") as one, holder(tmp_path / "b.lock") as free:
        assert one.stdout.readline() == free.stdout.readline() == "held\n"
        with holder(tmp_path / "a.lock") as two:
            assert two.stderr.readline() == "another one is at it\n"
            one.communicate("x")
            assert two.stdout.readline() == "held\n"
            two.communicate("x")
        assert free.communicate("x")[1] == ""


def test_a_file_system_that_knows_no_flock_is_locked_otherwise_or_named(tmp_path, monkeypatch):
    def unknown(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(files.fcntl, "flock", unknown)
    with alone(tmp_path / "a.lock"), holder(tmp_path / "a.lock") as other:
        assert other.stdout.readline() == "held\n"  # by flock, which another process may know
        other.communicate("x")
    monkeypatch.setattr(files.fcntl, "lockf", unknown)
    with pytest.raises(StudyError, match="no file can be locked where .*a.lock is: move the project to a disk"):
        with alone(tmp_path / "a.lock"):
            pass


def test_a_lock_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(StudyError, match="a/b.lock cannot be written"), alone(tmp_path / "a/b.lock"):
        pass
