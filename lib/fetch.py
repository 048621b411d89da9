"""Where a data set's images are: drawn, at hand, or to be fetched; a download that is cut off goes on where it stopped.

a catalogue entry --find_archive--> a path          address --requests, Range--> .name.zip.part --whole--> name.zip
"""

import contextlib
import io
import os
import shutil
import tempfile
import time
import zipfile
from pathlib import Path

import requests

from lib import phantoms
from lib.archives import open_archive, quiet
from lib.catalogue import Dataset
from lib.errors import StudyError
from lib.files import write
from lib.study import ROOT, Study

PIECE = 1 << 16  # bytes that are read at once: what a broken connection loses at most
BUSY = {429, 500, 502, 503, 504}  # what a server says that may do better a little later
TRIES, WAIT = 5, 2.0  # a broken connection is tried again so often, after so many seconds, each time twice as long


def archives() -> Path:
    """Where archives are looked for and kept: $STUDY_ARCHIVES (from the project's root), or data/archives."""
    return ROOT / Path(os.environ.get("STUDY_ARCHIVES") or "data/archives").expanduser()


def find_archive(name: str, entry: Dataset, draw: dict, made: Path, progress=quiet) -> Path:
    """The archive of a data set: drawn, or a folder, or `<name>.zip` where archives are kept, or fetched from where the entry says.

    Args:
        name: the data set's name in the catalogue. entry: what stands there.
        draw: arguments of the drawing function, for phantoms. made: where to write what is drawn, or comes from torchvision.
    """
    if entry.draw:
        phantoms.DRAW[entry.draw](made, **draw, progress=progress)
        return made
    path = _kept(name, entry)
    if entry.torchvision and (path.exists() or not entry.like):  # torchvision would fetch the whole, not a part
        return from_torchvision(entry.torchvision, path, made, progress)
    if path.exists():
        return path
    if entry.folder:
        raise StudyError(f"{entry.folder} is not there: make report IMAGES=... says where the images of {name} are")
    if not (entry.url or entry.kaggle):
        raise StudyError(
            f"{path} is not there, and no address of it is known: put it there, or name its folder in STUDY_ARCHIVES"
        )
    return download(entry.url, path, progress) if entry.url else from_kaggle(entry.kaggle, path)


def archive_path(study: Study, name: str) -> Path:
    """Where notebook 01 found or made the archive of a study's data set."""
    entry = study.dataset(name)
    return study.images(name) / "archive.zip" if entry.draw or entry.torchvision else _kept(name, entry)


def _kept(name: str, entry: Dataset) -> Path:
    return ROOT / entry.folder if entry.folder else archives() / (entry.archive or f"{name}.zip")


def download(address: str, path: Path, progress) -> Path:
    """Fetch `address` to `path`; what an earlier try left in `.<name>.part` is kept.

    Raises:
        StudyError: the server says no, or the connection broke again and again; it says how much is here.
    """
    part = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(TRIES):
        try:
            fetch_rest(address, part, progress)
            os.replace(part, path)
            return path
        except requests.HTTPError as error:
            raise StudyError(
                f"{address} answers {error.response.status_code} {error.response.reason}: is the address right?"
            ) from None
        except requests.RequestException as error:
            reason = type(error).__name__
            time.sleep(WAIT * 2**attempt)
        except OSError as error:
            raise StudyError(f"cannot write {part}: {error.strerror}") from None
    have = part.stat().st_size if part.exists() else 0
    raise StudyError(
        f"{address} broke off {TRIES} times ({reason}); {have} bytes are here: run this again to go on from there"
    )


def fetch_rest(address: str, part: Path, progress) -> None:
    """Append to `part` what it lacks. requests.RequestException: the connection broke, or the file is not whole."""
    have = part.stat().st_size if part.exists() else 0
    wanted = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {"Accept-Encoding": "identity"}
    with requests.get(address, headers=wanted, stream=True, timeout=30) as answer:
        if (
            answer.status_code == requests.codes.requested_range_not_satisfiable
        ):  # all of it is here, or it was another file
            part.unlink()
            raise requests.ConnectionError("begins anew")
        if answer.status_code in BUSY:
            raise requests.ConnectionError("busy")
        answer.raise_for_status()
        have = have if answer.status_code == requests.codes.partial_content else 0  # a server that begins anew
        length = answer.headers.get("Content-Length")
        pieces = answer.iter_content(PIECE)
        with open(part, "ab" if have else "wb") as file:
            for piece in progress(
                pieces, total=int(length) // PIECE if length else None, unit=" x 64 kB", desc=part.name.strip(".")
            ):
                file.write(piece)
        if length and part.stat().st_size != have + int(length):
            raise requests.ConnectionError("cut off")


def from_kaggle(slug: str, path: Path) -> Path:
    """Download `slug` to `path` by way of a folder beside it, where Kaggle's client finds what an earlier try left and goes on."""
    advice = (
        f"{path.name} is not in {path.parent}, and Kaggle did not hand it over ({{why}}). Either\n"
        f"  download it from kaggle.com/datasets/{slug}, put it there as {path.name} (or name its folder in STUDY_ARCHIVES),\n"
        "  or make a token at kaggle.com/settings, save it as ~/.kaggle/kaggle.json, and run this again."
    )
    folder = path.with_name(f".{path.name}.part")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # its help text is longer than the advice
            from kaggle.api.kaggle_api_extended import KaggleApi

            api = KaggleApi()
            api.authenticate()  # without credentials it calls exit(), a name that a notebook's kernel does not have
            folder.mkdir(parents=True, exist_ok=True)
            api.dataset_download_files(slug, path=folder)
    except (SystemExit, NameError):
        raise StudyError(advice.format(why="there are no credentials")) from None
    except Exception as error:
        raise StudyError(advice.format(why=type(error).__name__)) from None
    os.replace(next(folder.glob("*.zip")), path)
    shutil.rmtree(folder)
    return path


def from_torchvision(kind: str, kept: Path, path: Path, progress) -> Path:
    """A data set of torchvision's as a zip of PNG files, <part>/<class>/<number>.png.

    Args:
        kind: the name of its class in torchvision.datasets. kept: a zip of the files that this class reads; else they are downloaded.
    """
    from torchvision import datasets

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        if kept.exists():
            with open_archive(kept) as archive:
                archive.extractall(folder)
        try:
            make = getattr(datasets, kind)
            parts = {
                part: make(folder, train=part == "train", download=not kept.exists()) for part in ["train", "test"]
            }
        except (OSError, RuntimeError) as error:
            says = f"torchvision has no {kind} for us ({error}); download it elsewhere, and put a zip of its folder there as {kept.name}"
            raise StudyError(f"{kept} is not there, and {says}") from None
        write(path, lambda part: as_pngs(part, parts, progress))
    return path


def as_pngs(path: Path, parts: dict, progress) -> None:
    """Write torchvision data sets, a part each, into a zip file, the same bytes each time."""
    with zipfile.ZipFile(path, "w") as made:
        for part, images in parts.items():
            for number, (image, label) in enumerate(progress(images, desc=part)):
                buffer = io.BytesIO()
                image.save(buffer, "PNG", compress_level=1)
                made.writestr(zipfile.ZipInfo(f"{part}/{images.classes[label]}/{number:05}.png"), buffer.getvalue())
