"""`weights: phantoms` needs no download: one file per size of ViT, the same bytes however often it was interrupted."""

import shutil

import pandas as pd
import pytest
import torch
import yaml

from lib import strict
from lib.data.files import write_csv
from lib.models import vit
from lib.strict import validated
from lib.study import Study, load_study
from lib.study.settings import start_file
from lib.training import fit, pretrain

SMALL = {"patch": 16, "dim": 16, "mlp_dim": 16, "depth": 1, "heads": 2}
VIT = {"architecture": "vit", "weights": "phantoms", **SMALL}
VALUES = yaml.safe_load((strict.ROOT / "tests" / "tiny.yaml").read_text())
VALUES["training"] |= {"image_size": 32, "device": "cpu"}
VALUES["pretrain"]["draw"]["phantom-brain"]["patients"] = 10
VALUES["models"] = {
    "plain": {"title": "Plain", **VIT},
    "deep": {"title": "Deep", **VIT, "depth": 2},
    "proposed": {"title": "Proposed", **VIT, "attention": "released"},
    "scratch": {"title": "Scratch", **VIT, "weights": "none"},
    "cnn": {"title": "CNN", "architecture": "cnn"},
}
TINY = validated(Study, VALUES, "tiny")
COMMITTED = sorted({path.parents[1].name for path in (strict.ROOT / "runs").glob("*/pretrained/*.pth")})


def pretrained(folder) -> tuple[pd.DataFrame, dict[str, bytes], list[int]]:
    """The history, the files by name, and the epochs that were trained, in their order."""
    epochs, train_epoch = [], fit.train_epoch

    def noted(*arguments):
        epochs.append(arguments[5])
        return train_epoch(*arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(strict, "ROOT", folder)
        patched.setattr(fit, "train_epoch", noted)
        history = pretrain.pretrain(TINY)
        write_csv(history, TINY.pretrained / "history.csv")
        return history, {path.name: path.read_bytes() for path in TINY.pretrained.glob("*.pth")}, epochs


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder with the catalogue in which everything was pre-trained, and what `pretrained` returned."""
    folder = tmp_path_factory.mktemp("pretrained")
    (folder / "params").symlink_to(strict.ROOT / "params")
    return folder, *pretrained(folder)


@pytest.fixture
def empty(tmp_path):
    """A folder with the catalogue alone."""
    (tmp_path / "params").symlink_to(strict.ROOT / "params")
    return tmp_path


def test_models_of_one_size_share_a_training_and_others_have_their_own(done):
    _, history, files, epochs = done
    assert set(files) == {"vit-16-16-16-1-2-0.1.pth", "vit-16-16-16-2-2-0.1.pth"}, "models from scratch get none"
    names = {model: start_file(TINY, model).name for model in ["plain", "proposed", "deep"]}
    assert names["plain"] == names["proposed"] != names["deep"]
    assert epochs == [0, 1, 0, 1], "two trainings for three models"


def test_a_finished_pretraining_is_not_repeated_unless_its_file_is_damaged_or_its_recipe_differs(done, tmp_path):
    shutil.copytree(done[0], tmp_path / "copy", symlinks=True)
    history, files, epochs = pretrained(tmp_path / "copy")
    assert epochs == [] and files == done[2]
    pd.testing.assert_frame_equal(history, done[1])
    path = tmp_path / "copy/runs/tiny/pretrained/vit-16-16-16-1-2-0.1.pth"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    history, files, epochs = pretrained(tmp_path / "copy")
    assert epochs == [0, 1] and files == done[2]
    assert sorted(history.vit) == sorted(done[1].vit)
    recipe = path.with_suffix(".yaml")
    recipe.write_text(recipe.read_text().replace("drawing: 1", "drawing: 0"))
    _, files, epochs = pretrained(tmp_path / "copy")
    assert epochs == [0, 1] and files == done[2]


@pytest.mark.parametrize("name", COMMITTED)
def test_what_is_committed_is_finished_in_a_clone_without_data(name, empty, monkeypatch):
    (empty / "runs").symlink_to(strict.ROOT / "runs")
    monkeypatch.setattr(strict, "ROOT", empty)
    for function in ["start_fabric", "draw_images", "learn"]:
        monkeypatch.setattr(pretrain, function, None)  # calling it would fail
    study = load_study(name)
    history = pretrain.pretrain(study)
    files = {path.stem for path in study.pretrained.glob("*.pth")}
    assert set(history.vit) == files, "each has its history, and none is left from another study"
    assert history.test_accuracy.count() == len(files)


def test_recipes_are_as_yaml_writes_them():
    for path in (strict.ROOT / "runs").glob("*/pretrained/*.yaml"):
        assert path.read_text() == yaml.safe_dump(yaml.safe_load(path.read_text())), path


def test_a_model_starts_from_what_was_learnt_whatever_its_attention_and_classes(done):
    path = done[0] / "runs/tiny/pretrained/vit-16-16-16-1-2-0.1.pth"
    learnt = torch.load(path, weights_only=True)
    torch.manual_seed(0)  # what pre-training itself began with
    fresh = vit(1000, 32, **SMALL).state_dict()
    plain, proposed = (vit(3, 32, path, attention=attention, **SMALL) for attention in ["plain", "released"])
    for name, tensor in plain.state_dict().items():
        assert name.startswith("fc.") or torch.equal(tensor, learnt[name])
    first = "transformer.blocks.0.pwff.fc1.weight"
    assert torch.equal(proposed.state_dict()[first], learnt[first]) and not torch.equal(fresh[first], learnt[first])
    assert plain.fc.out_features == 3


def test_each_vit_has_one_accuracy_on_drawings_kept_aside_after_its_last_epoch(done):
    history = done[1]
    assert history.groupby("vit").epoch.apply(list).tolist() == [[1, 2], [1, 2]]
    tested = history.dropna(subset="test_accuracy")
    assert set(tested.epoch) == {2} and tested.test_accuracy.between(0, 1).all()


def interrupting_second_epoch(train_epoch):
    """`train_epoch`, which raises in the second epoch."""

    def train(*arguments):
        if arguments[5] == 1:
            raise ZeroDivisionError
        return train_epoch(*arguments)

    return train


def test_a_pretraining_that_was_interrupted_resumes_and_ends_with_the_same_bytes(done, empty, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(strict, "ROOT", empty)
        patched.setattr(fit, "train_epoch", interrupting_second_epoch(fit.train_epoch))
        pretrain.pretrain(TINY)
    assert not (empty / "runs").exists()
    torch.manual_seed(99)  # as after other work of the process
    history, files, epochs = pretrained(empty)
    assert epochs == [1, 0, 1] and files == done[2], "the first epoch is not trained again"
    pd.testing.assert_frame_equal(history, done[1])
    assert not list((empty / "data").rglob("*.checkpoint"))


def test_a_study_whose_models_ask_for_no_phantoms_draws_none(empty, monkeypatch, capsys):
    monkeypatch.setattr(strict, "ROOT", empty)
    monkeypatch.setattr(pretrain, "draw_images", None)  # calling it would fail
    asking_none = TINY.model_copy(update={"models": {"cnn": TINY.models["cnn"]}})
    pretrain.main(asking_none)
    assert "no model of this study is pre-trained" in capsys.readouterr().out
    assert (empty / "runs/tiny/pretrained/history.csv").exists(), "an output of its stage"
    assert not asking_none.data.exists()
