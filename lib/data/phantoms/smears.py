"""Draw blood smears: photographs with one white cell each, and augmented views of them."""

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from lib.data.archives import quiet
from lib.data.phantoms.painting import edge_share, encode, lay, texture, write_zip

CELLS = ("EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL")
SIZE = (240, 320)  # px: rows, columns

# Optical densities (natural log) for red, green and blue light: they add up where cells overlap, as under a microscope.
RED_CELL = np.array([0.07, 0.31, 0.30])
NUCLEUS = np.array([0.66, 1.15, 0.14])
PLATELET = np.array([0.45, 0.60, 0.12])
CYTOPLASM = {
    "EOSINOPHIL": np.array([0.04, 0.62, 0.50]),
    "LYMPHOCYTE": np.array([0.55, 0.38, 0.05]),
    "MONOCYTE": np.array([0.36, 0.25, 0.04]),
    "NEUTROPHIL": np.array([0.09, 0.25, 0.09]),
}
# Smallest and largest radius, px.
RADIUS = {"EOSINOPHIL": (34, 44), "LYMPHOCYTE": (24, 33), "MONOCYTE": (40, 54), "NEUTROPHIL": (35, 46)}
# A nucleus is a chain of lobes on an arc, joined by bridges. Smallest and largest number of lobes:
LOBES = {"EOSINOPHIL": (2, 2), "LYMPHOCYTE": (1, 1), "MONOCYTE": (3, 3), "NEUTROPHIL": (3, 5)}
# Radius of the arc, radius of a lobe and half width of a bridge (the cell's radius is 1), and turns of the arc:
CHAIN = {
    "EOSINOPHIL": (0.44, 0.42, 0.1, 0.4),
    "LYMPHOCYTE": (0, 0.87, 0, 0),
    "MONOCYTE": (0.33, 0.46, 0.33, 0.45),
    "NEUTROPHIL": (0.46, 0.3, 0.1, 0.66),
}


def outline(centre, radius: float, rng):
    """Place a cell of this radius (px): slices of the smear, their row and column numbers, and the edge share."""
    rows, columns = (
        slice(max(0, int(c - 1.5 * radius)), min(n, int(c + 1.5 * radius) + 2)) for c, n in zip(centre, SIZE)
    )
    y, x = np.ogrid[rows, columns]
    radii = radius * rng.uniform([0.9, 0.75], [1.1, 1.0])
    share = edge_share(y, x, centre, radii, rng, angle=rng.uniform(0, np.pi))
    return (rows, columns), y, x, share[..., None]


def put_disc(density, centre, radius: float, pallor: float, stain, zoom: float, rng) -> None:
    """Add a red cell or a platelet of `radius` (px, before `zoom`); `pallor`: how much thinner its middle is."""
    part, _, _, share = outline(centre, zoom * radius, rng)
    pale = np.exp(-((share / rng.uniform(0.35, 0.6)) ** 4))
    rim = np.exp(-(((share - 0.92) / 0.1) ** 2))
    thickness = rng.uniform(0.75, 1.15) * (1 - pallor * pale + 0.25 * rim)
    lay(density[part], share, density[part] + thickness * stain, 2.5 / radius)


def put_white_cell(density, label: str, centre, radius: float, rng) -> None:
    """Draw the white cell. It pushes red cells aside, so its density replaces theirs."""
    part, y, x, share = outline(centre, radius, rng)
    fine = texture(share.shape[:2], 1.2, rng)[..., None]
    coarse = texture(share.shape[:2], 2.2, rng)[..., None]
    if label == "EOSINOPHIL":  # granules
        grain = 0.8 * np.clip(0.4 + fine, 0, 1.3) - 0.4
    elif label == "MONOCYTE":  # vacuoles
        grain = -0.8 * np.clip(3 * coarse - 4.5, 0, 1)
    else:
        grain = 0.12 * fine
    cell = (1 + grain) * CYTOPLASM[label] * rng.uniform(0.75, 1.2, 3)

    # a lymphocyte's chromatin is dense
    depth = (1.2 if label == "LYMPHOCYTE" else 1) * rng.uniform(0.75, 1.1, 3)
    chromatin = depth * (1 + 0.1 * coarse) * NUCLEUS + 0.2 * cell
    arc, lobe, bridge, span = CHAIN[label]
    span = span * rng.uniform(0.85, 1.15)
    number = rng.integers(*LOBES[label], endpoint=True)
    # places on the arc: lobe, bridge, lobe, ...
    turns = 2 * np.pi * (np.linspace(0, span, 2 * number - 1) + rng.random())
    for place, turn in enumerate(turns):
        is_bridge = place % 2 == 1
        radii = np.array([0.34, bridge]) if is_bridge else lobe * rng.uniform([0.95, 0.8], [1.12, 1.0])
        middle = centre + radius * arc * rng.uniform(0.85, 1.1) * np.array([np.sin(turn), np.cos(turn)])
        inside = edge_share(y, x, middle, radius * radii, rng, angle=turn + np.pi / 2)
        lay(cell, inside[..., None], chromatin, 0.12)
    lay(density[part], share, cell, 0.1)


