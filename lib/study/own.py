"""Your own images -> a study of them, which the same pipeline runs: what `make report IMAGES=...` does first.

    folder or table --describe--> a catalogue entry --make_study--> params/datasets/<name>.yaml, params/<name>/

A second call notices changed images, and keeps what was edited in params.yaml.
"""

import hashlib
import re
import string
import sys
import unicodedata
from pathlib import Path

import yaml

from lib import strict
from lib.data import catalogue
from lib.data.archives import Folder
from lib.data.catalogue import Dataset
from lib.data.datasets import from_names, from_table, read_table
from lib.data.decoding import SUFFIXES
from lib.data.files import write
from lib.strict import StudyError, printable, validated

FEWEST = 5  # sources per class (images, where sources are unknown): one for each fifth of a split
# A column of such a name, also Patient or patient_id, names the source of each image; the first one counts.
SOURCES = ["patient", "photograph", "group"]
# Folders of these names are parts, not classes.
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation"}
SEEN = 30_000  # images that a training sees at least, within 8 to 40 epochs
PASS = 2500  # images per epoch at most (epoch_images of params/own.yaml)
NOTE = (
    "# Written by `make report IMAGES=...`, which overwrites every line but `pictures`:"
    " true lets pages show some of the images.\n"
)
CLAIM = {
    "words": "the proposed ViT is more accurate than the plain one on these images",
    "place": "abstract, asked of other images",
    "rule": "greater",
    "measure": "difference",
    "margin": 0.0,
}


def describe(top: Path, table: str | None) -> dict:
    """The catalogue entry of a folder with one sub-folder per class, or of a table in it.

    The table has the columns path, label and, if known, one of SOURCES.

    StudyError: no sub-folders or no images in them, a table without its columns, fewer than two classes.
    """
    if table is None:
        layout = layout_of_folder(top)
    else:
        layout = layout_of_table(top, table)
    if len(layout["classes"]) < 2:
        problem = f"{top / (table or '')} has {len(layout['classes'])} classes with images, and two are needed"
        cure = (
            f"one sub-folder per class with {', '.join(SUFFIXES)} files, or a CSV file with the columns path, label"
            " and, if known, patient or photograph"
        )
        links = [path.name for path in sorted(top.iterdir()) if path.is_symlink() and path.is_dir()]
        if links:
            cure += f"; links to other folders are not followed: {', '.join(links)}"
        raise StudyError(f"{problem}: {cure}")
    title = title_of(top if table is None else Path(table))
    return {"title": title, "folder": f"data/own/{study_name(top, table)}", **layout}


def layout_of_folder(top: Path) -> dict:
    """The `images` and `classes` of a catalogue entry: one class per sub-folder that holds images at any depth."""
    names = [name for name in Folder(top).namelist() if name.lower().endswith(SUFFIXES) and "/" in name]
    classes = sorted({name.split("/")[0] for name in names})
    if len({name.lower() for name in classes} & PARTS) > 1:
        raise StudyError(
            f"{top} is divided into {', '.join(classes)}: name one of them, with one sub-folder per class;"
            " this project makes the parts itself"
        )
    return {"images": "{label}/**", "classes": printed(classes)}


def layout_of_table(top: Path, table: str) -> dict:
    """The `images`, `classes` and `table` of a catalogue entry; prints which column names the sources."""
    rows = read_table(Folder(top), table)
    if lacking := [name for name in ["path", "label"] if name not in rows]:
        raise StudyError(f"{top / table} has no column {' or '.join(lacking)}: it has {', '.join(rows.columns)}")
    spelt = {re.sub(r"[ _-]?id$", "", name.strip().lower()): name for name in rows}
    source = next((spelt[name] for name in SOURCES if name in spelt), None)
    if source:
        print(f"{table}: column {source!r} says which images belong together", file=sys.stderr)
    else:
        missing = f"no column is called {' or '.join(SOURCES)}"
        print(f"{table}: {missing}; images that look alike are grouped instead", file=sys.stderr)
    classes = sorted(set(rows.label) - {""})
    columns = {"file": table, "path": "path", "label": "label", "source": source}
    return {"images": "{path}", "classes": printed(classes), "table": columns}


