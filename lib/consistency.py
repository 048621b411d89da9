"""Can these published numbers be counts over n? Exact arithmetic, without images or runs.

a percentage and n --attainable--> counts; a row and class sizes --matching_matrices, recall_bounds--> what prints so
Table 1 and test sizes --check_table--> what holds for every published row, and the chance of it for an arbitrary one

As the GRIM test (Brown and Heathers 2017, doi:10.1177/1948550616673876). Where most numbers pass, a pass says little.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import product

import pandas as pd

Number = str | float | Decimal
WAYS = {  # how a row may have been printed: is (the accuracy, are the others) cut off instead of rounded
    "all rounded": (False, False),
    "accuracy cut off, the others rounded": (True, False),
    "accuracy rounded, the others cut off": (False, True),
    "all cut off": (True, True),
}


def _units(number: Number, decimals: int, top: int) -> int:
    """A printed number in units of its last decimal: "92.16" is 9216. Float noise, as of 100 * 0.57, is forgiven."""
    try:
        units = round(scaled := Decimal(str(number)) * 10**decimals)
    except (ArithmeticError, ValueError):
        raise ValueError(f"{number!r} is not a number") from None
    if abs(scaled - units) > Decimal("1e-6") or not 0 <= units <= top * 10**decimals:
        raise ValueError(f"{number} is not a number from 0 to {top} with {decimals} decimals")
    return units


def _prints(value: Fraction, decimals: int = 2) -> tuple[set[int], set[int]]:
    """What a value may print as, in units of the last decimal: (by rounding, by cutting off). A tie rounds both ways:
    half up and half even differ, and binary floating point differs from both (23/40 prints as 0.57 in Python)."""
    low, rest = divmod(value * 10**decimals, 1)
    return {low + (2 * rest > 1), low + (2 * rest >= 1)}, {low}


def attainable(percent: Number, n: int, decimals: int = 2, truncate: bool = False) -> list[int]:
    """The counts k, 0 to n, for which 100 k / n prints as `percent`, by rounding or (`truncate`) by cutting off.

    A tie prints both ways. ValueError: `percent` has more decimals or is not within 0 to 100, or n is below 1.
    """
    if n < 1:
        raise ValueError(f"{n} images are no test set")
    units = _units(percent, decimals, 100)
    return [k for k in range(n + 1) if units in _prints(Fraction(100 * k, n), decimals)[truncate]]


def chance(n: int) -> float:
    """The share of all percentages with two decimals that a count over n prints as, rounded or cut off."""
    return len({units for k in range(n + 1) for way in _prints(Fraction(100 * k, n)) for units in way}) / 10001


def _beside(percent: Number, n: int) -> list[int]:
    below = _units(percent, 2, 100) * n // 10000
    return [below, min(below + 1, n)]


def averages(tp: int, fn: int, fp: int, tn: int) -> dict[str, tuple[Fraction, Fraction, Fraction]]:
    """Precision, recall and F1 of a 2 x 2 confusion matrix (counts), exact, by the averaging.

    scikit-learn's, with zero_division=0: macro F1 is the mean of both F1 scores. The other definition in use, the
    harmonic mean of macro precision and macro recall (Opitz and Burst 2019, arXiv:1911.03347), is not considered.
    """

    def one_class(hits: int, missed: int, wrongly: int) -> tuple[Fraction, Fraction, Fraction]:
        precision = Fraction(hits, hits + wrongly) if hits + wrongly else Fraction(0)
        return precision, Fraction(hits, hits + missed), Fraction(2 * hits, 2 * hits + missed + wrongly)

    positive, negative = one_class(tp, fn, fp), one_class(tn, fp, fn)
    shares = Fraction(1, 2), Fraction(tp + fn, tp + fn + fp + tn)
    macro, weighted = (tuple(w * p + (1 - w) * q for p, q in zip(positive, negative)) for w in shares)
    return {"positive class": positive, "negative class": negative, "macro": macro, "weighted": weighted}


@cache
def _two_class_rows(positives: int, negatives: int) -> list[tuple]:
    """((averaging, tp, fn, fp, tn), what accuracy, precision, recall and F1 print as) of every matrix and averaging."""
    return [
        ((name, tp, positives - tp, negatives - tn, tn), [_prints(v) for v in (accuracy, *others)])
        for tp, tn in product(range(positives + 1), range(negatives + 1))
        for accuracy in [Fraction(100 * (tp + tn), positives + negatives)]
        for name, others in averages(tp, positives - tp, negatives - tn, tn).items()
    ]


def matching_matrices(accuracy, precision, recall, f1, positives: int, negatives: int, cut=WAYS["all rounded"]):
    """Every confusion matrix of a two-class test set that prints as this row, and the averaging under which it does.

    accuracy: in percent, two decimals. precision, recall, f1: fractions, two decimals. None: not checked.
    positives, negatives: images of either class, at least one (ValueError). cut: one of `WAYS`.
    Returns a table, a row a match: averaging ("positive class", "negative class": that one as positive, "macro",
    "weighted"), tp, fn, fp, tn. Empty: these numbers cannot arise from such a test set.
    """
    if positives < 1 or negatives < 1:
        raise ValueError(f"two classes are needed, not {positives} and {negatives} images")
    row, every = enumerate((accuracy, precision, recall, f1)), _two_class_rows(positives, negatives)
    wanted = [(i, cut[i > 0], _units(v, 2, 1 if i else 100)) for i, v in row if v is not None]
    matches = [matrix for matrix, prints in every if all(v in prints[i][short] for i, short, v in wanted)]
    return pd.DataFrame(matches, columns=["averaging", "tp", "fn", "fp", "tn"])


def _recall_range(correct: int, sizes: Sequence[int]) -> list[Fraction]:
    """Macro recall, smallest and largest: an error costs 1 / size of its class, so fill the smallest or the largest."""
    ends = []
    for order in (sorted(sizes), sorted(sizes, reverse=True)):
        wrong = [min(max(sum(sizes) - correct - sum(order[:i]), 0), size) for i, size in enumerate(order)]
        ends.append(1 - sum(map(Fraction, wrong, order)) / len(order))
    return ends


def recall_bounds(accuracy_percent: Number, sizes: Sequence[int], truncate: bool = False) -> tuple[Fraction, Fraction]:
    """The smallest and largest macro recall, exact, of any confusion matrix whose accuracy prints so (two decimals).

    sizes: images a class. Equal sizes leave only the accuracy itself; weighted recall is the accuracy at any sizes.
    Where no count prints so, the bounds are those of the counts on either side: of an accuracy within 1/n of it.
    """
    counts = attainable(accuracy_percent, sum(sizes), truncate=truncate) or _beside(accuracy_percent, sum(sizes))
    return _recall_range(counts[0], sizes)[0], _recall_range(counts[-1], sizes)[1]


@cache
def _rows(sizes: tuple[int, ...]) -> frozenset[tuple[int, ...]]:
    """All rows that can arise, in any of `WAYS`: four metrics for two classes; accuracy and macro recall for more."""
    prints = [row for _, row in _two_class_rows(*sizes)] if len(sizes) == 2 else []
    for k in range(sum(sizes) + 1) if not prints else []:
        low, high = (_prints(end) for end in _recall_range(k, sizes))
        recall = [set(range(min(low[short]), max(high[short]) + 1)) for short in (False, True)]
        prints.append([_prints(Fraction(100 * k, sum(sizes))), recall])
    every = product(prints, WAYS.values())
    return frozenset().union(*(product(*(both[cut[i > 0]] for i, both in enumerate(row))) for row, cut in every))


def row_chance(tests: Iterable[Sequence[int]], lowest: float = 0.5) -> float:
    """The chance, 0 to 1, that a row of numbers drawn evenly and independently from `lowest` to 1 passes.

    tests: the class sizes of every test set that would do. Two classes: accuracy, precision, recall and F1; more:
    accuracy and macro recall; by any averaging, in any of `WAYS`. Exact: distinct rows that can arise over all rows.
    """
    rows, floor = frozenset().union(*(_rows(tuple(sizes)) for sizes in tests)), round(100 * lowest)
    passing = sum(row[0] >= 100 * floor and min(row[1:]) >= floor for row in rows)
    return passing / ((10001 - 100 * floor) * (101 - floor) ** (len(min(rows)) - 1))


def _listed(values: Iterable) -> str:
    return " or ".join(map(str, values)) or "none"


def _in_words(metrics: list[str], sizes: Mapping[str, int]) -> str:
    """Two statements about one published row and one test set: its accuracy, then the row as a whole."""
    n, percent = sum(sizes.values()), metrics[0]
    rounded, cut_off = (attainable(percent, n, truncate=cut) for cut in (False, True))
    near = " and ".join(f"{k} of {n} is {100 * k / n:.2f} %" for k in _beside(percent, n))
    text = f"attainable{'' if rounded else ' when cut off'}: {_listed(rounded or cut_off)} of {n}"
    text = text if rounded or cut_off else f"no count over {n} prints as {percent} % ({near})"
    if len(sizes) > 2:
        low, high = (float(end) for end in recall_bounds(percent, list(sizes.values())))
        return f"{text}; macro recall there is between {low:.4f} and {high:.4f}, printed is {metrics[2]}"
    for way, cut in WAYS.items():
        found = matching_matrices(*metrics, *sizes.values(), cut)
        if len(found):
            (one, a), (other, b), first = *sizes.items(), found.iloc[0]
            names = {"positive class": f"{one} as positive", "negative class": f"{other} as positive"}
            by = _listed(names.get(averaging, averaging) for averaging in found.averaging.unique())
            right = f"{first.tp} of {a} {one} and {first.tn} of {b} {other} right"
            return f"{text}; the whole row arises ({way}; averaging: {by}), first with {right}"
    return f"{text}; no confusion matrix of this test set prints as this row, under any averaging considered"


def check_table(table: pd.DataFrame, test_sizes: Mapping[str, Mapping[str, Mapping[str, int]]]) -> pd.DataFrame:
    """What arithmetic says about every row of `table`: dataset, model, accuracy, precision, recall, f1 (fractions).

    test_sizes: dataset -> name of a stated or known test set -> class -> images; of two classes the positive first.
    Returns, a row a published row: published; rounded and cut_off, the counts that print as the accuracy; attainable,
    by any test set; chance of that; row_attainable and row_chance, of the whole row (see `row_chance`); in_words.
    """
    checked = []
    for row in table.itertuples():
        units = (_units(row.accuracy, 4, 1), *(_units(v, 2, 1) for v in (row.precision, row.recall, row.f1)))
        shown, tests = [f"{unit / 100:.2f}" for unit in units], test_sizes[row.dataset]
        sizes = {name: tuple(classes.values()) for name, classes in tests.items()}
        rows = set().union(*map(_rows, sizes.values()))
        whole = units if all(len(s) == 2 for s in sizes.values()) else units[:3:2]
        answer = {"dataset": row.dataset, "model": row.model, "published": f"{shown[0]} %, {', '.join(shown[1:])}"}
        for column, cut in {"rounded": False, "cut_off": True}.items():
            counts = [f"{t}: {_listed(attainable(shown[0], sum(s), truncate=cut))}" for t, s in sizes.items()]
            answer[column] = "; ".join(counts)
        answer |= {"attainable": units[0] in (numbers := {row[0] for row in rows}), "chance": len(numbers) / 10001}
        answer |= {"row_attainable": whole in rows, "row_chance": row_chance(sizes.values())}
        answer["in_words"] = ". ".join(f"{name}: {_in_words(shown, classes)}" for name, classes in tests.items())
        checked.append(answer)
    return pd.DataFrame(checked)
