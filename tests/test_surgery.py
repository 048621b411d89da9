"""A weights file in the layout of the library's releases is loaded, resized, operated on; a wrong one is explained."""

import pickle

import pytest
import torch
from pytorch_pretrained_vit.utils import resize_positional_embedding_

from lib.attention import BestHeadAttention
from lib.errors import StudyError
from lib.models import MODELS
from lib.surgery import PRESETS, load_vit, replace_attention

SIZE = dict(patches=8, dim=24, ff_dim=48, num_layers=2, num_heads=3, dropout_rate=0.1)


def weights_file(path, image_size=48, **size):
    """A file such as the library's releases are: the state of a ViT at its own image size, with 1000 classes."""
    torch.manual_seed(1)
    model = load_vit(image_size, **{**SIZE, **size})
    torch.nn.init.normal_(model.fc.weight)
    torch.save(model.state_dict(), path)
    return model


def test_weights_are_loaded_and_give_the_same_logits(tmp_path):
    model = weights_file(tmp_path / "w.pth").eval()
    loaded = load_vit(48, tmp_path / "w.pth", **SIZE).eval()
    x = torch.randn(2, 3, 48, 48)
    assert torch.equal(model(x), loaded(x))


@pytest.mark.parametrize("image_size", [16, 32, 64])
def test_positions_are_resized_bilinearly_to_another_image_size(tmp_path, image_size):
    model = weights_file(tmp_path / "w.pth")
    loaded = load_vit(image_size, tmp_path / "w.pth", **SIZE)
    old, new = model.positional_embedding.pos_embedding, loaded.positional_embedding.pos_embedding
    side = image_size // 8
    assert new.shape == (1, 1 + side**2, 24)
    grid = old[:, 1:].detach().reshape(1, 6, 6, 24).permute(0, 3, 1, 2)
    resized = torch.nn.functional.interpolate(grid, (side, side), mode="bilinear", align_corners=True)
    assert torch.equal(new[:, 0], old[:, 0])
    assert torch.allclose(new[0, 1:], resized[0].flatten(1).T, atol=1e-5)
    assert torch.equal(new, resize_positional_embedding_(old.detach(), new))


@pytest.mark.parametrize("preset", PRESETS)
def test_every_block_gets_the_new_attention_and_keeps_the_rest(tmp_path, preset):
    plain = weights_file(tmp_path / "w.pth")
    arguments = PRESETS[preset](24, 3)
    model = replace_attention(load_vit(48, tmp_path / "w.pth", **SIZE), **arguments)
    for block, before in zip(model.transformer.blocks, plain.transformer.blocks, strict=True):
        assert isinstance(block.attn, BestHeadAttention)
        assert isinstance(block.proj, torch.nn.Linear) == arguments["keep_block_projection"]
        assert torch.equal(block.pwff.fc1.weight, before.pwff.fc1.weight)
    assert model(torch.randn(2, 3, 48, 48)).shape == (2, 1000)


def test_the_released_preset_has_the_size_of_the_released_model():
    with torch.device("meta"):
        counts = {
            name: sum(p.numel() for p in MODELS["vit"](4, 128, attention=name, hidden=256).parameters())
            for name in ["plain", "released"]
        }
    assert round(counts["plain"] / 1e6) == 86 and round(counts["released"] / 1e6) == 178


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda t: t.pop("class_token"), "class_token is missing"),
        (lambda t: t.update(extra=torch.zeros(1)), "extra is not of this model"),
        (lambda t: t.update({"norm.weight": torch.zeros(7)}), "norm.weight is (7,), not (24,)"),
    ],
)
def test_a_file_that_does_not_fit_is_explained_tensor_by_tensor(tmp_path, change, told):
    tensors = weights_file(tmp_path / "w.pth").state_dict()
    change(tensors)
    torch.save(tensors, tmp_path / "w.pth")
    with pytest.raises(StudyError) as error:
        load_vit(48, tmp_path / "w.pth", **SIZE)
    assert told in str(error.value)


class Payload:
    def __reduce__(self):
        return print, ("this must not run",)


@pytest.mark.parametrize("content", [b"", b"nonsense", pickle.dumps(Payload())])
def test_a_file_of_anything_but_tensors_is_refused_and_runs_nothing(tmp_path, capsys, content):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(StudyError, match="not a file of tensors"):
        load_vit(48, tmp_path / "w.pth", **SIZE)
    assert "must not run" not in capsys.readouterr().out


def test_an_image_that_cannot_be_cut_into_patches_is_refused():
    with pytest.raises(StudyError, match="choose a multiple"):
        load_vit(50, **SIZE)
