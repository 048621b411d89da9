"""What the first cell of every notebook does in Colab, once the project is cloned: install what is missing, make what comes before.

    requirements.txt, what is installed --lacking--> pip install;   05_train --BEFORE--> dvc repro of the stage

Only the standard library is imported: nothing else is there yet. `python lib/colab.py 05_train` runs it anywhere.
"""

import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNTOUCHED = ["torch", "torchvision", "numpy"]  # another version of these would break what is loaded already
UNUSED = {
    "jupyterlab",
    "nbval",
    "pytest",
    "pytest-xdist",
    "hypothesis",
    "ruff",
    "nbstripout",
    "pre-commit",
}  # for who works on the project
BLOOD = "phantom-blood-published"
BEFORE = {  # a notebook with its default parameters -> the stage of dvc.yaml that makes all it reads, and its own page
    "02_groups": "download@phantom-blood",
    "03_split": "groups@phantom-blood",
    "04_attention": "page@04_attention",
    "05_train": f"split@{BLOOD}",
    "06_evaluate": "evaluate",
    "07_figures": "figures",
    "08_claims": "claims",
    "09_report": "report",
    "10_use": "page@10_use",
}


def installed(name: str) -> str | None:
    """The version of a package that is here; None: it is not."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def lacking(requirements: str) -> list[str]:
    """Requirements whose package is not installed in any version, without what is never touched or not used here."""
    wanted = re.findall(r"^([A-Za-z][\w.-]*)(==\S+)", requirements, re.M)
    return [name + pin for name, pin in wanted if not installed(name) and name not in {*UNTOUCHED, *UNUSED}]


def install() -> None:
    """Install what lacks; pip may change none of what is never touched."""
    wanted = lacking((ROOT / "requirements.txt").read_text())
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept.txt"
        kept.write_text("".join(f"{name}=={installed(name)}\n" for name in UNTOUCHED if installed(name)))
        print(f"installing {len(wanted)} packages; {', '.join(kept.read_text().split())} stay as they are", flush=True)
        if wanted:
            subprocess.run([sys.executable, "-m", "pip", "install", "-q", "-c", str(kept), *wanted], check=True)


def main(notebook: str) -> None:
    """Install, then run the pipeline of the demo up to what a notebook reads."""
    install()
    if notebook in BEFORE:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        command = [sys.executable, "-m", "dvc", "repro", BEFORE[notebook]]
        subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "PATH": path})


if __name__ == "__main__":
    main(sys.argv[1])
