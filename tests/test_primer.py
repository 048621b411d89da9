"""Notebook 00: its equations are those of the document, and its page finds which of them fail as printed."""

import ast

import nbformat
import numpy as np
import pandas as pd
import pytest
import scipy
import torch
from numpy.testing import assert_allclose

from lib import strict

PATH = strict.ROOT / "notebooks/00_primer.ipynb"


def code_cells() -> list[str]:
    cells = [cell for cell in nbformat.read(PATH, as_version=4).cells if cell.cell_type == "code"]
    return [cell.source for cell in cells if "hide" not in cell.metadata.get("tags", [])]


@pytest.fixture(scope="module")
def primer() -> dict:
    """What the notebook defines: its imports, constants and functions, without running an equation."""
    names, constants = {}, {"ALPHA", "OFFSETS", "READINGS", "TOLERANCE", "checks"}
    for source in code_cells():
        tree = ast.parse(source)
        kept = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef)]
        assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
        kept += [node for node in assigned if isinstance(node.targets[0], ast.Name) and node.targets[0].id in constants]
        exec(compile(ast.Module(sorted(kept, key=lambda node: node.lineno), []), PATH.name, "exec"), names)
    return names


@pytest.fixture
def draw():
    return np.random.default_rng(0)


def test_activations_have_the_derivatives_beside_them(primer):
    x = np.linspace(-4, 4, 80)
    above, below = primer["activations"](x + 1e-5), primer["activations"](x - 1e-5)
    for name, (_, derivative) in primer["activations"](x).items():
        assert_allclose(derivative, (above[name][0] - below[name][0]) / 2e-5, atol=1e-8, err_msg=name)


def test_the_star_is_a_convolution_with_zeros_around_the_image(primer, draw):
    image, kernel = draw.normal(size=(5, 6)), draw.normal(size=(3, 3))
    expected = scipy.signal.convolve2d(image, kernel, mode="same")
    assert_allclose(primer["convolve"](image, kernel), expected, atol=1e-14)


def test_gradients_of_both_kernels_are_finite_differences_of_the_loss(primer, draw):
    image, target, (k1, k2), (b1, b2) = (draw.normal(size=size) for size in [(4, 5), (4, 5), (2, 3, 3), 2])

    def loss(kernels):
        feature = np.tanh(scipy.signal.convolve2d(image, kernels[0], mode="same") + b1)
        return np.mean((np.tanh(scipy.signal.convolve2d(feature, kernels[1], mode="same") + b2) - target) ** 2)

    steps = 1e-5 * np.eye(18).reshape(18, 2, 3, 3)
    start = np.stack([k1, k2])
    expected = np.reshape([(loss(start + step) - loss(start - step)) / 2e-5 for step in steps], (2, 3, 3))
    feature, p = primer["forward"](image, k1, k2, b1, b2)
    delta = 2 / p.size * (p - target) * (1 - p**2)
    assert_allclose(primer["by_first_kernel"](delta, feature, image, k2), expected[0], atol=1e-9)
    assert_allclose(primer["by_last_kernel"](delta, feature), expected[1], atol=1e-9)
    assert np.abs(expected).min() > 1e-7


def test_an_encoder_layer_is_torchs_when_no_weight_is_zero_or_one(primer, draw):
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(8, 4, 12, 0.0, "gelu", batch_first=True, norm_first=True).double()
    for parameter in layer.parameters():  # norms and biases start as ones and zeros, which would hide a mistake
        torch.nn.init.normal_(parameter)
    x, weights = draw.normal(size=(5, 8)), {name: value.numpy() for name, value in layer.state_dict().items()}
    assert_allclose(primer["encode"](x, weights, 4), layer(torch.tensor(x)[None])[0].detach(), atol=1e-12)


def test_a_comparison_agrees_within_its_tolerance_and_never_with_nan(primer):
    def agrees(by_hand, reference, reading="as printed"):
        primer["compare"]("1", "1", "a", "b", by_hand, reference, reading, tolerance=0.5)
        return primer["checks"][-1]["agrees"]

    assert agrees([1.0, 2.0], torch.tensor([1.5, 2.0], requires_grad=True))
    assert not agrees([1.0, 1.6], [1.0, 1.0]) and not agrees([np.nan], [np.nan])
    for wrong in [([1, 1], [1]), ([1], [1], "guess")]:
        with pytest.raises(ValueError, match="equation 1"):
            agrees(*wrong)


def test_the_page_finds_the_equations_that_fail_as_printed_and_completes_them(tmp_path, monkeypatch):
    (tmp_path / "params").symlink_to(strict.ROOT / "params")
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    before = torch.get_default_dtype()
    try:
        exec("\n".join(code_cells()), {})
    finally:
        torch.set_default_dtype(before)
    report = tmp_path / "reports/primer"
    checks = pd.read_csv(report / "shown/00_primer/checks.csv")
    others = checks.equation.str.startswith("B4")
    assert set(checks[~others].equation) == {"text", "figure 2", *map(str, range(1, 21))}
    off = checks[others & ~checks.agrees]
    assert list(zip(off.equation, off.reading)) == [("B4 (15)", "convention"), ("B4 (11 to 14)", "as printed")]
    off = checks[~others & ~checks.agrees]
    assert off[off.reading == "as printed"].equation.tolist() == ["10", "11", "12", "18"]
    assert off[off.reading == "completed"].empty and (off.largest_difference > 0.1).all()
    shown = {path.stem for path in report.glob("shown/00_primer/*.svg")}
    drawn = {"shift", "two-layers", "unrolled", "scores"}  # figures 3, 4, 6 and 7
    assert shown == {"activations", "fields", "first-kernel", "positions"} | drawn
    answer = (report / "answers/00_primer.md").read_text()
    assert answer.startswith("16 of the 20 numbered equations agree with torch as printed, within 1e-12.")
    assert "the other 4 differ: (10) by up to 0.14" in answer.lower() and "4 of these 4 agree too" in answer
