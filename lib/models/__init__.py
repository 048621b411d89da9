"""Every network that a study may name: one function each, (classes, image size, weights file) -> torch module.

The keyword-only arguments of a function are the settings that a params file may give; their types and defaults are the
schema. To add a model, write its function and add a line to MODELS.

Functions in lib/models import torch inside: lib.study reads their signatures to check a params file, so that a misspelt
parameter is reported within a second, before torch is imported.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from lib.models.pretrained import HALVES, Inputs, efficientnet_lite0, torchvision_network
from lib.models.small import alexnet32, convnet, lenet, mlp, recurrent_convnet, resnet32px
from lib.strict import StudyError, known


def _one_of(what: str):
    """The type of a name in a dictionary of lib.attention, which is imported only if a study sets it."""

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
    """The custom CNN (section 4.4, i); its layers are our choice, since the paper does not state them.

    One block per number in `channels`: 3x3 convolution, batch norm, ReLU, 2x2 max-pool. Then the mean over positions,
    dropout and one linear layer.
    """
    from torch import nn

    def block(inputs, outputs):
        # batch norm has a bias
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2))

    blocks = [block(inputs, outputs) for inputs, outputs in zip([3, *channels], channels)]
    end = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels[-1], classes)]
    return nn.Sequential(*blocks, *end)


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
        attention: `plain` is the library's own; `paper` and `released` replace it in every block by a preset of
            lib.surgery.
        attention_weights: of the new attention, random or copied from the plain one.
        selection, scope, injection: rules of lib.attention; None: the preset's.
        patch: side of a patch, px. dim: width of a token. mlp_dim: width of a block's MLP.
        dropout: after each half of a block and, in the plain attention, on its probabilities (presets set their own).
        hidden: width of a hidden layer in the classifier (released code: 256, then dropout 0.4); 0: linear.

    StudyError: a plain ViT is given settings of another attention, or `image_size` is no multiple of `patch`.
    """
    from torch import nn

    from lib.surgery import PRESETS, load_vit, replace_attention

    rules = {"selection": selection, "scope": scope, "injection": injection}
    rules = {name: rule for name, rule in rules.items() if rule is not None}
    if attention == "plain" and (rules or attention_weights == "pretrained"):
        raise StudyError("a plain ViT has no selection, scope, injection or attention_weights: set attention: paper")
    size = dict(patches=patch, dim=dim, ff_dim=mlp_dim, num_layers=depth, num_heads=heads, dropout_rate=dropout)
    model = load_vit(image_size, weights_path, **size)
    if attention != "plain":
        preset = PRESETS[attention](dim, heads)
        replace_attention(model, weights=attention_weights, **{**preset, **rules})
    model.fc = nn.Linear(dim, classes)
    if hidden:
        model.fc = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Dropout(0.4), nn.Linear(hidden, classes))
    return model


vit.inputs = Inputs(**HALVES)
GOOGLENET = {"aux_logits": False, "init_weights": False}  # one loss, as for every model here

MODELS = {
    "mlp": mlp,
    "convnet": convnet,
    "recurrent_convnet": recurrent_convnet,
    "lenet": lenet,
    "alexnet32": alexnet32,
    "resnet32px": resnet32px,
    "cnn": cnn,
    # Krizhevsky 2014
    "alexnet": torchvision_network("alexnet", "AlexNet", "classifier.6", 63, dropout=0.5),
    # Simonyan and Zisserman 2014, configurations A and D
    "vgg11": torchvision_network("vgg11", "VGG-11", "classifier.6", 32, dropout=0.5),
    "vgg16": torchvision_network("vgg16", "VGG-16", "classifier.6", 32, dropout=0.5),
    # He et al. 2015; ResNet50 with the stride of 2 in a block's 3x3 convolution
    "resnet18": torchvision_network("resnet18", "ResNet18", "fc"),
    "resnet50": torchvision_network("resnet50", "ResNet50", "fc"),
    # Xie et al. 2016; Huang et al. 2016; Szegedy et al. 2014 with batch norm; Iandola et al. 2016; Tan and Le 2019
    "resnext50": torchvision_network("resnext50_32x4d", "ResNeXt50", "fc"),
    "densenet121": torchvision_network("densenet121", "DenseNet121", "classifier", 32),
    "googlenet": torchvision_network("googlenet", "GoogLeNet", "fc", 32, HALVES, GOOGLENET),
    "squeezenet": torchvision_network("squeezenet1_1", "SqueezeNet 1.1", "classifier.1", 32, dropout=0.5),
    "efficientnet_b1": torchvision_network("efficientnet_b1", "EfficientNet-B1", "classifier.1", dropout=0.2),
    # not in the paper; its ImageNet weights install with the project
    "efficientnet_lite0": efficientnet_lite0,
    "vit": vit,
}
