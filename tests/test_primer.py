"""The document's equations by hand are what they say: against scipy, torch and finite differences; and the notebook that uses them."""

import nbformat
import numpy as np
import pandas as pd
import pytest
import scipy
import torch
from numpy.testing import assert_allclose
from torch.nn import functional as F

from lib import primer, sketches, study
from lib.layers import RecurrentConvolution

X = np.linspace(-4, 4, 81)
X = X[X != 0]
THEIRS = {
    "Identity": X,
    "Binary step": np.heaviside(X, 1),
    "Logistic": scipy.special.expit(X),
    "Tanh": np.tanh(X),
    "ArcTan": np.angle(1 + 1j * X),
    "ReLU": np.maximum(X, 0),
    "PReLU": F.prelu(torch.tensor(X), torch.tensor(primer.ALPHA, dtype=torch.float64)).numpy(),
    "ELU": F.elu(torch.tensor(X), primer.ALPHA).numpy(),
    "SoftPlus": np.logaddexp(0, X),
}


@pytest.fixture
def draw():
    return np.random.default_rng(0)


@pytest.mark.parametrize("name", primer.ACTIVATIONS)
def test_an_activation_and_its_derivative_are_those_of_its_name(name):
    function, derivative = primer.ACTIVATIONS[name]
    assert_allclose(function(X), THEIRS[name], atol=1e-14)
    assert_allclose(derivative(X), (function(X + 1e-5) - function(X - 1e-5)) / 2e-5, atol=1e-8)


def test_at_zero_the_table_takes_the_right_side_and_leaves_the_binary_step_open():
    at_zero = {name: derivative(np.zeros(1))[0] for name, (_, derivative) in primer.ACTIVATIONS.items()}
    assert [at_zero[name] for name in ["ReLU", "PReLU", "ELU"]] == [1, 1, 1] and np.isnan(at_zero["Binary step"])
    assert primer.ACTIVATIONS["Binary step"][0](np.zeros(1))[0] == 1


def test_the_star_is_a_convolution_with_zeros_around_the_image(draw):
    image, kernel = draw.normal(size=(5, 6)), draw.normal(size=(3, 3))
    assert_allclose(primer.convolve(image, kernel), scipy.signal.convolve2d(image, kernel, mode="same"), atol=1e-14)
    assert not np.allclose(primer.convolve(image, kernel), scipy.signal.correlate2d(image, kernel, mode="same"))


def test_a_feature_map_sums_over_channels(draw):
    images, kernels, biases = draw.normal(size=(2, 4, 5)), draw.normal(size=(3, 2, 3, 3)), draw.normal(size=3)
    maps = primer.feature_maps(images, kernels, biases, np.tanh)
    one = scipy.signal.convolve(images, kernels[2, ::-1], mode="same")[
        1
    ]  # depth two: the middle is the sum over channels
    two = sum(scipy.signal.convolve2d(i, k, mode="same") for i, k in zip(images, kernels[2]))
    assert maps.shape == (3, 4, 5)
    assert_allclose(maps[2], np.tanh(two + biases[2]), atol=1e-14)
    assert_allclose(one, two, atol=1e-14)


def loss(image, target, k1, k2, b1, b2):
    """Of the network of figure 4 with logistic activations."""
    features = scipy.special.expit(scipy.signal.convolve2d(image, k1, mode="same") + b1)
    p = scipy.special.expit(scipy.signal.convolve2d(features, k2, mode="same") + b2)
    return np.mean((p - target) ** 2)


def test_gradients_of_both_kernels_and_biases_are_finite_differences_of_the_loss(draw):
    image, target, (k1, k2), (b1, b2) = [draw.normal(size=size) for size in [(4, 5), (4, 5), (2, 3, 3), 2]]
    found = primer.kernel_gradients(image, target, [k1, k2], [b1, b2], "Logistic")
    assert found["loss"] == pytest.approx(loss(image, target, k1, k2, b1, b2), abs=1e-14)
    start = np.concatenate([k1.ravel(), k2.ravel(), [b1, b2]])

    def of(v):
        return loss(image, target, v[:9].reshape(3, 3), v[9:18].reshape(3, 3), v[18], v[19])

    steps = 1e-5 * np.eye(20)
    expected = np.array([(of(start + step) - of(start - step)) / 2e-5 for step in steps])
    ours = np.concatenate([found["k1"].ravel(), found["k2"].ravel(), [found["b1"], found["b2"]]])
    assert_allclose(ours, expected, atol=1e-9)
    assert np.abs(expected).min() > 1e-7


def test_equation_12_as_printed_is_right_only_for_a_kernel_of_one_entry_and_there_only_for_that_entry(draw):
    image, target, k1 = [draw.normal(size=size) for size in [(4, 5), (4, 5), (3, 3)]]
    k2 = np.zeros((3, 3))
    k2[1, 1] = 0.7
    printed, completed = [
        primer.kernel_gradients(image, target, [k1, k2], [0.1, 0.2], "Tanh", printed=p)["k1"] for p in (True, False)
    ]
    assert printed[1, 1] == pytest.approx(completed[1, 1]) and np.abs(completed).min() > 1e-4
    assert np.count_nonzero(printed) == 1


