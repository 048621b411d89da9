"""A file is whole or not there, and what cannot be written is told with its cure."""

import errno
import os
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT, mounted
from PIL import Image

from lib.data import files
from lib.data.files import alone, read_csv, write, write_csv
from lib.strict import StudyError


def test_a_full_disk_is_told_and_what_was_there_stays(tmp_path):
    with mounted(tmp_path / "small", "size=64k") as folder:
        write_csv(pd.DataFrame({"a": [1]}), folder / "a.csv")
        with pytest.raises(StudyError, match="a.csv cannot be written .No space left.*make room on that disk"):
            write_csv(pd.DataFrame({"a": range(100_000)}), folder / "a.csv")
        assert (folder / "a.csv").read_text() == "a\n1\n" and [p.name for p in folder.iterdir()] == ["a.csv"]


def as_library(name: str, path) -> None:
    """A megabyte, written as a library does it that says of a full disk something else than the system."""
    values = torch.zeros(2**18)
    if name == "numpy":
        np.save(path, values.numpy())
    elif name == "torch":
        torch.save({"a": values}, path)
    elif name == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(16):
                archive.writestr(str(number), bytes(2**16))
    else:
        Image.new("L", (1024, 1024)).save(path, "BMP")


@pytest.mark.parametrize("name", ["numpy", "torch", "zip", "pillow"])
@pytest.mark.parametrize("old", [b"old", None])
def test_a_disk_that_fills_while_a_library_writes_is_told_and_nothing_half_written_stays(tmp_path, name, old):
    with mounted(tmp_path / "small", "size=256k") as folder:
        suffix = {"numpy": ".npy"}.get(name, ".bin")
        path = (folder / "a").with_suffix(suffix)
        if old:
            path.write_bytes(old)
        with pytest.raises(StudyError, match=f"a{suffix} cannot be written .No space left on device.*make room"):
            write(path, lambda part: as_library(name, part))
        assert [(p.name, p.read_bytes()) for p in folder.iterdir()] == ([(path.name, old)] if old else [])
        write(folder / "b.bin", lambda part: part.write_bytes(bytes(2**17)))


def test_an_error_that_is_not_of_the_disk_stays_what_it_is(tmp_path):
    for error in [ValueError("of a library"), StudyError("told already"), RuntimeError("of torch")]:
        with pytest.raises(type(error), match=str(error)):
            write(tmp_path / "a", lambda part, error=error: part.write_text("half") and raising(error))
    assert not list(tmp_path.iterdir())


def raising(error: Exception):
    raise error


@pytest.mark.parametrize("number", sorted(files.CURES))
def test_every_answer_of_a_disk_has_its_cure(tmp_path, number):
    with pytest.raises(StudyError, match=f"a cannot be written .{os.strerror(number)}.*: {files.CURES[number]}, and"):
        write(tmp_path / "a", lambda part: raising(OSError(number, os.strerror(number))))


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
