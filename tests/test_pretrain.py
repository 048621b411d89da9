"""`weights: phantoms` works without a download: one file a size of ViT, the same bytes however often it was cut off."""

import shutil

import pandas as pd
import pytest
import torch
import yaml

from lib import fitting, pretrain, study
from lib.files import write_csv
from lib.models import vit
from lib.runs import weights_path
from lib.study import ROOT, Study, validated

SMALL = {"patch": 16, "dim": 16, "mlp_dim": 16, "depth": 1, "heads": 2}
VIT = {"architecture": "vit", "weights": "phantoms", **SMALL}
VALUES = yaml.safe_load((ROOT / "tests" / "tiny.yaml").read_text()) | {"image_size": 32, "device": "cpu"}
VALUES["pretrain"]["draw"]["phantom-brain"]["patients"] = 10
VALUES["models"] = {
    "plain": {"title": "Plain", **VIT},
    "deep": {"title": "Deep", **VIT, "depth": 2},
    "proposed": {"title": "Proposed", **VIT, "attention": "released"},
    "scratch": {"title": "Scratch", **VIT, "weights": "none"},
    "cnn": {"title": "CNN", "architecture": "cnn"},
}
TINY = validated(Study, VALUES, "tiny")


def pretrained(folder, patch) -> tuple[pd.DataFrame, dict[str, bytes], list[int]]:
    """The history, the files by name, and the epochs that were trained, in their order."""
    epochs = []
    with patch.context() as patched:
        patched.setattr(study, "ROOT", folder)
        train_epoch = fitting.train_epoch
        patched.setattr(fitting, "train_epoch", lambda *a: epochs.append(a[5]) or train_epoch(*a))
        history = pretrain.pretrain(TINY)
        write_csv(history, TINY.pretrained / "history.csv")
        return history, {path.name: path.read_bytes() for path in TINY.pretrained.glob("*.pth")}, epochs


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained")
    return folder, *pretrained(folder, pytest.MonkeyPatch)


def test_models_of_one_size_share_a_training_and_others_have_their_own(done):
    _, history, files, epochs = done
    assert set(files) == {"vit-16-16-16-1-2-0.1.pth", "vit-16-16-16-2-2-0.1.pth"}, (
        "and models that ask for none get none"
    )
    assert weights_path(TINY, "plain").name == weights_path(TINY, "proposed").name != weights_path(TINY, "deep").name
    assert epochs == [0, 1, 0, 1], "two trainings for three models"


def test_what_is_pretrained_is_not_trained_again_until_it_is_damaged_or_asked_for_otherwise(
    done, tmp_path, monkeypatch
):
    shutil.copytree(done[0], tmp_path / "copy")
    history, files, epochs = pretrained(tmp_path / "copy", pytest.MonkeyPatch)
    assert epochs == [] and files == done[2]
    pd.testing.assert_frame_equal(history, done[1])
    path = tmp_path / "copy/runs/tiny/pretrained/vit-16-16-16-1-2-0.1.pth"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    history, files, epochs = pretrained(tmp_path / "copy", pytest.MonkeyPatch)
    assert epochs == [0, 1] and files == done[2]
    assert sorted(history.vit) == sorted(done[1].vit)


def test_a_model_starts_from_what_was_learnt_whatever_its_attention_and_classes(done):
    path = done[0] / "runs/tiny/pretrained/vit-16-16-16-1-2-0.1.pth"
    learnt = torch.load(path, weights_only=True)
    torch.manual_seed(0)  # what pre-training itself began with
    fresh = vit(1000, 32, **SMALL).state_dict()
    plain, proposed = (vit(3, 32, path, attention=a, **SMALL) for a in ["plain", "released"])
    assert all(
        torch.equal(tensor, learnt[name]) for name, tensor in plain.state_dict().items() if "fc." not in name[:3]
    )
    first = "transformer.blocks.0.pwff.fc1.weight"
    assert torch.equal(proposed.state_dict()[first], learnt[first]) and not torch.equal(fresh[first], learnt[first])
    assert plain.fc.out_features == 3


def test_each_vit_has_one_accuracy_on_drawings_kept_aside_after_its_last_epoch(done):
    history = done[1]
    assert history.groupby("vit").epoch.apply(list).tolist() == [[1, 2], [1, 2]]
    tested = history.dropna(subset="test_accuracy")
    assert set(tested.epoch) == {2} and tested.test_accuracy.between(0, 1).all()


def test_a_pretraining_that_was_cut_off_goes_on_and_ends_with_the_same_bytes(done, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(study, "ROOT", tmp_path)
        train_epoch = fitting.train_epoch
        patched.setattr(fitting, "train_epoch", lambda *a: 1 / 0 if a[5] == 1 else train_epoch(*a))
        with pytest.raises(ZeroDivisionError):
            pretrain.pretrain(TINY)
        assert not TINY.pretrained.exists()
    torch.manual_seed(99)  # whatever the process did in between
    history, files, epochs = pretrained(tmp_path, pytest.MonkeyPatch)
    assert epochs == [1, 0, 1] and files == done[2], "the first epoch is not trained again"
    pd.testing.assert_frame_equal(history, done[1])
    assert not list((tmp_path / "data").rglob("*.checkpoint"))


def test_a_study_whose_models_ask_for_no_phantoms_draws_none(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "ROOT", tmp_path)
    monkeypatch.setattr(pretrain, "draw_images", None)  # calling it would fail
    asking_none = TINY.model_copy(update={"models": {"cnn": TINY.models["cnn"]}})
    assert pretrain.pretrain(asking_none).empty and not asking_none.data.exists()
