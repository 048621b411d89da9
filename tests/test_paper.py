"""The paper's own study, on a handful of images for one epoch, from stand-ins of the real weights files' layout."""

import pytest
import torch
import torchvision
import yaml
from conftest import png, write_zip
from pytorch_pretrained_vit import ViT

from lib import strict
from lib.data import datasets, splits
from lib.data.files import write, write_csv
from lib.strict import StudyError
from lib.study import load_study
from lib.study.model import ModelSettings
from lib.study.settings import settings
from lib.training import weights
from lib.training.run import train


def stand_ins(folder) -> dict[str, str]:
    """Files of exactly the layout of the published ones, with random numbers in them."""
    made = {
        "B_16_imagenet1k.pth": lambda: ViT("B_16_imagenet1k"),  # 384 px: its positions must be resized
        "alexnet-owt-7be5be79.pth": torchvision.models.alexnet,
        "resnet18-f37072fd.pth": torchvision.models.resnet18,
    }
    for name, make in made.items():
        torch.save(make().state_dict(), folder / name)
    return made


@pytest.fixture
def handful(tmp_path, monkeypatch):
    """Makes a study of another one: one epoch on fourteen images."""
    (tmp_path / "params").symlink_to(strict.ROOT / "params")
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    monkeypatch.setenv("STUDY_ARCHIVES", str(tmp_path))
    names = [f"yes/Y{i}.png" for i in range(7)] + [f"no/{i} no.png" for i in range(7)]
    path = write_zip(tmp_path / "brain-mri.zip", {name: png(size=(150, 168), seed=i) for i, name in enumerate(names)})

    def make(name: str, models: list[str], **changes):
        chosen = load_study(name)
        # bfloat16 takes many times as long on most CPUs; test_training.py tests it
        training = chosen.training.model_copy(update={"batch_size": 6, "precision": "32-true"})
        kept = {model: chosen.models[model].model_copy(update=changes) for model in models or chosen.models}
        short = {"brain-mri": chosen.datasets["brain-mri"].model_copy(update={"epochs": 1})}
        few = {"training": training, "seeds": [0], "validation_share": 0.34, "splits": ["published"]}
        chosen = chosen.model_copy(update={"datasets": short, "models": kept, **few})
        cell = chosen.cell("brain-mri", "published")
        images, pixels, _ = datasets.read_images(path, cell.entry, chosen.training.image_size)
        write_csv(images, cell.images / "images.csv")
        write(cell.images / "pixels.npy", lambda part: datasets.np.save(part, pixels))
        share = {"seed": 0, "validation_share": chosen.validation_share}
        write_csv(splits.split(images, images.assign(group=images.index), "published", cell.entry, **share), cell.parts)
        return chosen

    return make


@pytest.mark.slow
def test_the_papers_study_trains_all_five_models_from_weights_of_the_real_layout(tmp_path, handful):
    files = stand_ins(tmp_path)
    chosen = handful("paper", [])
    table = weights.collect(chosen)
    assert table.model.tolist() == ["alexnet", "resnet18", "vit", "vit-proposed"]
    assert table.sha256.nunique() == len(files)
    for run in chosen.runs:
        assert len(list(train(run))) == 1
        used = yaml.safe_load(run.settings.read_text())
        assert used["weights_sha256"] == dict(zip(table.model, table.sha256)).get(run.model)


@pytest.mark.slow
def test_the_full_size_ablation_starts(handful):
    for run in handful("scratch", ["vit-proposed", "none"]).runs:
        assert len(list(train(run))) == 1 and run.predictions.exists()


@pytest.mark.parametrize("study, model", [("paper", "vit-proposed"), ("scratch", "none")])
def test_one_block_of_the_full_size_vit_trains(handful, study, model):
    """A block as wide as in the paper, for one epoch of fourteen images; the whole depth is marked slow."""
    start = {"weights": "none", "attention_weights": "random", "depth": 1}
    chosen = handful(study, [model], **start)
    [run] = chosen.runs
    assert settings(run)["model"]["depth"] == 1
    assert len(list(train(run))) == 1 and run.predictions.exists()


def test_a_weights_file_that_is_named_but_missing_is_named_in_the_message(tmp_path):
    model = resnet18(weights_file="nowhere.pth")
    with pytest.raises(StudyError, match="models.resnet18.weights_file: there is no file nowhere.pth"):
        weights.obtain("resnet18", model, tmp_path / "w.pth")


def test_a_weights_file_that_is_named_is_used_and_nothing_is_fetched(tmp_path):
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / "own.pth")
    weights.obtain("resnet18", resnet18(weights_file=str(tmp_path / "own.pth")), tmp_path / "w.pth")
    assert (tmp_path / "w.pth").read_bytes() == (tmp_path / "own.pth").read_bytes()


def resnet18(**changes) -> ModelSettings:
    return ModelSettings(title="ResNet18", architecture="resnet18", weights="imagenet", **changes)
