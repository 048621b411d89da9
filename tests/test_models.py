"""A network has the weights that its document counts, learns with all of them, and refuses images it cannot take."""

import inspect
import itertools

import pytest
import torch
import torchvision
from torch.nn.functional import cross_entropy

from lib.models import MODELS
from lib.models.layers import RecurrentConvolution, Residual
from lib.strict import StudyError
from lib.study.model import ModelSettings
from lib.training import weights

SMALL = {"vit": {"patch": 8, "dim": 16, "mlp_dim": 32, "depth": 1, "heads": 2, "dropout": 0.0}}  # B/16: seconds
WIDE = {"blocks": 2, "widths": [64, 128, 256, 512]}
# as torchvision has them, or nearly: a step takes a second
LARGE = ["alexnet", "alexnet32", "vgg11", "vgg16", "resnet50", "resnext50", "densenet121", "googlenet", "squeezenet"]
LARGE += ["efficientnet_b1", "efficientnet_lite0"]
SMALLEST = {name: network.inputs.smallest for name, network in MODELS.items() if hasattr(network, "inputs")}  # px
# units and channels, each times its weights: bias among them in the first, two of batch norm in the second
ALEXNET32 = 64 * 28 + 192 * 1601 + 384 * 1729 + 256 * 3457 + 256 * 2305 + 4096 * 1025 + 4096 * 4097 + 10 * 4097
CONVNET = 32 * (27 + 2) + 64 * (9 * 32 + 2) + 128 * (9 * 64 + 2) + 128 * (128 * 4 * 4 + 1) + 10 * (128 + 1)


def make(name, classes=10, image_size=32, **settings):
    torch.manual_seed(0)
    return MODELS[name](classes, image_size, **{**SMALL.get(name, {}), **settings})


def count(network) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    "name, image_size, settings, expected",
    [
        ("mlp", 28, {"channels_in": 1}, 784 * 300 + 300 + 300 * 10 + 10),
        ("mlp", 32, {"hidden": [256, 32]}, 3072 * 256 + 256 + 256 * 32 + 32 + 32 * 10 + 10),
        ("mlp", 28, {"hidden": [], "channels_in": 1}, 784 * 10 + 10),
        ("convnet", 28, {"channels_in": 1}, (9 + 1) * 16 + (16 * 9 + 1) * 32 + (32 * 7 * 7 + 1) * 10),
        ("convnet", 32, {"channels": [32, 64, 128], "linear": [128], "batch_norm": True}, CONVNET),
        ("convnet", 32, {"channels": [8], "batch_norm": True, "bias": True}, 27 * 8 + 8 + 16 + (8 * 16 * 16 + 1) * 10),
        ("lenet", 32, {"channels_in": 1}, 6 * 26 + 16 * 151 + 120 * 401 + 84 * 121 + 10 * 85),
        ("alexnet32", 32, {}, ALEXNET32),
        ("recurrent_convnet", 32, {}, 28 * 32 + 289 * 32 + 289 * 64 + 577 * 64 + 65 * 10),  # whatever the steps
        ("recurrent_convnet", 32, {"steps": 9}, 28 * 32 + 289 * 32 + 289 * 64 + 577 * 64 + 65 * 10),
    ],
)
def test_a_network_has_as_many_weights_as_its_layers_say(name, image_size, settings, expected):
    assert count(make(name, image_size=image_size, **settings)) == expected


@pytest.mark.parametrize(
    "name, image_size, settings, document, tolerance",
    [
        ("mlp", 28, {"channels_in": 1}, 1e6, 0.1),  # "approximately 1MB"
        ("convnet", 28, {"linear": [44], "channels_in": 1}, 300e3, 0.02),  # "approximately 300KB": the width is ours
        ("resnet32px", 32, {}, 1e6, 0.1),  # "just around 1MB"
        ("resnet32px", 32, WIDE, 40e6, 0.12),  # "around 40MB": the widths are ours
    ],
)
def test_a_network_weighs_in_float32_about_what_its_document_says(name, image_size, settings, document, tolerance):
    assert 4 * count(make(name, image_size=image_size, **settings)) == pytest.approx(document, rel=tolerance)


