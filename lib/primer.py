"""The equations of "Basics of Convolutional Neural Networks" (J. Chen, 2021), by hand: sums over plain numbers, in float64.

Nothing here differentiates: a derivative is the document's formula, for notebook 00 to compare with what torch finds.
"""

import itertools

import numpy as np
from scipy.special import ndtr

ALPHA = 0.25  # of PReLU and ELU


def logistic(x):
    """1 / (1 + e^-x)."""
    return 1 / (1 + np.exp(-x))


def tanh(x):
    """The hyperbolic tangent, as figure 2 writes it out."""
    return 2 / (1 + np.exp(-2 * x)) - 1


def elu(x):
    """Exponential linear unit."""
    return np.where(x < 0, ALPHA * (np.exp(x) - 1), x)


ACTIVATIONS = {  # figure 2: a function and its derivative, both as printed; NaN where the document has a question mark
    "Identity": (lambda x: x, lambda x: np.ones_like(x)),
    "Binary step": (lambda x: np.where(x < 0, 0.0, 1.0), lambda x: np.where(x == 0, np.nan, 0.0)),
    "Logistic": (logistic, lambda x: logistic(x) * (1 - logistic(x))),
    "Tanh": (tanh, lambda x: 1 - tanh(x) ** 2),
    "ArcTan": (np.arctan, lambda x: 1 / (x**2 + 1)),
    "ReLU": (lambda x: np.where(x < 0, 0.0, x), lambda x: np.where(x < 0, 0.0, 1.0)),
    "PReLU": (lambda x: np.where(x < 0, ALPHA * x, x), lambda x: np.where(x < 0, ALPHA, 1.0)),
    "ELU": (elu, lambda x: np.where(x < 0, elu(x) + ALPHA, 1.0)),
    "SoftPlus": (lambda x: np.log(1 + np.exp(x)), lambda x: 1 / (1 + np.exp(-x))),
}
OFFSETS = list(itertools.product([-1, 0, 1], repeat=2))  # the nine entries of a kernel: u = 3 row + column = -4 ... 4


def shifted(image: np.ndarray, u: tuple[int, int]) -> np.ndarray:
    """At every pixel n the value at n - u; zero where that is outside the image, (height, width)."""
    (row, column), (height, width) = u, image.shape
    return np.pad(image, 1)[1 - row : 1 - row + height, 1 - column : 1 - column + width]


def convolve(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """kernel * image: at every pixel n the sum over u of image(n - u) kernel(u); kernel (3, 3), image (height, width)."""
    return sum(shifted(image, u) * k for u, k in zip(OFFSETS, kernel.ravel()))


def feature_maps(images: np.ndarray, kernels: np.ndarray, biases: np.ndarray, act) -> np.ndarray:
    """Equation 7: images (c, height, width), kernels (n, c, 3, 3), biases (n,) -> (n, height, width)."""
    return np.stack([act(sum(convolve(i, k) for i, k in zip(images, row)) + b) for row, b in zip(kernels, biases)])


def kernel_gradients(image, target, kernels, biases, activation: str, *, printed: bool = False) -> dict:
    """Equations 8 to 12 for the two layers of figure 4, and the gradients of the biases, which the document leaves to the reader.

    Args:
        image, target: (height, width). kernels: two of (3, 3). biases: two numbers.
        printed: equation 12 without the sum over the neighbours, as it stands in the document.

    Returns:
        loss (equation 8), k1 and k2, (3, 3) each, b1 and b2.
    """
    act, slope = ACTIVATIONS[activation]
    before_1 = convolve(image, kernels[0]) + biases[0]
    features = act(before_1)
    before_2 = convolve(features, kernels[1]) + biases[1]
    p = act(before_2)
    delta = 2 / p.size * (p - target) * slope(before_2)  # the derivative by what enters the second activation
    seen = {u: slope(before_1) * shifted(image, u) for u in OFFSETS}  # dF(n) / dk1(u)
    if printed:
        k1 = [(delta * k * seen[u]).sum() for u, k in zip(OFFSETS, kernels[1].ravel())]
    else:
        k1 = [(delta * convolve(seen[u], kernels[1])).sum() for u in OFFSETS]
    return {
        "loss": ((p - target) ** 2).sum() / p.size,
        "k1": np.reshape(k1, (3, 3)),
        "k2": np.reshape([(delta * shifted(features, u)).sum() for u in OFFSETS], (3, 3)),
        "b1": (delta * convolve(slope(before_1), kernels[1])).sum(),
        "b2": delta.sum(),
    }


def batch_norm(x: np.ndarray, gamma, beta, eta) -> tuple[np.ndarray, ...]:
    """Equations 13 to 16: x (images, ...) -> mean, standard deviation, z-score, and that scaled and shifted."""
    mean = sum(x) / len(x)
    deviation = (sum((one - mean) ** 2 for one in x) / len(x)) ** 0.5
    score = (x - mean) / (deviation + eta)
    return mean, deviation, score, gamma * score + beta


def receptive_field(kernels: list[int]) -> int:
    """Equation 17 from layer to layer, the previous field being that of all layers before; px."""
    field = kernels[0]
    for kernel in kernels[1:]:
        field = kernel + field - 1
    return field


def recurrent(image: np.ndarray, kernel: np.ndarray, bias: float, steps: int) -> np.ndarray:
    """Section 3.1: one kernel, unrolled; from the second step on, first and previous output are added and convolved."""
    relu, _ = ACTIVATIONS["ReLU"]
    state = first = relu(convolve(image, kernel) + bias)
    for _ in range(steps - 1):
        state = relu(convolve(first + state, kernel) + bias)
    return state


def softmax(scores: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    powers = np.exp(scores)
    return powers / powers.sum(-1, keepdims=True)


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Equation 18 with the transpose: each query by each key, (tokens, n) each; v (tokens, width) -> (tokens, width)."""
    scores = np.array([[sum(query * key) for key in k] for query in q])
    return softmax(scores / q.shape[1] ** 0.5) @ v


def positions(count: int, d: int) -> np.ndarray:
    """Equation 19: (count, d), d even."""
    table = np.empty((count, d))
    for t, i in itertools.product(range(count), range(d // 2)):
        table[t, 2 * i] = np.sin(t / 10000 ** (2 * i / d))
        table[t, 2 * i + 1] = np.cos(t / 10000 ** (2 * i / d))
    return table


def patches(image: np.ndarray, side: int) -> np.ndarray:
    """Step 1 of section 3.2.3: (channels, height, width) -> (patches, channels side side), row by row."""
    corners = itertools.product(range(0, image.shape[1], side), range(0, image.shape[2], side))
    return np.stack([image[:, y : y + side, x : x + side].ravel() for y, x in corners])


def encoder(x: np.ndarray, weights: dict, heads: int) -> np.ndarray:
    """Step 4: a layer of a transformer's encoder, norm first; x (tokens, d), weights as torch names them."""

    def linear(x, name, join="."):
        return x @ weights[f"{name}{join}weight"].T + weights[f"{name}{join}bias"]

    def norm(x, name):
        score = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return score * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    qkv = np.split(linear(norm(x, "norm1"), "self_attn.in_proj", "_"), 3, axis=1)
    split = zip(*(np.split(part, heads, axis=1) for part in qkv))
    x = x + linear(np.concatenate([attention(*head) for head in split], axis=1), "self_attn.out_proj")
    hidden = linear(norm(x, "norm2"), "linear1")
    return x + linear(hidden * ndtr(hidden), "linear2")  # GELU