def version_of(top: Path, entry: Dataset) -> str:
    """The number of images, and a digest of their names, labels, sizes and times.

    StudyError: a class has too few images, or sources, to be split.
    """
    archive = Folder(top)
    table = from_table(archive, entry) if entry.table else from_names(archive, entry)
    source = table.source.where(table.source != "", table.path)
    numbers = source.groupby(table.label).nunique().reindex(list(entry.classes.values()), fill_value=0)
    if few := [f"{label} ({number})" for label, number in numbers.items() if number < FEWEST]:
        unit = "images" if (table.source == "").all() else "patients or photographs"
        raise StudyError(
            f"too few {unit} of {', '.join(few)}: {FEWEST} of each class are the fewest that can be split into"
            " training, validation and test, and even then intervals will be wide; add images or leave the class out"
        )
    lines = []
    for row in table.itertuples(index=False):
        stat = (top / row.path).stat()
        lines.append(f"{row} {stat.st_size} {stat.st_mtime_ns}")
    lines.append(f"pictures {entry.pictures}")
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return f"{len(table)}-{digest[:12]}"


def printed(classes: list[str]) -> dict[str, str]:
    """Each class's name as reports print it: without characters of HTML and formulas, and no two alike."""
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
    """The study's name: that of the folder or table in plain letters, with `own-` before it where that is taken."""
    stem = Path(table).stem if table else top.name
    ascii_only = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-") or "own"
    in_catalogue = name in catalogue.names()
    of_own_images = in_catalogue and catalogue.entry(name).folder
    taken = in_catalogue or (strict.ROOT / "params" / name).exists()
    # 2024 and yes are no text to YAML
    if (taken and not of_own_images) or yaml.safe_load(name) != name:
        return f"own-{name}"
    return name


def pipeline() -> str:
    """dvc.yaml as a study's folder holds it: without `vars`, so that it reads the params.yaml beside it."""
    lines = (strict.ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("vars:"))


def make_study(path: Path) -> str:
    """Write the study of a folder or table, or renew the version of its images; returns the study's name.

    StudyError: there is no such folder or table, it cannot be split, or another one has this name.
    """
    if not path.exists():
        kinds = "a folder with one sub-folder per class, or a CSV file with path and label"
        raise StudyError(f"{path} is not there: IMAGES is {kinds}")
    top, table = (path.parent.resolve(), path.name) if path.is_file() else (path.resolve(), None)
    name = study_name(top, table)
    entry = describe(top, table)
    entry["pictures"] = name in catalogue.names() and catalogue.entry(name).pictures
    version = version_of(top, validated(Dataset, entry, str(path)))
    link_images(name, top, table)
    folder = strict.ROOT / "params" / name
    texts = {
        strict.ROOT / "params" / "datasets" / f"{name}.yaml": NOTE + as_yaml(entry),
        folder / "dvc.yaml": pipeline(),
    }
    parameters = folder / "params.yaml"
    if parameters.exists():
        edited = parameters.read_text(encoding="utf-8")
        texts[parameters] = re.sub(r"(?m)^(    version: ).*?( *#|$)", rf'\g<1>"{version}"\2', edited)
    else:
        texts[parameters] = new_parameters(name, entry["title"], version)
        of = {"metric": "accuracy", "dataset": name, "split": "group", "models": ["vit-proposed"], "minus": ["vit"]}
        texts[folder / "claims.yaml"] = as_yaml({"improved": {**CLAIM, "of": of}})
    for file, text in texts.items():
        write(file, lambda part, text=text: part.write_text(text, encoding="utf-8"))
    return name


def as_yaml(values: dict) -> str:
    """YAML with the keys in their order and letters of any alphabet."""
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def new_parameters(name: str, title: str, version: str) -> str:
    """params.yaml of a new study: params/own.yaml, filled in."""
    per_epoch = min(int(version.split("-")[0]), PASS)
    epochs = max(8, min(40, SEEN // per_epoch))
    template = string.Template((strict.ROOT / "params" / "own.yaml").read_text(encoding="utf-8"))
    return template.substitute(study=name, title=title, epochs=epochs, version=version)


def link_images(name: str, top: Path, table: str | None) -> None:
    """Make data/own/<name> a link to the folder of images. StudyError: it is one of other images already."""
    link = strict.ROOT / "data" / "own" / name
    kept = catalogue.entry(name).table if name in catalogue.names() else None
    kept_table = kept.file if kept else None
    is_same = link.resolve() == top
    if link.exists() and not (is_same and kept_table == table):
        raise StudyError(
            f"a study {name} is here already, of {link.resolve() / (kept_table or '')}: rename this folder or table,"
            f" or delete params/{name}, params/datasets/{name}.yaml, runs/{name} and reports/{name}"
        )
    if not is_same:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(top)
