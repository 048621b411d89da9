"""Measure how often the printed intervals hold the known truth of simulated networks on test sets like the studies'.

REGIMES --outcomes--> predictions of networks with known true scores --measure, table--> coverage.csv
coverage.csv, a result --nearest--> the line that is most like it

The outcomes come from a model that no interval here assumes: lib.evidence.probit.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

from lib import strict
from lib.data.files import write_csv
from lib.evidence import auc, differences, intervals, margins, mover
from lib.evidence.auc import Scored
from lib.evidence.intervals import MACRO, Counts
from lib.evidence.probit import EFFECTS, NODES, SHARED, WEIGHTS, Truth, network, sizes
from lib.evidence.regimes import REGIMES, STRUCTURES, Regime

OUTCOMES = 1000
TOO_OFTEN = 0.975  # coverage above which an interval is called wider than needed
# metrics that are areas under the ROC curve: of classes, and of one label among several
AREAS = {"auc": "AUC", "label": "AUC of one label"}
DRAWS = 500  # of groups, per outcome; reports take more, so that their ends depend less on random numbers


def expected(level: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Expected confusion matrices, (..., classes, classes); level: (..., classes), probit; images: (classes,)."""
    classes = max(level.shape[-1], 2)
    right = scipy.stats.norm.cdf(level / np.sqrt(1 + sum(one**2 for one in EFFECTS)))
    made = np.zeros((*level.shape, classes))
    for label in range(level.shape[-1]):
        made[..., label, label] = right[..., label]
        for step, share in wrong(classes):
            made[..., label, (label + step) % classes] += share * (1 - right[..., label])
    return made * images[:, None]


def wrong(classes: int) -> list[tuple[int, float]]:
    """The classes that wrong answers name: (steps to the next class, share of the wrong answers)."""
    return [(1, 1.0)] if classes == 2 else [(1, 0.7), (2, 0.3)]


def accuracy(structure: str) -> Callable:
    """Make the function of a structure's true accuracy that `probit.network` takes as its score."""
    per_class, spread = np.bincount(*sizes(structure)), sum(one**2 for one in EFFECTS)

    def score(level: np.ndarray, seed: float) -> np.ndarray:
        return scipy.stats.norm.cdf(level / np.sqrt(1 + spread + seed**2)) @ per_class / per_class.sum()

    return score


def true_score(one: Truth, structure: str, metric: str, effect: float | None = None) -> float:
    """A network's true score: for the seed with this effect (in standard deviations), or the mean over all seeds."""
    label, images = sizes(structure)
    per_class = np.bincount(label, images)
    nodes, weights = (NODES, WEIGHTS) if effect is None else (np.array([effect]), np.ones(1))
    confusion = expected(one.level + one.seed * nodes[:, None], per_class)
    if confusion.shape[-2] != confusion.shape[-1]:
        confusion = np.concatenate([confusion, np.zeros_like(confusion)], -2)
    return float(weights @ MACRO[metric](confusion) / weights.sum())


