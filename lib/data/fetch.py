"""Find, draw or download the archive of a data set; a stopped download resumes.

a catalogue entry --find_archive--> a path          address --requests, Range--> .name.zip.part --complete--> name.zip
"""

import contextlib
import io
import os
import shutil
import tempfile
import time
import zipfile
from functools import partial
from pathlib import Path

import requests

from lib import strict
from lib.data import medmnist, phantoms
from lib.data.archives import open_archive, quiet
from lib.data.catalogue import DRAWN, Dataset
from lib.data.files import alone, not_written, require_room, write
from lib.strict import StudyError

PIECE = 1 << 16  # bytes read at once; a broken connection loses no more
BUSY = {429, 500, 502, 503, 504}  # HTTP status: the same request may work a little later
TRIES = 5  # requests until a download is given up
WAIT = 2.0  # seconds before the second request, doubled before each further one


def archives() -> Path:
    """The folder of archives: $STUDY_ARCHIVES (from the project's root), or data/archives."""
    return strict.ROOT / Path(os.environ.get("STUDY_ARCHIVES") or "data/archives").expanduser()


def kept_archive(name: str, entry: Dataset) -> Path:
    """Where the archive or folder of a data set is, or would be after its download."""
    if entry.folder:
        return strict.ROOT / entry.folder
    path = archives() / (entry.archive or f"{name}.zip")
    unpacked = path.with_suffix("")
    return unpacked if not path.exists() and path.suffix == ".zip" and unpacked.is_dir() else path


def archive_path(name: str, entry: Dataset, made: Path) -> Path:
    """The path that `find_archive` returned; `made` as there."""
    if entry.draw or entry.torchvision or entry.medmnist:
        return made
    return kept_archive(name, entry)


def find_archive(
    name: str, entry: Dataset, draw: dict, made: Path, progress=quiet, image_size: int = medmnist.SIZES[0]
) -> Path:
    """Return the path of a data set's archive, a zip file or a folder; draw, convert or download it first if needed.

    Args:
        name: the data set's name in the catalogue.
        entry: the catalogue's entry.
        draw: arguments of the drawing function, for drawn data sets.
        made: where to write an archive that is drawn or converted (torchvision, MedMNIST).
        progress: wraps an iterable (tqdm).
        image_size: px; the smallest of MedMNIST's files of at least this size is taken.

    StudyError: the archive is not there and cannot be fetched; the message says what to do.
    """
    if entry.draw:
        return draw_archive(entry.draw, draw, made, progress)
    if entry.medmnist:
        write(made, partial(medmnist.save, fetch_medmnist(entry, image_size, progress), entry, progress=progress))
        return made
    path = kept_archive(name, entry)
    # torchvision downloads a whole data set, so it is not asked for an entry that is a part of one
    if entry.torchvision and (path.exists() or not entry.like):
        return from_torchvision(entry.torchvision, path, made, progress)
    if path.exists():
        return path
    if path.is_symlink():
        raise StudyError(f"{path} is a link to {os.readlink(path)}, which is not on this machine: mend or delete it")
    if entry.folder:
        raise StudyError(f"{entry.folder} is not there: make report IMAGES=... says where the images of {name} are")
    if entry.url:
        return download(entry.url, path, progress)
    if entry.kaggle:
        return from_kaggle(entry.kaggle, path)
    cure = "put it there, or name its folder in STUDY_ARCHIVES"
    raise StudyError(f"{path} is not there, and its address is not known: {cure}")


def kept_medmnist(entry: Dataset, image_size: int) -> Path:
    """Where a file of MedMNIST is, or would be after its download: among the archives, or beside the catalogue."""
    name = medmnist.file_name(entry.medmnist.name, medmnist.size_for(image_size))
    path, with_project = archives() / name, strict.ROOT / "params" / "datasets" / name
    return with_project if with_project.exists() and not path.exists() else path


