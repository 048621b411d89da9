"""Test whether published numbers can be counts over n: exact arithmetic, without images or runs.

a percentage, n --attainable--> counts; a row, class sizes --matching_matrices, recall_bounds--> matrices, bounds
Table 1, test sizes --attainable_rows--> can each published row arise, and how likely can an arbitrary row?

This is the GRIM test (Brown and Heathers 2017, doi:10.1177/1948550616673876). If most arbitrary numbers would pass, a
pass says little.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import product
from typing import NamedTuple

import pandas as pd

Number = str | float | Decimal
# test set -> class -> images
Sizes = Mapping[str, Mapping[str, int]]
# how a row may have been printed -> is the accuracy cut off instead of rounded? are the other scores?
WAYS = {
    "all rounded": (False, False),
    "accuracy cut off, the others rounded": (True, False),
    "accuracy rounded, the others cut off": (False, True),
    "all cut off": (True, True),
}


def units_of(number: Number, decimals: int, top: int) -> int:
    """A printed number in units of its last decimal: "92.16" is 9216; float noise, as in 100 * 0.57, is allowed.

    ValueError: it has more decimals, or is not from 0 to `top`.
    """
    try:
        scaled = Decimal(str(number)) * 10**decimals
        units = round(scaled)
    except (ArithmeticError, ValueError):
        raise ValueError(f"{number!r} is not a number") from None
    if abs(scaled - units) > Decimal("1e-6") or not 0 <= units <= top * 10**decimals:
        raise ValueError(f"{number} is not a number from 0 to {top} with {decimals} decimals")
    return units


def prints(value: Fraction, decimals: int = 2) -> tuple[set[int], set[int]]:
    """The numbers that a value may print as, in units of the last decimal: (by rounding, by cutting off).

    A tie rounds both ways: half up and half even differ, and binary floating point differs from both (23/40 prints as
    0.57 in Python).
    """
    low, rest = divmod(value * 10**decimals, 1)
    return {low + (2 * rest > 1), low + (2 * rest >= 1)}, {low}


def decimals(fractions: pd.Series) -> int:
    """The number of decimals of a column: the most that any of its numbers has."""
    return max((len(f"{value:.6f}".rstrip("0").split(".")[1]) for value in fractions), default=0)


def attainable(percent: Number, n: int, decimals: int = 2, truncate: bool = False) -> list[int]:
    """The counts k, 0 to n, for which 100 k / n prints as `percent`, by rounding or (`truncate`) by cutting off.

    A tie prints both ways. ValueError: `percent` has more decimals or is not from 0 to 100, or n is below 1.
    """
    if n < 1:
        raise ValueError(f"a test set needs at least one image, not {n}")
    units = units_of(percent, decimals, 100)
    return [k for k in range(n + 1) if units in prints(Fraction(100 * k, n), decimals)[truncate]]


def chance(n: int) -> float:
    """The share, 0 to 1, of all percentages with two decimals that some count over n prints as, rounded or cut off."""
    printed = set()
    for k in range(n + 1):
        printed = printed.union(*prints(Fraction(100 * k, n)))
    return len(printed) / 10001


def nearest_counts(percent: Number, n: int) -> list[int]:
    """The counts on either side of a percentage with two decimals."""
    below = units_of(percent, 2, 100) * n // 10000
    return [below, min(below + 1, n)]


def averages(tp: int, fn: int, fp: int, tn: int) -> dict[str, tuple[Fraction, Fraction, Fraction]]:
    """Exact precision, recall and F1 of a 2 x 2 confusion matrix (counts), for each kind of averaging.

    As scikit-learn with zero_division=0: macro F1 is the mean of both F1 scores, and not the harmonic mean of macro
    precision and macro recall (both are in use: Opitz and Burst 2019, arXiv:1911.03347).
    """

    def one_class(right: int, missed: int, false: int) -> tuple[Fraction, Fraction, Fraction]:
        precision = Fraction(right, right + false) if right + false else Fraction(0)
        return precision, Fraction(right, right + missed), Fraction(2 * right, 2 * right + missed + false)

    positive, negative = one_class(tp, fn, fp), one_class(tn, fp, fn)
    shares = {"macro": Fraction(1, 2), "weighted": Fraction(tp + fn, tp + fn + fp + tn)}
    means = {
        name: tuple(share * one + (1 - share) * other for one, other in zip(positive, negative))
        for name, share in shares.items()
    }
    return {"positive class": positive, "negative class": negative, **means}


class Match(NamedTuple):
    """A confusion matrix of two classes, and the averaging of precision, recall and F1."""

    averaging: str
    tp: int
    fn: int
    fp: int
    tn: int


@cache
def two_class_rows(positives: int, negatives: int) -> list[tuple[Match, list]]:
    """What accuracy, precision, recall and F1 may print as, for every matrix and averaging."""
    rows = []
    for tp, tn in product(range(positives + 1), range(negatives + 1)):
        accuracy = prints(Fraction(100 * (tp + tn), positives + negatives))
        matrix = (tp, positives - tp, negatives - tn, tn)
        for name, others in averages(*matrix).items():
            rows.append((Match(name, *matrix), [accuracy, *map(prints, others)]))
    return rows


def matching_matrices(accuracy, precision, recall, f1, positives: int, negatives: int, cut=WAYS["all rounded"]):
    """List every confusion matrix of a two-class test set that prints as this row, with its averaging.

    accuracy: percent, two decimals. precision, recall, f1: fractions, two decimals. None: not checked.
    positives, negatives: images of either class; ValueError: fewer than one. cut: a value of `WAYS`.
    Returns one row per match: averaging ("positive class"; "negative class", which takes that one as positive; "macro";
    "weighted"), tp, fn, fp, tn. Empty: these numbers cannot arise from this test set.
    """
    if positives < 1 or negatives < 1:
        raise ValueError(f"two classes are needed, not {positives} and {negatives} images")
    criteria = []
    for column, value in enumerate((accuracy, precision, recall, f1)):
        if value is not None:
            criteria.append((column, cut[column > 0], units_of(value, 2, 1 if column else 100)))
    matches = []
    for match, printed in two_class_rows(positives, negatives):
        if all(units in printed[column][truncate] for column, truncate, units in criteria):
            matches.append(match)
    return pd.DataFrame(matches, columns=Match._fields)


def macro_recall(correct: int, order: Sequence[int]) -> Fraction:
    """Exact macro recall if errors fill up classes of these sizes in this order; an error costs 1 / size / classes."""
    errors, total = sum(order) - correct, Fraction(0)
    for size in order:
        wrong = min(errors, size)
        errors -= wrong
        total += Fraction(size - wrong, size)
    return total / len(order)


def recall_range(correct: int, sizes: Sequence[int]) -> tuple[Fraction, Fraction]:
    """The smallest and largest macro recall, exact, of `correct` right answers over classes of these sizes."""
    return macro_recall(correct, sorted(sizes)), macro_recall(correct, sorted(sizes, reverse=True))


def recall_bounds(accuracy_percent: Number, sizes: Sequence[int], truncate: bool = False) -> tuple[Fraction, Fraction]:
    """The smallest and largest macro recall, exact, that fit a printed accuracy (two decimals).

    sizes: images per class. With equal sizes both bounds are the accuracy. Weighted recall is always the accuracy.
    If no count prints as this accuracy, the bounds are those of the counts around it.
    """
    n = sum(sizes)
    counts = attainable(accuracy_percent, n, truncate=truncate) or nearest_counts(accuracy_percent, n)
    return recall_range(counts[0], sizes)[0], recall_range(counts[-1], sizes)[1]


def printed_rows(sizes: Sequence[int]) -> Iterator[list]:
    """What a row may print as: all four scores for two classes, accuracy and macro recall for more."""
    if len(sizes) == 2:
        for _, printed in two_class_rows(*sizes):
            yield printed
        return
    for correct in range(sum(sizes) + 1):
        low, high = (prints(end) for end in recall_range(correct, sizes))
        recall = [set(range(min(low[truncate]), max(high[truncate]) + 1)) for truncate in (False, True)]
        yield [prints(Fraction(100 * correct, sum(sizes))), recall]


@cache
def possible_rows(sizes: tuple[int, ...]) -> frozenset[tuple[int, ...]]:
    """All rows of `printed_rows` that can arise in any of `WAYS`, in units of the last decimal."""
    rows = set()
    for accuracy, *others in printed_rows(sizes):
        for cut_accuracy, cut_others in WAYS.values():
            columns = [accuracy[cut_accuracy], *(other[cut_others] for other in others)]
            rows.update(product(*columns))
    return frozenset(rows)


def row_chance(tests: Iterable[Sequence[int]], lowest: float = 0.5) -> float:
    """The chance, 0 to 1, that a row of numbers drawn evenly and independently from `lowest` to 1 passes.

    tests: the class sizes of every possible test set. A row holds accuracy, precision, recall and F1 for two classes,
    accuracy and macro recall for more. It passes by any averaging, in any of `WAYS`. Exact: attainable rows over all.
    """
    rows = frozenset().union(*(possible_rows(tuple(sizes)) for sizes in tests))
    floor = round(100 * lowest)
    passing = sum(row[0] >= 100 * floor and min(row[1:]) >= floor for row in rows)
    return passing / ((10001 - 100 * floor) * (101 - floor) ** (len(min(rows)) - 1))


def listed(values: Iterable) -> str:
    """Join alternatives for a sentence: 1 or 2; `none` for an empty list."""
    return " or ".join(map(str, values)) or "none"


def accuracy_in_words(percent: str, n: int) -> str:
    """Say which counts over n print as this accuracy, in percent."""
    for how, truncate in {"attainable": False, "attainable when cut off": True}.items():
        if counts := attainable(percent, n, truncate=truncate):
            return f"{how}: {listed(counts)} of {n}"
    near = " and ".join(f"{k} of {n} is {100 * k / n:.2f} %" for k in nearest_counts(percent, n))
    return f"no count over {n} prints as {percent} % ({near})"


def row_in_words(metrics: list[str], sizes: Mapping[str, int]) -> str:
    """Say whether the whole row can arise from this test set: how printed, by which averaging, from which matrix."""
    if len(sizes) > 2:
        low, high = (float(end) for end in recall_bounds(metrics[0], list(sizes.values())))
        return f"macro recall there is between {low:.4f} and {high:.4f}, printed is {metrics[2]}"
    for way, cut in WAYS.items():
        matches = matching_matrices(*metrics, *sizes.values(), cut)
        if len(matches):
            (one, positives), (other, negatives) = sizes.items()
            names = {"positive class": f"{one} as positive", "negative class": f"{other} as positive"}
            by = listed(names.get(averaging, averaging) for averaging in matches.averaging.unique())
            first = matches.iloc[0]
            right = f"{first.tp} of {positives} {one} and {first.tn} of {negatives} {other} right"
            return f"the whole row arises ({way}; averaging: {by}), first with {right}"
    return "no confusion matrix of this test set prints as this row, under any averaging considered"


def attainable_rows(table: pd.DataFrame, test_sizes: Mapping[str, Sizes]) -> pd.DataFrame:
    """Check every row of `table`: dataset, model, accuracy, precision, recall, f1 (fractions).

    test_sizes: dataset -> name of a stated or known test set -> class -> images; the positive of two classes first.
    Returns one row per published row: published; rounded and cut_off, the counts that print as the accuracy;
    attainable from any test set; its chance; row_attainable and row_chance of the whole row; in_words.
    """
    return pd.DataFrame([attainable_row(row, test_sizes[row.dataset]) for row in table.itertuples()])


def attainable_row(row, tests: Sizes) -> dict:
    """One row of `attainable_rows`."""
    units = [units_of(row.accuracy, 4, 1), *(units_of(value, 2, 1) for value in (row.precision, row.recall, row.f1))]
    metrics = [f"{unit / 100:.2f}" for unit in units]
    sizes = {name: tuple(classes.values()) for name, classes in tests.items()}
    possible = frozenset().union(*(possible_rows(one) for one in sizes.values()))
    accuracies = {one[0] for one in possible}
    two_classes = all(len(one) == 2 for one in sizes.values())
    counts = {}
    for column, truncate in {"rounded": False, "cut_off": True}.items():
        per_test = [f"{n}: {listed(attainable(metrics[0], sum(s), truncate=truncate))}" for n, s in sizes.items()]
        counts[column] = "; ".join(per_test)
    words = []
    for name, classes in tests.items():
        accuracy = accuracy_in_words(metrics[0], sum(classes.values()))
        words.append(f"{name}: {accuracy}; {row_in_words(metrics, classes)}")
    return {
        "dataset": row.dataset,
        "model": row.model,
        "published": f"{metrics[0]} %, {', '.join(metrics[1:])}",
        **counts,
        "attainable": units[0] in accuracies,
        "chance": len(accuracies) / 10001,
        # more than two classes: accuracy and recall
        "row_attainable": tuple(units if two_classes else units[:3:2]) in possible,
        "row_chance": row_chance(sizes.values()),
        "in_words": ". ".join(words),
    }
