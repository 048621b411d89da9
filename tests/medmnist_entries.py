"""Write the catalogue's entries of MedMNIST's 2D sets from the `medmnist` package: python -m tests.medmnist_entries

The package is only needed here. Importing it makes a folder in the user's home, so it gets another home.
"""

import os
import tempfile
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parents[1] / "params" / "datasets"
# where another class than the first is the finding that precision and recall are about
FIRST = {"pneumoniamnist": "1"}
ORIGIN = {  # as the collection names its sources
    "pathmnist": "Kather et al. 2019",
    "chestmnist": "Wang et al. 2017",
    "dermamnist": "Tschandl et al. 2018 and Codella et al. 2019",
    "octmnist": "Kermany et al. 2018",
    "pneumoniamnist": "Kermany et al. 2018",
    "retinamnist": "the DeepDRiD challenge",
    "breastmnist": "Al-Dhabyani et al. 2020",
    "bloodmnist": "Acevedo et al. 2020",
    "tissuemnist": "Ljosa et al. 2012",
    "organamnist": "Bilic et al. 2019 and Xu et al. 2019",
    "organcmnist": "Bilic et al. 2019 and Xu et al. 2019",
    "organsmnist": "Bilic et al. 2019 and Xu et al. 2019",
}


def info() -> dict:
    """What the package says of every set."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        from medmnist.info import INFO

    return INFO


def entry(name: str, of: dict) -> dict:
    """The catalogue's entry of a set."""
    title = of["python_class"]
    classes = of["label"]
    if name in FIRST:
        first = FIRST[name]
        classes = {first: classes[first], **classes}
    licence = of["license"]
    checksums = {28: of["MD5"], **{size: of[f"MD5_{size}"] for size in (64, 128, 224)}}
    record = int(of["url"].split("/records/")[1].split("/")[0])
    several = of["task"].startswith("multi-label")
    made = {
        "title": title,
        "medmnist": {"name": name, "record": record, "task": of["task"], "md5": checksums},
        "images": "{path}" if several else "{part}/{label}/*",
    }
    if several:
        parts = {part: part for part in ["train", "validation", "test"]}
        columns = {"file": "images.csv", "path": "path", "label": "label", "separator": "; ", "none": "none"}
        made |= {"labels": "many", "table": {**columns, "part": "part", "parts": parts}}
    return made | {
        "parts": ["train", "validation", "test"],
        "classes": {number: label.replace("&", "and") for number, label in classes.items()},
        "published_split": "folders",
        "near_duplicates": False,
        "licence": licence,
        "attribution": f"{title} of MedMNIST v2 (Yang et al. 2023), made from {ORIGIN[name]}",
        "note": "The files do not say whose images these are: intervals count images, not patients.",
        "pictures": licence == "CC BY 4.0",
    }


def main() -> None:
    """Write one file per set."""
    for name, of in info().items():
        if not name.endswith("3d"):
            text = yaml.safe_dump(entry(name, of), sort_keys=False, allow_unicode=True, width=110)
            head = "# Written by `python -m tests.medmnist_entries`\n"
            (FOLDER / f"{name.removesuffix('mnist')}-mnist.yaml").write_text(head + text, encoding="utf-8")


if __name__ == "__main__":
    main()
