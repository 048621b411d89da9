"""Translate weights files of other libraries into the layout of the library that defines the architecture here.

ViT: pytorch_pretrained_vit's releases, timm's and Hugging Face's `vit_base_patch16_224`
torchvision's networks: as published, even if names have changed since
all: in {"state_dict": ...}, with prefixes like `module.`, in half precision, with a classifier of other classes
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from lib.models.pretrained import inputs

CLASSES = 1000  # of the layout; the classifier is replaced when the network is built
WRAPPERS = ["state_dict", "model_state_dict", "model"]
PREFIXES = re.compile(r"^((module|_orig_mod|model|backbone|vit)\.)+")
# (pattern, replacement), applied in order to every name
TIMM = [
    (r"^cls_token$", "class_token"),
    (r"^pos_embed$", "positional_embedding.pos_embedding"),
    (r"^patch_embed\.proj\.", "patch_embedding."),
    (r"^blocks\.(\d+)\.attn\.proj\.", r"transformer.blocks.\1.proj."),
    (r"^blocks\.(\d+)\.attn\.", r"transformer.blocks.\1.attn."),
    (r"^blocks\.(\d+)\.mlp\.", r"transformer.blocks.\1.pwff."),
    (r"^blocks\.", "transformer.blocks."),
    (r"^head\.", "fc."),
]
HUGGING_FACE = [
    (r"^embeddings\.cls_token$", "class_token"),
    (r"^embeddings\.position_embeddings$", "positional_embedding.pos_embedding"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embedding."),
    (r"^encoder\.layer\.", "transformer.blocks."),
    (r"\.attention\.attention\.query\.", ".attn.proj_q."),
    (r"\.attention\.attention\.key\.", ".attn.proj_k."),
    (r"\.attention\.attention\.value\.", ".attn.proj_v."),
    (r"\.attention\.output\.dense\.", ".proj."),
    (r"\.intermediate\.dense\.", ".pwff.fc1."),
    (r"\.output\.dense\.", ".pwff.fc2."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"^layernorm\.", "norm."),
    (r"^classifier\.", "fc."),
]
DENSENET = [(r"\.(norm|conv)\.([12])\.", r".\1\2.")]
# layers that this project's networks lack: Hugging Face's pooler, GoogLeNet's additional classifiers for training
UNUSED = {"vit": "pooler.", "googlenet": "aux"}


def unwrapped(loaded):
    """The dictionary of tensors inside {"state_dict": ...} or another of WRAPPERS; anything else unchanged."""
    while isinstance(loaded, Mapping):
        inner = next((loaded[name] for name in WRAPPERS if isinstance(loaded.get(name), Mapping)), None)
        if inner is None:
            break
        loaded = inner
    return loaded


def translated(tensors: dict[str, Tensor], architecture: str) -> dict[str, Tensor]:
    """Rename and reshape tensors to what lib.models loads, in float32; unknown names are kept.

    A missing classifier, or one with another number of classes, becomes zeros, since it is replaced anyway.
    """
    named = {PREFIXES.sub("", name): tensor for name, tensor in tensors.items()}
    unused = UNUSED.get(architecture)
    named = {name: tensor for name, tensor in named.items() if not (unused and name.startswith(unused))}
    if architecture == "vit" and "pos_embed" in named:
        named = renamed(split_qkv(named), TIMM)
    elif architecture == "vit" and "embeddings.cls_token" in named:
        named = renamed(named, HUGGING_FACE)
    elif architecture.startswith("densenet"):
        named = renamed(named, DENSENET)
    named = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in named.items()}
    head = "fc" if architecture == "vit" else inputs(architecture).head
    weight = named.get(f"{head}.weight")
    if weight is None and architecture == "vit" and "norm.weight" in named:
        weight = named["norm.weight"][None]
    if weight is not None and len(weight) != CLASSES:
        named[f"{head}.weight"] = torch.zeros(CLASSES, *weight.shape[1:])
        named[f"{head}.bias"] = torch.zeros(CLASSES)
    return named


def renamed(tensors: dict[str, Tensor], rules: list[tuple[str, str]]) -> dict[str, Tensor]:
    """Apply all matching rules to the name of every tensor."""
    names = {}
    for name, tensor in tensors.items():
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        names[name] = tensor
    return names


def split_qkv(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Split timm's matrix of queries, keys and values, (3 dim, dim), into three of (dim, dim); biases likewise."""
    parts = {}
    for name, tensor in tensors.items():
        if ".attn.qkv." in name:
            for letter, part in zip("qkv", tensor.chunk(3)):
                parts[name.replace(".qkv.", f".proj_{letter}.")] = part.contiguous()
        else:
            parts[name] = tensor
    return parts
