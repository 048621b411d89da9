"""Read a data set's files from a zip file, which is never unpacked, or from a folder, through one interface.

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


# files that systems leave in folders and archives
JUNK = re.compile(
    r"(?i)(?:.*/)?(?:__MACOSX/.*|\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini|@eaDir/.*)", re.DOTALL
).fullmatch
READ = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}  # compression that Python reads
# first bytes of files that are called .zip but are of another kind
OTHERS = {b"Rar!": "a RAR archive", b"7z\xbc\xaf": "a 7-Zip archive", b"\x1f\x8b": "a gzip file", b"<": "a web page"}
METHODS = {6: "imploded", 9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES"}


def quiet(items, **_):
    """Show no progress; a notebook passes tqdm in its place."""
    return items


class Folder:
    """A folder with the interface of zipfile.ZipFile: names of the files below it, with slashes, and their bytes."""

    def __init__(self, path: Path):
        self.filename = str(path)

    def namelist(self) -> list[str]:
        """Every file below the folder except hidden ones; links to other folders are not followed."""
        top = Path(self.filename)
        names = []
        for folder, folders, files in os.walk(top, onerror=refuse):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            inside = Path(folder).relative_to(top)
            # reading a pipe or a device may never end
            kept = [name for name in sorted(files) if not name.startswith(".") and not is_special(Path(folder, name))]
            names += [(inside / name).as_posix() for name in kept]
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


def is_special(path: Path) -> bool:
    """Whether a path is a pipe, a socket or a device; False for a broken link."""
    return path.exists() and not path.is_file()


def refuse(error: OSError) -> None:
    """StudyError: a folder cannot be listed; os.walk alone would leave out its images without a word."""
    raise StudyError(f"{error.filename} cannot be listed ({error.strerror}): allow it, or move it away") from None


def open_archive(path: Path) -> zipfile.ZipFile | Folder:
    """Open an archive. StudyError: it is missing, damaged or unsafe; the message says what to do."""
    if path.is_dir():
        return Folder(path)
    if not path.exists():
        cure = "name the folder that holds it in STUDY_ARCHIVES, or run notebook 01 first"
        if path.is_symlink():
            cure = f"it is a link to {os.readlink(path)}, which is not on this machine"
        raise StudyError(f"{path} is not there: {cure}")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        size = path.stat().st_size
        with open(path, "rb") as file:
            start = file.read(16).lstrip()
        if kind := next((kind for magic, kind in OTHERS.items() if start.startswith(magic)), None):
            cure = "fetch it again" if kind == "a web page" else "unpack it, and pack it again as zip"
            raise StudyError(f"{path} is not a zip file but {kind} ({size} bytes): {cure}") from None
        cure = "delete it and fetch it again"
        raise StudyError(f"{path} is not a complete zip file ({size} bytes: {error}): {cure}") from None
    require_safe(archive, path)
    require_readable(archive, path)
    for member in archive.infolist():  # some Windows programs write backslashes
        if "\\" in member.filename:
            member.filename = member.filename.replace("\\", "/")
            archive.NameToInfo[member.filename] = member
    return archive


def require_readable(archive: zipfile.ZipFile, path: Path) -> None:
    """StudyError: more than half of the files are encrypted, or compressed by a method that Python does not read."""
    files = [member for member in archive.infolist() if not member.is_dir()]
    encrypted = [member for member in files if member.flag_bits & 1]
    other = [member for member in files if member.compress_type not in READ]
    cure = (
        "unpack it with another program (7-Zip reads most), and name the folder instead, or pack it again as plain zip"
    )
    if 2 * len(encrypted) > len(files):
        raise StudyError(f"{len(encrypted)} of {len(files)} files in {path} are encrypted: {cure}")
    if 2 * len(other) > len(files):
        method = other[0].compress_type
        named = METHODS.get(method, f"method {method}")
        raise StudyError(
            f"{len(other)} of {len(files)} files in {path} are packed by {named}, unknown to Python: {cure}"
        )


def require_safe(archive: zipfile.ZipFile, path: Path) -> None:
    """StudyError: a member's name points outside the archive, or it holds over MOST_FILES files or MOST_BYTES bytes."""
    for name in archive.namelist():
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or re.match("[A-Za-z]:", name):
            raise StudyError(f"{path} has a member that points outside of it, {name!r}: do not use this archive")
    number = len(archive.infolist())
    size = sum(member.file_size for member in archive.infolist())
    if number > MOST_FILES or size > MOST_BYTES:
        limits = f"more than the {MOST_FILES} and {MOST_BYTES} allowed"
        raise StudyError(f"{path} holds {number} files and {size} bytes unpacked, {limits}: do not use this archive")
