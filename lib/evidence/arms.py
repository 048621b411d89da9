"""Two arms of a comparison: do they differ in the residual alone, and what do other trainings say of the same pair?

settings of two models --apart--> names of what they differ in, beside the residual
study, data set, split, a, b --beside--> the same pair under other splits, from other starts, in other committed studies
"""

from collections.abc import Iterator
from itertools import permutations
from math import isnan
from typing import NamedTuple

from lib import strict
from lib.evidence.differences import difference, side, tested
from lib.evidence.predictions import read, read_seeds
from lib.strict import StudyError
from lib.study import Cell, Study, load_study
from lib.study.model import STARTS

# settings that say which head is chosen and how it is added; all else is more than the residual
RESIDUAL = ["selection", "scope", "injection"]
# what `attention` and `attention_weights` bring with them
WHOLE = "the attention as a whole (number and width of heads, dropouts, output matrix, random start)"


class Other(NamedTuple):
    """The difference of the same two arms elsewhere."""

    study: str
    split: str
    start: str
    same_images: bool
    seeds: int
    estimate: float
    low: float
    high: float


def settings(study: Study, model: str) -> dict:
    """All that decides how a model of a study is built and trained; neither its title nor how often it is trained."""
    return study.models[model].model_dump(exclude={"title", "seeds"})


def apart(study: Study, a: str, b: str) -> list[str]:
    """In which settings two models differ beside the residual, in words; empty: in the residual alone.

    A model with `selection: none` has the attention of the other and adds nothing.
    """
    one, other = settings(study, a), settings(study, b)
    names = [name for name in {**one, **other} if one.get(name) != other.get(name) and name not in RESIDUAL]
    if "attention" in names and "plain" in {one.get("attention", "plain"), other.get("attention", "plain")}:
        names[names.index("attention")] = WHOLE
    return names


def of_residual(study: Study, a: str, b: str) -> bool:
    """Whether `a` is a ViT with a residual and `b` the same without it, alike in all other settings."""
    has = [adds(study, model) for model in (a, b)]
    return has == [True, False] and not apart(study, a, b)


def adds(study: Study, model: str) -> bool:
    """Whether a model adds the output of a head."""
    chosen = study.models[model].settings
    return chosen.get("attention", "plain") != "plain" and chosen.get("selection") != "none"


def kind(study: Study, model: str) -> tuple:
    """What makes two models of two studies the same arm: architecture, and every word on its attention."""
    chosen = study.models[model].settings
    words = ["attention", "attention_weights", *RESIDUAL]
    defaults = {"attention": "plain", "attention_weights": "random"}
    if chosen.get("selection") == "none":
        chosen = {name: value for name, value in chosen.items() if name not in ["scope", "injection"]}
    return (study.models[model].architecture, *(chosen.get(word, defaults.get(word)) for word in words))


def committed(dataset: str) -> Iterator[Study]:
    """The studies that were run on a data set, as far as their parameters can be read."""
    for path in sorted((strict.ROOT / "runs").glob(f"*/{dataset}")):
        try:
            yield load_study(path.parent.name)
        except StudyError:
            continue


def pairs(study: Study, of: Study, a: str, b: str) -> Iterator[tuple[str, str]]:
    """Models of a study of the kinds that `a` and `b` are in the study `of`, and that differ in the same settings."""
    kinds, settings = (kind(of, a), kind(of, b)), set(apart(of, a, b))
    for one, other in permutations(study.models, 2):
        if (kind(study, one), kind(study, other)) == kinds and set(apart(study, one, other)) == settings:
            yield one, other


def trained(cell: Cell, model: str) -> bool:
    """Whether each training of a model here was made, and at least one has a result."""
    return all(run.settings.exists() for run in cell.runs(model)) and bool(cell.with_result(model))


def test_images(cell: Cell, model: str) -> set[str]:
    """The paths of the test images."""
    run = cell.with_result(model)[0]
    table = read(run.predictions, cell.classes, cell.entry.labels)
    return set(table.path[table.part == "test"])


def drawn_alike(one: Cell, other: Cell) -> bool:
    """Whether two cells are of the same images: archives are, and drawings with the same numbers."""
    return one.study.datasets[one.dataset].draw == other.study.datasets[other.dataset].draw


def beside(cell: Cell, a: str, b: str) -> list[Other]:
    """What else is known of a pair on a data set: other splits and starts of its study, and other studies.

    Of another study only what was tested on the same images.
    """
    others = []
    for study in committed(cell.dataset):
        for there in study.cells:
            if there.dataset != cell.dataset or not drawn_alike(cell, there):
                continue
            for one, other in pairs(study, cell.study, a, b):
                itself = (study.study, there.split, one, other) == (cell.study.study, cell.split, a, b)
                if not itself and trained(there, one) and trained(there, other):
                    others.extend(_other(cell, a, there, one, other))
    return others


def _other(cell: Cell, a: str, there: Cell, one: str, other: str) -> Iterator[Other]:
    """The difference of a pair in another cell, unless that is another study that was tested on other images."""
    here = cell.study.study == there.study.study
    try:
        same = test_images(cell, a) == test_images(there, one)
        if not here and not same:
            return
        found = difference(tested(there, one)[0], tested(there, other)[0])
    except StudyError:
        return
    seeds = min(len(read_seeds(there, one)), len(read_seeds(there, other)))
    start = there.study.models[one].starts_from
    yield Other(there.study.study, there.split, start, same, seeds, found.estimate, found.low, found.high)


def disagree(low: float, high: float, others: list[Other]) -> bool:
    """Whether a difference and others of the same pair lie on different sides of none, or one of them on both."""
    return len({side(low, high), *(side(other.low, other.high) for other in others)}) > 1


def in_words(others: list[Other], of: Study) -> str:
    """Other differences of the same pair, in points, each with where it was found."""
    said = []
    for other in others:
        where = f"split `{other.split}`" if other.study == of.study else f"study `{other.study}`, split `{other.split}`"
        if other.same_images:
            where += ", the same test images"
        where += f", {STARTS[other.start]}, {other.seeds} of each"
        span = "too few groups" if isnan(other.low) else f"{100 * other.low:+z.1f}, {100 * other.high:+z.1f}"
        said.append(f"{100 * other.estimate:+z.1f} [{span}] ({where})")
    return "; ".join(said)