def outcomes(regime: Regime, number: int, rng: np.random.Generator) -> Iterator[tuple[list[Counts], float]]:
    """Simulate the predictions of a regime's one or two networks, each with the true score (or difference) behind them.

    With one seed, the true score is that of this seed's network; with several, the mean over all seeds.
    """
    label, images = sizes(regime.structure)
    levels = [regime.level] if regime.lift is None else [regime.level + regime.lift, regime.level]
    of_levels = accuracy(regime.structure)
    networks = [network(regime.structure, of_levels, level, regime.seed_sd) for level in levels]
    means = [true_score(one, regime.structure, regime.metric) for one in networks]
    classes, entries = max(len(STRUCTURES[regime.structure]), 2), len(label)
    places = np.arange(entries)
    for _ in range(number):
        shared, shared_seeds = rng.normal(size=entries), rng.normal(size=regime.seeds)
        made, scores = [], []
        for one, mean in zip(networks, means):
            seeds = np.sqrt(SHARED) * shared_seeds + np.sqrt(1 - SHARED) * rng.normal(size=regime.seeds)
            latent = one.level[label] + EFFECTS[0] * shared + EFFECTS[1] * rng.normal(size=entries)
            latent = latent + one.seed * seeds[:, None] + EFFECTS[2] * rng.normal(size=(regime.seeds, entries))
            right = rng.binomial(images, scipy.special.ndtr(latent))
            predicted = np.zeros((regime.seeds, entries, classes))
            predicted[:, places, label] = right
            left = images - right
            (first, share), *more = wrong(classes)
            near = rng.binomial(left, share) if more else left
            predicted[:, places, (label + first) % classes] = near
            for step, _ in more:
                predicted[:, places, (label + step) % classes] = left - near
            made.append(Counts(label, places, predicted))
            alone = regime.seeds == 1
            scores.append(true_score(one, regime.structure, regime.metric, seeds[0]) if alone else mean)
        yield made, scores[0] - scores[1] if len(scores) == 2 else scores[0]


def interval(counted: list[Counts] | Scored, metric: str, **stream) -> tuple[float, float, float]:
    """Estimate and ends, by the method of the reports, for one network or the difference of two; fractions."""
    if metric in AREAS:
        return auc.interval(counted)
    if len(counted) == 1:
        return intervals.interval(counted[0], MACRO[metric], **stream)
    arms = differences.contrast(*counted, MACRO[metric], **stream)
    return (mover.estimate(arms), *mover.ends(arms))


def measure(regime: Regime, number: int = OUTCOMES, draws: int = DRAWS, interval=interval) -> dict[str, float]:
    """Measure the coverage of the 95 % interval, 0 to 1, its mean width, and the oracle's width, in percentage points.

    The oracle's interval is as wide as the middle 95 % of the simulated errors. NaN if no interval is printed.
    """
    found = []
    drawn = margins.outcomes if regime.metric in AREAS else outcomes
    for stream, (counted, true) in enumerate(drawn(regime, number, np.random.default_rng(0))):
        found.append((*interval(counted, regime.metric, draws=draws, rng=stream), true))
    estimate, low, high, true = np.array(found).T
    printed = np.isfinite(low)
    return {
        "coverage": ((low <= true) & (true <= high)).mean() if printed.all() else np.nan,
        "width": 100 * (high - low).mean(),
        "oracle": 100 * np.diff(np.quantile(estimate - true, [0.025, 0.975]))[0],
    }


def described(regime: Regime) -> dict:
    """A regime as a line of coverage.csv, with the numbers by which `nearest` finds it."""
    classes = STRUCTURES[regime.structure]
    groups = [len(one) for one in classes]
    size = {"classes": len(groups), "groups": sum(groups), "fewest": min(groups), "images": sum(map(sum, classes))}
    return regime._asdict() | size


def table(metrics: list[str] = (), number: int = OUTCOMES) -> pd.DataFrame:
    """Measure coverage.csv, or its lines of these metrics.

    Columns: structure, level (true accuracy or AUC), seeds, seed_sd, lift (empty for one network), metric, classes,
    groups, fewest (groups of a class), images, coverage (a fraction), width, oracle (percentage points), outcomes.
    """
    rows = []
    for regime in REGIMES:
        if metrics and regime.metric not in metrics:
            continue
        rows.append(described(regime) | measure(regime, number) | {"outcomes": number})
    return pd.DataFrame(rows).astype({"lift": float}).round({"coverage": 4, "width": 3, "oracle": 3})


def renew(metrics: list[str]) -> None:
    """Measure the lines of these metrics again, or all lines, and write coverage.csv.

    StudyError: a metric has no line.
    """
    every = list(dict.fromkeys(regime.metric for regime in REGIMES))
    for metric in metrics:
        strict.known(metric, every, "score")
    made = table(metrics)
    if metrics:
        kept = read()
        made = pd.concat([kept[~kept.metric.isin(metrics)], made], ignore_index=True)
    write_csv(made, path())


