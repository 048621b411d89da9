"""Build a model of a study as a network that converts the study's images to its own scale and size."""

from torch import nn

from lib.models import MODELS
from lib.models.pretrained import as_weights_ask, inputs
from lib.study import Study
from lib.study.model import ModelSettings
from lib.study.schema import Training
from lib.study.settings import start_file


def build(study: Study, model: str, classes: int) -> nn.Module:
    """Build a model of the study with `classes` outputs, from random or pre-trained weights.

    It takes the study's images, (images, 3, size, size), and converts them to its own scale and size.
    """
    chosen, training = study.models[model], study.training
    network = MODELS[chosen.architecture](classes, training.image_size, start_file(study, model), **chosen.settings)
    rescale = chosen.starts_from == "imagenet" and training.scale_of_weights
    expected = inputs(chosen.architecture, chosen.settings)
    return as_weights_ask(network, expected, training.pixel_mean, training.pixel_std, rescale=rescale)


def notes(chosen: ModelSettings, training: Training) -> list[str]:
    """Sentences of page 05 on how a network changes the study's images."""
    expected, says = inputs(chosen.architecture, chosen.settings), []
    if training.image_size < expected.smallest:
        says.append(f"images of {training.image_size} px are enlarged to {expected.smallest} px for this network")
    if chosen.starts_from == "imagenet":
        scale = (
            "that of the ImageNet weights" if training.scale_of_weights else "the study's, not the ImageNet weights'"
        )
        says.append(f"the scale of the pixels is {scale}")
    if chosen.settings.get("frozen"):
        says.append("only the last layer is fitted, once, as a logistic regression (its penalty chosen on validation)")
    return says
