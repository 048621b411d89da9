"""`make bench`: every comparison, printed and written to reports/bench; `python -m tests.bench epoch`: one part."""

import os
import platform
import sys
from importlib.metadata import version
from importlib.util import find_spec

import pandas as pd
import torch
import yaml

from lib import strict
from lib.data.files import write
from tests.bench import attention, costs, epoch, pipeline, repeats, scaling, speed, studies

PARTS = {
    "speed": speed,
    "pipeline": pipeline,
    "attention": attention,
    "costs": costs,
    "epoch": epoch,
    "repeats": repeats,
    "scaling": scaling,
    "studies": studies,
}


def line(one: dict) -> str:
    """A comparison as it is printed."""
    number = "" if one["measured"] is None else f"{one['measured']:.1e}"
    ratio = f"{number:8}" if one["ratio"] is None else f"{one['ratio']:7.3f}x"
    met = {True: "met", False: "MISSED", None: ""}[one["met"]]
    return f"{ratio} {one['what']}, against {one['against']} ({one['device']}; goal: {one['goal']}) {met}"


def machine() -> dict:
    """What it was measured on, and how busy it was just before."""
    return {
        "cpu_cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_average": round(os.getloadavg()[0], 2),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "timm": version("timm") if find_spec("timm") else "none",
    }


def main(parts: list[str]) -> None:
    """Measure parts; replace their rows of bench.csv, and in machine.yaml what each was measured on."""
    path, measured_on = strict.ROOT / "reports" / "bench" / "bench.csv", machine()
    machines = path.with_name("machine.yaml")
    for part in parts:
        strict.known(part, PARTS, "part of the benchmark")
    tables = []
    if path.exists():
        kept = pd.read_csv(path)
        tables.append(kept[~kept.part.isin(parts)])
    for part in parts:
        for one in PARTS[part].rows():
            print(line(one), flush=True)
            tables.append(pd.DataFrame([{"part": part, **one}]))
    table = pd.concat(tables).astype(dict.fromkeys(["measured", "base", "ratio"], float))
    # ten digits, because some differences are as small as rounding
    write(path, lambda file: table.to_csv(file, index=False, float_format="%.10g"))
    scaling.write_page(pd.read_csv(path))
    known = yaml.safe_load(machines.read_text()) if machines.exists() else {}
    known |= {part: dict(measured_on) for part in parts}
    write(machines, lambda file: file.write_text(yaml.safe_dump(known)))


if __name__ == "__main__":
    main(sys.argv[1:] or list(PARTS))
