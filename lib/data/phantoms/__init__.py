"""Drawn blood smears and brain slices with known truth: which photograph a view shows, and where a tumour lies.

    arguments, seed --DRAW[kind]--> a zip file in the layout of Kaggle's archive, and truth.csv in it

They imitate Kaggle's paultimothymooney/blood-cells and navoneel/brain-mri-images-for-brain-tumor-detection and copy
nothing of them. Equal arguments give byte-identical archives, as long as NumPy, SciPy and Pillow stay the same.
"""

from lib.data.phantoms.slices import write_brain_archive
from lib.data.phantoms.smears import write_blood_archive

# Raise it when equal arguments draw other pictures; everything is then drawn again. tests/test_phantoms.py notices.
VERSION = 1

# kind of drawing (`draw` in params/datasets) -> function (path, *, progress, **arguments): see lib.data.catalogue.DRAWN
DRAW = {"blood": write_blood_archive, "brain": write_brain_archive}
