"""Tell what suggests that images belong together where no table says so: their folders, names, or DICOM tags.

a/P07/1.png and a/P07/2.png, or a/P07_1.png and a/P07_2.png, may be of one patient
"""

import os
import re
from collections import Counter
from collections.abc import Iterable

import pandas as pd

from lib.data.spelling import visible

LEAST = 5  # beginnings that several images share; fewer are no pattern
# a name's words without the last one: P07 of P07_1
BEGINNING = re.compile(r"(.*[^\W_])[\W_]+[^\W_]+[\W_]*", re.DOTALL).fullmatch
CURE = "use a table with the columns path, label and patient, or intervals are too narrow"


def told_of_deeper_folders(names: list[str], tell) -> None:
    """Tell that images in one folder within a class folder count as independent; it may be one patient's."""
    deeper = Counter("/".join(name.split("/")[:2]) for name in names if name.count("/") > 1)
    if len(deeper) > 1 and max(deeper.values()) > 1:
        tell(
            f"{deeper.total()} images lie in {len(deeper)} folders within the class folders, as {visible(min(deeper))}:"
            f" each image counts by itself; if such a folder is one patient or recording, {CURE}"
        )


def beginning(path: str) -> str:
    """The name of a file without its last word or number: P07 for a/P07_1.png; empty if it has one word alone."""
    found = BEGINNING(os.path.splitext(path.rpartition("/")[2])[0])
    return found[1] if found else ""


def told_of_beginnings(table: pd.DataFrame, tell) -> None:
    """Tell if most names begin like another one of their class, and no beginning is that of most of its class.

    table: path and label of each image, of unknown sources.
    """
    names = table.assign(beginning=table.path.map(beginning))
    names = names[names.beginning != ""]
    groups = names.groupby(["label", "beginning"]).path.agg(["size", "min", "max"])
    most = groups.index.get_level_values("label").map(table.label.value_counts()) / 2
    shared = groups[(groups["size"] > 1) & (groups["size"] <= most)]
    number = shared["size"].sum()
    if len(shared) >= LEAST and number > len(table) / 2:
        one = shared.iloc[0]
        tell(
            f"the names of {number} images begin in {len(shared)} ways, as {visible(one['min'])} and"
            f" {visible(one['max'])}: each image counts by itself; if names that begin alike are of one patient,"
            f" photograph or recording, {CURE}"
        )


def told_of_patients(patients: Iterable[str], tell) -> None:
    """Tell if DICOM files name fewer patients than there are of these files.

    patients: of each image; empty where it names none.
    """
    images = Counter(name for name in patients if name)
    if 1 < len(images) < images.total():
        tell(
            f"{images.total()} DICOM files name {len(images)} patients in the tag PatientID: each image counts by"
            f" itself; {CURE}"
        )
