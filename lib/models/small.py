"""Small networks that any study may name: from one hidden layer to the first residual networks.

Functions for lib.models.MODELS, without pre-trained weights. Images are 3 x size x size; grey images have three equal
channels. `channels_in: 1` uses only the first channel, so that a network for grey images has exactly the weights that
its document counts.

Sources: E. M. Munoz Vega, Startup Project B4 (2021); J. Chen, Basics of Convolutional Neural Networks (2021). If
they do not state a size (their figures are not available), the docstring says that it is our choice.
"""

from pathlib import Path
from typing import Literal

from pydantic import PositiveInt

from lib.strict import StudyError

Channels = Literal[1, 3]
# inputs of the last linear layers: all positions of a last 2x2 max-pool, or the mean over positions without that pool
End = Literal["positions", "mean"]


def mlp(
    classes: int,
    image_size: int,
    weights_path: Path | None = None,
    *,
    hidden: list[PositiveInt] = [300],
    channels_in: Channels = 3,
):
    """Multilayer perceptron: flattened pixels, one linear layer with ReLU per number in `hidden`, one linear layer.

    Munoz Vega: 784-300-10 for MNIST (figure 2; one channel, 28 px) and 3072-256-32-10 for CIFAR (32 px). Chen,
    section 1.
    """
    from torch import nn

    sizes = [channels_in * image_size**2, *hidden]
    return nn.Sequential(*_first(channels_in), nn.Flatten(), *_linear_relu(sizes), nn.Linear(sizes[-1], classes))


def convnet(
    classes: int,
    image_size: int,
    weights_path: Path | None = None,
    *,
    channels: list[PositiveInt] = [16, 32],
    linear: list[PositiveInt] = [],
    batch_norm: bool = False,
    bias: bool | None = None,
    dropout: float = 0.0,
    end: End = "positions",
    channels_in: Channels = 3,
):
    """A small CNN (Munoz Vega, figures 3 and 7).

    One block per number in `channels`: 3x3 convolution, batch norm (if set), ReLU, 2x2 max-pool, dropout. Then
    flattened pixels, one linear layer with ReLU and dropout per number in `linear`, and one linear layer.

    MNIST: channels [16, 32], one channel in; linear [44] is our choice, which gives the document's 300 KB in float32.
    CIFAR: three convolutions with batch norm and two linear layers; channels [32, 64, 128] and linear [128] are our
    choice.

    Args:
        bias: of the convolutions; None: only without batch norm, which cancels it (section 4).
        dropout: of single values, as in equation 15, not of whole channels.
        end: `mean` replaces the last block's max-pool by the mean over positions, as in recurrent_convnet.

    StudyError: images are too small for the max-pools, or end is `mean` without channels.
    """
    from torch import nn

    at_least(2 ** len(channels), image_size, f"a convnet of {len(channels)} blocks", "or take fewer channels")
    if bias is None:
        bias = not batch_norm
    # dropout has no weights, so one module can be used in several places
    drop = [nn.Dropout(dropout)] if dropout else []
    layers = _first(channels_in)
    for inputs, outputs in zip([channels_in, *channels], channels):
        layers.append(nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias))
        if batch_norm:
            layers.append(nn.BatchNorm2d(outputs))
        layers += [nn.ReLU(), nn.MaxPool2d(2), *drop]
    side = image_size // 2 ** len(channels)
    if end == "mean":
        if not channels:
            raise StudyError("end: mean takes the place of a block's max-pool: give at least one number in channels")
        layers[len(layers) - len(drop) - 1] = nn.AdaptiveAvgPool2d(1)
        side = 1
    sizes = [[channels_in, *channels][-1] * side**2, *linear]
    return nn.Sequential(*layers, nn.Flatten(), *_linear_relu(sizes, drop), nn.Linear(sizes[-1], classes))


