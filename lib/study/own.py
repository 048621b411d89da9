"""Make a study of your own images, which the same pipeline runs; `make report IMAGES=...` does this first.

    folder or table --describe--> a catalogue entry --make_study--> params/datasets/<name>.yaml, params/<name>/

A second call notices changed images, and keeps edits of params.yaml.
"""

import hashlib
import re
import string
import sys
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import yaml

from lib import strict
from lib.data import catalogue
from lib.data.archives import Folder, open_archive
from lib.data.catalogue import Dataset
from lib.data.cells import SOURCES, column, read_table, source_column
from lib.data.datasets import members
from lib.data.decoding import SUFFIXES
from lib.data.files import write
from lib.data.folders import classes_of
from lib.data.labels import printed
from lib.data.spelling import is_missing, one_spelling, silent, visible
from lib.strict import StudyError, known, validated

FEWEST = 5  # least number of sources per class (of images, if sources are unknown): one for each fifth of a split
LONGEST = 40  # letters of a study's name, which is part of file names
SEEN = 8000  # images that a fine-tuning sees, about, in 4 to 20 epochs: three minutes on two cores
PASS = 2500  # most images per epoch (epoch_images of params/own.yaml)
FOLDED = 500  # images; smaller sets test every image, by folds over groups, and larger ones a fifth
# Lines of the entry that keep edits, with their first values.
EDITED = {"pictures": False, "near_duplicates": True, "two_labels": False}
NOTE = (
    "# Written by `make report IMAGES=...`, which overwrites every line but three. pictures: pages show some of the\n"
    "# images. near_duplicates: images that look alike are one piece of evidence. two_labels: images may have two.\n"
)
PACKED = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
CLAIM = {
    "words": "the proposed ViT is more accurate than the plain one on these images",
    "place": "abstract, asked of other images",
    "rule": "greater",
    "measure": "difference",
    "margin": 0.0,
}


def describe(archive, table: str | None, tell=silent) -> dict:
    """Make the catalogue entry of a folder or zip file with one sub-folder per class, or of a table in a folder.

    The table has the columns path, label and, if known, one of SOURCES.

    StudyError: no sub-folder has images, the table lacks columns, or there are fewer than two classes.
    """
    top = Path(archive.filename)
    if table is None:
        around, classes = classes_of(archive, tell)
        layout = {"images": f"{around}{{label}}/**", "classes": classes}
    else:
        layout = layout_of_table(archive, table, tell)
    number = len(set(layout["classes"].values()))
    if number < 2:
        raise StudyError(
            f"{visible(str(top / (table or '')))} has {number} classes with images, and two are needed: one sub-folder"
            f" per class with {', '.join(SUFFIXES)} files, or a CSV file with the columns path, label and, if known,"
            " patient or photograph; links to other folders are not followed"
        )
    title = title_of(top if table is None else Path(table))
    return {"title": title, "folder": f"data/.own/{study_name(top, table)}", **layout, "one_scale": True}


def layout_of_table(archive, table: str, tell=silent) -> dict:
    """The `images`, `classes` and `table` of a catalogue entry; `tell` says which column names the sources."""
    rows = read_table(archive, table, ["path", "label"], tell)
    path, label = (column(rows, name, table) for name in ["path", "label"])
    source = source_column(rows, table)
    if source:
        tell(f"{table}: column {source!r} says which images belong together")
    else:
        missing = f"no column is called {', '.join(SOURCES)}"
        tell(f"{table}: {missing}; images that look alike are grouped instead")
    spelling, _ = one_spelling([cell for cell in rows[label] if not is_missing(cell)], "label")
    columns = {"file": table, "path": path, "label": label, "source": source}
    return {"images": "{path}", "classes": printed(sorted(set(spelling.values()))), "table": columns}


