"""Charts of scores can be read alone: what each mark is, on how many images and groups, from how many seeds."""

import re

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.text import Text

from lib.evidence import evaluate
from lib.plots import charts, labels, show
from lib.study import load_study


def assessed(name: str, dataset: str) -> pd.DataFrame:
    """Rows of evidence.csv of a data set, as the chart of accuracies takes them."""
    table = pd.read_csv(load_study(name).report / "tables" / "evidence.csv")
    return table[table.dataset == dataset].assign(published=float("nan"), learned=True)


def test_a_chart_of_accuracies_says_its_images_groups_seeds_and_marks():
    marks = assessed("small", "blood-cells")
    says = evaluate.accuracy_caption(load_study("small"), marks.assign(published=0.9, learned=False))
    for row in marks.itertuples():
        assert f"split {row.split}, {row.images:,} in {row.groups:,} groups" in says
    assert "mean of 3 seeds" in says and "95 % interval over groups of test images and seeds" in says
    assert "Open diamond" in says and "Hollow dot" in says
    once = evaluate.accuracy_caption(load_study("quick"), assessed("quick", "blood-cells"))
    assert "one seed" in once and "and seeds" not in once and "diamond" not in once and "Hollow" not in once


@pytest.mark.parametrize(
    ("name", "dataset"), [("transfer", "blood-cells"), ("small", "brain-mri"), ("quick", "brain-mri")]
)
def test_a_chart_of_accuracies_is_seen_whole_on_a_phone_with_text_of_9_px(name, dataset):
    study = load_study(name)
    figure, _ = charts.protocols(assessed(name, dataset).replace({"model": evaluate.titles(study)}), "brain")
    assert min(text.get_size() for text in figure.findobj(Text) if text.get_text()) >= 9
    width = int(re.search(r"(\d+)px", show.natural_width(show.as_svg(figure)))[1])
    # 390 px without the page's margins; text of 9 points is drawn as 12 px
    assert 9 / 12 * width <= 390 - 2 * 16


@pytest.mark.parametrize(("name", "several"), [("covid-learns", False), ("covid-small", True)])
def test_a_chart_of_labels_says_what_its_dots_are(name, several):
    study = load_study(name)
    cell, rows = next(evaluate.per_cell(study, pd.read_csv(study.report / "tables" / "evidence.csv")))
    says = evaluate.labels_caption(cell, rows, "View")
    assert f"{rows.images.iloc[0]:,} test images in {rows.groups.iloc[0]:,} groups" in says
    assert "3 seeds" in says and "Open diamond: View." in says and ("Pale dots" in says) == several


def test_the_best_network_of_each_label_has_the_interval_and_labels_of_many_groups_come_first():
    rows = [
        ("rare", 2, "cnn", 0.4, None, None),
        ("rare", 2, "vit", 0.6, None, None),
        ("rare", 2, "view", 0.5, 0.4, 0.6),
    ]
    rows += [("flu", 9, "cnn", 0.8, 0.7, 0.9), ("flu", 9, "vit", 0.6, 0.5, 0.7), ("flu", 9, "view", 0.95, 0.9, 1)]
    table = pd.DataFrame(rows, columns=["label", "groups", "model", "auc", "low", "high"])
    figure, alt = labels.areas(table.astype({"low": float, "high": float}), "view", "lungs")
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["flu (9)", "rare (2)"]
    (bars,) = axes.containers
    assert sorted(bars.lines[0].get_xdata()) == [0.6, 0.8]
    assert alt.endswith("best network: flu 0.80, rare 0.60")
    plt.close(figure)
