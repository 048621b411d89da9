"""Compare two arms of a study: do they differ only in the residual, and what did other trainings of the pair show?

settings of two models --apart--> names of the settings that differ, apart from the residual
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

# settings of the residual: which head is chosen, and how it is added
RESIDUAL = ["selection", "scope", "injection"]
# name of the difference if `attention` or `attention_weights` differ
WHOLE = "the attention as a whole (number and width of heads, dropouts, output matrix, random start)"


class Other(NamedTuple):
    """The difference of the same two arms elsewhere."""

    study: str
    split: str
    start: str
    same_images: bool
    seeds: int
    estimate: float  # a fraction, with the ends of its 95 % interval
    low: float
    high: float


def settings(study: Study, model: str) -> dict:
    """The settings that decide how a model is built and trained: all but its title and its number of seeds."""
    return study.models[model].model_dump(exclude={"title", "seeds"})


def apart(study: Study, a: str, b: str) -> list[str]:
    """Name the settings in which two models differ apart from the residual; empty: they differ only in the residual.

    A model with `selection: none` has the same attention and adds nothing.
    """
    one, other = settings(study, a), settings(study, b)
    names = [name for name in {**one, **other} if one.get(name) != other.get(name) and name not in RESIDUAL]
    if "attention" in names and "plain" in {one.get("attention", "plain"), other.get("attention", "plain")}:
        names[names.index("attention")] = WHOLE
    return names


def of_residual(study: Study, a: str, b: str) -> bool:
    """Whether `a` is a ViT with a residual and `b` is the same ViT without it."""
    has = [adds(study, model) for model in (a, b)]
    return has == [True, False] and not apart(study, a, b)


def adds(study: Study, model: str) -> bool:
    """Whether a model adds the output of a head."""
    chosen = study.models[model].settings
    return chosen.get("attention", "plain") != "plain" and chosen.get("selection") != "none"


def kind(study: Study, model: str) -> tuple:
    """The key by which models of two studies are the same arm: architecture and all settings of its attention."""
    chosen = study.models[model].settings
    words = ["attention", "attention_weights", *RESIDUAL]
    defaults = {"attention": "plain", "attention_weights": "random"}
    if chosen.get("selection") == "none":
        chosen = {name: value for name, value in chosen.items() if name not in ["scope", "injection"]}
    return (study.models[model].architecture, *(chosen.get(word, defaults.get(word)) for word in words))


def committed(dataset: str) -> Iterator[Study]:
    """Every study that was run on a data set and has readable parameters."""
    for path in sorted((strict.ROOT / "runs").glob(f"*/{dataset}")):
        try:
            yield load_study(path.parent.name)
        except StudyError:
            continue


def pairs(study: Study, of: Study, a: str, b: str) -> Iterator[tuple[str, str]]:
    """Pairs of models of a study that have the kinds of `a` and `b` in the study `of`, and differ as they do."""
    kinds, settings = (kind(of, a), kind(of, b)), set(apart(of, a, b))
    for one, other in permutations(study.models, 2):
        if (kind(study, one), kind(study, other)) == kinds and set(apart(study, one, other)) == settings:
            yield one, other


def trained(cell: Cell, model: str) -> bool:
    """Whether every training of a model of a cell has ended, and at least one has a result."""
    return all(run.settings.exists() for run in cell.runs(model)) and bool(cell.with_result(model))


def test_images(cell: Cell, model: str) -> set[str]:
    """The paths of the images that a model was tested on."""
    run = cell.with_result(model)[0]
    table = read(run.predictions, cell.classes, cell.entry.labels)
    return set(table.path[table.part == "test"])


def drawn_alike(one: Cell, other: Cell) -> bool:
    """Whether two cells of one data set have the same images: not if they were drawn with other arguments."""
    return one.study.datasets[one.dataset].draw == other.study.datasets[other.dataset].draw


def beside(cell: Cell, a: str, b: str) -> list[Other]:
    """The same pair under other splits and starts of its study, and in other studies.

    Other studies count only if they tested on the same images.
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
    """The difference of a pair in another cell; none for another study that tested on other images."""
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
    """Whether the intervals of a difference and of others of its pair lie differently to 0: above, below or around."""
    return len({side(low, high), *(side(other.low, other.high) for other in others)}) > 1


def in_words(others: list[Other], of: Study) -> str:
    """Say other differences of the same pair, in percentage points, and where each was found."""
    said = []
    for other in others:
        where = f"split `{other.split}`" if other.study == of.study else f"study `{other.study}`, split `{other.split}`"
        if other.same_images:
            where += ", the same test images"
        where += f", {STARTS[other.start]}, {other.seeds} of each"
        span = "too few groups" if isnan(other.low) else f"{100 * other.low:+z.1f}, {100 * other.high:+z.1f}"
        said.append(f"{100 * other.estimate:+z.1f} [{span}] ({where})")
    return "; ".join(said)
