"""Find the images and classes of a user's folder or zip file with one sub-folder per class.

names --images_of--> images --classes_of--> folder -> printed name; what is left out is named
"""

import os
import re
from collections import Counter
from pathlib import Path, PurePosixPath

from lib.data.archives import JUNK, Folder
from lib.data.decoding import SUFFIXES, looks_like_an_image
from lib.data.spelling import clean, folded, is_unknown, listed, one_spelling, silent, visible
from lib.strict import StudyError, printable

# words around `train` or `test` in the name of a part: training_set, test-split, my_valid_images, trainA
_FILLER = (
    r"(?:my|the|new|final|original|all|data|dataset|sets?|splits?|images?|imgs?|pics?|pictures?|parts?|subsets?|folders?"
    r"|[a-d]|\d)*"
)
_PART = r"(?:train|training|test|tests|testing|val|valid|validate|validation|dev|eval|evaluation|holdout|folds?|cv)"
PART = re.compile(f"{_FILLER}{_PART}{_FILLER}").fullmatch
# words that name a part anywhere in a folder's name: chest_xray_train, PublicTest, part2
_PARTS = re.compile(f"{_PART}|trainval|traindata|testdata|split|part|subset")
# folders of one kind of file each, as in data sets for segmentation or detection
IMAGES = {"image", "images", "img", "imgs"}
KINDS = IMAGES | {"mask", "masks", "label", "labels", "annotation", "annotations", "json"}
KINDS |= {"seg", "segmentation", "segmentations", "groundtruth", "gt", "overlay", "overlays", "xml", "bbox", "bboxes"}

# names of masks beside the images: benign (1)_mask.png, benign (1)_mask_1.png
_WHAT = "masks?|seg|segmented|segmentation|gt|ground_?truth|annotations?|overlay|labels?"
MASK = re.compile(rf"(.+?)[ ._-]+(?:{_WHAT})(?:[ ._-]?\d+)?", re.DOTALL).fullmatch

INSTEAD = str.maketrans("<>&`$;\\", "‹›+'S,/")  # for characters that no report can show


