"""Simulate scores of networks with a known true AUC, from the margins of lib.evidence.probit.

regime --outcomes--> scores of every image by every seed, and the true AUC behind them

Two classes: the score of the first class is the margin for its images, and minus the margin for images of the second.
More classes: the score of an image's own class is its margin; scores of other classes are effects and error alone. One
of several labels per image: as the first of two classes, with groups drawn from all images.
"""

from collections.abc import Iterator

import numpy as np
import scipy

from lib.evidence.auc import Scored
from lib.evidence.probit import EFFECTS, network, sizes
from lib.evidence.regimes import Regime


def area(level: np.ndarray, seed: float) -> np.ndarray:
    """The true AUC, a score for `probit.network`: the probability that the difference of two scores is above 0."""
    variance = 2 * (1 + sum(one**2 for one in EFFECTS))
    if level.shape[-1] == 2:
        # both margins have the effect of the seed
        return scipy.special.ndtr(level.sum(-1) / np.sqrt(variance + 4 * seed**2))
    return scipy.special.ndtr(level / np.sqrt(variance + seed**2)).mean(-1)


def outcomes(regime: Regime, number: int, rng: np.random.Generator) -> Iterator[tuple[Scored, float]]:
    """Simulate the scores of a regime's network, with the true AUC behind them.

    With one seed, the true AUC is that of this seed's network; with several, the mean over all seeds.
    """
    of_group, images = sizes(regime.structure)
    label, group = np.repeat(of_group, images), np.repeat(np.arange(len(images)), images)
    positive = label[:, None] == np.arange(label.max() + 1)
    one = network(regime.structure, area, regime.level, regime.seed_sd)
    classes = positive.shape[1]
    scores = 1 if classes == 2 else classes
    shared, own, of_both = EFFECTS
    for _ in range(number):
        seeds = one.seed * rng.normal(size=(regime.seeds, 1))
        effects = np.hypot(shared, own) * rng.normal(size=(len(images), scores))
        effects = effects + of_both * rng.normal(size=(regime.seeds, len(images), scores))
        score = effects[:, group] + rng.normal(size=(regime.seeds, len(label), scores))
        margin = one.level[label] + seeds
        if classes == 2:
            first = np.where(positive[:, 0], 1, -1) * (score[..., 0] + margin)
            score = np.stack([first, -first], -1)
        else:
            score[:, np.arange(len(label)), label] += margin
        true = area(one.level + seeds[0], 0) if regime.seeds == 1 else regime.level
        made = Scored(score, positive, group, label)
        if regime.metric == "label":
            made = made._replace(score=score[..., :1], positive=positive[:, :1], stratum=np.zeros_like(label))
        yield made, float(true)
