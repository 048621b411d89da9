"""Drawn blood smears and brain slices whose truth is known: which photograph a view shows, where a tumour lies.
They imitate Kaggle's paultimothymooney/blood-cells and navoneel/brain-mri-images-for-brain-tumor-detection and copy nothing.
Equal arguments give byte-identical archives, as long as NumPy, SciPy and Pillow stay the same."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from lib import files

CELLS = ("EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL")
SMEAR = (240, 320)  # rows, columns
# Optical density (natural log) for red, green and blue light: it adds up where cells overlap, as under a microscope.
RED_CELL, NUCLEUS, PLATELET = np.array([[0.07, 0.31, 0.30], [0.66, 1.15, 0.14], [0.45, 0.60, 0.12]])
CYTOPLASM = dict(zip(CELLS, np.array([[0.04, 0.62, 0.50], [0.55, 0.38, 0.05], [0.36, 0.25, 0.04], [0.09, 0.25, 0.09]])))
RADIUS = dict(zip(CELLS, ((34, 44), (24, 33), (40, 54), (35, 46))))  # pixels, lowest and highest
# A nucleus is a chain of LOBES on an arc. CHAIN: radii of arc and lobe, half width of a bridge (cell = 1); arc's turns.
LOBES = dict(zip(CELLS, ((2, 2), (1, 1), (3, 3), (3, 5))))
CHAIN = dict(zip(CELLS, ((0.44, 0.42, 0.1, 0.4), (0, 0.87, 0, 0), (0.33, 0.46, 0.33, 0.45), (0.46, 0.3, 0.1, 0.66))))
# Signal of scalp, bone, fluid, grey matter, white matter and tumour, as in T1- and in T2-weighted scans; air is 0.
SIGNALS = np.array([[0.85, 0.06, 0.12, 0.34, 0.47, 0.85], [0.50, 0.05, 0.85, 0.44, 0.30, 0.80]])


def edge_share(y, x, centre, radii, rng, *, angle=0.0, wobble=0.1):
    """Distance from `centre` (row, column) as a share of the edge's, for a wobbly ellipse: below 1 is inside.
    `y` and `x` broadcast (np.ogrid); `radii` (pixels) lie along the direction `angle` (radians) and across it."""
    away = (np.complex64(x - centre[1]) + np.complex64(1j * (y - centre[0]))) * np.complex64(np.exp(-1j * angle))
    away = away.real / np.float32(radii[0]) + 1j * (away.imag / np.float32(radii[1]))
    distance, wave = np.maximum(abs(away), 1e-6), 0
    away /= distance  # now of length 1, so that its k-th power makes k waves a turn
    for k, phase in zip((5, 4, 3, 2), rng.uniform(0, 2 * np.pi, 4)):
        wave = away * (wave + complex(wobble / k * np.exp(1j * phase)))
    return distance / (1 + (away * wave).real)


def lay(image, share, value, softness=0.05, amount=1.0):
    """Paint `value` into `image` where `share` is below 1; the edge is a ramp as wide as `softness` (in shares)."""
    image += amount * np.clip((1 - share) / softness + 0.5, 0, 1) * (value - image)


def texture(shape, sigma, rng):
    """Smooth noise of mean 0 and standard deviation about 1; `sigma` in pixels."""
    return gaussian_filter(rng.standard_normal(shape, np.float32), sigma) * (2 * np.pi**0.5 * sigma)


def outline(centre, size, rng):
    """Where a cell of radius `size` (pixels) lies on a smear: (slices, row numbers, column numbers, edge share)."""
    part = tuple(slice(max(0, int(c - 1.5 * size)), min(n, int(c + 1.5 * size) + 2)) for c, n in zip(centre, SMEAR))
    y, x = np.ogrid[part]
    share = edge_share(y, x, centre, size * rng.uniform([0.9, 0.75], [1.1, 1.0]), rng, angle=rng.uniform(0, np.pi))
    return part, y, x, share[..., None]


def put_white_cell(density, label, centre, size, rng):
    """The white cell pushes red cells aside, so that its density replaces theirs."""
    part, y, x, share = outline(centre, size, rng)
    fine, coarse = (texture(share.shape[:2], sigma, rng)[..., None] for sigma in (1.2, 2.2))
    granules, vacuoles = 0.8 * np.clip(0.4 + fine, 0, 1.3) - 0.4, -0.8 * np.clip(3 * coarse - 4.5, 0, 1)
    grain = {"EOSINOPHIL": granules, "MONOCYTE": vacuoles}.get(label, 0.12 * fine)
    cell = (1 + grain) * CYTOPLASM[label] * rng.uniform(0.75, 1.2, 3)
    depth = (1.2 if label == "LYMPHOCYTE" else 1) * rng.uniform(0.75, 1.1, 3)  # its chromatin is dense
    chromatin = depth * (1 + 0.1 * coarse) * NUCLEUS + 0.2 * cell
    arc, lobe, bridge, span = CHAIN[label]
    links = np.linspace(0, span * rng.uniform(0.85, 1.15), 2 * rng.integers(*LOBES[label], endpoint=True) - 1)
    for place, turn in enumerate(2 * np.pi * (links + rng.random())):  # lobe, bridge, lobe, ...
        radii = np.array([0.34, bridge]) if place % 2 else lobe * rng.uniform([0.95, 0.8], [1.12, 1.0])
        middle = centre + size * arc * rng.uniform(0.85, 1.1) * np.array([np.sin(turn), np.cos(turn)])
        lay(cell, edge_share(y, x, middle, size * radii, rng, angle=turn + np.pi / 2)[..., None], chromatin, 0.12)
    lay(density[part], share, cell, 0.1)


def draw_smear(label: str, rng: np.random.Generator) -> np.ndarray:
    """A photograph, uint8 (240, 320, 3), of 25 to 45 red cells, platelets and one white cell, `label` (one of CELLS)."""
    radius = (zoom := rng.uniform(0.88, 1.12)) * rng.uniform(*RADIUS[label])
    margin = np.full(2, radius * (1 if rng.random() < 0.9 else 0.3))  # one in ten may be cut by the frame
    density, middles, discs = np.zeros((*SMEAR, 3), np.float32), [rng.uniform(margin, SMEAR - margin)], []
    for _ in range(rng.integers(25, 46)):
        places = rng.uniform(-12, np.add(SMEAR, 12), (3, 2))  # the loneliest of three: cells avoid each other
        middles.append(max(places, key=lambda place: np.square(middles - place).sum(1).min()))
        discs.append((middles[-1], rng.uniform(18, 24), rng.uniform(0.1, 0.9), RED_CELL))
    discs += [(rng.uniform(0, SMEAR), rng.uniform(3, 6), 0, PLATELET) for _ in range(rng.integers(1, 7))]
    for centre, size, pallor, stain in discs:  # pallor: how much thinner a red cell is in its middle
        part, _, _, share = outline(centre, zoom * size, rng)
        pale, rim = np.exp(-((share / rng.uniform(0.35, 0.6)) ** 4)), np.exp(-(((share - 0.92) / 0.1) ** 2))
        thickness = rng.uniform(0.75, 1.15) * (1 - pallor * pale + 0.25 * rim)
        lay(density[part], share, density[part] + thickness * stain, 2.5 / size)
    put_white_cell(density, label, middles[0], radius, rng)
    lamp = 1 + np.add.outer(*(np.linspace(*rng.uniform(-0.07, 0.07, 2), n) for n in SMEAR))[..., None]
    tint = rng.uniform(190, 225) * rng.uniform([0.97, 0.955, 0.96], [1.03, 1.015, 1.02])
    light = gaussian_filter(np.exp(-rng.uniform(0.75, 1.2) * density), rng.uniform(0.5, 1.3), axes=(0, 1))
    return np.clip(light * lamp * tint + rng.normal(0, rng.uniform(1.5, 5), light.shape), 0, 255).astype(np.uint8)


def augment(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One view, uint8 (H, W, 3) as it came in: flipped, turned, sheared, shifted; outside is black or the edge repeated."""
    size, pad = np.array(photograph.shape[1::-1]), int(rng.integers(2)) * photograph.shape[0] // 2
    turn, lean = rng.uniform(-0.5, 0.5) + np.array([0, rng.uniform(-0.12, 0.12)])  # of the axes, radians
    matrix = np.array([[np.cos(turn), np.sin(lean)], [-np.sin(turn), np.cos(lean)]]) * rng.choice([-1, 1], 2)
    start = size / 2 + pad + rng.uniform(-0.1, 0.1, 2) * size - matrix @ (size / 2)
    wide = Image.fromarray(np.pad(photograph, ((pad, pad), (pad, pad), (0, 0)), mode="edge"))
    affine = np.column_stack([matrix, start]).ravel()
    return np.asarray(wide.transform(tuple(size), Image.AFFINE, affine, Image.BILINEAR))


