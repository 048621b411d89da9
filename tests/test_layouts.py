"""ViT weights in the layouts that people have give the same logits; a file that is something else is named so."""

import copy
import math
import re

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch.nn import functional as F

from lib.models import MODELS
from lib.strict import StudyError
from lib.study.model import ModelSettings
from lib.surgery import POSITIONS, load_vit
from lib.training import weights

SIZE = {"patches": 8, "dim": 24, "ff_dim": 48, "num_layers": 2, "num_heads": 3, "dropout_rate": 0.0}
SETTINGS = {"patch": 8, "dim": 24, "mlp_dim": 48, "depth": 2, "heads": 3, "dropout": 0.0}
NAMES = {  # what each block has, and what its owner calls it; timm's qkv is one matrix
    "timm": ["norm1", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"],
    "hf": ["layernorm_before", "attention.output.dense", "layernorm_after", "intermediate.dense", "output.dense"],
}


def made(layout: str, classes: int = 1000) -> dict[str, torch.Tensor]:
    """Random tensors of a small ViT for 32 px by the names of timm or of Hugging Face."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape):
        return torch.randn(*shape, generator=generator) * 0.2

    d, m = 24, 48
    block, first = ("blocks.{}.", "") if layout == "timm" else ("encoder.layer.{}.", "embeddings.")
    top = ["cls_token", "pos_embed", "patch_embed.proj", "norm", "head"]
    if layout == "hf":
        top = ["cls_token", "position_embeddings", "patch_embeddings.projection", "layernorm", "classifier"]
    tensors = {first + top[0]: random(1, 1, d), first + top[1]: random(1, 17, d)}
    layers = {first + top[2]: (d, 3, 8, 8), top[3]: (d,), top[4]: (classes, d)}
    for number in range(2):
        shapes = [(d,), (d, d), (d,), (m, d), (d, m)]
        layers |= {block.format(number) + name: shape for name, shape in zip(NAMES[layout], shapes)}
        if layout == "timm":
            layers[block.format(number) + "attn.qkv"] = (3 * d, d)
        else:
            layers |= {block.format(number) + f"attention.attention.{w}": (d, d) for w in ["query", "key", "value"]}
    for name, shape in layers.items():
        tensors |= {f"{name}.weight": random(*shape), f"{name}.bias": random(shape[0])}
    return tensors


def forward(tensors: dict[str, torch.Tensor], layout: str, images: torch.Tensor) -> torch.Tensor:
    """A pre-norm ViT (Dosovitskiy et al. 2021) by the names of its file: logits."""

    def linear(name, x):
        return F.linear(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    def norm(name, x):
        return F.layer_norm(x, (24,), tensors[f"{name}.weight"], tensors[f"{name}.bias"], eps=1e-6)

    first = "" if layout == "timm" else "embeddings."
    patch = "patch_embed.proj" if layout == "timm" else "embeddings.patch_embeddings.projection"
    x = F.conv2d(images, tensors[f"{patch}.weight"], tensors[f"{patch}.bias"], stride=8).flatten(2).transpose(1, 2)
    x = torch.cat([tensors[f"{first}cls_token"].expand(len(x), 1, 24), x], 1)
    x = x + tensors[f"{first}{'pos_embed' if layout == 'timm' else 'position_embeddings'}"]
    for number in range(2):
        block = f"blocks.{number}." if layout == "timm" else f"encoder.layer.{number}."
        norm1, projection, norm2, fc1, fc2 = (block + name for name in NAMES[layout])
        inside = norm(norm1, x)
        if layout == "timm":
            q, k, v = linear(f"{block}attn.qkv", inside).split(24, -1)
        else:
            q, k, v = (linear(f"{block}attention.attention.{name}", inside) for name in ["query", "key", "value"])
        heads = []
        for part in range(3):
            own = slice(8 * part, 8 * part + 8)
            scores = q[..., own] @ k[..., own].transpose(1, 2) / math.sqrt(8)
            heads.append(scores.softmax(-1) @ v[..., own])
        x = x + linear(projection, torch.cat(heads, -1))
        x = x + linear(fc2, F.gelu(linear(fc1, norm(norm2, x))))
    last, head = ("norm", "head") if layout == "timm" else ("layernorm", "classifier")
    return linear(head, norm(last, x)[:, 0])


def obtained(file, tmp_path, **changes) -> dict[str, torch.Tensor]:
    """The tensors that `python -m lib weights` makes of a file."""
    chosen = {"title": "ViT", "architecture": "vit", "weights": "imagenet", **SETTINGS, **changes}
    weights.obtain("vit", ModelSettings(**chosen, weights_file=str(file)), tmp_path / "used.pth")
    return tmp_path / "used.pth"


@pytest.mark.parametrize("layout", ["timm", "hf"])
@pytest.mark.parametrize("wrapped", ["plain", "module", "state_dict", "safetensors"])
def test_weights_of_timm_and_hugging_face_give_the_same_logits_in_the_library(layout, wrapped, tmp_path):
    tensors, images = made(layout), torch.randn(2, 3, 32, 32)
    expected = forward(tensors, layout, images)
    file = tmp_path / "w.pth"
    if layout == "hf":
        tensors = {name if "classifier" in name else f"vit.{name}": tensor for name, tensor in tensors.items()}
    if wrapped == "safetensors":
        save_file(tensors, file)
    else:
        inner = {f"module.{name}": tensor for name, tensor in tensors.items()} if wrapped == "module" else tensors
        torch.save({"state_dict": inner, "epoch": 3} if wrapped == "state_dict" else inner, file)
    network = load_vit(32, obtained(file, tmp_path), **SIZE).eval()
    assert (network(images) - expected).abs().max() < 1e-4


def test_half_precision_is_read_as_single_precision(tmp_path):
    tensors, images = made("timm"), torch.randn(2, 3, 32, 32)
    torch.save({name: tensor.half() for name, tensor in tensors.items()}, tmp_path / "w.pth")
    network = load_vit(32, obtained(tmp_path / "w.pth", tmp_path), **SIZE).eval()
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert (network(images) - forward(tensors, "timm", images)).abs().max() < 0.05


@pytest.mark.parametrize("classes", [4, 21843])
def test_a_classifier_of_other_classes_is_replaced_and_all_else_kept(classes, tmp_path):
    tensors = made("timm", classes)
    torch.save(tensors, tmp_path / "w.pth")
    network = load_vit(32, obtained(tmp_path / "w.pth", tmp_path), **SIZE)
    assert torch.equal(network.norm.weight, tensors["norm.weight"]) and not network.fc.weight.any()


def test_the_librarys_own_layout_stays_byte_for_byte(tmp_path):
    torch.save(load_vit(32, **SIZE).state_dict(), tmp_path / "w.pth")
    assert obtained(tmp_path / "w.pth", tmp_path).read_bytes() == (tmp_path / "w.pth").read_bytes()


@pytest.mark.parametrize("name, options", [("densenet121", {}), ("googlenet", {"init_weights": False})])
def test_published_files_of_torchvision_whose_names_have_changed_are_read(name, options, tmp_path):
    tensors = torchvision.models.get_model(name, **options).state_dict()
    if name == "densenet121":  # its file has norm.1 where the class has norm1
        tensors = {re.sub(r"(layer\d+\.\w+)([12])\.", r"\1.\2.", key): tensor for key, tensor in tensors.items()}
        assert "features.denseblock1.denselayer1.norm.1.weight" in tensors
    torch.save(tensors, tmp_path / "w.pth")
    chosen = ModelSettings(title="A", architecture=name, weights="imagenet", weights_file=str(tmp_path / "w.pth"))
    weights.obtain("a", chosen, tmp_path / "used.pth")
    assert MODELS[name](4, 64, tmp_path / "used.pth").get_submodule(MODELS[name].inputs.head).out_features == 4


@pytest.mark.parametrize(
    "shape, cause",
    [
        ((1, 16, 24), "there is none for the class token"),
        ((1, 13, 24), "not of a class token and a square of patches"),
        ((1, 17, 48), "a token is 24 wide in this model"),
        ((17, 24), r"one row per token in \(1, tokens, 24\) is needed"),
    ],
)
def test_positions_of_a_wrong_shape_are_named_in_one_line(shape, cause, tmp_path):
    tensors = {**load_vit(32, **SIZE).state_dict(), POSITIONS: torch.zeros(shape)}
    torch.save(tensors, tmp_path / "w.pth")
    with pytest.raises(StudyError, match=cause) as caught:
        load_vit(32, tmp_path / "w.pth", **SIZE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content, cause",
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "is a Git LFS pointer"),
        (b"\n<!DOCTYPE html>\n<html></html>", "is a web page"),
        (b"<html><body>404</body></html>", "is a web page"),
        (b"", "is not a file of tensors"),
        (b"PK\x03\x04 broken", "is not a file of tensors"),
        (b"\x08\0\0\0\0\0\0\0{broken}", "is not a file of tensors"),
    ],
)
def test_a_file_that_is_something_else_is_named_in_one_line(content, cause, tmp_path):
    (tmp_path / "mine.pth").write_bytes(content)
    with pytest.raises(StudyError, match=f"mine.pth {cause}") as caught:
        obtained(tmp_path / "mine.pth", tmp_path)
    assert "\n" not in str(caught.value)


def test_a_pickled_model_is_named_and_none_of_its_code_runs(tmp_path):
    torch.save(copy.deepcopy(load_vit(32, **SIZE)), tmp_path / "mine.pth")
    with pytest.raises(StudyError, match="holds a pickled model"):
        obtained(tmp_path / "mine.pth", tmp_path)
