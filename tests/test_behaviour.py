"""The same settings train to the same result, from one version of the code to the next; else lib.runs.BEHAVIOUR says so."""

import os
from pathlib import Path

import pandas as pd
import pytest

from lib import training
from lib.files import write_csv
from lib.runs import BEHAVIOUR

RECORD = Path(__file__).with_name("behaviour.csv")
TOLERANCE = 2e-2  # of a loss, relative: two CPUs that round differently were 5e-3 apart after a few steps of ResNet18
CASES = {  # name: (model of the demo, settings that differ)
    "cnn": ("cnn", {}),
    "alexnet": ("alexnet", {}),
    "resnet18": ("resnet18", {}),
    "vit": ("vit", {}),
    "released": ("vit-proposed", {}),
    "paper": ("vit-proposed", {"attention": "paper"}),
    "carried over": ("vit-proposed", {"attention": "paper", "attention_weights": "pretrained", "injection": "gate"}),
    "another rule": ("vit-proposed", {"attention": "paper", "selection": "score_l1", "injection": "slice"}),
}


def losses(tiny, case: str) -> dict:
    """Losses of the last of two epochs on forty random images."""
    model, settings = CASES[case]
    changed = {**tiny.models, model: tiny.models[model].model_copy(update=settings)}
    study = tiny.model_copy(update={"models": changed})
    *_, last = training.train(study, "phantom-brain", "published", model, 0)
    return {"case": case, "train_loss": last["train_loss"], "validation_loss": last["validation_loss"]}


@pytest.mark.parametrize("case", CASES)
def test_the_same_settings_train_to_the_recorded_losses(tiny, case):
    found = losses(tiny, case)
    if os.environ.get("RECORD_BEHAVIOUR"):
        others = pd.read_csv(RECORD).query("case != @case") if RECORD.exists() else pd.DataFrame()
        write_csv(pd.concat([others, pd.DataFrame([{**found, "behaviour": BEHAVIOUR}])]), RECORD)
        pytest.skip("recorded")
    table = pd.read_csv(RECORD).set_index("case")
    told = f"{case} trains to {found}. If that is meant, raise lib.runs.BEHAVIOUR, then record: RECORD_BEHAVIOUR=1 pytest {__file__}"
    assert table.behaviour[case] == BEHAVIOUR, told
    assert all(
        abs(found[name] / table.loc[case, name] - 1) < TOLERANCE for name in ["train_loss", "validation_loss"]
    ), told