def lenet(classes: int, image_size: int, weights_path: Path | None = None, *, channels_in: Channels = 3):
    """LeNet-5 (LeCun et al. 1998, section II.B), for 28 or 32 px; LeCun's images have one channel.

    5x5 convolutions to 6 and 16 channels, each with tanh and a 2x2 mean-pool; linear layers of 120 and 84 with tanh;
    one linear layer. Simplified: LeCun's pools have two weights per channel, his second convolution leaves out some
    connections, his tanh is scaled, and his output layer computes distances (RBF) instead of logits. Images of 28 px
    are padded by 2 px, as his are.

    StudyError: images have another size.
    """
    from torch import nn

    if image_size not in (28, 32):
        cure = "set one of these, or take convnet"
        raise StudyError(f"LeNet-5 is for 28 or 32 px, and image_size is {image_size}: {cure}")
    return nn.Sequential(
        *_first(channels_in),
        *[nn.Conv2d(channels_in, 6, 5, padding=(32 - image_size) // 2), nn.Tanh(), nn.AvgPool2d(2)],
        *[nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()],
        *[nn.Linear(16 * 5**2, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, classes)],
    )


def alexnet32(
    classes: int,
    image_size: int,
    weights_path: Path | None = None,
    *,
    dropout: float = 0.5,
    hidden: PositiveInt = 4096,
    channels_in: Channels = 3,
):
    """AlexNet (torchvision's, Krizhevsky 2014), adapted to 32 px by our choice.

    The first convolution is 3x3 with stride 2, not 11x11 with stride 4; max-pools are 2x2, not 3x3. So 32 px become 2x2
    positions of 256 channels, which are the inputs of the first linear layer. Everything else is unchanged.
    `hidden` is the width of the two hidden linear layers; a smaller one learns faster from few images.
    """
    from torch import nn

    at_least(15, image_size, "alexnet32")
    side = (image_size + 1) // 2 // 8
    return nn.Sequential(
        *_first(channels_in),
        *[nn.Conv2d(channels_in, 64, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()],
        *[nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()],
        *[nn.Dropout(dropout), nn.Linear(256 * side**2, hidden), nn.ReLU()],
        *[nn.Dropout(dropout), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, classes)],
    )


def resnet32px(
    classes: int,
    image_size: int,
    weights_path: Path | None = None,
    *,
    blocks: PositiveInt = 3,
    widths: list[PositiveInt] = [16, 32, 64],
    channels_in: Channels = 3,
):
    """Residual network for 32 px (He et al. 2015, section 4.2): `blocks` pairs of 3x3 convolutions at each of `widths`.

    First a 3x3 convolution; each further width halves the image; last the mean over positions and a linear layer.
    Shortcuts have no weights (option A, as in He et al.). The defaults are ResNet-20, 0.27 M parameters or 1.1 MB.
    Munoz Vega's network (figure 8) has "around 40MB"; blocks 2 and widths [64, 128, 256, 512] are our choice: 44.0 MB,
    or 42 MiB.
    """
    from torch import nn

    from lib.models.layers import Residual

    if not widths or widths != sorted(widths):
        raise StudyError(f"widths of resnet32px are {widths}: name at least one, none smaller than the one before")
    layers = [nn.Conv2d(channels_in, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
    for stage, (inputs, outputs) in enumerate(zip([widths[0], *widths], widths)):
        layers.append(Residual(inputs, outputs, stride=2 if stage else 1))
        layers += [Residual(outputs, outputs, stride=1) for _ in range(blocks - 1)]
    end = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], classes)]
    model = nn.Sequential(*_first(channels_in), *layers, *end)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            # reference 13 of He et al.
            nn.init.kaiming_normal_(module.weight)
    return model


def recurrent_convnet(
    classes: int,
    image_size: int,
    weights_path: Path | None = None,
    *,
    channels: list[PositiveInt] = [32, 64],
    steps: PositiveInt = 3,
    end: End = "mean",
    channels_in: Channels = 3,
):
    """Recurrent convolution layers (Chen, section 3.1), one per number in `channels`, of `steps` convolutions each.

    2x2 max-pools between them, then the mean over positions and a linear layer. lib.models.layers has the equation.

    Args:
        end: `positions` replaces that mean by a 2x2 max-pool and all positions, as in convnet.
    """
    from torch import nn

    from lib.models.layers import RecurrentConvolution

    if not channels:
        raise StudyError("channels of recurrent_convnet is empty: name at least one number, such as [32, 64]")
    pools = len(channels) - (end == "mean")
    at_least(2**pools, image_size, f"{len(channels)} recurrent layers", "or take fewer channels")
    layers = [*_first(channels_in), RecurrentConvolution(channels_in, channels[0], steps)]
    for inputs, outputs in zip(channels, channels[1:]):
        layers += [nn.MaxPool2d(2), RecurrentConvolution(inputs, outputs, steps)]
    layers.append(nn.AdaptiveAvgPool2d(1) if end == "mean" else nn.MaxPool2d(2))
    side = 1 if end == "mean" else image_size // 2**pools
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * side**2, classes))


def at_least(pixels: int, image_size: int, what: str, otherwise: str = "") -> None:
    """StudyError: images are smaller than a network can take, in px; `otherwise` is another cure."""
    if image_size < pixels:
        cures = [f"set image_size: {pixels}, or larger", otherwise]
        cure = ", ".join(filter(None, cures))
        raise StudyError(f"{what} needs images of {pixels} px at least, and image_size is {image_size}: {cure}")


def _first(channels_in):
    from lib.models.layers import FirstChannel

    return [FirstChannel()] if channels_in == 1 else []


def _linear_relu(sizes, then=()):
    from torch import nn

    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU(), *then]
    return layers
