"""Figures and answers that notebooks save for the report: whole, the same bytes each time, with alternative texts."""

from xml.etree import ElementTree

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure

from lib.plots import show
from lib.strict import StudyError


def line() -> Figure:
    figure = Figure()
    figure.subplots().plot([1, 3, 2])
    return figure


def test_an_equal_figure_is_saved_as_equal_bytes_and_says_no_date(tmp_path):
    show.save(line(), tmp_path / "one.svg")
    show.save(line(), tmp_path / "two.svg")
    saved = (tmp_path / "one.svg").read_bytes()
    assert saved == (tmp_path / "two.svg").read_bytes() == show.as_svg(line())
    assert b"<svg" in saved and b"dc:date" not in saved


def test_an_album_lists_every_figure_that_it_saved(tmp_path, capsys):
    album = show.Album(tmp_path)
    album.keep("curves", "accuracy", line(), "rises", kind="curves", dataset="cells")
    album.keep("attention", "the attention", show.drawing("attention"), show.DRAWINGS["attention"], number=3)
    listed = pd.read_csv(tmp_path / "figures.csv")
    assert listed.columns.tolist() == ["file", "title", "alt", "number", "kind", "dataset"]
    assert listed.file.tolist() == ["curves.svg", "attention.svg"] and all(
        (tmp_path / name).exists() for name in listed.file
    )
    assert listed.number.tolist()[1] == 3 and listed.kind.tolist()[0] == "curves"
    show.gallery(tmp_path, listed)


def test_an_album_shows_the_figures_of_one_kind_side_by_side(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(show, "display", lambda html: shown.append(BeautifulSoup(html.data, "html.parser")))
    album = show.Album(tmp_path)
    for kind, dataset in [("curves", "cells"), ("curves", "mri"), ("filters", "cells")]:
        album.add(f"{kind}-{dataset}", f"{kind} of {dataset}", line(), "rises", kind=kind, dataset=dataset)
    assert not shown
    album.gallery(kind="curves", dataset="mri")
    album.gallery(kind="curves")
    captions = [[caption.get_text() for caption in page.select("figcaption")] for page in shown]
    assert captions == [["curves of mri"], ["curves of cells", "curves of mri"]]


def test_an_album_without_figures_is_a_table_without_rows(tmp_path):
    assert show.Album(tmp_path).table.columns.tolist() == ["file", "title", "alt", "number"]


@pytest.mark.parametrize("name", show.DRAWINGS)
def test_a_diagram_of_the_paper_is_there_and_described(name):
    assert ElementTree.fromstring(show.drawing(name).read_bytes()).tag.endswith("svg")
    assert len(show.DRAWINGS[name]) > 200
    with pytest.raises(StudyError, match="unknown drawing 'atention'.*did you mean 'attention'"):
        show.drawing("atention")


def test_what_a_figure_is_called_cannot_break_its_page():
    figure = BeautifulSoup(show.as_html(b"<svg/>", 'a "b" <c>', "<d> & e"), "html.parser").figure
    assert figure.img["alt"] == 'a "b" <c>' and figure.figcaption.get_text() == "<d> & e"


def test_an_answer_is_shown_and_saved_as_the_same_text(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(show, "display", lambda markdown: shown.append(markdown.data))
    show.answer(tmp_path / "answers" / "08_claims.md", "Of 3 claims, 1 supported: 5 % – 6 %.")
    assert shown == ["**Answer.** Of 3 claims, 1 supported: 5 % – 6 %."]
    assert (tmp_path / "answers/08_claims.md").read_text(encoding="utf-8") == "Of 3 claims, 1 supported: 5 % – 6 %.\n"


@pytest.mark.parametrize("name", ["正常组织", "종양", "नमस्ते"])
def test_letters_that_the_font_lacks_are_text_with_room_and_no_boxes(name):
    sizes = []
    for title in [name, "a" * len(name)]:
        figure, axes = plt.subplots()
        axes.set_title(title)
        svg = show.as_svg(figure).decode()
        assert f">{title}</text>" in svg
        sizes.append(float(svg.split('width="')[1].split("pt")[0]))
    assert sizes[0] > sizes[1] + 72
