"""Equal settings train to equal results in every version of the code; else lib.study.settings.BEHAVIOUR says so."""

import os
from pathlib import Path

import pandas as pd
import pytest

from lib.data.files import write_csv
from lib.study.settings import BEHAVIOUR
from lib.training.run import train

RECORD = Path(__file__).with_name("behaviour.csv")
# of a loss, relative: two CPUs that round differently were 5e-3 apart after a few steps of ResNet18
TOLERANCE = 2e-2
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
LOSSES = ["train_loss", "validation_loss"]


def losses(tiny, case: str) -> dict:
    """Losses of the last epoch on forty random images."""
    model, settings = CASES[case]
    models = {**tiny.models, model: tiny.models[model].model_copy(update=settings)}
    cell = tiny.model_copy(update={"models": models}).cell("phantom-brain", "published")
    last = list(train(cell.run(model, 0)))[-1]
    return {"case": case, **{name: last[name] for name in LOSSES}}


@pytest.mark.parametrize("case", CASES)
def test_the_same_settings_train_to_the_recorded_losses(tiny, case):
    measured = losses(tiny, case)
    if os.environ.get("RECORD_BEHAVIOUR"):
        others = pd.read_csv(RECORD).query("case != @case") if RECORD.exists() else pd.DataFrame()
        write_csv(pd.concat([others, pd.DataFrame([{**measured, "behaviour": BEHAVIOUR}])]), RECORD)
        pytest.skip("recorded")
    recorded = pd.read_csv(RECORD).set_index("case").loc[case]
    advice = (
        f"{case} trains to {measured}. If that is meant, raise lib.study.settings.BEHAVIOUR, then record:"
        f" RECORD_BEHAVIOUR=1 pytest {__file__}"
    )
    assert recorded.behaviour == BEHAVIOUR, advice
    for name in LOSSES:
        assert measured[name] == pytest.approx(recorded[name], rel=TOLERANCE), advice