def draw_slice(tumour: bool, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """An axial head slice, uint8 (H, W), 160 to 320 a side, and the tumour's mask, bool (H, W).
    Ellipses after Shepp & Logan, "The Fourier reconstruction of a head section", IEEE Trans. Nucl. Sci. 21 (1974)."""
    signals = scalp, bone, fluid, grey, white, _ = (rng.choice(SIGNALS) * rng.uniform(0.85, 1.15, 6)).tolist()
    y, x = np.ogrid[: (width := rng.uniform(160, 245)) * rng.uniform(1, 1.3), :width]
    b, a = rng.uniform(0.82, 0.92, 2) * (middle := np.array([y.size, x.size]) / 2)
    head = edge_share(y, x, middle, (a, b), rng, wobble=0.03)
    image = np.zeros(head.shape, np.float32)
    for limit, tissue in ((1, scalp), (rng.uniform(0.9, 0.95), bone), (0.87, fluid), (0.83, grey)):
        lay(image, head / limit, tissue)
    folds = texture(head.shape, a / rng.uniform(18, 26), rng)
    folds = folds + 0.5 * folds[:, ::-1]  # the halves of a brain resemble each other
    lay(image, head / np.clip(0.7 + 0.07 * folds, 0.4, 0.81), white, 0.08)
    sulci = np.exp(-((folds / 0.2) ** 2)) * np.clip((head - rng.uniform(0.2, 0.45)) / 0.35, 0, 1)
    fissure = np.exp(-((((x - middle[1]) / a + 0.01 * folds) / 0.018) ** 2))
    fissure *= abs(y - middle[0]) > b * rng.uniform(0, 0.5)
    lay(image, head / 0.85, fluid, amount=rng.uniform(0.5, 0.9) * np.maximum(sulci, fissure))
    horn = rng.uniform([0.035, 0.14], [0.09, 0.24]) * (a, b)  # half width and half length of a ventricle's horn
    for side, end in ((-1, -1), (1, -1), (-1, 1), (1, 1)) if rng.random() < 0.75 else ():  # some slices pass above them
        lay(image, edge_share(y, x, middle + (0, 0.27 * side * a), (0.11 * a, 0.15 * b), rng), grey, 0.3, 0.6)
        place = middle + (end * 0.2 * b, side * (0.14 + 0.03 * end) * a)
        lay(image, edge_share(y, x, place, horn, rng, angle=-0.3 * side * end), fluid, 0.2)
    mask = add_tumour(image, y, x, head, middle, (b, a), signals, rng) if tumour else np.zeros(head.shape, bool)
    image = gaussian_filter(image * (1 + 0.04 * texture(head.shape, 1.5, rng)), rng.uniform(0.4, 1))
    angle, noise = rng.uniform(-12, 12), rng.uniform(0.005, 0.04) * rng.standard_normal((2, *head.shape), np.float32)
    image, mask = (np.asarray(Image.fromarray(plane).rotate(angle, Image.BILINEAR)) for plane in (image, mask))
    image = rng.uniform(190, 280) * np.hypot(image + noise[0], noise[1])  # Rician, as in every magnitude image
    return np.clip(image, 0, 255).astype(np.uint8), mask


def add_tumour(image, y, x, head, middle, axes, signals, rng):
    """Paint a blob 12 to 30 % of the head's width across, solid or a ring, with oedema, into `image`; returns its mask."""
    (_, bone, fluid, *_, tumour), brain = signals, head < 0.85
    size, turn = axes[1] * rng.uniform(0.13, 0.29), rng.uniform(0, 2 * np.pi)
    place = middle + rng.uniform(0.2, 0.8 - size / axes[1]) * np.array([np.sin(turn), np.cos(turn)]) * axes
    share = edge_share(y, x, place, size * rng.uniform([0.95, 0.8], [1.05, 1.0]), rng, angle=turn, wobble=0.2)
    lay(image, share / rng.uniform(1.3, 1.8), fluid, 0.5, 0.4 * brain)  # oedema is water: dark in T1
    lay(image, share, tumour, 0.12, rng.uniform(0.6, 1) * brain)
    lay(image, share / rng.uniform(0.55, 0.75), bone, 0.2, rng.choice([0, 0, 0, 0.5, 0.7]) * brain)  # a dead core
    return (share < 1) & brain


def encode(picture, form="JPEG"):
    """A picture, as an array, as the bytes of a file."""
    Image.fromarray(picture).save(buffer := io.BytesIO(), form, quality=90)
    return buffer.getvalue()


def write_zip(path, members, truth):
    """Write members (name -> bytes) and truth.csv (pairs), all dated 1980 and sorted by name: their order tells nothing."""
    members["truth.csv"] = "".join(f"{name},{owner}\n" for name, owner in truth)
    with zipfile.ZipFile(whole := io.BytesIO(), "w") as archive:
        for name in sorted(members):
            archive.writestr(zipfile.ZipInfo(name), members[name])
    files.write(path, lambda temporary: temporary.write_bytes(whole.getvalue()))


def write_blood_archive(path: Path, *, seed: int, photographs: int, views: int, progress=lambda items, **_: items):
    """Draw `photographs` a class, a fifth of them for TEST, and `views` of each, in the layout of Kaggle's archive.
    A view's name tells nothing of its photograph (truth.csv does). More views change no photograph: each has a seed."""
    members, truth, tests = {}, [("path", "photo")], max(1, round(photographs / 5)) if photographs > 1 else 0
    names = np.random.default_rng([seed, 4, 1]).permutation(len(CELLS) * photographs)
    places = np.random.default_rng([seed, 4, 2]).permutation(names.size * views).reshape(names.size, views)
    for number, name in enumerate(progress(names, desc="smears")):
        label, k = divmod(number, photographs)
        photo, smear = f"BloodImage_{name:05d}", draw_smear(CELLS[label], np.random.default_rng([seed, label, k]))
        members[f"dataset-master/dataset-master/JPEGImages/{photo}.jpg"] = encode(smear)
        folder = f"dataset2-master/dataset2-master/images/{'TEST' if k < tests else 'TRAIN'}/{CELLS[label]}"
        for view, place in enumerate(places[number], 1):
            rng = np.random.default_rng([seed, label, k, view])
            truth.append((f"{folder}/_{place}_{rng.integers(10_000)}.jpeg", photo))
            members[truth[-1][0]] = encode(augment(smear, rng))
    write_zip(path, members, truth)


def write_brain_archive(path: Path, *, seed: int, patients: int, progress=lambda items, **_: items):
    """Draw a slice of each of `patients` a class; as in Kaggle's archive 4 % are there twice and some are stored as RGB."""
    members, truth = {}, [("path", "patient")]
    for tumour, name in enumerate(("no/{} no.jpg", "yes/Y{}.jpg")):
        rng = np.random.default_rng([seed, 6, tumour])
        slices = [*range(patients), *rng.choice(patients, round(0.04 * patients), replace=False).tolist()]
        for number, patient in zip(rng.permutation(len(slices)) + 1, progress(slices, desc="slices")):
            own = np.random.default_rng([seed, tumour, patient])
            image, mask = draw_slice(bool(tumour), own)
            members[name.format(number)] = encode(np.dstack([image] * 3) if own.random() < 0.06 else image)
            if tumour:
                members[f"masks/Y{number}.png"] = encode(mask, "PNG")
            truth.append((name.format(number), f"{('no', 'yes')[tumour]}-{patient}"))
    write_zip(path, members, truth)


DRAW = {"blood": write_blood_archive, "brain": write_brain_archive}
