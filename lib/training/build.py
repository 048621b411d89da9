"""A model of a study as a network, and what it makes of the study's images before it sees them."""

from torch import nn

from lib.models import MODELS
from lib.models.pretrained import as_weights_ask, inputs
from lib.study import Study
from lib.study.model import ModelSettings
from lib.study.schema import Training
from lib.study.settings import start_file


def build(study: Study, model: str, classes: int) -> nn.Module:
    """A model of the study with that many outputs, from random or from pre-trained weights.

    It takes the study's images: the scale that its ImageNet weights ask for, and the size it needs, are made inside.
    """
    chosen, training = study.models[model], study.training
    network = MODELS[chosen.architecture](classes, training.image_size, start_file(study, model), **chosen.settings)
    rescale = chosen.starts_from == "imagenet" and training.scale_of_weights
    expected = inputs(chosen.architecture, chosen.settings)
    return as_weights_ask(network, expected, training.pixel_mean, training.pixel_std, rescale=rescale)


def notes(chosen: ModelSettings, training: Training) -> list[str]:
    """What page 05 says of the images that a network sees, where they are not the study's as they are."""
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
