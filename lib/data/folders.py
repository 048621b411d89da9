"""A folder or zip file of one's own, one sub-folder per class: which files are images, and what the classes are.

names --images_of--> images; what is left out is named --classes_of--> folder -> printed name
"""

import os
import re
from collections import Counter
from pathlib import Path

from lib.data.archives import JUNK, Folder
from lib.data.decoding import SUFFIXES, looks_like_an_image
from lib.data.spelling import clean, folded, listed, one_spelling, silent, visible
from lib.strict import StudyError, printable

# words around `train` or `test` in the name of a part: training_set, test-split, my_valid_images, trainA
_FILLER = (
    r"(?:my|the|new|final|original|all|data|dataset|sets?|splits?|images?|imgs?|pics?|pictures?|parts?|subsets?|folders?"
    r"|[a-d]|\d)*"
)
_PART = r"(?:train|training|test|tests|testing|val|valid|validate|validation|dev|eval|evaluation|holdout|folds?|cv)"
PART = re.compile(f"{_FILLER}{_PART}{_FILLER}").fullmatch


def images_of(archive, tell=silent) -> list[str]:
    """Files that are images by their suffix or first bytes; the others are counted and told.

    StudyError: links without content; names that are no text.
    """
    names = [name for name in dict.fromkeys(archive.namelist()) if not JUNK(name) and not name.endswith("/")]
    if isinstance(archive, Folder):
        require_content(Path(archive.filename), names)
    if wrong := [name for name in names if not name.isascii() and not is_text(name)]:
        raise StudyError(
            f"{len(wrong)} files have names that are no UTF-8 text, as {visible(wrong[0])}: rename them"
            " (convmv -r -f latin1 -t utf8 --notest FOLDER), and run this again"
        )
    images, others = [], Counter()
    for name in names:
        if name.lower().endswith(SUFFIXES) or looks_like_an_image(first_bytes(archive, name)):
            images.append(name)
        else:
            others[os.path.splitext(name)[1].lower() or "no suffix"] += 1
    if others:
        kinds = ", ".join(f"{visible(suffix)} ({number})" for suffix, number in others.most_common(8))
        tell(f"{others.total()} files are no images by their suffix and first bytes: left out: {kinds}")
    return images


def is_text(name: str) -> bool:
    """Whether a file's name can be written as UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def first_bytes(archive, name: str) -> bytes:
    """The first 132 bytes of a file; none of one that cannot be opened."""
    try:
        if isinstance(archive, Folder):
            with open(Path(archive.filename) / name, "rb") as file:
                return file.read(132)
        with archive.open(name) as file:
            return file.read(132)
    except (OSError, RuntimeError, ValueError):
        return b""


def require_content(top: Path, names: list[str]) -> None:
    """StudyError: files that are links to something which is not on this machine."""
    dangling = [name for name in names if not os.path.exists(top / name)]
    if dangling:
        target = os.readlink(top / dangling[0]) if (top / dangling[0]).is_symlink() else "nothing"
        raise StudyError(
            f"{len(dangling)} of {len(names)} files are links without content, as {visible(dangling[0])} ->"
            f" {visible(target)}: fetch it (git annex get ., datalad get ., or dvc pull), or delete these links"
        )


def classes_of(archive, tell=silent) -> tuple[str, dict[str, str]]:
    """The folder around the class folders (empty: none), and each class folder -> its printed name.

    StudyError: the folders are parts (train, test), or one holds the other classes once more.
    """
    around, names = "", images_of(archive, tell)
    while True:
        inside = [name.removeprefix(around) for name in names if name.startswith(around)]
        beside = [name for name in inside if "/" not in name]
        folders = Counter(name.split("/")[0] for name in inside if "/" in name)
        below = {name.split("/")[1] for name in inside if name.count("/") > 1}
        if len(folders) != 1 or beside or len(below) < 2:
            break
        around += next(iter(folders)) + "/"
    if around:
        tell(f"the class folders lie in {visible(around)}")
    if beside:
        examples = ", ".join(map(visible, beside[:3]))
        tell(f"{len(beside)} images lie beside the class folders: left out: {examples}")
    if isinstance(archive, Folder):
        top = Path(archive.filename) / around
        links = [path.name for path in sorted(top.iterdir()) if path.is_symlink() and path.is_dir()]
        if links:
            tell(f"links to other folders are not followed: {', '.join(map(visible, links))}")
    require_classes(Path(archive.filename) / around, folders, inside)
    deeper = {
        folder: {n.split("/")[1] for n in inside if n.startswith(folder + "/") and n.count("/") > 1}
        for folder in folders
    }
    if len(folders) > 1 and len(alike := set.intersection(*deeper.values())) > 1:
        named = ", ".join(map(visible, sorted(alike)[:3]))
        tell(f"every class folder holds the folders {named}: if these are the classes, name one folder above them")
    spelling, sentences = one_spelling(folders.elements(), "class")
    for sentence in sentences:
        tell(sentence)
    shown = printed(sorted(set(spelling.values())))
    return around, {
        folder: shown[spelling[folder]] for folder in sorted(folders, key=lambda name: (spelling[name], name))
    }


def require_classes(top: Path, folders: Counter, names: list[str]) -> None:
    """StudyError: folders are parts of a data set, or one holds the others once more (an archive unpacked twice)."""
    parts = [folder for folder in sorted(folders) if PART(re.sub(r"[\W_]+", "", clean(folder).casefold()))]
    if len(parts) > 1:
        named = ", ".join(map(visible, sorted(folders)))
        cure = "name one of them, with one sub-folder per class; this project makes the parts itself"
        raise StudyError(f"{visible(str(top))} is divided into {named}: {cure}")
    inside: dict[str, set[str]] = {}
    for name in names:
        inside.setdefault(name.split("/")[0], set()).update(map(folded, name.split("/")[1:-1]))
    for folder, deeper in inside.items():
        others = {other for other in folders if other != folder and folded(other) in deeper}
        if len(others) > 1:
            raise StudyError(
                f"{visible(folder)} holds folders called {listed(sorted(others), folders)}, as the folders beside it:"
                " an archive unpacked twice? Move one of the two away, and run this again"
            )


def printed(classes: list[str]) -> dict[str, str]:
    """Each class's name as reports print it: without characters of HTML and formulas, and no two alike."""
    names = {}
    for label in classes:
        plain = " ".join(re.sub(r"[<>&`$;\\\s]+", " ", clean(label)).split()) or "class"
        same = [name for name in names.values() if name == plain or name.startswith(f"{plain} (")]
        names[label] = printable(f"{plain} ({len(same) + 1})" if same else plain)
    return names