def version_of(archive, entry: Dataset, tell=silent) -> str:
    """The number of images, and a digest of their names, labels, sizes and times.

    StudyError: a class has too few images, or sources, to be split.
    """
    table = members(archive, entry, tell)
    source = table.source.where(table.source != "", table.path)
    numbers = source.groupby(table.label).nunique().reindex(entry.labels_in_order, fill_value=0)
    if few := [f"{label} ({number})" for label, number in numbers.items() if number < FEWEST]:
        few = few[:8] + ([f"{len(few) - 8} other classes"] if len(few) > 8 else [])
        unit = "images" if (table.source == "").all() else "patients or photographs"
        raise StudyError(
            f"too few {unit} of {', '.join(few)}: training, validation and test need at least {FEWEST} of"
            " each class, and even then intervals will be wide; add images or leave the class out"
        )
    lines = [f"{row} {mark_of(archive, row.path)}" for row in table.itertuples(index=False)]
    lines.append(" ".join(f"{name} {getattr(entry, name)}" for name in EDITED))
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return f"{len(table)}-{digest[:12]}"


def mark_of(archive, name: str) -> str:
    """A text that changes with a file: its size and time, or in a zip file its size and checksum."""
    if isinstance(archive, Folder):
        stat = (Path(archive.filename) / name).stat()
        return f"{stat.st_size} {stat.st_mtime_ns}"
    member = archive.getinfo(name)
    return f"{member.file_size} {member.CRC}"


def title_of(path: Path) -> str:
    """Make a title from the name of a folder or table."""
    words = re.sub(r'["_-]', " ", path.stem)
    return printed([words])[words]


def study_name(top: Path, table: str | None) -> str:
    """The study's name: that of the folder or table in plain letters, with `own-` before it if it is taken."""
    stem = Path(table).stem if table else top.stem if top.is_file() else top.name
    ascii_only = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower())[:LONGEST].strip("-") or "own"
    in_catalogue = name in catalogue.names()
    of_own_images = in_catalogue and catalogue.entry(name).folder
    taken = in_catalogue or (strict.ROOT / "params" / name).exists()
    # YAML does not read 2024, 1e5 and yes as text
    is_text = name[0].isalpha() and name not in {
        "y",
        "n",
        "yes",
        "no",
        "on",
        "off",
        "true",
        "false",
        "null",
        "nan",
        "inf",
    }
    in_the_way = any(is_in_the_way(folder, top, table) for folder in written_by(name))
    return name if is_text and not in_the_way and (of_own_images or not taken) else f"own-{name}"


def written_by(name: str) -> list[Path]:
    """The folders that a study writes into."""
    folders = ["params", "data", "build", "reports", "runs", "weights"]
    return [strict.ROOT / folder / name for folder in folders]


def is_in_the_way(folder: Path, top: Path, table: str | None) -> bool:
    """Whether a study would write into `folder` among the images: below `top`, or above it.

    A table may lie above the project, since only the files that it names are images.
    """
    folder, top = folder.resolve(), top.resolve()
    return top.is_relative_to(folder) or (table is None and folder.is_relative_to(top))


def require_apart(top: Path, table: str | None, name: str) -> None:
    """StudyError: the study would write into the folder of images, or into a folder above it."""
    for folder in [*written_by(name), strict.ROOT / "data" / ".own"]:
        if is_in_the_way(folder, top, table):
            cure = "move the images into a folder of their own outside of the project, or into data/own/"
            raise StudyError(f"{visible(str(top))} holds, or lies in, {folder}, into which the study writes: {cure}")


def pipeline() -> str:
    """The text of dvc.yaml for a study's folder: without `vars`, so that it reads the params.yaml beside it."""
    lines = (strict.ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("vars:"))


def print_once() -> Callable[[str], None]:
    """Make a function that prints sentences in the terminal, each once."""
    said = set()

    def tell(sentence: str) -> None:
        if sentence not in said:
            said.add(sentence)
            print(sentence, file=sys.stderr)

    return tell


