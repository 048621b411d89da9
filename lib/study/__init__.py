"""A study: its parameters (schema), its paths (paths), when a run is finished (settings), your own images (own).

    params/<study>/params.yaml --load_study--> Study --cell, run--> Cell and Run: every path of a study by its name

Nothing here imports torch, so a misspelt parameter stops within a second.
"""

from lib.study.paths import Cell, Run
from lib.study.schema import Study, load_study

__all__ = ["Cell", "Run", "Study", "load_study"]