@pytest.mark.parametrize("blocks, widths", [(3, [16, 32, 64]), (1, [8]), (2, [4, 8, 8, 12])])
def test_a_resnet_has_the_layers_of_the_paper_and_no_weights_in_its_shortcuts(blocks, widths):
    network = make("resnet32px", blocks=blocks, widths=widths)
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) + 1 == 2 * blocks * len(widths) + 2  # He et al.: 6n + 2, and three widths
    assert all(c.kernel_size == (3, 3) for c in convolutions)
    assert sum(c.stride == (2, 2) for c in convolutions) == len(widths) - 1


def test_a_shortcut_takes_every_other_pixel_and_adds_channels_of_zeros():
    block, x = Residual(2, 3, stride=2), torch.rand(1, 2, 5, 5)
    torch.nn.init.zeros_(block.convolutions[-1].weight)  # of the batch norm: only the shortcut is left
    expected = torch.zeros(1, 3, 3, 3)
    for row, column in itertools.product(range(3), repeat=2):
        expected[0, :2, row, column] = x[0, :, 2 * row, 2 * column]
    assert torch.equal(block(x), expected)


def test_resnet_20_has_the_papers_270_thousand_parameters():
    assert round(count(make("resnet32px")) / 1e6, 2) == 0.27


@pytest.mark.parametrize("name", ["mlp", "convnet", "lenet", "alexnet32", "resnet32px", "recurrent_convnet"])
@pytest.mark.parametrize("image_size", [28, 32])
def test_a_grey_or_coloured_image_of_28_or_32_px_gets_one_logit_per_class(name, image_size):
    images = torch.randn(2, 3, image_size, image_size)
    for channels in (1, 3):
        logits = make(name, classes=7, image_size=image_size, channels_in=channels).eval()
        assert logits(images).shape == (2, 7)
        other = images + torch.tensor([0.0, 1.0, 1.0])[:, None, None]  # red as it was
        assert torch.equal(logits(images), logits(other)) == (channels == 1)


