"""Tell folders that are parts of a data set (train, test) from classes, by their names."""

import re

from lib.data.spelling import clean, words_of

# words around `train` or `test` in the name of a part: training_set, test-split, my_valid_images, trainA
_FILLER = (
    r"(?:my|the|new|final|original|all|data|dataset|sets?|splits?|images?|imgs?|pics?|pictures?|parts?|subsets?|folders?"
    r"|[a-d]|\d)*"
)
_PART = r"(?:train|training|test|tests|testing|val|valid|validate|validation|dev|eval|evaluation|holdout|folds?|cv)"
PART = re.compile(f"{_FILLER}{_PART}{_FILLER}").fullmatch
# words that name a part anywhere in a folder's name: chest_xray_train, PublicTest, part2
_PARTS = re.compile(f"{_PART}|trainval|traindata|testdata|split|part|subset")


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
