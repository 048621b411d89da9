"""A report shows each published figure once, beside its pair, with a caption that can be read alone."""

import re

import matplotlib.pyplot as plt
import pandas as pd
from bs4 import BeautifulSoup

from lib.evidence import published, reconstructed
from lib.plots import charts, figures
from lib.report import mirrored
from lib.study import load_study


def shown(name: str) -> BeautifulSoup:
    study = load_study(name)
    drawn = pd.read_csv(study.report / "figures" / "figures.csv")
    drawn = published.with_numbers(study, drawn[drawn.kind != "reconstructed"].drop(columns="number"))
    row = {"file": "attention.svg", "title": "ViT", "alt": "a", "kind": "reconstructed", "model": "vit", "number": 8}
    drawn = pd.concat([drawn, pd.DataFrame([row]).assign(dataset="brain-mri")], ignore_index=True)
    return BeautifulSoup(mirrored.figures_html(study, drawn), "html.parser")


def numbers(part) -> list[list[int]]:
    """The numbers of the figures of each gallery."""
    galleries = part.find_all("div", class_="gallery", recursive=False)
    return [[int(number) for number in re.findall(r"Figure (\d+)", one.get_text())] for one in galleries]


def test_each_figure_stands_once_beside_its_pair_and_other_splits_are_folded():
    page = shown("small")
    assert numbers(page) == [[2], [3], [4, 5], [6, 7], [8, 8, 9], [10, 11], [12, 13]]
    assert numbers(page.details) == [[6, 7], [8, 9], [10, 11], [12, 13]] * 2
    assert {one.name for one in page.select("h2, h3, h4")} == {"h3"}, "no level between their section and them"
    quick = shown("quick")
    assert "details" not in str(quick)
    # the reading that the study calls otherwise
    assert numbers(shown("ablation"))[3:] == numbers(quick)[3:] == [[6, 7], [8, 8, 9], [10, 11], [12, 13]]


def test_a_published_matrix_stands_beside_ours_where_scores_leave_one_and_else_a_caption_says_why_not():
    captions = {text[:9]: text for text in (one.get_text() for one in shown("quick").select("figcaption"))}
    computed = next(one.get_text() for one in shown("quick").select("figcaption") if "computed" in one.get_text())
    assert "The only confusion matrix of 27 tumour and 24 healthy" in computed and "47 are right" in computed
    assert "No confusion matrix of 27 tumour and 24 healthy" in captions["Figure 9,"]
    assert "do not fix a confusion matrix of 4 classes" in captions["Figure 6,"]
    study = load_study("quick")
    assert reconstructed.only(study, "brain-mri", "vit").to_numpy().tolist() == [[27, 0], [4, 20]]
    assert len(reconstructed.matrices(study, "brain-mri", "resnet18")) == 4
    assert reconstructed.only(study, "brain-mri", "resnet18") is None
    assert reconstructed.in_words(load_study("startup-small"), "mnist", "cnn") == ""


def test_a_caption_says_how_many_images_and_seeds_and_what_is_published():
    captions = [one.get_text() for one in shown("small").select("figcaption")]
    matrices = [text for text in captions if "predicted class" in text]
    assert len(matrices) == 12 and all(re.search(r"[\d,]+ test images, mean over 3 seeds", text) for text in matrices)
    assert all(re.search(r"\(95 % CI .* to .*\)\. Published: \d\d\.\d\d%\.", text) for text in matrices)
    once = next(one.get_text() for one in shown("quick").select("figcaption") if "each epoch" in one.get_text())
    assert "one seed" in once and "band" not in once


def test_curves_show_seeds_as_a_band_and_the_published_accuracy_as_a_line():
    table = pd.DataFrame({"seed": [0, 0, 1, 1], "epoch": [1, 2, 1, 2], "train_accuracy": [0.5, 0.6, 0.7, 0.8]})
    figure, _ = figures.curves(table.assign(validation_accuracy=0.5), "t", 0.9)
    axes = figure.axes[0]
    assert len(axes.collections) == 2 and len(axes.lines) == 3 and axes.lines[-1].get_ydata()[0] == 0.9
    plt.close(figure)


def test_no_two_of_many_models_have_the_same_colour():
    table = pd.DataFrame({"model": range(27), "epoch": 1, "seed": 0, "validation_accuracy": 0.5})
    figure, _ = charts.epochs(table, "t")
    assert len({tuple(line.get_color()) for line in figure.axes[0].lines}) == 27
    plt.close(figure)
