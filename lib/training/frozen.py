"""Fit a logistic regression on the features of a frozen pre-trained network: no epochs, no random numbers.

images --network without its last layer--> features --logistic, for each of PENALTIES--> the best on validation
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lib.training.fit import Diverged
from lib.training.images import Images

Loss = Callable[[Tensor, Tensor], Tensor]

# penalties on half the squared coefficients, added to the mean loss; features have mean 0 and standard deviation 1
PENALTIES = [100.0, 10.0, 1.0, 0.1, 0.01, 1e-3, 1e-4]


def fit_frozen(network: nn.Module, head: str, images: Images) -> tuple[list[dict], list[float]]:
    """Fit the last layer of a network; its other layers stay unchanged.

    Args:
        network: on the device of the images. head: path of its last layer.

    Returns:
        A history of one row, with the penalty that has the lowest validation loss, and the seconds that it took.

    Raises:
        Diverged: features are not finite.
    """
    began = time.perf_counter()
    last = network.get_submodule(head)
    network.set_submodule(head, nn.Flatten())
    parts = {part: images.rows(part) for part in ["train", "validation"]}
    features = {part: outputs(network, images, rows) for part, rows in parts.items()}
    network.set_submodule(head, last)
    if not all(values.isfinite().all() for values in features.values()):
        raise Diverged("the features of the frozen network became nan")
    labels = {part: as_double(images.labels[rows]) for part, rows in parts.items()}
    rows = []
    for penalty in PENALTIES:
        weight, bias = logistic(features["train"], labels["train"], images.loss, len(images.classes), penalty)
        row = {"epoch": 1, "penalty": penalty}
        for part in parts:
            logits = features[part] @ weight.T + bias
            row[f"{part}_loss"] = images.loss(logits, labels[part]).item()
            row[f"{part}_accuracy"] = images.kind.right(logits, labels[part], 0).double().mean().item()
        if not rows or row["validation_loss"] < rows[0]["validation_loss"]:
            rows = [row]
            with torch.no_grad():
                last.weight.copy_(weight.view_as(last.weight))
                last.bias.copy_(bias)
    return rows, [time.perf_counter() - began]


@torch.no_grad()
def outputs(network: nn.Module, images: Images, rows: Tensor, batch_size: int = 256) -> Tensor:
    """The outputs of a network for rows: (rows, features) float64 on the CPU."""
    network.eval()
    return torch.cat([network(images.batch(batch)[0]).double().cpu() for batch in rows.split(batch_size)])


def as_double(labels: Tensor) -> Tensor:
    """Labels for the loss of float64 logits: class numbers unchanged, zeros and ones as float64."""
    return labels.double() if labels.is_floating_point() else labels


def logistic(features: Tensor, labels: Tensor, loss: Loss, classes: int, penalty: float) -> tuple[Tensor, Tensor]:
    """Fit a multinomial logistic regression, or one per label if an image may have several.

    Minimises the mean loss plus half of `penalty` times the squared weights of standardised features, by L-BFGS from
    zeros.

    Args:
        features: (images, features) float64. loss: logits, labels -> mean loss; that of lib.training.images allows both
            kinds of labels, label weights, and classes without training images.

    Returns:
        Weights (classes, features) and biases (classes,), float64, for features that are not standardised.
    """
    mean, std = features.mean(0), features.std(0).clamp_min(1e-6)
    standardised = (features - mean) / std
    weight = torch.zeros(classes, features.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    options = {"max_iter": 1000, "tolerance_grad": 1e-6, "tolerance_change": 1e-10, "line_search_fn": "strong_wolfe"}
    optimizer = torch.optim.LBFGS([weight, bias], **options)

    def objective() -> Tensor:
        optimizer.zero_grad()
        penalised = loss(standardised @ weight.T + bias, labels) + penalty / 2 * weight.square().sum()
        penalised.backward()
        return penalised

    optimizer.step(objective)
    scaled = weight.detach() / std
    return scaled, bias.detach() - scaled @ mean