def draw_smear(label: str, rng: np.random.Generator) -> np.ndarray:
    """Draw a photograph, uint8 (240, 320, 3): a white cell, `label` of CELLS, 25 to 45 red cells, and platelets."""
    zoom = rng.uniform(0.88, 1.12)
    radius = zoom * rng.uniform(*RADIUS[label])
    # the frame cuts at most one white cell in ten
    margin = np.full(2, radius * (1 if rng.random() < 0.9 else 0.3))
    centres = [rng.uniform(margin, SIZE - margin)]
    discs = []
    for _ in range(rng.integers(25, 46)):
        # cells avoid one another: of three random places, the one with the most distance to its nearest neighbour
        places = rng.uniform(-12, np.add(SIZE, 12), (3, 2))
        distances = [np.square(centres - place).sum(1).min() for place in places]
        centres.append(places[np.argmax(distances)])
        discs.append((centres[-1], rng.uniform(18, 24), rng.uniform(0.1, 0.9), RED_CELL))
    for _ in range(rng.integers(1, 7)):
        discs.append((rng.uniform(0, SIZE), rng.uniform(3, 6), 0, PLATELET))

    density = np.zeros((*SIZE, 3), np.float32)
    for centre, disc_radius, pallor, stain in discs:
        put_disc(density, centre, disc_radius, pallor, stain, zoom, rng)
    put_white_cell(density, label, centres[0], radius, rng)
    return expose(density, rng)


def expose(density: np.ndarray, rng) -> np.ndarray:
    """Optical density (240, 320, 3) -> a photograph, uint8, with uneven tinted light, blur, and noise."""
    rows = np.linspace(*rng.uniform(-0.07, 0.07, 2), SIZE[0])
    columns = np.linspace(*rng.uniform(-0.07, 0.07, 2), SIZE[1])
    lamp = 1 + np.add.outer(rows, columns)[..., None]
    tint = rng.uniform(190, 225) * rng.uniform([0.97, 0.955, 0.96], [1.03, 1.015, 1.02])
    light = np.exp(-rng.uniform(0.75, 1.2) * density)
    light = gaussian_filter(light, rng.uniform(0.5, 1.3), axes=(0, 1))
    noise = rng.normal(0, rng.uniform(1.5, 5), light.shape)
    return np.clip(light * lamp * tint + noise, 0, 255).astype(np.uint8)


def augment(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make one view of a photograph, uint8 (H, W, 3) as both: flipped, turned, sheared, shifted.

    Pixels outside the photograph are black, or repeat its edge.
    """
    size = np.array(photograph.shape[1::-1])
    pad = int(rng.integers(2)) * photograph.shape[0] // 2
    # angles of the two axes, radians; they differ by the shear
    turn, lean = rng.uniform(-0.5, 0.5) + np.array([0, rng.uniform(-0.12, 0.12)])
    matrix = np.array([[np.cos(turn), np.sin(lean)], [-np.sin(turn), np.cos(lean)]]) * rng.choice([-1, 1], 2)
    start = size / 2 + pad + rng.uniform(-0.1, 0.1, 2) * size - matrix @ (size / 2)
    padded = Image.fromarray(np.pad(photograph, ((pad, pad), (pad, pad), (0, 0)), mode="edge"))
    affine = np.column_stack([matrix, start]).ravel()
    return np.asarray(padded.transform(tuple(size), Image.AFFINE, affine, Image.BILINEAR))


def write_blood_archive(path: Path, *, seed: int, photographs: int, views: int, progress=quiet) -> None:
    """Draw `photographs` per class, a fifth of them for TEST, and `views` of each, in the layout of Kaggle's archive.

    A view's name does not tell its photograph; truth.csv does. Each view has its own random stream, so that more views
    change no photograph.
    """
    tests = max(1, round(photographs / 5)) if photographs > 1 else 0
    number = len(CELLS) * photographs
    names = np.random.default_rng([seed, 4, 1]).permutation(number)
    places = np.random.default_rng([seed, 4, 2]).permutation(number * views).reshape(number, views)
    members = {}
    truth = [("path", "photo")]
    for i, name in enumerate(progress(names, desc="smears")):
        label, k = divmod(i, photographs)
        smear = draw_smear(CELLS[label], np.random.default_rng([seed, label, k]))
        photo = f"BloodImage_{name:05d}"
        members[f"dataset-master/dataset-master/JPEGImages/{photo}.jpg"] = encode(smear)
        part = "TEST" if k < tests else "TRAIN"
        folder = f"dataset2-master/dataset2-master/images/{part}/{CELLS[label]}"
        for view, place in enumerate(places[i], 1):
            rng = np.random.default_rng([seed, label, k, view])
            member = f"{folder}/_{place}_{rng.integers(10_000)}.jpeg"
            members[member] = encode(augment(smear, rng))
            truth.append((member, photo))
    write_zip(path, members, truth)
