"""What is killed or stopped goes on and ends with the same bytes; `make test-faults` does more of it."""

import os
import random
import signal
import time

import faults
import psutil
import pytest


@pytest.mark.parametrize(
    "stage",
    [
        "train@phantom-brain-published-vit-proposed",
        pytest.param("groups@phantom-blood", marks=pytest.mark.slow),
        pytest.param("evaluate", marks=pytest.mark.slow),
    ],
)
def test_a_study_that_was_killed_within_a_stage_ends_with_the_same_bytes(changeable, stage):
    wanted = faults.files(changeable, "tiny")
    row = faults.kill_within(changeable, "tiny", stage, random.Random(stage).uniform(1, 4), wanted)
    assert row.went_on and row.same, row


def test_ctrl_c_ends_everything_within_seconds_and_says_how_to_go_on(changeable):
    arguments = ["05_train", "tiny", "dataset=phantom-brain", "split=published", "model=cnn"]
    faults.forget(changeable, "tiny", "train@phantom-brain-published-cnn")
    process = changeable.start("python", "-m", "lib", "execute", *arguments)
    family = [process]
    while len(family) < 2 and process.poll() is None:
        time.sleep(0.1)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    time.sleep(2)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert "stopped; run it again to go on from here" in output
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
    assert changeable.run("python", "-m", "lib", "execute", *arguments)[0] == 0


@pytest.mark.slow
def test_a_spoiled_cache_is_noticed_by_its_checksum_and_made_again_and_nothing_is_trained_again(changeable):
    wanted = faults.files(changeable, "tiny")
    path = changeable.folder / "data/tiny/images/phantom-brain/pixels.npy"
    content = bytearray(path.read_bytes())
    content[5000] ^= 0xFF
    path.unlink()
    path.write_bytes(content)
    code, output = changeable.run("dvc", "repro", "params/tiny/dvc.yaml")
    assert code == 0 and "Running stage 'params/tiny/dvc.yaml:download@phantom-brain'" in output
    assert "05_train" not in output and faults.files(changeable, "tiny") == wanted
