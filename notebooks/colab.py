"""What the first cell of a notebook does in Colab, in a clone: install what is missing, run the stages before it.

python colab.py 05_train     # from notebooks/; imports the standard library alone: nothing else is there yet
"""

import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNTOUCHED = ["torch", "torchvision", "numpy"]  # another version of these would break what is loaded already
BEFORE = {  # a notebook with its default parameters -> the stage of dvc.yaml that makes all it reads
    "02_groups": "download@phantom-blood",
    "03_split": "groups@phantom-blood",
    "04_attention": "page@04_attention",
    "05_train": "split@phantom-blood-published",
    "06_evaluate": "evaluate",
    "07_figures": "figures",
    "08_claims": "claims",
    "09_report": "pages",
    "10_use": "page@10_use",
    "11_own": "evaluate",
}


def missing(requirements: str) -> list[str]:
    """Requirements whose package is not installed in any version, except those that are never touched."""
    have = {distribution.name.lower().replace("_", "-") for distribution in distributions()} | set(UNTOUCHED)
    pinned = re.findall(r"^([A-Za-z][\w.-]*)(==\S+)", requirements, re.M)
    return [name + version for name, version in pinned if name.lower().replace("_", "-") not in have]


def install() -> None:
    """Install what is missing; pip may not change the packages that are never touched."""
    needed = missing((ROOT / "requirements.txt").read_text())
    kept = [f"{d.name}=={d.version}" for d in distributions() if d.name in UNTOUCHED]
    print(f"installing {len(needed)} packages; {', '.join(kept)} stay as they are", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "kept.txt"
        constraints.write_text("\n".join(kept))
        if needed:
            subprocess.run([sys.executable, "-m", "pip", "install", "-q", "-c", str(constraints), *needed], check=True)


def main(notebook: str) -> None:
    """Install, then run the pipeline of the demo up to what a notebook reads."""
    install()
    if notebook in BEFORE:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        command = [sys.executable, "-m", "dvc", "repro", BEFORE[notebook]]
        subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "PATH": path})


if __name__ == "__main__":
    main(sys.argv[1])