def test_batch_norm_takes_the_standard_deviation_that_divides_by_the_number_of_images(draw):
    x, gamma, beta = draw.normal(3, 2, size=(6, 4)), draw.normal(size=4), draw.normal(size=4)
    mean, deviation, score, scaled = primer.batch_norm(x, gamma, beta, 0)
    assert_allclose([mean, deviation], [x.mean(0), x.std(0, ddof=0)], atol=1e-14)
    assert_allclose(score, scipy.stats.zscore(x), atol=1e-13)
    assert_allclose(scaled, gamma * scipy.stats.zscore(x) + beta, atol=1e-13)
    assert_allclose(primer.batch_norm(x, 1, 0, 0.5)[2] * (x.std(0) + 0.5), x - x.mean(0), atol=1e-13)


@pytest.mark.parametrize("kernels", [[3], [3, 3], [5, 3], [3, 5, 7], [1, 1, 9]])
def test_a_receptive_field_is_as_wide_as_kernels_of_ones_convolved(kernels):
    width = np.ones(1)
    for kernel in kernels:
        width = np.convolve(width, np.ones(kernel))
    assert primer.receptive_field(kernels) == len(width)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_recurrent_layer_by_hand_is_the_models_layer(steps, draw):
    image, kernel, layer = (
        draw.normal(size=(5, 6)),
        draw.normal(size=(3, 3)),
        RecurrentConvolution(1, 1, steps).double(),
    )
    for one in (layer.first, layer.shared):
        one.weight.data[0, 0], one.bias.data[0] = torch.tensor(kernel[::-1, ::-1].copy()), 0.3
    theirs = layer(torch.tensor(image)[None, None])[0, 0].detach()
    assert theirs.abs().max() > 0 and primer.recurrent(image, kernel, 0.3, steps) == pytest.approx(theirs.numpy())


def test_attention_weighs_values_by_the_softmax_of_scaled_products(draw):
    q, k, v = draw.normal(size=(5, 4)), draw.normal(size=(6, 4)), draw.normal(size=(6, 3))
    theirs = F.scaled_dot_product_attention(*(torch.tensor(one)[None] for one in (q, k, v)))[0]
    assert_allclose(primer.attention(q, k, v), theirs, atol=1e-14)
    assert_allclose(primer.softmax(q), scipy.special.softmax(q, axis=1), atol=1e-15)


def test_positions_are_waves_whose_turn_over_a_distance_is_the_same_everywhere():
    table = primer.positions(40, 6)
    waves = table[:, 1::2] + 1j * table[:, ::2]
    assert_allclose(waves, np.exp(1j * np.outer(np.arange(40), [1, 10000 ** (-1 / 3), 10000 ** (-2 / 3)])), atol=1e-12)
    turn = waves[7:] / waves[:-7]
    assert_allclose(turn, np.broadcast_to(turn[0], turn.shape), atol=1e-12)


def test_patches_are_torchs_unfolded_ones(draw):
    image = draw.normal(size=(3, 6, 9))
    assert_allclose(primer.patches(image, 3), F.unfold(torch.tensor(image)[None], 3, stride=3)[0].T)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_an_encoder_layer_by_hand_is_torchs(heads, draw):
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(8, heads, 12, 0.0, "gelu", batch_first=True, norm_first=True).double()
    for parameter in layer.parameters():  # norms and biases begin as ones and zeros, which would hide a slip
        torch.nn.init.normal_(parameter)
    x, weights = draw.normal(size=(5, 8)), {name: value.numpy() for name, value in layer.state_dict().items()}
    assert_allclose(primer.encoder(x, weights, heads), layer(torch.tensor(x)[None])[0].detach(), atol=1e-12)


def test_a_figure_of_fields_says_how_wide_each_is():
    influence = np.pad(np.ones((3, 3)), 4)
    _, alt = sketches.fields({"one": influence, "two": influence}, {"one": 3, "two": 5})
    assert alt.endswith("one 3 px, two 3 px")


def test_the_notebook_finds_the_equations_that_disagree_and_completes_them(tmp_path, monkeypatch):
    source = nbformat.read(study.ROOT / "notebooks/00_primer.ipynb", as_version=4)
    monkeypatch.syspath_prepend(study.ROOT)  # and takes away after it what the notebook prepends
    monkeypatch.setattr(study, "ROOT", tmp_path)
    before = torch.get_default_dtype()
    try:
        code = [
            cell for cell in source.cells if cell.cell_type == "code" and "hide" not in cell.metadata.get("tags", [])
        ]
        exec("\n".join(cell.source for cell in code), {})
    finally:
        torch.set_default_dtype(before)
    checks = pd.read_csv(tmp_path / "reports/primer/shown/00_primer/checks.csv")
    assert set(checks.equation) == {"text", "figure 2", *map(str, range(1, 21))}
    off = checks[~checks.agrees]
    assert off[off.reading == "as printed"].equation.tolist() == ["10", "11", "12", "18"]
    assert off[off.reading == "completed"].empty and (off.largest_difference > 0.1).all()
    assert {path.name for path in tmp_path.glob("reports/primer/shown/00_primer/*.svg")} == {
        f"{name}.svg" for name in ["activations", "fields", "first-kernel", "positions"]
    }
