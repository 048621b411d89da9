"""Images of one's own -> a study of them, which the same pipeline runs: what `make report IMAGES=...` does first.

    folder or table --look--> a catalogue entry --found--> params/datasets/<name>.yaml, params/<name>/

`python -m lib.own path/to/images` prints the study's name. A second call says that images have changed, and keeps what
was edited in params.yaml.
"""

import hashlib
import re
import shutil
import string
import sys
import unicodedata
from pathlib import Path

import yaml

from lib import catalogue
from lib.archives import Folder
from lib.catalogue import Dataset
from lib.datasets import listed, matched, read_table
from lib.decoding import SUFFIXES
from lib.errors import StudyError
from lib.files import write
from lib.schema import printable, validated
from lib.study import ROOT

FEWEST = 5  # sources (or images, where nobody says whose they are) a class: one for each fifth of a split
SOURCES = [
    "patient",
    "photograph",
    "group",
]  # a column of such a name, also Patient or patient_id, says which images belong together
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation"}  # folders of this name are no classes
SEEN = 30_000  # images that a training sees at least, within 8 to 40 epochs
NOTE = "# Written by `make report IMAGES=...`, and written anew by it, but for `pictures`: true lets pages show some of the images.\n"
CLAIM = {
    "words": "the proposed ViT is more accurate than the plain one on these images",
    "place": "abstract, asked of other images",
    "rule": "greater",
    "measure": "difference",
    "margin": 0.0,
}


def look(top: Path, table: str | None) -> dict:
    """The catalogue entry of a folder: one sub-folder a class; or of a table in it with columns path, label and maybe patient.

    Raises:
        StudyError: no sub-folders or no images in them, a table without its columns, fewer than two classes.
    """
    folder = Folder(top)
    entry = {"title": title_of(top if table is None else Path(table)), "folder": f"data/own/{study_name(top, table)}"}
    if table is None:
        names = [name for name in folder.namelist() if name.lower().endswith(SUFFIXES) and "/" in name]
        classes = sorted({name.split("/")[0] for name in names})
        entry |= {"images": "{label}/**", "classes": printed(classes)}
        if len({name.lower() for name in classes} & PARTS) > 1:
            raise StudyError(
                f"{top} is divided into {', '.join(classes)}: name one of them, with a sub-folder a class; parts are made here"
            )
    else:
        rows = read_table(folder, table)
        if lacking := [name for name in ["path", "label"] if name not in rows]:
            raise StudyError(f"{top / table} has no column {' or '.join(lacking)}: it has {', '.join(rows.columns)}")
        spelt = {re.sub(r"[ _-]?id$", "", name.strip().lower()): name for name in rows}
        source = next((spelt[name] for name in SOURCES if name in spelt), None)
        says = (
            f"column {source!r} says which images belong together"
            if source
            else f"no column is called {' or '.join(SOURCES)}: images are told apart by what they show"
        )
        print(f"{table}: {says}", file=sys.stderr)
        classes = sorted(set(rows.label) - {""})
        entry |= {"images": "{path}", "classes": printed(classes)}
        entry |= {"table": {"file": table, "path": "path", "label": "label", "source": source}}
    if len(classes) < 2:
        links = [path.name for path in sorted(top.iterdir()) if path.is_symlink() and path.is_dir()]
        raise StudyError(
            f"{top / (table or '')} has {len(classes)} classes with images, and two are needed: a sub-folder a class "
            f"with {', '.join(SUFFIXES)} files, or a CSV file with the columns path, label and, if known, patient or photograph"
            + f"; links to elsewhere are not followed: {', '.join(links)}"
            * bool(links)
        )
    return entry


def found(top: Path, entry: Dataset) -> str:
    """A digest of the images' names, sizes and times. StudyError: a class of too few images, or sources, to split."""
    archive = Folder(top)
    table = listed(archive, entry) if entry.table else matched(archive, entry)
    evidence = table.source.where(table.source != "", table.path)
    numbers = evidence.groupby(table.label).nunique().reindex(list(entry.classes.values()), fill_value=0)
    if few := [f"{label} ({number})" for label, number in numbers.items() if number < FEWEST]:
        unit = "images" if (table.source == "").all() else "patients or photographs"
        raise StudyError(
            f"too few {unit} of {', '.join(few)}: {FEWEST} of each class are the least that can be split into parts to train on, "
            "to choose by and to test on, and then the report will still say that little can be told; add images or leave the class out"
        )
    stats = [(top / name).stat() for name in table.path]
    lines = [f"{row} {stat.st_size} {stat.st_mtime_ns}" for row, stat in zip(table.itertuples(index=False), stats)]
    lines.append(f"pictures {entry.pictures}")
    return f"{len(table)}-{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:12]}"