def images_of(archive, tell=silent) -> list[str]:
    """List the files with the suffix or first bytes of an image; `tell` counts the others.

    StudyError: a file is a link without content, or its name is not UTF-8.
    """
    names = [name for name in dict.fromkeys(archive.namelist()) if not JUNK(name) and not name.endswith("/")]
    if isinstance(archive, Folder):
        require_content(Path(archive.filename), names)
    if wrong := [name for name in names if not name.isascii() and not is_text(name)]:
        raise StudyError(
            f"{len(wrong)} files have names that are not UTF-8, such as {visible(wrong[0])}: rename them"
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
        tell(f"{others.total()} files have neither suffix nor first bytes of an image: left out: {kinds}")
    if masks := masks_of(images):
        tell(f"{len(masks)} images are masks of others by their names: left out: {', '.join(map(visible, masks[:3]))}")
    return [name for name in images if name not in set(masks)] if masks else images


def masks_of(images: list[str]) -> list[str]:
    """List the images called as a mask of one beside them (x_mask.png), or in a folder of masks beside images."""
    stems = {os.path.splitext(name)[0].casefold() for name in images}
    with_images = {PurePosixPath(name).parent for name in images}
    with_images |= {folder.parent for folder in with_images if folder.name.casefold() in IMAGES}
    found = []
    for name in images:
        match = MASK(os.path.splitext(name)[0].casefold())
        if (match and match[1] in stems) or above_masks(name) in with_images:
            found.append(name)
    return found


def above_masks(name: str) -> PurePosixPath | None:
    """The folder that holds the folder of masks of an image, for a/masks/1.png a; None: it is in no such folder."""
    for folder in list(PurePosixPath(name).parents)[-3::-1]:
        if "".join(words_of(folder.name)) in KINDS - IMAGES:
            return folder.parent
    return None


def is_text(name: str) -> bool:
    """Whether a file's name can be written as UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def first_bytes(archive, name: str) -> bytes:
    """The first 132 bytes of a file; empty if it cannot be opened."""
    try:
        if isinstance(archive, Folder):
            with open(Path(archive.filename) / name, "rb") as file:
                return file.read(132)
        with archive.open(name) as file:
            return file.read(132)
    except (OSError, RuntimeError, ValueError):
        return b""


def require_content(top: Path, names: list[str]) -> None:
    """StudyError: files are links to something that is not on this machine."""
    dangling = [name for name in names if not os.path.exists(top / name)]
    if dangling:
        target = os.readlink(top / dangling[0]) if (top / dangling[0]).is_symlink() else "nothing"
        raise StudyError(
            f"{len(dangling)} of {len(names)} files are links without content, for example {visible(dangling[0])} ->"
            f" {visible(target)}: fetch it (git annex get ., datalad get ., or dvc pull), or delete these links"
        )


def classes_of(archive, tell=silent) -> tuple[str, dict[str, str]]:
    """Find the folder around the class folders (empty: none), and each class folder -> its printed name.

    StudyError: the folders are parts (train, test) or kinds of files, or one holds the other classes once more.
    """
    return arranged(archive, images_of(archive, tell), tell)


def arranged(archive, names: list[str], tell=silent) -> tuple[str, dict[str, str]]:
    """`classes_of`, for the images of an archive."""
    around = ""
    while True:
        inside = [name.removeprefix(around) for name in names if name.startswith(around)]
        beside = [name for name in inside if "/" not in name]
        folders = Counter(name.split("/")[0] for name in inside if "/" in name)
        if len(folders) != 1 or beside or not any(name.count("/") > 1 for name in inside):
            break
        around += next(iter(folders)) + "/"
    if around:
        tell(f"the class folders lie in {visible(around)}")
    if beside:
        examples = ", ".join(map(visible, beside[:3]))
        tell(f"{len(beside)} images lie beside the class folders: left out: {examples}")
    told_of_other_folders(archive, around, folders, tell)
    told_of_deeper_folders(inside, tell)
    deeper = {
        folder: {n.split("/")[1] for n in inside if n.startswith(folder + "/") and n.count("/") > 1}
        for folder in folders
    }
    alike = set.intersection(*deeper.values()) if len(folders) > 1 else set()
    require_classes(Path(archive.filename) / around, folders, inside, alike)
    if len(alike) > 1:
        named = ", ".join(map(visible, sorted(alike)[:3]))
        tell(f"every class folder holds the folders {named}: if these are the classes, name one folder above them")
    spelling, sentences = one_spelling(folders.elements(), "class")
    for name in sorted({name for name in spelling.values() if is_unknown(name)}):
        sentences.append(f"class {name!r}: if it means that the class is not known, move that folder away")
    for sentence in sentences:
        tell(sentence)
    shown = printed(sorted(set(spelling.values())))
    return around, {
        folder: shown[spelling[folder]] for folder in sorted(folders, key=lambda name: (spelling[name], name))
    }


def told_of_other_folders(archive, around: str, folders: Counter, tell) -> None:
    """Tell which folders next to the class folders are links or hold no image."""
    below = [name.removeprefix(around) for name in archive.namelist() if name.startswith(around) and not JUNK(name)]
    files = Counter(name.split("/")[0] for name in below if "/" in name and not name.endswith("/"))
    there = {name.split("/")[0] for name in below if "/" in name}
    if isinstance(archive, Folder):
        found = [path for path in sorted((Path(archive.filename) / around).iterdir()) if path.is_dir()]
        links = [path.name for path in found if path.is_symlink()]
        there |= {path.name for path in found if path.name not in links and not path.name.startswith((".", "__"))}
        if links:
            tell(f"links to other folders are not followed: {', '.join(map(visible, links))}")
    if lacking := sorted(there - folders.keys()):
        named = ", ".join(f"{visible(name)} ({files[name]} files)" for name in lacking[:8])
        tell(f"{len(lacking)} folders hold no image that can be read, and are no classes here: {named}")


def told_of_deeper_folders(names: list[str], tell) -> None:
    """Tell that images in one folder within a class folder count as independent; it may be one patient's."""
    deeper = Counter("/".join(name.split("/")[:2]) for name in names if name.count("/") > 1)
    if len(deeper) > 1 and max(deeper.values()) > 1:
        tell(
            f"{deeper.total()} images lie in {len(deeper)} folders within the class folders, as"
            f" {visible(min(deeper))}: each image counts by itself; if such a folder is one patient or recording, use a"
            " table with the columns path, label and patient, or intervals are too narrow"
        )


def told_of_unseen(paths, seen: list, tell) -> None:
    """Tell which bands and pages of files are not shown, and which files show a single grey.

    `seen`: a lib.data.datasets.Read per path.
    """
    if number := sum(one.hidden > 0 for one in seen):
        tell(f"{number} images have bands beside red, green, blue and alpha: only the first three are used")
    if number := sum(one.pages > 1 for one in seen):
        tell(f"{number} files have several pages or frames: only the first of each is seen")
    plain = [path for path, one in zip(paths, seen) if one.pixels.min() == one.pixels.max()]
    if plain:
        tell(f"{len(plain)} images are of one grey alone, as {visible(plain[0])}: are these files whole?")


def words_of(folder: str) -> list[str]:
    """The words of a folder's name: chest_xray2-PublicTest -> chest, xray, public, test."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", clean(folder))
    return re.findall(r"[^\W\d_]+", apart.casefold())


def is_part(folder: str) -> bool:
    """Whether a folder has the name of a part of a data set, and no other word: train, my_test_images."""
    return bool(PART(re.sub(r"[\W_]+", "", clean(folder).casefold())))


def are_parts(folders: list[str], alike: set[str]) -> bool:
    """Whether folders are parts of a data set (train, test), and not classes.

    `alike`: names of folders that all of them hold; with several, one folder named after a part is enough.
    """
    if sum(map(is_part, folders)) > 1:
        return True
    named = [folder for folder in folders if any(map(_PARTS.fullmatch, words_of(folder)))]
    if len(alike) > 1 and not are_parts(sorted(alike), set()):
        return bool(named)
    # the same words beside the part's: x_train and x_test, or cats_train, cats_test, dogs_train and dogs_test
    rest = [" ".join(word for word in words_of(folder) if not _PARTS.fullmatch(word)) for folder in named]
    marks = [" ".join(word for word in words_of(folder) if _PARTS.fullmatch(word)) for folder in named]
    return len(named) == len(folders) > len(set(rest)) and len(set(marks)) > 1


def require_classes(top: Path, folders: Counter, names: list[str], alike: set[str]) -> None:
    """StudyError: folders are parts or kinds of files, or one holds the others once more (an archive unpacked twice).

    `alike`: names of folders that all of them hold.
    """
    named = ", ".join(map(visible, sorted(folders)))
    inside: dict[str, set[str]] = {}
    for name in names:
        inside.setdefault(name.split("/")[0], set()).update(map(folded, name.split("/")[1:-1]))
    # train, which holds the classes, beside unlabelled
    has_classes = any(is_part(folder) and len(inside.get(folder, ())) > 1 for folder in folders)
    if are_parts(sorted(folders), alike) or (has_classes and len(folders) > 1):
        cure = "name one of them, or move their files into one folder per class; this project makes the parts itself"
        raise StudyError(f"{visible(str(top))} is divided into {named}: {cure}")
    if len(folders) > 1 and all("".join(words_of(folder)) in KINDS for folder in folders):
        cure = "name a folder with one sub-folder per class, or a CSV file with path and label"
        raise StudyError(f"{visible(str(top))} holds {named}: these are kinds of files, not classes; {cure}")
    for folder, deeper in inside.items():
        others = {other for other in folders if other != folder and folded(other) in deeper}
        if len(others) > 1:
            raise StudyError(
                f"{visible(folder)} holds folders called {listed(sorted(others), folders)}, like the folders beside it:"
                " was an archive unpacked twice? Move one of the two away, and run this again"
            )


def printed(classes: list[str]) -> dict[str, str]:
    """Make each class's name for reports: without characters of HTML and formulas, and no two alike."""
    names = {}
    for label in classes:
        plain = " ".join(re.sub(r"[<>&`$;\\\s]+", " ", clean(label)).split()) or "class"
        if plain in names.values():  # A&B beside A B
            plain = " ".join(clean(label).translate(INSTEAD).split())
        same = [name for name in names.values() if name == plain or name.startswith(f"{plain} (")]
        names[label] = printable(f"{plain} ({len(same) + 1})" if same else plain)
    return names
