"""Where a data set's files are: a zip file, never unpacked, or a folder. Both are read alike, member by member.

a catalogue entry --find_archive--> a path --open_archive--> names, and the bytes of each
"""

import os
import re
import zipfile
from pathlib import Path

from lib.strict import StudyError

# Limits of an unpacked archive: far more than any data set here, far less than a zip bomb.
MOST_FILES = 500_000
MOST_BYTES = 64 << 30


def quiet(items, **_):
    """Progress that is not shown; a notebook passes tqdm instead."""
    return items


class Folder:
    """A folder with the interface of zipfile.ZipFile: names of the files below it, with slashes, and their bytes."""

    def __init__(self, path: Path):
        self.filename = str(path)

    def namelist(self) -> list[str]:
        """Every file below the folder except hidden ones; links to other folders are not followed."""
        top = Path(self.filename)
        names = []
        for folder, folders, files in os.walk(top):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            inside = Path(folder).relative_to(top)
            names += [(inside / name).as_posix() for name in sorted(files) if not name.startswith(".")]
        return names

    def read(self, name: str) -> bytes:
        """The bytes of a file. KeyError: the folder has no file of this name."""
        path = Path(self.filename) / name
        if ".." in Path(name).parts or not path.is_file():
            raise KeyError(name)
        return path.read_bytes()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def open_archive(path: Path) -> zipfile.ZipFile | Folder:
    """An open archive. StudyError: it is missing, damaged, or unsafe; the message says what to do."""
    if path.is_dir():
        return Folder(path)
    if not path.exists():
        cure = "name the folder that holds it in STUDY_ARCHIVES, or run notebook 01 first"
        raise StudyError(f"{path} is not there: {cure}")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        size = path.stat().st_size
        raise StudyError(f"{path} is no whole zip file ({size} bytes: {error}): delete it and fetch it again") from None
    require_safe(archive, path)
    return archive


def require_safe(archive: zipfile.ZipFile, path: Path) -> None:
    """StudyError: a member's name points outside of the archive, or the unpacked archive would be too large."""
    for name in archive.namelist():
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or re.match("[A-Za-z]:", name):
            raise StudyError(f"{path} has a member that points outside of it, {name!r}: do not use this archive")
    number = len(archive.infolist())
    size = sum(member.file_size for member in archive.infolist())
    if number > MOST_FILES or size > MOST_BYTES:
        limits = f"more than the {MOST_FILES} and {MOST_BYTES} allowed"
        raise StudyError(f"{path} holds {number} files and {size} bytes unpacked, {limits}: do not use this archive")
