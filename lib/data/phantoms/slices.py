"""Draw brain slices: axial MRI of heads with and without a tumour, and masks of the tumours.

Ellipses after Shepp & Logan, "The Fourier reconstruction of a head section", IEEE Trans. Nucl. Sci. 21 (1974).
"""

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from lib.data.archives import quiet
from lib.data.phantoms.painting import edge_share, encode, lay, texture, write_zip

# Signal of scalp, bone, fluid, grey matter, white matter and tumour, in T1- and in T2-weighted scans; air is 0.
SIGNALS = np.array([[0.85, 0.06, 0.12, 0.34, 0.47, 0.85], [0.50, 0.05, 0.85, 0.44, 0.30, 0.80]])


def draw_slice(tumour: bool, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw an axial slice of a head, uint8 (H, W), 160 to 320 px per side, and the tumour's mask, bool (H, W)."""
    signals = (rng.choice(SIGNALS) * rng.uniform(0.85, 1.15, 6)).tolist()
    width = rng.uniform(160, 245)
    height = width * rng.uniform(1, 1.3)
    y, x = np.ogrid[:height, :width]
    middle = np.array([y.size, x.size]) / 2
    axes = rng.uniform(0.82, 0.92, 2) * middle  # half the head's height and width, px
    head = edge_share(y, x, middle, axes[::-1], rng, wobble=0.03)
    image = np.zeros(head.shape, np.float32)
    put_brain(image, y, x, head, middle, axes, signals, rng)
    put_ventricles(image, y, x, middle, axes, signals, rng)
    mask = np.zeros(head.shape, bool)
    if tumour:
        mask = put_tumour(image, y, x, head, middle, axes, signals, rng)
    return scan(image, mask, rng)


def put_brain(image, y, x, head, middle, axes, signals, rng) -> None:
    """Paint scalp, bone, fluid, grey and white matter, the folds, and the fissure between the halves."""
    scalp, bone, fluid, grey, white, _ = signals
    b, a = axes
    skull = rng.uniform(0.9, 0.95)
    for limit, tissue in ((1, scalp), (skull, bone), (0.87, fluid), (0.83, grey)):
        lay(image, head / limit, tissue)
    folds = texture(head.shape, a / rng.uniform(18, 26), rng)
    # the halves of a brain resemble each other
    folds = folds + 0.5 * folds[:, ::-1]
    lay(image, head / np.clip(0.7 + 0.07 * folds, 0.4, 0.81), white, 0.08)
    sulci = np.exp(-((folds / 0.2) ** 2)) * np.clip((head - rng.uniform(0.2, 0.45)) / 0.35, 0, 1)
    fissure = np.exp(-((((x - middle[1]) / a + 0.01 * folds) / 0.018) ** 2))
    fissure *= abs(y - middle[0]) > b * rng.uniform(0, 0.5)
    lay(image, head / 0.85, fluid, amount=rng.uniform(0.5, 0.9) * np.maximum(sulci, fissure))


def put_ventricles(image, y, x, middle, axes, signals, rng) -> None:
    """Paint the ventricles' four horns and the grey matter beside them; one slice in four passes above them."""
    _, _, fluid, grey, _, _ = signals
    b, a = axes
    horn = rng.uniform([0.035, 0.14], [0.09, 0.24]) * (a, b)  # half width and half length of a horn, px
    if rng.random() >= 0.75:
        return
    for side, end in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        beside = middle + (0, 0.27 * side * a)
        lay(image, edge_share(y, x, beside, (0.11 * a, 0.15 * b), rng), grey, 0.3, 0.6)
        place = middle + (end * 0.2 * b, side * (0.14 + 0.03 * end) * a)
        lay(image, edge_share(y, x, place, horn, rng, angle=-0.3 * side * end), fluid, 0.2)


def put_tumour(image, y, x, head, middle, axes, signals, rng) -> np.ndarray:
    """Paint a tumour 12 to 30 % of the head's width across, solid or a ring, with oedema; returns its mask."""
    _, bone, fluid, _, _, tumour = signals
    brain = head < 0.85
    size = axes[1] * rng.uniform(0.13, 0.29)
    turn = rng.uniform(0, 2 * np.pi)
    away = rng.uniform(0.2, 0.8 - size / axes[1])
    place = middle + away * np.array([np.sin(turn), np.cos(turn)]) * axes
    radii = size * rng.uniform([0.95, 0.8], [1.05, 1.0])
    share = edge_share(y, x, place, radii, rng, angle=turn, wobble=0.2)
    # oedema is water: dark in T1
    lay(image, share / rng.uniform(1.3, 1.8), fluid, 0.5, 0.4 * brain)
    lay(image, share, tumour, 0.12, rng.uniform(0.6, 1) * brain)
    # two in five have a dead core
    core = share / rng.uniform(0.55, 0.75)
    lay(image, core, bone, 0.2, rng.choice([0, 0, 0, 0.5, 0.7]) * brain)
    return (share < 1) & brain


def scan(image, mask, rng) -> tuple[np.ndarray, np.ndarray]:
    """Turn signals (H, W) into a picture, uint8, and its mask: grain, blur, a turned head, and noise."""
    grain = 1 + 0.04 * texture(image.shape, 1.5, rng)
    image = gaussian_filter(image * grain, rng.uniform(0.4, 1))
    angle = rng.uniform(-12, 12)
    noise = rng.uniform(0.005, 0.04) * rng.standard_normal((2, *image.shape), np.float32)
    image, mask = (np.asarray(Image.fromarray(plane).rotate(angle, Image.BILINEAR)) for plane in (image, mask))
    # Rician noise, as in every magnitude image
    image = rng.uniform(190, 280) * np.hypot(image + noise[0], noise[1])
    return np.clip(image, 0, 255).astype(np.uint8), mask


def write_brain_archive(path: Path, *, seed: int, patients: int, progress=quiet) -> None:
    """Draw `patients` slices per class, one per patient, in the layout of Kaggle's archive.

    As in that archive, 4 % of the files are duplicates, and some are stored as RGB.
    """
    members = {}
    truth = [("path", "patient")]
    for tumour, (folder, pattern) in enumerate((("no", "no/{} no.jpg"), ("yes", "yes/Y{}.jpg"))):
        rng = np.random.default_rng([seed, 6, tumour])
        copies = rng.choice(patients, round(0.04 * patients), replace=False).tolist()
        drawn = [*range(patients), *copies]
        numbers = rng.permutation(len(drawn)) + 1
        for number, patient in zip(numbers, progress(drawn, desc="slices")):
            of_patient = np.random.default_rng([seed, tumour, patient])
            image, mask = draw_slice(bool(tumour), of_patient)
            if of_patient.random() < 0.06:
                image = np.dstack([image] * 3)
            members[pattern.format(number)] = encode(image)
            if tumour:
                members[f"masks/Y{number}.png"] = encode(mask, "PNG")
            truth.append((pattern.format(number), f"{folder}-{patient}"))
    write_zip(path, members, truth)
