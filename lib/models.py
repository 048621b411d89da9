"""Every model that a study may name: one function each, from (classes, image size, weights file) to a torch module.

The keyword-only arguments of a function are the settings that a params file may give it; their types and
defaults are the schema. To add a model, write its function and add a line to MODELS.

torch is imported inside the functions: lib.study reads these signatures to check a params file at once.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from lib.basics import alexnet32, at_least, convnet, lenet, mlp, recurrent_convnet, resnet32px
from lib.errors import StudyError
from lib.schema import known

Weights = Literal["none", "imagenet"]


def _one_of(what: str):
    """A word that stands in a dictionary of lib.attention, which is imported only when a study says one."""

    def check(name: str) -> str:
        from lib import attention

        return known(name, getattr(attention, what.upper()), what)

    return Annotated[str, AfterValidator(check)]


def cnn(
    classes: int,
    image_size: int,
    weights_path: Path | None = None,
    *,
    channels: list[int] = [32, 64, 128, 128],
    dropout: float = 0.3,
):
    """The custom CNN, whose layers the paper does not give (section 4.4, i).

    A block a number in `channels`: 3x3 convolution, batch norm, ReLU, 2x2 max-pool; then the mean over
    positions, dropout and one linear layer.
    """
    from torch import nn

    def block(inputs, outputs):
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)  # batch norm brings the bias
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2))

    blocks = [block(i, o) for i, o in zip([3, *channels], channels)]
    return nn.Sequential(
        *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels[-1], classes)
    )


def alexnet(
    classes: int, image_size: int, weights_path: Path | None = None, *, weights: Weights = "none", dropout: float = 0.5
):
    """AlexNet as torchvision has it (Krizhevsky 2014), its last layer replaced. Needs 63 px at least."""
    at_least(63, image_size, "AlexNet", "or take alexnet32")
    return _torchvision("alexnet", "classifier.6", classes, weights_path, dropout=dropout)


def vgg11(
    classes: int, image_size: int, weights_path: Path | None = None, *, weights: Weights = "none", dropout: float = 0.5
):
    """VGG-11 as torchvision has it (Simonyan and Zisserman 2014, configuration A), its last layer replaced. Needs 32 px at least."""
    at_least(32, image_size, "VGG-11")
    return _torchvision("vgg11", "classifier.6", classes, weights_path, dropout=dropout)


def resnet18(classes: int, image_size: int, weights_path: Path | None = None, *, weights: Weights = "none"):
    """ResNet18 as torchvision has it (He et al. 2015), its last layer replaced."""
    return _torchvision("resnet18", "fc", classes, weights_path)


def resnet50(classes: int, image_size: int, weights_path: Path | None = None, *, weights: Weights = "none"):
    """ResNet50 as torchvision has it (He et al. 2015; stride 2 in a block's 3x3 convolution), its last layer replaced."""
    return _torchvision("resnet50", "fc", classes, weights_path)


def vit(
    classes: int,
    image_size: int,
    weights_path: Path | None = None,
    *,
    weights: Literal["none", "imagenet", "phantoms"] = "none",
    attention: Literal["plain", "paper", "released"] = "plain",
    attention_weights: Literal["random", "pretrained"] = "random",
    selection: _one_of("selection") | None = None,
    scope: _one_of("scope") | None = None,
    injection: _one_of("injection") | None = None,
    patch: int = 16,
    dim: int = 768,
    mlp_dim: int = 3072,
    depth: int = 12,
    heads: int = 12,
    dropout: float = 0.1,
    hidden: int = 0,
):
    """ViT from pytorch_pretrained_vit; the defaults are ViT-B/16, the size of `B_16_imagenet1k` (section 4.2).

    Args:
        attention: `plain` is the library's own; the others replace it in every block by lib.surgery's preset,
        attention_weights: from random weights or from those of the plain attention,
        selection, scope, injection: and with these rules of lib.attention in the place of the preset's.
        patch: side of a patch, px. dim: width of a token. mlp_dim: width of a block's MLP.
        dropout: after each half of a block and, in the plain attention, on its probabilities (presets set their own).
        hidden: width of a hidden layer in the classifier (released code: 256, then dropout 0.4); 0: linear.
    """
    from torch import nn

    from lib.surgery import PRESETS, load_vit, replace_attention

    rules = {"selection": selection, "scope": scope, "injection": injection}
    rules = {name: rule for name, rule in rules.items() if rule is not None}
    if attention == "plain" and (rules or attention_weights == "pretrained"):
        raise StudyError("a plain ViT has no selection, scope, injection or attention_weights: say attention: paper")
    size = dict(patches=patch, dim=dim, ff_dim=mlp_dim, num_layers=depth, num_heads=heads, dropout_rate=dropout)
    model = load_vit(image_size, weights_path, **size)
    if attention != "plain":
        replace_attention(model, weights=attention_weights, **{**PRESETS[attention](dim, heads), **rules})
    model.fc = nn.Linear(dim, classes)
    if hidden:
        model.fc = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Dropout(0.4), nn.Linear(hidden, classes))
    return model


MODELS = {
    "mlp": mlp,
    "convnet": convnet,
    "recurrent_convnet": recurrent_convnet,
    "lenet": lenet,
    "alexnet32": alexnet32,
    "resnet32px": resnet32px,
    "cnn": cnn,
    "alexnet": alexnet,
    "vgg11": vgg11,
    "resnet18": resnet18,
    "resnet50": resnet50,
    "vit": vit,
}


def _torchvision(name, last, classes, weights_path, **settings):
    """torchvision's network `name`, whose linear layer `last` is made anew for so many classes."""
    from torch import nn
    from torchvision.models import get_model

    from lib.surgery import load_tensors

    model = get_model(name, weights=None, **settings)
    if weights_path is not None:
        model.load_state_dict(load_tensors(weights_path, model.state_dict()))
    model.set_submodule(last, nn.Linear(model.get_submodule(last).in_features, classes))
    return model