@pytest.mark.parametrize("name", MODELS)
def test_every_weight_of_a_model_takes_part_in_learning(name):
    image_size = max(32, SMALLEST.get(name, 1))
    network, images = make(name, image_size=image_size), torch.randn(4, 3, image_size, image_size)
    cross_entropy(network(images), torch.tensor([0, 0, 1, 1])).backward()
    idle = [path for path, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not idle


@pytest.mark.parametrize("name", [name for name in MODELS if name not in LARGE])
def test_a_model_learns_four_images_by_heart(name):
    network, images = make(name, classes=2), torch.randn(4, 3, 32, 32)
    labels, optimizer = torch.tensor([0, 0, 1, 1]), torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(60):
        loss = cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < 0.1:
            break
    assert loss < 0.1


def test_a_bias_before_batch_norm_learns_nothing_and_is_left_out():
    network = make("convnet", batch_norm=True, bias=True)
    cross_entropy(network(torch.randn(8, 3, 32, 32)), torch.arange(8)).backward()
    gradients = {path: p.grad.abs().max().item() for path, p in network.named_parameters()}
    assert gradients["0.bias"] < 1e-5 < 1e-3 < gradients["0.weight"]
    for settings in [{"batch_norm": True}, {"bias": False}]:
        network = make("convnet", **settings)
        assert all(m.bias is None for m in network if isinstance(m, torch.nn.Conv2d))


def test_dropout_of_a_convnet_drops_single_values_after_every_pool_and_hidden_layer():
    network = make("convnet", linear=[50], dropout=0.5)
    kinds = [type(layer).__name__ for layer in network]
    assert [kinds[place - 1] for place, kind in enumerate(kinds) if kind == "Dropout"] == ["MaxPool2d"] * 2 + ["ReLU"]
    images = torch.randn(1, 3, 32, 32)
    assert not torch.equal(network(images), network(images))
    assert torch.equal(network.eval()(images), network(images))


@pytest.mark.parametrize(
    "end, kinds", [("positions", ["MaxPool2d", "Flatten"]), ("mean", ["AdaptiveAvgPool2d", "Flatten"])]
)
def test_a_convnet_and_a_recurrent_one_may_end_alike(end, kinds):
    networks = [MODELS[name](10, 28, channels=[16, 32], end=end) for name in ["convnet", "recurrent_convnet"]]
    for network in networks:
        assert [type(layer).__name__ for layer in network][-3:-1] == kinds
    assert networks[0][-1].weight.shape == networks[1][-1].weight.shape


def test_a_recurrent_layer_feeds_back_the_sum_of_its_first_and_its_last_output():
    layer, x = RecurrentConvolution(2, 3, steps=3), torch.randn(1, 2, 5, 5)
    first = torch.relu(layer.first(x))
    second = torch.relu(layer.shared(first + first))
    assert torch.equal(layer(x), torch.relu(layer.shared(first + second)))
    layer.steps = 1
    assert torch.equal(layer(x), first)


@pytest.mark.parametrize(
    "name, image_size, settings, message",
    [
        ("lenet", 64, {}, "LeNet-5 is for 28 or 32 px, and image_size is 64: set one of these, or take convnet"),
        ("convnet", 3, {}, "4 px at least, and image_size is 3: set image_size: 4, or larger, or take fewer channels"),
        ("recurrent_convnet", 1, {}, "needs images of 2 px at least"),
        ("alexnet32", 14, {}, "alexnet32 needs images of 15 px at least, and image_size is 14: set image_size: 15"),
        ("resnet32px", 32, {"widths": [32, 16]}, "none smaller than the one before"),
        ("recurrent_convnet", 32, {"channels": []}, "name at least one number"),
    ],
)
def test_what_a_network_cannot_take_is_refused_with_a_cure(name, image_size, settings, message):
    with pytest.raises(StudyError, match=message):
        make(name, image_size=image_size, **settings)


@pytest.mark.parametrize("name, image_size", [("convnet", 4), ("recurrent_convnet", 2), ("alexnet32", 15)])
def test_the_smallest_images_that_the_message_names_are_taken(name, image_size):
    assert make(name, image_size=image_size)(torch.randn(2, 3, image_size, image_size)).shape == (2, 10)


def test_the_smallest_images_that_torchvisions_models_take_are_taken():
    for name, image_size in SMALLEST.items():
        if name == "vit":
            continue
        network = make(name, image_size=image_size).eval()
        assert network(torch.randn(1, 3, image_size, image_size)).shape == (1, 10)


@pytest.mark.parametrize("name", [n for n in MODELS if "weights" in inspect.signature(MODELS[n]).parameters])
def test_where_imagenet_weights_come_from_is_known_for_every_model_that_may_ask_for_them(name):
    if name != "efficientnet_lite0":  # they install with the project
        assert weights.address(name).startswith("https://") and weights.address(name).endswith(".pth")


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_weights_of_torchvisions_layout_are_loaded_all_but_the_last_layer(name, tmp_path):
    published = torchvision.models.get_model(name)
    tensors = published.state_dict()
    torch.save(tensors, tmp_path / "w.pth")
    network = make(name, weights_path=tmp_path / "w.pth")
    same = [key for key, tensor in tensors.items() if torch.equal(tensor, network.state_dict()[key])]
    assert same == [key for key in tensors if not key.startswith("fc.")]
    assert network.fc.weight.shape == (10, published.fc.in_features)


@pytest.mark.parametrize("name", MODELS)
def test_a_params_file_may_set_exactly_what_a_network_takes(name):
    """The schema reads signatures: a setting that a network of torchvision has not must be refused there too."""
    settings = ModelSettings(title="A", architecture=name).settings
    assert settings == {}
    parameters = inspect.signature(MODELS[name]).parameters
    assert list(parameters)[:3] == ["classes", "image_size", "weights_path"]
    without = ["mlp", "lenet", "resnet32px", "recurrent_convnet", "resnet18", "resnet50", "resnext50", "densenet121"]
    assert ("dropout" in parameters) == (name not in [*without, "googlenet"])
    with pytest.raises(ValueError, match="unknown parameter 'dropuot'"):
        ModelSettings(title="A", architecture=name, dropuot=0.1)


@pytest.mark.parametrize("name", ["alexnet", "vgg11"])
def test_the_dropout_that_a_study_sets_is_that_of_the_network(name):
    for settings, expected in [({}, 0.5), ({"dropout": 0.2}, 0.2)]:
        with torch.device("meta"):
            layers = make(name, image_size=64, **settings).modules()
        assert {layer.p for layer in layers if isinstance(layer, torch.nn.Dropout)} == {expected}
