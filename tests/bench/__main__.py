"""`make bench`: every comparison, printed, and written to reports/bench; `python -m tests.bench epoch` makes one part anew."""

import os
import platform
import sys

import pandas as pd
import torch
import yaml

from lib.files import write
from lib.study import ROOT
from tests.bench import attention, epoch, pipeline, repeats, scaling

PARTS = {"pipeline": pipeline, "attention": attention, "epoch": epoch, "repeats": repeats, "scaling": scaling}
path = ROOT / "reports" / "bench" / "bench.csv"
wanted = sys.argv[1:] or list(PARTS)
made = pd.read_csv(path).query("part not in @wanted") if path.exists() else pd.DataFrame()
for part in wanted:
    for one in PARTS[part].rows():
        number = "" if one["measured"] is None else f"{one['measured']:.1e}"
        ratio = f"{number:8}" if one["ratio"] is None else f"{one['ratio']:7.3f}x"
        met = {True: "met", False: "MISSED", None: ""}[one["met"]]
        print(
            f"{ratio} {one['what']}, against {one['against']} ({one['device']}; goal: {one['goal']}) {met}", flush=True
        )
        made = pd.concat([made, pd.DataFrame([{"part": part, **one}])])
machine = {
    "cpu_cores": os.cpu_count(),
    "threads": torch.get_num_threads(),
    "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    "system": platform.system(),
    "python": platform.python_version(),
    "torch": str(torch.__version__),
}
made = made.astype(dict.fromkeys(["measured", "base", "ratio"], float))
write(
    path, lambda file: made.to_csv(file, index=False, float_format="%.10g")
)  # some differences are as small as rounding
scaling.tell(pd.read_csv(path))
write(path.with_name("machine.yaml"), lambda file: file.write_text(yaml.safe_dump(machine)))
