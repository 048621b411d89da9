"""Find the classes of a user's folder or zip file with one sub-folder per class.

images --arranged--> the folder around the class folders, and class folder -> printed name
"""

from collections import Counter
from pathlib import Path

from lib.data.archives import JUNK, Folder
from lib.data.hints import told_of_deeper_folders
from lib.data.labels import printed
from lib.data.listing import images_of
from lib.data.masks import KINDS
from lib.data.parts import are_parts, is_part
from lib.data.spelling import folded, is_unknown, listed, one_spelling, silent, visible, words_of
from lib.strict import StudyError


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
    told_of_folders_in_several(deeper, tell)
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


def told_of_folders_in_several(deeper: dict[str, set[str]], tell) -> None:
    """Tell which folders are in several class folders, since they may be the classes, of several patients or years.

    deeper: class folder -> the folders in it.
    """
    number = Counter(name for names in deeper.values() for name in names)
    several = sorted(name for name, folders in number.items() if folders > 1)
    if len(several) < 2:
        return
    named = ", ".join(map(visible, several[:3]))
    if are_parts(several, set()):
        tell(f"class folders hold {named}: their images are taken together, since this project makes the parts itself")
    else:
        cure = f"name {visible(min(deeper))} alone, or a CSV file with path and label"
        tell(f"the folders {named} are in several class folders: if these are the classes, {cure}")


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
