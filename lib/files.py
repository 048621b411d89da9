"""Files that are whole or not there: written under a temporary name, then moved into place."""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd


def write(path: Path, save: Callable[[Path], object]) -> None:
    """Call `save` with a temporary path beside `path`, then move what it wrote to `path` in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")  # numpy adds a suffix where it misses one
    save(temporary)
    os.replace(temporary, path)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """A table without its index; floats with six decimals, so that equal runs write equal bytes."""
    write(path, lambda p: table.to_csv(p, index=False, float_format="%.6f", lineterminator="\n"))
