"""Page 11 chooses among networks and simple classifiers by validation, whatever the test part says."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import yaml

from lib.evidence import choice
from lib.study.settings import settings


def test_the_choice_is_made_by_validation_and_not_by_the_test_part(tmp_path, monkeypatch):
    (tmp_path / "split.csv").write_text("path,part\n")
    settings = {"frozen": True, "fine-tuned": True, "later": False}
    cell = SimpleNamespace(parts=tmp_path / "split.csv", runs=lambda name: [name])
    study = SimpleNamespace(models=dict.fromkeys(settings), cells=[cell])
    study.model_copy = lambda update: SimpleNamespace(**update)
    tested = {"frozen": 0.6, "fine-tuned": 0.9, "colours": 0.5}

    def read(of):
        assert list(of.models) == ["frozen", "fine-tuned"], "a model that is not finished is left out"
        return [SimpleNamespace(model=name, trained=name in settings, counted=value) for name, value in tested.items()]

    per_run = pd.DataFrame({"model": ["frozen", "fine-tuned"], "value": [0.8, 0.7]})
    per_run = per_run.assign(dataset="d", split="s", metric="validation_accuracy")
    monkeypatch.setattr(choice, "is_finished", settings.get)
    monkeypatch.setattr(choice.evaluate, "read_study", read)
    monkeypatch.setattr(choice.evaluate, "per_run", lambda results: per_run)
    monkeypatch.setattr(choice.baselines, "validation_accuracy", lambda *of: 0.95)
    monkeypatch.setattr(choice.scores, "assess", lambda counted: {"accuracy": counted})
    found = choice.choose(study, None, None)
    assert (found.best.model, found.network.model, found.simple) == ("colours", "frozen", ["colours"])
    assert found.assessed["fine-tuned"] == {"accuracy": 0.9}


def test_a_training_on_images_that_have_changed_since_is_not_reported(tiny):
    model, cell = next(iter(tiny.models)), tiny.cells[0]
    for run in cell.runs(model):
        run.folder.mkdir(parents=True)
        run.settings.write_text(yaml.safe_dump(settings(run)))
    assert choice.finished(tiny) == [model]
    np.save(cell.images / "pixels.npy", np.zeros((40, 64, 64, 3), dtype="uint8"))
    assert choice.finished(tiny) == []
