"""List which files of a folder or zip file are images.

names --images_of--> images; links without content stop, and files of other kinds are counted and named
"""

import os
from collections import Counter
from pathlib import Path

from lib.data.archives import JUNK, Folder
from lib.data.decoding import SUFFIXES, looks_like_an_image
from lib.data.masks import masks_of
from lib.data.spelling import silent, visible
from lib.strict import StudyError


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
