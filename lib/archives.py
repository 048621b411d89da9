"""Where a data set's files are: a zip file, never unpacked, or a folder. Both are read alike, member by member.

a catalogue entry --find_archive--> a path --open_archive--> names, and the bytes of each
"""

import os
import re
import zipfile
from pathlib import Path

from lib.errors import StudyError

# of an archive, unpacked: far more than any data set here, far less than a bomb
MOST_FILES, MOST_BYTES = 500_000, 64 << 30


def quiet(items, **_):
    """Progress that is not shown; tqdm takes its place in a notebook."""
    return items


class Folder:
    """A folder, read as zipfile.ZipFile is: names of files below it, with slashes, and their bytes."""

    def __init__(self, path: Path):
        self.filename = str(path)

    def namelist(self) -> list[str]:
        """Every file below the folder, hidden ones left out; links to elsewhere are not followed."""
        top, found = Path(self.filename), []
        for folder, folders, files in os.walk(top):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            inside = Path(folder).relative_to(top)
            found += [(inside / name).as_posix() for name in sorted(files) if not name.startswith(".")]
        return found

    def read(self, name: str) -> bytes:
        """The bytes of a file. KeyError: there is none of this name below the folder."""
        path = Path(self.filename) / name
        if ".." in Path(name).parts or not path.is_file():
            raise KeyError(name)
        return path.read_bytes()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def open_archive(path: Path) -> zipfile.ZipFile | Folder:
    """An open archive; a StudyError says what to do when it is not a whole, honest one."""
    if path.is_dir():
        return Folder(path)
    if not path.exists():
        raise StudyError(
            f"{path} is not there: name the folder that holds it in STUDY_ARCHIVES, or run notebook 01 first"
        )
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        size = path.stat().st_size
        raise StudyError(f"{path} is no whole zip file ({size} bytes: {error}): delete it and fetch it again") from None
    for name in archive.namelist():
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or re.match("[A-Za-z]:", name):
            raise StudyError(f"{path} has a member that points outside of it, {name!r}: do not use this archive")
    size = sum(member.file_size for member in archive.infolist())
    if len(archive.infolist()) > MOST_FILES or size > MOST_BYTES:
        says = f"{len(archive.infolist())} files and {size} bytes unpacked, more than the {MOST_FILES} and {MOST_BYTES} allowed"
        raise StudyError(f"{path} says it holds {says}: do not use this archive")
    return archive
