"""The numbers beside a figure are those of the table that it is drawn from."""

import pandas as pd

from lib.plots import readings

CONFUSION = pd.DataFrame(
    [
        ("vit", "a", "a", 0.6),
        ("vit", "a", "b", 0.4),
        ("vit", "a", "c", 0.0),
        ("vit", "b", "a", 0.1),
        ("vit", "b", "b", 0.9),
        ("vit", "b", "c", 0.0),
        # no test image is c
        *(("vit", "c", predicted, 0.0) for predicted in "abc"),
    ],
    columns=["model", "true", "predicted", "fraction"],
)


def test_the_table_below_confusion_matrices_names_best_and_least_recognised_class_and_the_confusion():
    other_seed = CONFUSION.assign(fraction=[0.4, 0.6, 0, 0.1, 0.9, 0, 0, 0, 0])
    found = readings.recognised(pd.concat([CONFUSION, other_seed]))
    assert found.loc["vit"].tolist() == ["b (90%)", "a (50%)", "a taken for b (50% of a)"]


def test_the_table_below_curves_has_the_means_over_seeds_after_the_last_epoch():
    rows = [("vit", seed, epoch, 0.5 * epoch, 0.2 * epoch + 0.1 * seed) for seed in (0, 1) for epoch in (2, 1)]
    columns = ["model", "seed", "epoch", "train_accuracy", "validation_accuracy"]
    found = readings.last_epoch(pd.DataFrame(rows, columns=columns))
    assert found.loc["vit"].tolist() == [2, 2, "100.0", "45.0", "+55.0"]
