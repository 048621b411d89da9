"""Find the masks among a folder's images, by the names of files and folders: data sets for segmentation hold both.

a/1.png, a/1_mask.png, a/masks/1.png --masks_of--> the last two
"""

import os
import re
from pathlib import PurePosixPath

from lib.data.spelling import words_of

# folders of one kind of file each, as in data sets for segmentation or detection
IMAGES = {"image", "images", "img", "imgs"}
KINDS = IMAGES | {"mask", "masks", "label", "labels", "annotation", "annotations", "json"}
KINDS |= {"seg", "segmentation", "segmentations", "groundtruth", "gt", "overlay", "overlays", "xml", "bbox", "bboxes"}

# names of masks beside the images: benign (1)_mask.png, benign (1)_mask_1.png
_WHAT = "masks?|seg|segmented|segmentation|gt|ground_?truth|annotations?|overlay|labels?"
MASK = re.compile(rf"(.+?)[ ._-]+(?:{_WHAT})(?:[ ._-]?\d+)?", re.DOTALL).fullmatch


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
