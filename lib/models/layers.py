"""Layers of lib.models.small that torch does not have."""

import torch.nn.functional as F
from torch import Tensor, nn


class FirstChannel(nn.Module):
    """(images, 3, size, size) -> (images, 1, size, size), for grey images, which have three equal channels."""

    def forward(self, images: Tensor) -> Tensor:
        return images[:, :1]


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norm, and a shortcut around them (He et al. 2015, figure 2).

    The shortcut has no weights (option A): with stride 2 it takes every other pixel, and additional channels are zeros.
    (images, inputs, size, size) -> (images, outputs, size / stride, size / stride).
    """

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.stride, self.additional = stride, outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.additional))
        return F.relu(self.convolutions(x) + shortcut)


class RecurrentConvolution(nn.Module):
    """A recurrent convolution layer, unrolled into `steps` 3x3 convolutions (J. Chen 2021, section 3.1 and figure 6).

        h_1 = relu(w * x + b),  h_t = relu(v * (h_1 + h_{t-1}) + c)  for t = 2 ... steps

    "The input to each layer is the sum of the output from the first layer with that of the previous layer". All steps
    share the kernel v; w is separate, since x may have another number of channels. Liang and Hu 2015, whom Chen
    follows, feed x instead of h_1 into every step, and convolve both before adding them.

    (images, inputs, size, size) -> (images, outputs, size, size).
    """

    def __init__(self, inputs: int, outputs: int, steps: int):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.shared = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.steps = steps

    def forward(self, x: Tensor) -> Tensor:
        first = state = F.relu(self.first(x))
        for _ in range(self.steps - 1):
            state = F.relu(self.shared(first + state))
        return state
