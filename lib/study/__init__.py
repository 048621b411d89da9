"""A study: its parameters (schema), its paths (paths), when a run is finished (settings), your own images (own).

    params/<study>/params.yaml --load_study--> Study --cell, run--> Cell and Run, which name every path of a study

Nothing here imports torch, so a misspelt parameter is reported within a second.
"""

from lib.study.paths import Cell, Run
from lib.study.schema import Study, load_study

__all__ = ["Cell", "Run", "Study", "load_study"]