def path() -> Path:
    """reports/bench/coverage.csv."""
    return strict.ROOT / "reports" / "bench" / "coverage.csv"


def nearest(
    measured: pd.DataFrame,
    counted: Counts,
    seeds: int,
    level: float,
    *,
    difference: bool = False,
    metric: str = "accuracy",
) -> pd.Series:
    """The line of coverage.csv most like a cell: by groups, the class with fewest groups, seeds, and level.

    Args:
        counted: predictions for the test part. level: accuracy or AUC, 0 to 1. difference: of two networks.
        metric: "accuracy" or "auc".
    """
    rows = measured[measured.coverage.notna() & (measured.metric == metric)]
    rows = rows[rows.lift.notna() == difference]
    numbers = np.unique(counted.label, return_counts=True)[1]
    far = np.abs(np.log(rows.groups / numbers.sum())) + np.abs(np.log(rows.fewest / numbers.min()))
    far += np.abs(np.log(rows.seeds / seeds))
    far += np.abs(scipy.special.ndtri(rows.level) - scipy.special.ndtri(np.clip(level, 0.001, 0.999)))
    return rows.loc[far.idxmin()]


def kinds(measured: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Sort the lines of coverage.csv by kind of score, in reading order; those without an interval come last."""
    kind = np.select(
        [
            measured.coverage.isna(),
            measured.metric.isin(list(AREAS)),
            measured.lift.notna(),
            measured.metric != "accuracy",
            measured.seeds > 1,
        ],
        ["No interval", "AUC", "Two networks", "Averages over classes", "Several seeds"],
        "One network as it was trained",
    )
    order = ["One network as it was trained", "Several seeds", "Averages over classes", "Two networks", "AUC"]
    return {name: measured[kind == name] for name in [*order, "No interval"] if (kind == name).any()}


def read() -> pd.DataFrame:
    """Read coverage.csv, which `python -m lib coverage` writes."""
    return pd.read_csv(path())


def readable(measured: pd.DataFrame) -> pd.DataFrame:
    """Format lines of coverage.csv for a page, with the test set as index."""
    rows = []
    for row in measured.itertuples():
        what = AREAS.get(row.metric, row.metric)
        if pd.notna(row.lift):
            what += f", two networks that differ by {100 * row.lift:g} points"
        none, points = pd.isna(row.coverage), "{:.2f}" if row.metric in AREAS else "{:.1f}"
        rows.append(
            {
                "test set": row.structure,
                "score": what,
                "true accuracy or AUC": f"{row.level:.4g}" if row.metric in AREAS else f"{row.level:.1%}",
                "seeds": row.seeds,
                "SD over seeds": "" if row.seeds == 1 else f"{100 * row.seed_sd:g}",
                "coverage": "no interval" if none else f"{row.coverage:.1%}",
                "width": "" if none else points.format(row.width),
                "needed": points.format(row.oracle),
            }
        )
    return pd.DataFrame(rows).set_index("test set").rename_axis(None)


def in_words(row: pd.Series) -> str:
    """Say what a line of coverage.csv shows about the intervals of a cell like it."""
    seeds = "one seed" if row.seeds == 1 else f"{row.seeds} seeds"
    what = "one network" if pd.isna(row.lift) else "the difference of two networks"
    score = f"AUC {row.level:.3f}" if row.metric in AREAS else f"accuracy {row.level:.1%}"
    said = (
        f"{what} on the nearest simulated test set ({row.structure}, {score}, {seeds}): the interval"
        f" holds the truth in {row.coverage:.1%} of {row.outcomes:,} outcomes"
    )
    if row.coverage > TOO_OFTEN:
        said += f" and is {row.width / row.oracle:.1f} times as wide as needed"
    return said
