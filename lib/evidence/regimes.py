"""The simulated test sets of coverage.csv, with the images of every group, and the networks tested on them.

STRUCTURES (those of the studies, and harder ones) --REGIMES: one line of coverage.csv each--> lib.evidence.coverage
"""

from typing import NamedTuple

# images of every group, class by class
STRUCTURES = {
    "blood cells, published": [[48] * 13, [103] * 6, [155] * 4, [26] * 3 + [13] * 42],
    "blood cells, by group": [[80, 48, 48] + [34] * 13, [104] * 2 + [92] * 4, [310, 155, 154], [28] * 4 + [15] * 34],
    "brain MRI": [[1] * 17 + [2] * 4, [1] * 23 + [2] * 2],
    "brain MRI, by group": [[5, 2] + [1] * 13, [2] * 5 + [1] * 21],
    "COVID-19, all labels right": [[7, 5, 4, 4, 4, 4] + [3] * 6 + [2] * 13 + [1] * 46],
    "COVID-19, one label": [[7, 5, 4, 4] + [3] * 4 + [2] * 9 + [1] * 30, [2] * 3 + [1] * 9],
    "PneumoniaMNIST": [[1] * 234, [1] * 390],
    "CIFAR-10, 2,000": [[1] * 200] * 10,
    "MNIST": [[1] * 1000] * 10,
    "many small groups": [[8] * 80, [20] * 29, [34] * 18, [4] * 160],
    "one class of three groups among five": [[30] * 20] * 4 + [[30] * 3],
    "two groups per class": [[50] * 2] * 2,
    "one group of 500 beside 20 single images": [[500] + [1] * 20] * 2,
}


class Regime(NamedTuple):
    """One line of coverage.csv: a test set, one or two networks, and a score."""

    structure: str  # a name in STRUCTURES
    level: float  # true accuracy or AUC, 0 to 1; of the second network if there are two
    seeds: int
    seed_sd: float  # standard deviation of the accuracy or AUC over seeds, as a fraction
    lift: float | None = None  # true difference of two networks; None: there is only one
    metric: str = "accuracy"  # or "precision", "recall", "f1", "auc", "label" (the AUC of one label among several)


