"""A weights file in the layout of the library's releases is loaded, resized, operated on; a wrong one is explained."""

import pickle

import pytest
import torch
from pytorch_pretrained_vit.utils import resize_positional_embedding_

from lib.attention import SELECTION, BestHeadAttention
from lib.models import MODELS
from lib.strict import StudyError
from lib.surgery import PRESETS, load_vit, recorded, replace_attention

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


def trained_alike(**size):
    """A ViT whose classifier is not zero, as after training."""
    torch.manual_seed(2)
    vit = load_vit(48, **{**SIZE, **size}).eval()
    torch.nn.init.normal_(vit.fc.weight)
    return vit


CARRIED = dict(num_heads=3, selection="confidence", scope="image", weights="pretrained")


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("selection", SELECTION)
def test_a_closed_gate_on_carried_over_weights_changes_no_logit(keep, selection):
    vit, x = trained_alike(), torch.randn(4, 3, 48, 48)
    arguments = {**CARRIED, "selection": selection, "injection": "gate"}
    new = replace_attention(vit, keep_block_projection=keep, inplace=False, **arguments)
    logits = vit(x)  # of the size of ten
    assert new is not vit and (new(x) - logits).abs().max() < 1e-5 * logits.abs().max()
    assert (new.double()(x.double()) - vit.double()(x.double())).abs().max() < 1e-5
    new, vit = new.float(), vit.float()
    for block in new.transformer.blocks:
        torch.nn.init.constant_(block.attn.gate, 0.5)
    assert selection == "none" or (new(x) - vit(x)).abs().max() > 1e-3  # opened, it does


def test_random_weights_are_new_ones():
    vit, x = trained_alike(), torch.randn(4, 3, 48, 48)
    arguments = {**CARRIED, "weights": "random", "injection": "gate"}
    new = replace_attention(vit, keep_block_projection=False, inplace=False, **arguments)
    assert (new(x) - vit(x)).abs().max() > 1e-3


def test_a_copy_leaves_the_model_as_it_was_also_after_a_training_step():
    vit, x = trained_alike(), torch.randn(2, 3, 48, 48)
    before = vit(x)
    before.sum().backward()  # the library's attention now holds probabilities with their graph
    replace_attention(vit, keep_block_projection=False, inplace=False, injection="gate", **CARRIED)
    assert torch.equal(vit(x), before)
    assert replace_attention(vit, keep_block_projection=False, injection="gate", **CARRIED) is vit


@pytest.mark.parametrize("changes", [{"num_heads": 4}, {"head_dim": 24}])
def test_heads_that_cannot_be_carried_over_are_named(changes):
    with pytest.raises(StudyError, match="the pre-trained heads are 3 of width 8"):
        replace_attention(trained_alike(), keep_block_projection=False, injection="gate", **{**CARRIED, **changes})


def test_unknown_weights_of_the_attention_list_the_right_ones():
    with pytest.raises(StudyError, match="there are pretrained, random"):
        arguments = {**CARRIED, "weights": "old", "injection": "gate"}
        replace_attention(trained_alike(), keep_block_projection=True, **arguments)


@pytest.mark.parametrize("preset", [None, *PRESETS])
def test_recording_changes_nothing_and_keeps_no_graph(preset):
    vit, x = trained_alike(), torch.randn(2, 3, 48, 48)
    vit = replace_attention(vit, **PRESETS[preset](24, 3)) if preset else vit
    before = vit(x)
    with recorded(vit) as records:
        during = vit(x)
    assert torch.equal(before, during) and during.requires_grad
    for record, block in zip(records, vit.transformer.blocks, strict=True):
        heads = PRESETS[preset](24, 3)["num_heads"] if preset else 3
        assert record.probabilities.shape == (2, heads, 37, 37) and record.tokens.shape == (2, 37, 24)
        assert torch.allclose(record.probabilities.sum(-1), torch.ones(2, heads, 37), atol=1e-5)
        assert not any(t.requires_grad for t in record if t is not None)
        assert (record.weights is None) == (preset is None)
        assert not block.attn._forward_hooks
    records.clear()
    vit(x)
    assert records == []  # nothing is recorded any more


def test_recorded_probabilities_and_weights_are_those_that_made_the_output():
    vit, x = trained_alike(), torch.randn(2, 3, 48, 48)
    replace_attention(vit, keep_block_projection=False, **{**CARRIED, "injection": "tile", "scope": "token"})
    outputs = []
    attention = vit.transformer.blocks[0].attn
    attention.register_forward_hook(lambda module, arguments, output: outputs.append(output))
    with recorded(vit) as records:
        vit(x)
    tokens, probabilities, weights = records[0]
    heads = probabilities @ attention.split(attention.value(tokens))
    best = (heads * weights[..., None]).sum(1).repeat(1, 1, 3)
    assert weights.sum(1).eq(1).all() and torch.allclose(attention.project(heads) + best, outputs[0], atol=1e-5)


def test_the_released_preset_has_the_size_of_the_released_model():
    with torch.device("meta"):
        counts = {
            name: sum(p.numel() for p in MODELS["vit"](4, 128, attention=name, hidden=256).parameters())
            for name in ["plain", "released"]
        }
    assert round(counts["plain"] / 1e6) == 86 and round(counts["released"] / 1e6) == 178


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t: t.pop("class_token"), "class_token is missing"),
        (lambda t: t.update(extra=torch.zeros(1)), "extra is not of this model"),
        (lambda t: t.update({"norm.weight": torch.zeros(7)}), "norm.weight is (7,), not (24,)"),
    ],
)
def test_a_file_that_does_not_fit_is_explained_tensor_by_tensor(tmp_path, change, message):
    tensors = weights_file(tmp_path / "w.pth").state_dict()
    change(tensors)
    torch.save(tensors, tmp_path / "w.pth")
    with pytest.raises(StudyError) as error:
        load_vit(48, tmp_path / "w.pth", **SIZE)
    assert message in str(error.value)


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