def fetch_medmnist(entry: Dataset, image_size: int, progress=quiet) -> Path:
    """Return the path of a MedMNIST file; download it first if needed. StudyError: the download fails or is damaged."""
    path = kept_medmnist(entry, image_size)
    if path.exists():
        return path
    address = medmnist.ADDRESS.format(record=entry.medmnist.record, name=path.name)
    try:
        fetched = download(address, path.with_name(f"unchecked-{path.name}"), progress)
    except StudyError as error:
        cure = f"download it elsewhere, and put it into {path.parent}, or name its folder in STUDY_ARCHIVES"
        raise StudyError(f"{error}\n  Or {cure}.") from None
    if not medmnist.is_official(fetched, entry, medmnist.size_for(image_size)):
        fetched.unlink()
        raise StudyError(f"the file from {address} does not have the official checksum and was deleted: run this again")
    os.replace(fetched, path)
    return path


def remark(entry: Dataset, image_size: int) -> str:
    """A warning that tables must print about the file that `find_archive` returned; empty: there is none."""
    if entry.medmnist is None:
        return ""
    path = kept_medmnist(entry, image_size)
    if medmnist.is_official(path, entry, medmnist.size_for(image_size)):
        return ""
    return f"Read from a file `{path.name}` that is not MedMNIST's official one: its checksum is another."


def draw_archive(kind: str, draw: dict, made: Path, progress=quiet) -> Path:
    """Draw an archive once per VERSION and arguments, keep it in data/drawn, and copy it to `made`.

    DVC deletes a stage's outputs before it runs the stage again, but not data/drawn, so nothing is drawn twice.
    """
    arguments = [f"{name}-{draw[name]}" for name in DRAWN[kind]]
    kept = strict.ROOT / "data" / "drawn" / "-".join([kind, f"v{phantoms.VERSION}", *arguments, "archive.zip"])
    with alone(kept.with_suffix(".lock")):
        if not kept.exists():
            phantoms.DRAW[kind](kept, **draw, progress=progress)
    write(made, lambda part: shutil.copyfile(kept, part))
    return made


def download(address: str, path: Path, progress) -> Path:
    """Download `address` to `path`, going on from the `.<name>.part` of an earlier attempt.

    StudyError: the server refuses, or the connection broke `TRIES` times; the message says how many bytes are here.
    """
    part = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(TRIES):
        try:
            fetch_rest(address, part, progress)
            os.replace(part, path)
            return path
        except requests.HTTPError as error:
            answer = f"{error.response.status_code} {error.response.reason}"
            raise StudyError(f"{address} answers {answer}: is the address right?") from None
        except requests.RequestException as error:
            reason = type(error).__name__
            time.sleep(WAIT * 2**attempt)
        except OSError as error:
            raise not_written(part, error) from None
    have = part.stat().st_size if part.exists() else 0
    cure = "run this again to go on from there"
    raise StudyError(f"{address} broke off {TRIES} times ({reason}); {have} bytes are here: {cure}")