BLOOD, BY_GROUP, MRI, MRI_BY_GROUP, COVID, LABEL, PNEUMONIA, CIFAR, MNIST, MANY, RARE, TWO, ONE = STRUCTURES
REGIMES = [
    # one trained network, from hard to nearly perfect
    *(Regime(BLOOD, level, 1, 0) for level in (0.6, 0.8, 0.93, 0.98, 0.995)),
    *(Regime(BY_GROUP, level, 1, 0) for level in (0.6, 0.8, 0.95)),
    *(Regime(MRI, level, 1, 0) for level in (0.6, 0.8, 0.93, 0.98)),
    *(Regime(MRI_BY_GROUP, level, 1, 0) for level in (0.6, 0.8)),
    *(Regime(COVID, level, 1, 0) for level in (0.6, 0.93, 0.98)),
    *(Regime(PNEUMONIA, level, 1, 0) for level in (0.85, 0.98)),
    Regime(CIFAR, 0.998, 1, 0),
    Regime(MNIST, 0.998, 1, 0),
    *(Regime(MANY, level, 1, 0) for level in (0.6, 0.8, 0.93, 0.995)),
    *(Regime(RARE, level, 1, 0) for level in (0.6, 0.95)),
    # several seeds
    Regime(BLOOD, 0.6, 10, 0.06),
    Regime(BLOOD, 0.8, 3, 0.03),
    Regime(BLOOD, 0.98, 3, 0.005),
    Regime(BY_GROUP, 0.6, 10, 0.06),
    Regime(BY_GROUP, 0.8, 3, 0.06),
    Regime(MRI, 0.8, 2, 0.15),
    Regime(MRI, 0.8, 3, 0.06),
    Regime(MRI, 0.8, 3, 0.12),
    Regime(MRI, 0.8, 10, 0.06),
    Regime(MRI_BY_GROUP, 0.8, 5, 0.06),
    Regime(COVID, 0.9, 3, 0.03),
    Regime(PNEUMONIA, 0.85, 2, 0.15),
    Regime(PNEUMONIA, 0.85, 3, 0.06),
    Regime(PNEUMONIA, 0.85, 5, 0.02),
    Regime(CIFAR, 0.4, 3, 0.05),
    Regime(CIFAR, 0.8, 3, 0.12),
    Regime(MNIST, 0.975, 3, 0.003),
    Regime(MANY, 0.8, 3, 0.03),
    # averages over classes
    Regime(BLOOD, 0.8, 1, 0, metric="f1"),
    Regime(BY_GROUP, 0.6, 3, 0.03, metric="recall"),
    Regime(MRI, 0.8, 5, 0.06, metric="f1"),
    Regime(PNEUMONIA, 0.85, 5, 0.02, metric="precision"),
    Regime(CIFAR, 0.4, 3, 0.05, metric="f1"),
    # two networks
    Regime(BLOOD, 0.6, 1, 0, 0),
    Regime(BLOOD, 0.6, 10, 0.03, 0.05),
    Regime(BLOOD, 0.8, 3, 0.03, 0),
    Regime(BLOOD, 0.93, 10, 0.01, 0.05),
    Regime(BY_GROUP, 0.6, 10, 0.03, 0),
    Regime(BY_GROUP, 0.6, 3, 0.06, 0.1),
    Regime(MRI, 0.6, 1, 0, 0),
    Regime(MRI, 0.8, 2, 0.06, 0),
    Regime(MRI, 0.8, 3, 0.06, 0.1),
    Regime(MRI, 0.8, 10, 0.06, 0.05),
    Regime(MRI, 0.8, 20, 0.06, 0),
    Regime(MRI, 0.8, 5, 0.06, 0, metric="f1"),
    Regime(MRI_BY_GROUP, 0.6, 5, 0.1, 0),
    Regime(COVID, 0.9, 3, 0.03, 0.03),
    Regime(PNEUMONIA, 0.85, 2, 0.03, 0),
    Regime(PNEUMONIA, 0.85, 5, 0.02, 0.01),
    Regime(CIFAR, 0.4, 3, 0.05, 0),
    Regime(MNIST, 0.998, 1, 0, 0),
    Regime(MNIST, 0.975, 5, 0.003, -0.003),
    Regime(MANY, 0.8, 3, 0.03, 0),
    # areas under the ROC curve
    *(Regime(MRI, level, 1, 0, metric="auc") for level in (0.85, 0.95, 0.99)),
    Regime(MRI, 0.9, 3, 0.03, metric="auc"),
    Regime(MRI_BY_GROUP, 0.88, 10, 0.03, metric="auc"),
    *(Regime(PNEUMONIA, level, 1, 0, metric="auc") for level in (0.95, 0.99, 0.999)),
    Regime(PNEUMONIA, 0.95, 3, 0.005, metric="auc"),
    Regime(PNEUMONIA, 0.986, 3, 0.01, metric="auc"),
    Regime(PNEUMONIA, 0.945, 10, 0.01, metric="auc"),
    *(Regime(BLOOD, level, 1, 0, metric="auc") for level in (0.9, 0.97)),
    Regime(BLOOD, 0.99, 3, 0.003, metric="auc"),
    Regime(BY_GROUP, 0.6, 3, 0.05, metric="auc"),
    Regime(RARE, 0.9, 1, 0, metric="auc"),
    Regime(MANY, 0.7, 3, 0.12, metric="auc"),
    Regime(CIFAR, 0.99, 3, 0.001, metric="auc"),
    Regime(MNIST, 0.9995, 1, 0, metric="auc"),
    # one label of images that may have several
    Regime(LABEL, 0.65, 3, 0.04, metric="label"),
    Regime(LABEL, 0.95, 1, 0, metric="label"),
    Regime(PNEUMONIA, 0.8, 3, 0.02, metric="label"),
    # no interval is printed
    Regime(TWO, 0.8, 3, 0.03, metric="auc"),
    Regime(ONE, 0.8, 1, 0, metric="auc"),
    Regime(TWO, 0.6, 1, 0),
    Regime(TWO, 0.8, 3, 0.03, 0),
    Regime(ONE, 0.6, 1, 0),
    Regime(ONE, 0.8, 3, 0.03, 0),
]
