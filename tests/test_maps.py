"""How much attention falls inside a tumour is a share that can be checked by hand."""

import io
import zipfile
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import drawn_study
from PIL import Image

from lib import strict
from lib.attention import SCOPE, Choice
from lib.data.phantoms.slices import write_brain_archive
from lib.models import vit
from lib.plots import charts, show
from lib.probes import maps
from lib.surgery import Record


def on(patch: int, side: int = 4) -> torch.Tensor:
    """A map that looks at one patch only, (1, side, side)."""
    return torch.eye(side**2)[patch].reshape(1, side, side)


def looking(*to: int, tokens: int = 5) -> torch.Tensor:
    """Probabilities of one image, one head per target: the class token looks half at itself, half at a patch."""
    probabilities = torch.full((1, len(to), tokens, tokens), 1 / tokens)
    for head, key in enumerate(to):
        probabilities[0, head, 0] = 0.5 * (torch.eye(tokens)[0] + torch.eye(tokens)[key])
    return probabilities


def test_looking_everywhere_alike_puts_the_masks_own_share_of_the_area_inside():
    masks = np.random.default_rng(0).random((5, 64, 64), dtype=np.float32)
    uniform = torch.full((5, 4, 4), 1 / 16)
    assert maps.share_inside(uniform, masks) == pytest.approx(masks.mean((1, 2)), abs=1e-6)


@pytest.mark.parametrize("patch, share", [(5, 1), (6, 0.5), (9, 0.25), (0, 0), (7, 0)])
def test_a_look_at_one_patch_counts_by_how_much_of_it_the_mask_covers(patch, share):
    mask = np.zeros((1, 64, 64), np.float32)
    mask[0, 16:32, 16:40] = 1  # patch 5 = (1, 1) wholly, and the left half of its neighbour
    mask[0, 32:40, 16:24] = 1  # a quarter of the one below
    assert maps.share_inside(on(patch), mask) == pytest.approx(share)


def test_the_chosen_heads_map_is_shown_where_one_is_chosen_and_else_the_mean():
    probabilities, weights = looking(1, 4), torch.tensor([[[0.0], [1.0]]])
    looks = maps.looks(Record(None, probabilities, weights))
    assert looks.keys() == {"all heads", "chosen head"}
    assert torch.allclose(looks["chosen head"], on(3, 2)), "the patch of key 4, without what goes to the class token"
    assert torch.allclose(looks["all heads"], (on(0, 2) + on(3, 2)) / 2)
    for none in [None, torch.zeros(1, 2, 1)]:  # the library's attention; the rule `none`
        assert maps.looks(Record(None, probabilities, none)).keys() == {"all heads"}


def test_one_choice_per_batch_holds_for_every_image_and_one_per_token_is_the_class_tokens():
    probabilities = torch.cat([looking(1, 4), looking(2, 3)])
    batch = maps.looks(Record(None, probabilities, torch.tensor([[[0.0], [1.0]]])))["chosen head"]
    assert torch.allclose(batch, torch.cat([on(3, 2), on(2, 2)]))
    token = torch.zeros(2, 2, 5)
    token[:, 1, 1:] = token[0, 0, 0] = token[1, 1, 0] = 1  # the patches choose head 1; class tokens head 0, and head 1
    looked = maps.looks(Record(None, probabilities, token))["chosen head"]
    assert torch.allclose(looked, torch.cat([on(0, 2), on(2, 2)]))


@pytest.mark.parametrize("attention, scope", [("plain", None), *product(["paper", "released"], SCOPE)])
def test_every_map_of_a_network_sums_to_one(attention, scope):
    network = vit(2, 32, attention=attention, patch=8, dim=8, mlp_dim=8, depth=2, heads=2)
    for block in network.transformer.blocks if attention != "plain" else []:
        block.attn.choice = Choice("confidence", scope)
    for record in maps.record(network, torch.randn(3, 3, 32, 32)):
        looks = maps.looks(record)
        assert ("chosen head" in looks) == (attention != "plain")
        for look in looks.values():
            assert look.shape == (3, 4, 4) and torch.allclose(look.sum((1, 2)), torch.ones(3), atol=1e-5)


def test_a_mask_lies_where_the_tumour_was_drawn(tmp_path, monkeypatch):
    cell, order = drawn_study().cell("phantom-brain", "published"), [4, 1, 6]
    assert cell.entry.masks  # read before the project's folder is another
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    write_brain_archive(path := tmp_path / "data/demo/images/phantom-brain/archive.zip", seed=3, patients=6)
    masks = maps.read_masks(cell, [f"yes/Y{number}.jpg" for number in order])
    assert masks.shape == (3, 64, 64) and masks.dtype == np.float32
    with zipfile.ZipFile(path) as archive:
        for mask, number in zip(masks, order):
            drawn = np.asarray(Image.open(io.BytesIO(archive.read(f"masks/Y{number}.png"))))
            assert mask.mean() == pytest.approx(drawn.mean(), rel=0.05) and 0 <= mask.min() < mask.max() <= 1
            middles = [[c.mean() / n for c, n in zip(np.nonzero(m > 0.5), m.shape)] for m in (mask, drawn)]
            assert middles[0] == pytest.approx(middles[1], abs=0.02), "rows and columns as in the image"


def test_the_share_of_a_data_set_is_the_mean_over_images_of_the_mean_over_seeds():
    rows = [("a", 0, 0.1), ("a", 1, 0.3), ("b", 0, 0.5), ("b", 1, 0.7), ("c", 0, 0.9), ("c", 1, 0.9)]
    table = pd.DataFrame(rows, columns=["path", "seed", "inside"]).assign(dataset="d", looks="ViT", area=0.25)
    shares = maps.shares([table[table.seed == 0], table[table.seed == 1]])
    assert shares.loc[0, ["dataset", "looks", "images"]].tolist() == ["d", "ViT", 3]
    assert shares.inside[0] == pytest.approx((0.2 + 0.6 + 0.9) / 3) and shares.area[0] == 0.25
    assert 0.2 <= shares.low[0] < shares.inside[0] < shares.high[0] <= 0.9
    assert maps.shares([]).columns.tolist() == shares.columns.tolist()


def test_images_without_a_mask_are_drawn_without_an_outline():
    images, look = np.zeros((2, 8, 8, 3), np.uint8), {"ViT": np.ones((2, 2, 2))}
    mask = np.zeros((2, 8, 8))
    mask[:, 2:5, 2:5] = 1
    outlined, with_mask = charts.maps(images, mask, look, "Smears")
    plain, without = charts.maps(images, None, look, "Smears")
    drawn = [sum(len(axes.collections) for axes in figure.axes) for figure in (outlined, plain)]
    assert drawn[0] > drawn[1] == 0 and "outlined" in with_mask and "outlined" not in without


def test_a_figure_of_many_maps_keeps_its_pixels_as_they_are_and_stays_small():
    images = np.random.default_rng(0).integers(0, 255, (4, 64, 64, 3), dtype=np.uint8)
    looks = {f"model {number}": np.ones((4, 8, 8)) for number in range(4)}
    made = show.as_svg(charts.maps(images, None, looks, "t")[0])
    assert len(made) < 600_000, "each image is 12 kB of noise, and shown five times"
