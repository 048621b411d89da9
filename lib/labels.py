"""One label an image, or several: what differs between the two, from logits to what counts as right.

one:  softmax, cross-entropy, the most probable class        many: a sigmoid and a binary cross-entropy a label, those above a half
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lib.many import SEPARATOR, joined


class Kind(NamedTuple):
    """How labels are held, learnt and answered; labels: (images,) numbers for one, (images, classes) 0 or 1 for many."""

    encode: Callable[[list[str], list[str]], Tensor]  # texts of a table, class names -> labels
    loss: Callable[[Tensor, Tensor], Tensor]  # logits, labels -> mean loss in nats
    probabilities: Callable[[Tensor], Tensor]  # logits -> the same shape
    log_loss: Callable[[Tensor, Tensor], Tensor]  # probabilities, labels -> mean loss in nats
    right: Callable[
        [Tensor, Tensor, float], Tensor
    ]  # logits (half: 0) or probabilities (half: 0.5), labels, half -> (images,) bool
    names: Callable[
        [np.ndarray, list[str]], list[str]
    ]  # probabilities, class names -> what is said, as a text an image


def _sets(texts: list[str], classes: list[str]) -> Tensor:
    return torch.tensor([[float(name in text.split(SEPARATOR)) for name in classes] for text in texts])


KINDS = {
    "one": Kind(
        encode=lambda texts, classes: torch.tensor([classes.index(text) for text in texts]),
        loss=F.cross_entropy,
        probabilities=lambda logits: logits.softmax(-1),
        log_loss=lambda p, labels: F.nll_loss(p.clamp_min(1e-12).log(), labels),
        right=lambda found, labels, half: found.argmax(1) == labels,
        names=lambda p, classes: [classes[number] for number in p.argmax(1)],
    ),
    "many": Kind(
        encode=_sets,
        loss=F.binary_cross_entropy_with_logits,
        probabilities=torch.sigmoid,
        log_loss=lambda p, labels: F.binary_cross_entropy(p, labels.to(p)),
        right=lambda found, labels, half: ((found > half) == labels.bool()).all(
            1
        ),  # all of an image's labels, and no other
        names=lambda p, classes: joined(p > 0.5, classes),
    ),
}
