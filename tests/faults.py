"""Kill a study at random moments, let it go on, compare every file. `make test-faults`: twenty times, in every stage.

a finished study --a stage's outputs deleted, dvc repro--> SIGKILL within that stage --dvc repro--> the same bytes?
"""

import hashlib
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import yaml
from conftest import ROOT, Project
from server import serve

from lib.data import phantoms

# the stage `download` when it has nothing to fetch: it reads the archive and fills the cache
AT_HAND = ", archive at hand"
# what holds measured seconds
MEASURED = re.compile(r"timing/|04_attention/costs\.|04_attention\.(html|md)|index\.html|08_claims\.html")


class Killed(NamedTuple):
    """A row of the table: where a study was killed, and whether it ended with the same bytes."""

    stage: str
    after_s: float
    went_on: bool
    same: bool
    differing: str


def files(project: Project, study: str) -> dict[str, str]:
    """Digests of every file of a study, except those that hold measured seconds."""
    found = {}
    for folder in [f"data/{study}", f"runs/{study}", f"weights/{study}", f"reports/{study}"]:
        for path in sorted((project.folder / folder).rglob("*")):
            name = str(path.relative_to(project.folder))
            if path.is_file() and not MEASURED.search(name):
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def stages(project: Project, study: str) -> dict[str, list[str]]:
    """What each stage of a finished study wrote, by its name."""
    lock = yaml.safe_load((project.folder / "params" / study / "dvc.lock").read_text())["stages"]
    return {name: [out["path"] for out in stage["outs"]] for name, stage in lock.items()}


def forget(project: Project, study: str, stage: str) -> None:
    """Delete what a stage wrote and what it keeps to resume from; not the archive, if the stage's name says so."""
    stage, at_hand, _ = stage.partition(AT_HAND)
    kept = {"download": ["data/archives"], "groups": ["data/registered"]}.get(stage.split("@")[0], [])
    for name in [*stages(project, study)[stage], *([] if at_hand else kept)]:
        path = project.folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def started(project: Project, study: str, stage: str):
    """`dvc repro` of a study, once it has come to a stage; and the list that its lines are read into."""
    process, lines = project.start("dvc", "repro", f"params/{study}/dvc.yaml"), []
    threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")), daemon=True).start()
    while process.poll() is None and not any(
        f"Running stage 'params/{study}/dvc.yaml:{stage}'" in line for line in list(lines)
    ):
        time.sleep(0.05)
    return process, lines


def seconds_of(project: Project, study: str, stage: str) -> float:
    """How long a stage takes when nobody disturbs it."""
    forget(project, study, stage)
    process, _ = started(project, study, stage.removesuffix(AT_HAND))
    began = time.monotonic()
    process.wait()
    return time.monotonic() - began


def kill_within(project: Project, study: str, stage: str, after_s: float, wanted: dict[str, str]) -> Killed:
    """Kill a study some seconds into a stage, and let it go on."""
    forget(project, study, stage)
    process, _ = started(project, study, stage.removesuffix(AT_HAND))
    time.sleep(after_s)
    if process.poll() is None:
        project.kill(process)
    code, output = project.run("dvc", "repro", f"params/{study}/dvc.yaml")
    found = files(project, study)
    differing = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    says = ", ".join(differing[:3]) if code == 0 else output.strip().splitlines()[-1]
    return Killed(stage, round(after_s, 2), code == 0, not differing, says)


def served_study(folder: Path, address: str) -> Project:
    """A project whose study `faults` fetches its images from an address."""
    project = Project(folder)
    catalogue = project.folder / "params/datasets"
    entry = yaml.safe_load((catalogue / "phantom-blood.yaml").read_text())
    served = {key: value for key, value in entry.items() if key != "draw"} | {"url": f"{address}/served.zip"}
    (catalogue / "served.yaml").write_text(yaml.safe_dump(served))
    values = yaml.safe_load((ROOT / "tests/tiny.yaml").read_text())
    training = {"epochs": 40, "flips": "both"}
    values |= {"study": "faults", "datasets": {"served": training}, "seeds": [0]}
    values["models"] = {name: model for name, model in values["models"].items() if name != "vit"}
    shutil.copytree(project.folder / "params/tiny", project.folder / "params/faults", symlinks=True)
    shutil.copy(ROOT / "params/demo/claims.yaml", project.folder / "params/faults/claims.yaml")
    (project.folder / "params/faults/params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return project


def main(kills: int) -> int:
    """Run the study once, then kill it so often; returns how many of them went wrong."""
    dice = random.Random(0)
    with tempfile.TemporaryDirectory() as name, serve(Path(name) / "site", slow=True) as (address, _):
        (Path(name) / "project").mkdir()
        phantoms.DRAW["blood"](
            Path(name) / "site/served.zip", seed=0, photographs=12, views=8, progress=lambda i, **_: i
        )
        project = served_study(Path(name) / "project", address)
        began = time.monotonic()
        code, output = project.run("dvc", "repro", "params/faults/dvc.yaml")
        print(f"uninterrupted: {time.monotonic() - began:.0f} s", flush=True)
        assert code == 0, output
        wanted, names = files(project, "faults"), [*stages(project, "faults"), f"download@served{AT_HAND}"]
        lasts = {stage: seconds_of(project, "faults", stage) for stage in names}
        chosen = names[:kills] + dice.choices(names, k=max(0, kills - len(names)))
        rows = []
        for stage in chosen:
            rows.append(kill_within(project, "faults", stage, dice.uniform(0.1, 0.9) * lasts[stage], wanted))
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    print(table.to_string())
    print(f"{(table.went_on & table.same).sum()} of {len(table)} kills ended with the same bytes")
    return int((~(table.went_on & table.same)).sum())


if __name__ == "__main__":
    os.environ["PYTHONUNBUFFERED"] = "1"
    sys.exit(main(int(sys.argv[1])))
