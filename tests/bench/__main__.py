"""`make bench`: every comparison, printed as it comes, and written to reports/bench."""

import os
import platform

import pandas as pd
import torch
import yaml

from lib.files import write, write_csv
from lib.study import ROOT
from tests.bench import attention, epoch, pipeline

made = []
for part in (pipeline, attention, epoch):
    for one in part.rows():
        made.append(one)
        ratio = "        " if one["ratio"] is None else f"{one['ratio']:7.3f}x"
        met = {True: "met", False: "MISSED", None: ""}[one["met"]]
        print(
            f"{ratio} {one['what']}, against {one['against']} ({one['device']}; goal: {one['goal']}) {met}", flush=True
        )
machine = {
    "cpu_cores": os.cpu_count(),
    "threads": torch.get_num_threads(),
    "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    "system": platform.system(),
    "python": platform.python_version(),
    "torch": torch.__version__,
}
write_csv(pd.DataFrame(made), ROOT / "reports" / "bench" / "bench.csv")
write(ROOT / "reports" / "bench" / "machine.yaml", lambda path: path.write_text(yaml.safe_dump(machine)))
