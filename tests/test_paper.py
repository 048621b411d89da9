"""The paper's own study, on a handful of images for one epoch, from stand-ins of the real weights files' layout."""

import pytest
import torch
import torchvision
import yaml
from conftest import png, write_zip
from pytorch_pretrained_vit import ViT

from lib import datasets, splits, study, training, weights
from lib.errors import StudyError
from lib.files import write, write_csv
from lib.study import load_study


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
    (tmp_path / "params").symlink_to(study.ROOT / "params")
    monkeypatch.setattr(study, "ROOT", tmp_path)
    monkeypatch.setenv("STUDY_ARCHIVES", str(tmp_path))
    names = [f"yes/Y{i}.png" for i in range(7)] + [f"no/{i} no.png" for i in range(7)]
    path = write_zip(tmp_path / "brain-mri.zip", {name: png(size=(150, 168), seed=i) for i, name in enumerate(names)})

    def make(name: str, models: list[str]):
        chosen = load_study(name)
        short = {"brain-mri": chosen.datasets["brain-mri"].model_copy(update={"epochs": 1})}
        few = {"batch_size": 6, "seeds": [0], "validation_share": 0.34, "splits": ["published"]}
        few |= {"precision": "32-true"}  # bfloat16 takes many times as long on most CPUs; test_training.py has it
        kept = {model: chosen.models[model] for model in models or chosen.models}
        chosen = chosen.model_copy(update={"datasets": short, "models": kept, **few})
        entry = chosen.dataset("brain-mri")
        images, pixels, _ = datasets.read_images(path, entry, chosen.image_size)
        write_csv(images, chosen.images("brain-mri") / "images.csv")
        write(chosen.images("brain-mri") / "pixels.npy", lambda p: datasets.np.save(p, pixels))
        share = {"seed": 0, "validation_share": chosen.validation_share}
        table = splits.split(images, images.assign(group=images.index), "published", entry, **share)
        write_csv(table, chosen.split("brain-mri", "published"))
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
        assert len(list(training.train(chosen, **run))) == 1
        used = yaml.safe_load((chosen.run(**run) / "settings.yaml").read_text())
        assert used["weights_sha256"] == dict(zip(table.model, table.sha256)).get(run["model"])


@pytest.mark.slow
def test_the_full_size_ablation_starts(handful):
    chosen = handful("scratch", ["vit-proposed", "none"])
    for run in chosen.runs:
        assert len(list(training.train(chosen, **run))) == 1
        assert (chosen.run(**run) / "predictions.csv").exists()


def test_a_weights_file_that_is_named_but_missing_is_told(tmp_path):
    model = load_model(weights_file="nowhere.pth")
    with pytest.raises(StudyError, match="models.resnet18.weights_file: there is no file nowhere.pth"):
        weights.obtain("resnet18", model, tmp_path / "w.pth")


def test_a_weights_file_that_is_named_is_used_and_nothing_is_fetched(tmp_path):
    (tmp_path / "mine.pth").write_bytes(b"tensors")
    weights.obtain("resnet18", load_model(weights_file=str(tmp_path / "mine.pth")), tmp_path / "w.pth")
    assert (tmp_path / "w.pth").read_bytes() == b"tensors"


def load_model(**settings):
    return study.Model(title="ResNet18", architecture="resnet18", weights="imagenet", **settings)
