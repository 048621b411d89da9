"""Model surgery: a pre-trained ViT in, the same ViT with another attention out (section 4.2, steps ii to iv).

weights file --load_vit--> ViT --replace_attention--> ViT with the paper's attention --recorded--> what heads did
"""

import copy
import math
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import torch
from pytorch_pretrained_vit.configs import PRETRAINED_MODELS
from pytorch_pretrained_vit.model import ViT
from pytorch_pretrained_vit.transformer import MultiHeadedSelfAttention
from pytorch_pretrained_vit.utils import resize_positional_embedding_
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lib.attention import BestHeadAttention
from lib.strict import StudyError, known

POSITIONS = "positional_embedding.pos_embedding"
NAMED = 6  # tensors named in a message


def load_vit(image_size: int, weights_path: Path | None = None, **size) -> ViT:
    """Build a ViT of pytorch_pretrained_vit for any image size; with a weights file, pre-trained.

    Args:
        image_size: px; the library's function resizes the file's positional embedding to it, bilinearly.
        weights_path: a file in the layout of the library's releases (`B_16_imagenet1k.pth`), or None.
        size: patches, dim, ff_dim, num_layers, num_heads, dropout_rate.

    Raises:
        StudyError: the image cannot be cut into patches, or the file does not hold these tensors (all are named).
    """
    if image_size % size["patches"]:
        raise StudyError(f"{image_size} px cannot be cut into patches of {size['patches']} px: choose a multiple")
    config = {"representation_size": None, "classifier": "token", "attention_dropout_rate": 0.0, **size}
    entry = {"config": config, "image_size": (image_size, image_size), "num_classes": 1000, "url": None}
    # the library builds only sizes in this table
    with mock.patch.dict(PRETRAINED_MODELS, sized=entry):
        model = ViT("sized")
    if weights_path is not None:
        expected = model.state_dict()
        tensors = load_tensors(weights_path, expected, free=POSITIONS)
        require_positions(tensors[POSITIONS], expected[POSITIONS], Path(weights_path).name)
        tensors[POSITIONS] = resize_positional_embedding_(tensors[POSITIONS], expected[POSITIONS])
        model.load_state_dict(tensors)
    return model


def read_file(path: Path):
    """Read a file of torch.save or safetensors: tensors and plain values; no code in the file is run.

    StudyError: there is no file, or it is of another kind; the message says which, if its first bytes tell.
    """
    path = Path(path)
    if not path.is_file():
        raise StudyError(f"there is no weights file {path}")
    with open(path, "rb") as file:
        begin = file.read(512)
    if begin.startswith(b"version https://git-lfs"):
        raise StudyError(f"{path.name} is a Git LFS pointer, not the file that it stands for: run git lfs pull")
    if begin.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise StudyError(f"{path.name} is a web page, not a weights file: take the address of the file itself")
    try:
        if begin[8:9] == b"{":  # safetensors: the length of its header, then the header as JSON
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Weights only load failed" in str(error) and "GLOBAL" in str(error):
            cure = "load it where you trust it, and save model.state_dict()"
            raise StudyError(f"{path.name} holds a pickled model or other objects, not tensors alone: {cure}") from None
        raise StudyError(f"{path.name} is not a file of tensors (UnpicklingError): fetch it again") from None
    except (RuntimeError, EOFError, ValueError, SafetensorError) as error:
        raise StudyError(f"{path.name} is not a file of tensors ({type(error).__name__}): fetch it again") from None


def require_positions(positions: Tensor, expected: Tensor, name: str) -> None:
    """StudyError: positions are not (1, 1 + n x n, dim): the class token's, and those of a square of patches."""
    dim, shape = expected.shape[-1], tuple(positions.shape)
    problem = None
    if positions.ndim != 3 or shape[0] != 1:
        problem = f"one row per token in (1, tokens, {dim}) is needed"
    elif shape[2] != dim:
        problem = f"a token is {dim} wide in this model"
    elif math.isqrt(shape[1]) ** 2 == shape[1]:
        problem = "there is none for the class token"
    elif math.isqrt(shape[1] - 1) ** 2 != shape[1] - 1:
        problem = "they are not of a class token and a square of patches"
    if problem:
        raise StudyError(f"{name}: its positions have the shape {shape}, and {problem}")


def load_tensors(path: Path, expected: dict[str, Tensor], free: str = "") -> dict[str, Tensor]:
    """Read the tensors of a weights file; names and shapes must be those of `expected`, except the shape of `free`.

    Raises:
        StudyError: there is no file, it holds no tensors, or tensors are missing, extra or of another shape.
    """
    tensors = read_file(path)
    if not isinstance(tensors, dict) or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise StudyError(f"{Path(path).name} is not a file of tensors (no tensors by name): fetch it again")
    wrong = [f"{name} is missing" for name in expected.keys() - tensors.keys()]
    wrong += [f"{name} is not of this model" for name in tensors.keys() - expected.keys()]
    for name in expected.keys() & tensors.keys() - {free}:
        shape, right = tuple(tensors[name].shape), tuple(expected[name].shape)
        if shape != right:
            wrong.append(f"{name} is {shape}, not {right}")
    if wrong:
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        raise StudyError(f"{Path(path).name} does not fit this model: {', '.join(sorted(wrong)[:NAMED])}{more}")
    return tensors


