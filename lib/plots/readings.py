"""Say in numbers what figures show, from the tables behind them.

confusion.csv --recognised-->  per model: the class recognised most often, least often, and the most frequent confusion
history.csv   --last_epoch-->  per model: accuracy after the last epoch, training and validation, and their gap
"""

import pandas as pd


def recognised(confusion: pd.DataFrame) -> pd.DataFrame:
    """One row per model: the classes recognised most and least often, and the most frequent confusion; shares as text.

    Args:
        confusion: model, true, predicted, fraction (of the true class), one row per seed; classes without a test image
            have fractions of 0 and are left out.
    """
    found = {}
    for model, part in confusion.groupby("model", sort=False):
        shares = part.groupby(["true", "predicted"], sort=False).fraction.mean()
        tested = shares.groupby("true").transform("sum") > 0
        same = shares.index.get_level_values("true") == shares.index.get_level_values("predicted")
        right, wrong = shares[tested & same].droplevel("predicted"), shares[tested & ~same]
        best, least, (true, predicted) = right.idxmax(), right.idxmin(), wrong.idxmax()
        found[model] = {
            "recognised most often": f"{best} ({right[best]:.0%})",
            "least often": f"{least} ({right[least]:.0%})",
            "most frequent confusion": f"{true} taken for {predicted} ({wrong.max():.0%} of {true})",
        }
    return pd.DataFrame.from_dict(found, orient="index")


def last_epoch(histories: pd.DataFrame) -> pd.DataFrame:
    """One row per model: seeds, epochs, training and validation accuracy in percent, their gap in percentage points.

    Args:
        histories: model, seed, epoch, train_accuracy, validation_accuracy; the row is a mean over seeds.
    """
    found = {}
    for model, part in histories.groupby("model", sort=False):
        last = part.sort_values("epoch").groupby("seed").last()
        train, validation = 100 * last.train_accuracy.mean(), 100 * last.validation_accuracy.mean()
        found[model] = {
            "seeds": len(last),
            "epochs": int(part.epoch.max()),
            "training (%)": f"{train:.1f}",
            "validation (%)": f"{validation:.1f}",
            "training minus validation (points)": f"{train - validation:+z.1f}",
        }
    return pd.DataFrame.from_dict(found, orient="index")