def printed(classes: list[str]) -> dict[str, str]:
    """Each class's name as reports print it: without what HTML or formulas would take for theirs, and no two alike."""
    names = {}
    for label in classes:
        plain = re.sub(r"[<>&`$;\\\s]+", " ", label).strip() or "class"
        same = [name for name in names.values() if name == plain or name.startswith(f"{plain} (")]
        names[label] = printable(f"{plain} ({len(same) + 1})" if same else plain)
    return names


def title_of(path: Path) -> str:
    """A folder's or a table's name as a title."""
    words = re.sub(r'["_-]', " ", path.stem)
    return printed([words])[words]


def study_name(top: Path, table: str | None) -> str:
    """The study's name: that of the folder or table in plain letters; own- before it if a study of this name is here already."""
    ascii_only = (
        unicodedata.normalize("NFKD", Path(table).stem if table else top.name).encode("ascii", "ignore").decode()
    )
    name = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-") or "own"
    here = name in catalogue.names() or (ROOT / "params" / name).exists()
    theirs = here and not (name in catalogue.names() and catalogue.entry(name).folder)
    return f"own-{name}" if theirs or yaml.safe_load(name) != name else name  # 2024 and yes are no names to YAML


def make_study(path: Path) -> str:
    """Write the study of a folder or table, or say that its images have changed; returns its name."""
    if not path.exists():
        raise StudyError(
            f"{path} is not there: IMAGES is a folder with a sub-folder a class, or a CSV file with path and label"
        )
    top, table = (path.parent, path.name) if path.is_file() else (path, None)
    name, entry = study_name(top.resolve(), table), look(top.resolve(), table)
    entry["pictures"] = name in catalogue.names() and catalogue.entry(name).pictures
    version = found(top, validated(Dataset, entry, str(path)))
    link, folder = ROOT / entry["folder"], ROOT / "params" / name
    before = catalogue.entry(name).table if name in catalogue.names() else None
    if link.exists() and (link.resolve() != top.resolve() or (before and before.file) != table):
        raise StudyError(
            f"a study {name} is here already, of {link.resolve() / (before.file if before else '')}: rename this folder or table,"
            f" or delete params/{name}, params/datasets/{name}.yaml, runs/{name} and reports/{name}"
        )
    if link.resolve() != top.resolve():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(top.resolve())
    entry_path, parameters = ROOT / "params/datasets" / f"{name}.yaml", folder / "params.yaml"
    texts = {entry_path: NOTE + yaml.safe_dump(entry, sort_keys=False, allow_unicode=True)}
    if parameters.exists():
        texts[parameters] = re.sub(r"(?m)^(    version: ).*?( *#|$)", rf'\g<1>"{version}"\2', parameters.read_text())
    else:
        images = min(int(version.split("-")[0]), 2500)
        filled = {"study": name, "title": entry["title"], "epochs": max(8, min(40, SEEN // images)), "version": version}
        texts[parameters] = string.Template((ROOT / "params/own.yaml").read_text()).substitute(filled)
        of = {"metric": "accuracy", "dataset": name, "split": "group", "models": ["vit-proposed"], "minus": ["vit"]}
        texts[folder / "claims.yaml"] = yaml.safe_dump({"improved": {**CLAIM, "of": of}}, sort_keys=False)
    for file, text in texts.items():
        write(file, lambda part, text=text: part.write_text(text, encoding="utf-8"))
    shutil.copyfile(ROOT / "params/quick/dvc.yaml", folder / "dvc.yaml")
    return name


if __name__ == "__main__":
    try:
        print(make_study(Path(sys.argv[1]).expanduser()))
    except StudyError as error:
        sys.exit(f"error: {error}")
