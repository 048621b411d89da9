"""A report shows each published figure once, beside its pair, with a caption that can be read alone."""

import re

import matplotlib.pyplot as plt
import pandas as pd
from bs4 import BeautifulSoup

from lib.plots import charts, figures
from lib.report import mirrored
from lib.study import load_study


def shown(name: str) -> BeautifulSoup:
    study = load_study(name)
    drawn = pd.read_csv(study.report / "figures" / "figures.csv")
    return BeautifulSoup(mirrored.figures_html(study, drawn), "html.parser")


def numbers(part) -> list[list[int]]:
    """The numbers of the figures of each gallery."""
    galleries = part.find_all("div", class_="gallery", recursive=False)
    return [[int(number) for number in re.findall(r"Figure (\d+)", one.get_text())] for one in galleries]


def test_each_figure_stands_once_beside_its_pair_and_other_splits_are_folded():
    page = shown("small")
    assert numbers(page) == [[2], [3], [4, 5], [6, 7], [8, 9], [10, 11], [12, 13]]
    assert numbers(page.details) == [[6, 7], [8, 9], [10, 11], [12, 13]] * 2
    assert "details" not in str(shown("quick"))


def test_a_caption_says_how_many_images_and_seeds_and_what_is_published():
    captions = [one.get_text() for one in shown("small").select("figcaption")]
    matrices = [text for text in captions if "predicted class" in text]
    assert len(matrices) == 12 and all(re.search(r"[\d,]+ test images, mean over 3 seeds", text) for text in matrices)
    assert all(re.search(r"\(95 % CI .* to .*\)\. Published: \d\d\.\d\d%", text) for text in matrices)
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
