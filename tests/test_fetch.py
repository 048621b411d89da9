"""A download ends with the right bytes however often it is cut off, or says how far it came; a drawing is made once."""

import errno
import os
import subprocess

import pytest
import requests
from conftest import mounted
from server import serve

from lib import strict
from lib.data import catalogue, fetch, phantoms
from lib.data.archives import quiet
from lib.strict import StudyError


@pytest.fixture
def content(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "WAIT", 0)
    (tmp_path / "site").mkdir()
    made = os.urandom(3_000_000)
    (tmp_path / "site/a.zip").write_bytes(made)
    return made


@pytest.mark.parametrize("ranges, asked_for", [(True, [0, 900_000, 1_800_000]), (False, [0, 0, 0])])
def test_a_download_that_is_cut_off_goes_on_where_it_stopped(tmp_path, content, ranges, asked_for):
    with serve(tmp_path / "site", cut_after=900_000, cuts=2, ranges=ranges) as (address, asked):
        path = fetch.download(f"{address}/a.zip", tmp_path / "a.zip", quiet)
    assert path.read_bytes() == content and not list(tmp_path.glob(".*.part"))
    assert all(0 <= wanted - start < 3 * fetch.PIECE for start, wanted in zip(asked, asked_for, strict=True))


def test_one_that_breaks_again_and_again_keeps_what_came_and_goes_on_the_next_time(tmp_path, content):
    with serve(tmp_path / "site", cut_after=100_000, cuts=99) as (address, _):
        with pytest.raises(StudyError, match=r"broke off 5 times .* \d{6} bytes are here: run this again"):
            fetch.download(f"{address}/a.zip", tmp_path / "a.zip", quiet)
    assert not (tmp_path / "a.zip").exists()
    with serve(tmp_path / "site") as (address, asked):
        assert fetch.download(f"{address}/a.zip", tmp_path / "a.zip", quiet).read_bytes() == content
    assert 5 * (100_000 - fetch.PIECE) < asked[0] <= 500_000


def test_a_part_that_is_longer_than_the_file_is_thrown_away(tmp_path, content):
    (tmp_path / ".a.zip.part").write_bytes(bytes(4_000_000))
    with serve(tmp_path / "site") as (address, _):
        assert fetch.download(f"{address}/a.zip", tmp_path / "a.zip", quiet).read_bytes() == content


def test_a_wrong_address_is_told(tmp_path, content):
    with (
        serve(tmp_path / "site") as (address, _),
        pytest.raises(StudyError, match="answers 404 Not Found: is the address"),
    ):
        fetch.download(f"{address}/b.zip", tmp_path / "b.zip", quiet)
    assert not list(tmp_path.glob(".*.part"))


def test_a_server_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "WAIT", 0)
    with pytest.raises(StudyError, match=r"broke off 5 times \(ConnectionError\); 0 bytes are here"):
        fetch.download("http://127.0.0.1:9/a.zip", tmp_path / "a.zip", quiet)


def test_a_disk_that_fills_is_told_and_with_room_the_download_goes_on(tmp_path, content):
    with mounted(tmp_path / "small", "size=1m") as folder, serve(tmp_path / "site") as (address, asked):
        with pytest.raises(StudyError, match=r"a.zip.part cannot be written .No space left.*make room on that disk"):
            fetch.download(f"{address}/a.zip", folder / "a.zip", quiet)
        subprocess.run(["mount", "-o", "remount,size=4m", folder], check=True)
        assert fetch.download(f"{address}/a.zip", folder / "a.zip", quiet).read_bytes() == content
        assert [path.name for path in folder.iterdir()] == ["a.zip"] and asked[1] > 500_000


def test_a_disk_that_fills_under_kaggle_s_client_is_not_told_as_missing_credentials(tmp_path, monkeypatch):
    kaggle = pytest.importorskip("kaggle.api.kaggle_api_extended").KaggleApi

    def full(*_, **__):
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise ValueError("of a library") from error

    monkeypatch.setattr(kaggle, "authenticate", lambda api: None)
    monkeypatch.setattr(kaggle, "dataset_download_files", full)
    with pytest.raises(StudyError, match="b.zip cannot be written .No space left.*make room on that disk"):
        fetch.from_kaggle("owner/a", tmp_path / "b.zip")


def test_an_archive_without_an_address_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_ARCHIVES", str(tmp_path))
    with pytest.raises(StudyError, match="its address is not known: put it there"):
        fetch.find_archive("covid-chestxray", catalogue.entry("covid-chestxray"), {}, tmp_path)


def test_a_part_of_a_data_set_is_never_replaced_by_the_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_ARCHIVES", str(tmp_path))
    with pytest.raises(StudyError, match="kmnist.zip is not there, and its address is not known"):
        fetch.find_archive("kmnist-subset", catalogue.entry("kmnist-subset"), {}, tmp_path / "made.zip")


def test_kaggle_s_client_goes_on_where_it_stopped(tmp_path, content, monkeypatch):
    kaggle = pytest.importorskip("kaggle.api.kaggle_api_extended").KaggleApi
    monkeypatch.setattr(kaggle, "authenticate", lambda api: None)

    def download(api, slug, path):  # what it does once Kaggle has told where the file is
        with requests.get(f"{address}/a.zip", stream=True) as answer:
            api.download_file(answer, str(path / "a.zip"), requests.Session(), resume=True, max_retries=0)

    monkeypatch.setattr(kaggle, "dataset_download_files", download)
    with serve(tmp_path / "site", cut_after=2_500_000, cuts=1) as (address, asked):
        with pytest.raises(StudyError, match="Kaggle did not hand it over"):
            fetch.from_kaggle("owner/a", tmp_path / "b.zip")
        assert not (tmp_path / "b.zip").exists()
        assert fetch.from_kaggle("owner/a", tmp_path / "b.zip").read_bytes() == content
    assert asked[-1] > 1_000_000 and not list(tmp_path.glob(".*.part"))


def test_an_archive_is_drawn_once_for_its_version_and_arguments(tmp_path, monkeypatch):
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    calls = []

    def draw(path, *, progress, **arguments):
        calls.append(arguments)
        fetch.write(path, lambda part: part.write_text(str(arguments)))

    monkeypatch.setitem(phantoms.DRAW, "brain", draw)
    entry = catalogue.Dataset(title="t", images="*", classes={"a": "a"}, draw="brain")
    made = tmp_path / "data/demo/archive.zip"
    for arguments in [{"seed": 1, "patients": 2}, {"patients": 2, "seed": 1}, {"seed": 2, "patients": 2}]:
        assert fetch.find_archive("a", entry, arguments, made) == made == fetch.archive_path("a", entry, made)
        assert made.read_text() == str(arguments) or arguments == {"patients": 2, "seed": 1}
        made.unlink()  # as DVC does before it runs a stage again
    assert calls == [{"seed": 1, "patients": 2}, {"seed": 2, "patients": 2}]
    monkeypatch.setattr(phantoms, "VERSION", phantoms.VERSION + 1)
    fetch.find_archive("a", entry, {"seed": 1, "patients": 2}, made)
    assert len(calls) == 3