def replace_attention(
    vit: ViT, *, keep_block_projection: bool, weights: str = "random", inplace: bool = True, **attention
) -> ViT:
    """Replace `block.attn` by a BestHeadAttention in every block, and return the model.

    Args:
        keep_block_projection: keep the library's `block.proj` on top (released code), or make it an
            identity, since the attention brings a projection of its own (figure 3 b).
        weights: `random` (section 4.2, iv), or `pretrained`: copy the old queries, keys, values and projection.
        inplace: change `vit` itself; False: change a copy.
        attention: arguments of BestHeadAttention, without `dim`.

    Raises:
        StudyError: rules are unknown or do not fit, or the new heads cannot take the old weights.
    """
    known(weights, ["random", "pretrained"], "weights of the attention")
    for block in vit.transformer.blocks:
        if isinstance(block.attn, MultiHeadedSelfAttention):
            # the library keeps the last probabilities with their graph, which cannot be copied
            block.attn.scores = None
    if not inplace:
        vit = copy.deepcopy(vit)
    for block in vit.transformer.blocks:
        new = BestHeadAttention(block.proj.in_features, **attention).to(block.proj.weight).train(block.training)
        if weights == "pretrained":
            carry_over(block, new, keep_block_projection)
        block.attn = new
        if not keep_block_projection:
            block.proj = nn.Identity()
    return vit


@torch.no_grad()
def carry_over(block: nn.Module, new: BestHeadAttention, keep_block_projection: bool) -> None:
    """Copy the heads of `block` into `new`, and its projection, or an identity where the block keeps its own.

    StudyError: number or width of the heads differ.
    """
    old = block.attn
    if (new.num_heads, new.num_heads * new.head_dim) != (old.n_heads, new.dim):
        raise StudyError(
            f"the pre-trained heads are {old.n_heads} of width {new.dim // old.n_heads},"
            f" and cannot be carried over to {new.num_heads} of width {new.head_dim}"
        )
    new.query.load_state_dict(old.proj_q.state_dict())
    new.key.load_state_dict(old.proj_k.state_dict())
    new.value.load_state_dict(old.proj_v.state_dict())
    new.projection.load_state_dict(block.proj.state_dict())
    if keep_block_projection:
        nn.init.eye_(new.projection.weight)
        nn.init.zeros_(new.projection.bias)


class Record(NamedTuple):
    """What one block's attention did in a forward pass, without a graph."""

    tokens: Tensor  # (batch, tokens, dim): what went in
    probabilities: Tensor  # (batch, heads, queries, keys)
    weights: Tensor | None  # head weights, (batch or 1, heads, queries or 1); None for the library's attention


@contextmanager
def recorded(vit: ViT) -> Iterator[list[Record]]:
    """`with recorded(vit) as records: vit(images)`: afterwards, one Record per block of the last forward pass.

    Works for the library's attention and for BestHeadAttention, and changes neither. Meant for eval mode: while
    training, the library's probabilities are those after dropout, and BestHeadAttention's those before.
    """
    blocks = vit.transformer.blocks
    records, head_weights, handles = [None] * len(blocks), {}, []

    def keep(number, module, arguments, output):
        head_weights[number] = output

    def record(number, module, arguments, output):
        tokens, mask = arguments
        if isinstance(module, BestHeadAttention):
            with torch.no_grad():
                q, k = module.split(module.query(tokens)), module.split(module.key(tokens))
                probabilities = module.softmax(module.scores(q, k, mask), mask)
        else:
            probabilities, module.scores = module.scores.detach(), None
        records[number] = Record(tokens.detach(), probabilities, head_weights.get(number))

    for number, block in enumerate(blocks):
        handles.append(block.attn.register_forward_hook(partial(record, number)))
        if isinstance(block.attn, BestHeadAttention):
            handles.append(block.attn.choice.register_forward_hook(partial(keep, number)))
    try:
        yield records
    finally:
        for handle in handles:
            handle.remove()


def paper(dim: int, heads: int) -> dict:
    """As in the paper's text and figure 3; a head, 64 wide, is repeated to the width of a token."""
    return dict(num_heads=heads, selection="l1", scope="image", injection="tile", keep_block_projection=False)


def released(dim: int, heads: int) -> dict:
    """As in the authors' released code: four heads, each as wide as a token, one choice per batch."""
    rules = dict(selection="l1", scope="batch", injection="output", keep_block_projection=True)
    return dict(num_heads=4, head_dim=dim, attention_dropout=0.1, output_dropout=0.1, **rules)


PRESETS = {"paper": paper, "released": released}
