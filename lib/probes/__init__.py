"""Measurements of attention for notebook 04: which head wins (ties), where models look (maps), the cost (costs)."""

from lib.study import Run, Study


def trained_vits(study: Study, split: str) -> list[Run]:
    """Every run of a ViT under a split that has a result; empty unless all weights and images are on this machine.

    Git does not hold weights and images, so in a fresh clone pages show the committed tables.
    """
    cells = [cell for cell in study.cells if cell.split == split]
    models = study.vits(plain=True) + study.vits(plain=False)
    runs = [run for cell in cells for model in models for run in cell.with_result(model)]
    complete = all(run.has_weights and (run.cell.images / "pixels.npy").exists() for run in runs)
    return runs if complete else []