def make_study(path: Path, models: str = "") -> str:
    """Write the study of a folder or table, or renew the version of its images; returns the study's name.

    `models`: `paper` adds the five models of the paper.

    StudyError: the folder or table is missing, cannot be split, or has the name of another study.
    """
    if models:
        known(models, ["paper"], "choice of MODELS")
    if not path.exists():
        kinds = "a folder or zip file with one sub-folder per class, or a CSV file with path and label"
        raise StudyError(f"{visible(str(path))} is not there: IMAGES is {kinds}")
    if path.is_file() and path.suffix.lower() in PACKED:
        raise StudyError(
            f"{visible(str(path))} is packed: unpack it, and name the folder; zip files are read as they are"
        )
    tell = print_once()
    is_table = path.is_file() and not is_zip(path)
    top, table = (path.parent.resolve(), path.name) if is_table else (path.resolve(), None)
    with open_archive(top) as archive:
        entry = describe(archive, table, tell)
        name = study_name(top, table)
        require_apart(top, table, name)
        before = catalogue.entry(name) if name in catalogue.names() else None
        entry |= {line: getattr(before, line) if before else first for line, first in EDITED.items()}
        dataset = validated(Dataset, entry, str(path))
        link_images(name, top, table)
        # before any check, since messages name lines of it to edit
        text = NOTE + as_yaml(entry)
        write(
            strict.ROOT / "params" / "datasets" / f"{name}.yaml", lambda part: part.write_text(text, encoding="utf-8")
        )
        version = version_of(archive, dataset, tell)
    folder = strict.ROOT / "params" / name
    texts = {folder / "dvc.yaml": pipeline()}
    parameters = folder / "params.yaml"
    if parameters.exists():
        edited = parameters.read_text(encoding="utf-8")
        text = re.sub(r"(?m)^(    version: ).*?( *#|$)", rf'\g<1>"{version}"\2', edited)
    else:
        text = new_parameters(name, entry["title"], version)
        texts[folder / "claims.yaml"] = "{}\n"
    if models == "paper" and "architecture: vit" not in text:
        text = with_paper(text)
        split = yaml.safe_load(text)["splits"][0]
        of = {"metric": "accuracy", "dataset": name, "split": split, "models": ["vit-proposed"], "minus": ["vit"]}
        texts[folder / "claims.yaml"] = as_yaml({"improved": {**CLAIM, "of": of}})
    texts[parameters] = text
    for file, text in texts.items():
        write(file, lambda part, text=text: part.write_text(text, encoding="utf-8"))
    return name


def is_zip(path: Path) -> bool:
    """Whether a file is a zip file, but no spreadsheet or text document, which are zip files too."""
    if not zipfile.is_zipfile(path):
        return path.suffix.lower() == ".zip"
    with open_archive(path) as archive:
        return not {"[Content_Types].xml", "mimetype"} & set(archive.namelist())


def as_yaml(values: dict) -> str:
    """Write YAML with keys in their order, and letters of any alphabet as they are."""
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def new_parameters(name: str, title: str, version: str) -> str:
    """The text of a new study's params.yaml: params/own.yaml, filled in."""
    images = int(version.split("-")[0])
    is_folded = images < FOLDED
    seen = 0.64 * min(images, PASS) * (5 if is_folded else 1)
    epochs = max(4, min(20, round(SEEN / seen)))
    template = string.Template((strict.ROOT / "params" / "own.yaml").read_text(encoding="utf-8"))
    split = "folds" if is_folded else "group"
    return template.substitute(study=name, title=title, epochs=epochs, version=version, split=split)


def with_paper(text: str) -> str:
    """Add the paper's five models to the text of a params.yaml."""
    added = (strict.ROOT / "params" / "own-paper.yaml").read_text(encoding="utf-8").split("\n", 1)[1]
    text = re.sub(r"(?m)^extra: \[(.*?)\]", r"extra: [04_attention, 10_use, \1]", text)
    return re.sub(r"(?m)^(models:.*\n(?:  .*\n)+)", lambda found: found[0] + added, text)


def link_images(name: str, top: Path, table: str | None) -> None:
    """Make data/.own/<name> a link to the folder of images. StudyError: it already links to other images."""
    link = strict.ROOT / "data" / ".own" / name
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