def fetch_rest(address: str, part: Path, progress) -> None:
    """Append the missing bytes to `part`. requests.RequestException: the connection broke before the end."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(address, headers=headers, stream=True, timeout=30) as answer:
        # `part` is complete already, or belongs to another version of the file
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
            raise requests.ConnectionError("starts again from the first byte")
        if answer.status_code in BUSY:
            raise requests.ConnectionError("busy")
        answer.raise_for_status()
        # a server without support for ranges sends the whole file again
        if answer.status_code != requests.codes.partial_content:
            have = 0
        length = answer.headers.get("Content-Length")
        total = int(length) // PIECE if length else None
        pieces = progress(answer.iter_content(PIECE), total=total, unit=" x 64 kB", desc=part.name.strip("."))
        with open(part, "ab" if have else "wb") as file:
            for piece in pieces:
                file.write(piece)
        if length and part.stat().st_size != have + int(length):
            raise requests.ConnectionError("cut off")


def from_kaggle(slug: str, path: Path) -> Path:
    """Download `slug` (owner/name) to `path`; a folder beside it lets Kaggle's client go on from an earlier attempt.

    StudyError: there are no credentials, or Kaggle refuses; the message says how to get the file.
    """
    folder = path.with_name(f".{path.name}.part")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # its help text is longer than our advice
            from kaggle.api.kaggle_api_extended import KaggleApi

            api = KaggleApi()
            # without credentials this calls exit(), a name that a notebook's kernel does not have
            api.authenticate()
            folder.mkdir(parents=True, exist_ok=True)
            api.dataset_download_files(slug, path=folder)
    except (SystemExit, NameError):
        why = "it does not accept the token that is here: it has expired, or was revoked" if has_token() else NO_TOKEN
        raise StudyError(kaggle_advice(slug, path, why)) from None
    except Exception as error:
        require_room(error, path)
        status = getattr(getattr(error, "response", None), "status_code", None) or getattr(error, "status", None)
        why = KAGGLE_SAYS.get(status, f"it answers {status}" if status else type(error).__name__)
        if isinstance(error, requests.ConnectionError) and status is None:
            why = "kaggle.com cannot be reached from here"
        raise StudyError(kaggle_advice(slug, path, why.format(slug=slug))) from None
    os.replace(next(folder.glob("*.zip")), path)
    shutil.rmtree(folder)
    return path


NO_TOKEN = "there are no credentials"
KAGGLE_SAYS = {  # HTTP status -> its meaning at Kaggle
    401: "401, it does not accept the token that is here: it has expired, or was revoked",
    403: "403, rules are to be accepted first, once, at https://www.kaggle.com/datasets/{slug}",
    404: "404, there is no data set {slug}: it was renamed or removed",
    429: "429, too many requests: wait some minutes",
}


def has_token() -> bool:
    """Whether this machine has credentials of Kaggle, valid or not."""
    folder = Path(os.environ.get("KAGGLE_CONFIG_DIR") or "~/.kaggle").expanduser()
    files = [folder / "access_token", folder / "kaggle.json", Path("~/.kaggle/access_token").expanduser()]
    names = ["KAGGLE_API_TOKEN", "KAGGLE_KEY"]
    return any(os.environ.get(name) for name in names) or any(file.exists() for file in files)


def kaggle_advice(slug: str, path: Path, reason: str) -> str:
    """Say how to get a data set that Kaggle's client did not download; `reason`: why it did not."""
    return (
        f"{path.name} is not in {path.parent}, and Kaggle did not hand it over ({reason}). Either\n"
        f"  download it from kaggle.com/datasets/{slug}, put it there as {path.name}"
        " (or name its folder in STUDY_ARCHIVES),\n"
        "  or make a token at kaggle.com/settings, put it into ~/.kaggle/access_token or KAGGLE_API_TOKEN (an older one"
        " stays in kaggle.json), and run this again."
    )


def from_torchvision(kind: str, kept: Path, made: Path, progress) -> Path:
    """Write a data set of torchvision as a zip of PNG files, <part>/<class>/<number>.png; images.csv has their SHA-256.

    Args:
        kind: the name of its class in torchvision.datasets.
        kept: a zip of the files that this class reads; if it is missing, they are downloaded.
        made: where to write.
        progress: wraps what is gone through (tqdm).
    """
    from torchvision import datasets

    made.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=made.parent) as folder:
        is_kept = kept.exists()
        if is_kept:
            with open_archive(kept) as archive:
                archive.extractall(folder)
        dataset = getattr(datasets, kind)
        try:
            train = dataset(folder, train=True, download=not is_kept)
            test = dataset(folder, train=False, download=not is_kept)
        except (OSError, RuntimeError) as error:
            require_room(error, made)
            cure = f"download it elsewhere, and put a zip of its folder there as {kept.name}"
            problem = f"{kept} is not there, and torchvision could not download {kind} ({error})"
            raise StudyError(f"{problem}; {cure}") from None
        write(made, lambda part: save_pngs(part, {"train": train, "test": test}, progress))
    return made


def save_pngs(path: Path, parts: dict, progress) -> None:
    """Write torchvision data sets, one per part, into a zip file; equal data give equal bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for part, images in parts.items():
            for number, (image, label) in enumerate(progress(images, desc=part)):
                buffer = io.BytesIO()
                image.save(buffer, "PNG", compress_level=1)
                name = f"{part}/{images.classes[label]}/{number:05}.png"
                archive.writestr(zipfile.ZipInfo(name), buffer.getvalue())
