"""Several processes train one run as one process would, and leave nothing behind when one of them is killed."""

import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
import yaml
from conftest import Project, free_port, wait_for

from lib import strict
from lib.data.files import write_csv
from lib.strict import StudyError
from lib.study import load_study
from lib.study.settings import settings
from lib.training.processes import own_draws, share, start_fabric
from lib.training.run import launch, train

RUN = "tiny/phantom-brain/published/vit/seed-0"
TOLERANCE = 1e-5  # of a loss or a probability: the same sums in another order, fixed before the first run
VIT = dict(title="ViT", architecture="vit", patch=16, dim=16, mlp_dim=32, depth=2, heads=2)
LAUNCH = ["python", "-m", "lib", "launch", "tiny"]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A project with 40 random images, ready to train on; a checkpoint is written after every step."""
    project = Project(tmp_path_factory.mktemp("processes"))
    data = project.folder / "data/tiny"
    (data / "images/phantom-brain").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 255, (40, 64, 64, 3)).astype("uint8")
    np.save(data / "images/phantom-brain/pixels.npy", pixels)
    table = pd.DataFrame({"path": map(str, range(40)), "label": ["tumour", "healthy"] * 20, "group": range(40)})
    table = table.assign(part=["train"] * 24 + ["validation"] * 8 + ["test"] * 8)
    write_csv(table, data / "splits/phantom-brain-published.csv")
    fit = project.folder / "lib/training/fit.py"
    assert "SECONDS = 30" in fit.read_text()
    fit.write_text(fit.read_text().replace("SECONDS = 30", "SECONDS = 0"))
    return project


def ask(project: Project, epochs: int, dropout: float, **changes) -> None:
    """One ViT on batches of 9, so that two processes never have equal shares; forget what was trained before."""
    path = project.folder / "params/tiny/params.yaml"
    values = yaml.safe_load(path.read_text())
    dataset = {"epochs": epochs, "flips": "both", "draw": {"seed": 0, "patients": 20}}
    values |= {"datasets": {"phantom-brain": dataset}, "models": {"vit": {**VIT, "dropout": dropout}}, "seeds": [0]}
    values["training"] |= {"device": "cpu", "batch_size": 9}
    path.write_text(yaml.safe_dump({**values, **changes}, sort_keys=False))
    for folder in ["runs", "weights"]:
        shutil.rmtree(project.folder / folder, ignore_errors=True)


def files(project: Project) -> dict[str, bytes]:
    paths = [*(project.folder / "runs" / RUN).iterdir(), project.folder / "weights" / f"{RUN}.safetensors"]
    return {path.name: path.read_bytes() for path in paths}


def trained(project: Project, **asked) -> dict[str, bytes]:
    ask(project, **asked)
    code, output = project.run(*LAUNCH)
    assert code == 0, output
    return files(project)


@pytest.fixture(scope="module")
def by_two(project) -> dict[str, bytes]:
    return trained(project, epochs=6, dropout=0.0, devices=2, nodes=1)


def test_two_processes_train_as_one_does(project, by_two, tmp_path):
    trained(project, epochs=6, dropout=0.0, devices=1, nodes=1)
    timing = pd.read_csv(project.folder / "reports/tiny/timing/phantom-brain-published-vit-seed-0.csv")
    assert set(timing.processes) == {1}
    for name in ["history.csv", "predictions.csv.gz"]:
        (tmp_path / name).write_bytes(by_two[name])
        two, one = pd.read_csv(tmp_path / name), pd.read_csv(project.folder / "runs" / RUN / name)
        pd.testing.assert_frame_equal(two, one, atol=TOLERANCE, rtol=0)
    assert one.p_tumour.std() > 100 * TOLERANCE, "it has learnt to tell images apart"


@pytest.mark.slow
def test_two_nodes_of_one_process_train_as_one_node_of_two(project, by_two, monkeypatch):
    ask(project, epochs=6, dropout=0.0, devices=1, nodes=2)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as many as each of two processes of one machine gets
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(free_port()))
    nodes = []
    for rank in ["0", "1"]:
        monkeypatch.setenv("NODE_RANK", rank)
        nodes.append(project.start(*LAUNCH))
    outputs = [node.communicate()[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], outputs
    assert files(project) == by_two


def test_a_killed_notebook_leaves_no_process_training_and_the_next_resumes_to_the_same_bytes(project):
    asked = {"epochs": 20, "dropout": 0.1, "devices": 2, "nodes": 1}
    whole = trained(project, **asked)
    ask(project, **asked)
    page = ["python", "-m", "lib", "execute", "05_train", "tiny"]
    page += ["dataset=phantom-brain", "split=published", "model=vit"]
    process = project.start(*page)
    checkpoint = project.folder / "weights" / f"{RUN}.checkpoint"
    wait_for(lambda: checkpoint.exists() or process.poll() is not None)
    family = psutil.Process(process.pid).children(recursive=True)
    assert sum("launch" in member.cmdline() for member in family) == 2
    process.kill()  # alone: the rest has to notice
    assert not psutil.wait_procs(family, timeout=30)[1]
    assert checkpoint.exists() and not (project.folder / "runs" / RUN / "settings.yaml").exists()
    code, output = project.run(*page)
    assert code == 0, output
    assert "seed 0, epoch 20: train" in output and files(project) == whole


@pytest.mark.parametrize("processes", [1, 2, 3, 8])
@pytest.mark.parametrize("size", [1, 2, 5, 32])
def test_every_row_of_a_batch_counts_once(size, processes):
    rows, counted = torch.arange(size) + 100, []
    for rank in range(processes):
        own, weight = share(SimpleNamespace(global_rank=rank, world_size=processes), rows)
        assert len(rows[own]) and weight == (len(rows[own]) / size if rank < size else 0)
        counted += rows[own].tolist() if weight else []
    assert sorted(counted) == rows.tolist()


def test_dropout_is_each_processs_own_and_what_is_drawn_after_it_is_shared():
    within, after = [], []
    for rank in [0, 1, 0]:
        torch.manual_seed(3)
        with own_draws(SimpleNamespace(global_rank=rank, world_size=2), torch.tensor([5, 7])):
            within.append(torch.rand(9 + rank).tolist()[:9])
        after.append(torch.rand(4).tolist())
    assert within[0] == within[2] != within[1] and after[0] == after[1] == after[2]


def test_more_devices_than_there_are_is_an_error_that_says_so(tiny, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(StudyError, match="asks for devices: 3, but this machine has 2"):
        start_fabric(tiny.model_copy(update={"devices": 3}))


def test_several_nodes_are_to_be_started_by_hand_and_a_notebook_passes_that_on(project, monkeypatch):
    ask(project, epochs=6, dropout=0.0, devices=1, nodes=2)
    for name in ["MASTER_ADDR", "SLURM_NTASKS"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(strict, "ROOT", project.folder)
    run = load_study("tiny").cell("phantom-brain", "published").run("vit", 0)
    with pytest.raises(StudyError, match="start `python -m lib launch tiny` on each of them"):
        list(train(run))


@pytest.mark.parametrize("names", [["phantom-brain"], ["phantom-brain", "published", "cnn", "zero"]])
def test_a_run_named_wrongly_is_an_error_that_says_what_a_run_is(tiny, names):
    with pytest.raises(StudyError, match="names no run: give a data set, a split, a model and a seed"):
        launch("demo", *names)


def test_a_finished_run_stays_finished_on_another_number_of_devices(tiny):
    others = tiny.model_copy(update={"devices": 8, "nodes": 2, "strategy": "ddp"})
    one, other = (study.cell("phantom-brain", "published").run("cnn", 0) for study in [tiny, others])
    assert settings(one) == settings(other)
