"""What notebook 04 measures of attention: which head wins (ties), where models look (maps), what it costs (costs)."""

from lib.study import Run, Study


def trained_vits(study: Study, split: str) -> list[Run]:
    """Every run of a ViT under a split that has a result, if the weights and the images of all are here; else none.

    Weights and images are not in Git: in a fresh clone there are none, and pages show the committed tables.
    """
    cells = [cell for cell in study.cells if cell.split == split]
    models = study.vits(plain=True) + study.vits(plain=False)
    runs = [run for cell in cells for model in models for run in cell.with_result(model)]
    complete = all(run.has_weights and (run.cell.images / "pixels.npy").exists() for run in runs)
    return runs if complete else []
