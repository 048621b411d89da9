"""What is killed or stopped goes on and ends with the same bytes; `make test-faults` does more of it."""

import os
import random
import signal
import time

import faults
import psutil
import pytest


@pytest.mark.parametrize("stage", ["groups@phantom-blood", "train@phantom-brain-published-vit-proposed", "evaluate"])
def test_a_study_that_was_killed_within_a_stage_ends_with_the_same_bytes(finished, stage):
    wanted = faults.files(finished, "tiny")
    row = faults.kill_within(finished, "tiny", stage, random.Random(stage).uniform(1, 4), wanted)
    assert row.went_on and row.same, row


def test_ctrl_c_ends_everything_within_seconds_and_says_how_to_go_on(finished):
    arguments = ["05_train", "tiny", "dataset=phantom-brain", "split=published", "model=cnn"]
    faults.forget(finished, "tiny", "train@phantom-brain-published-cnn")
    process = finished.start("python", "-m", "lib.pages", *arguments)
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
    assert finished.run("dvc", "repro", "params/tiny/dvc.yaml")[0] == 0


def test_a_spoiled_cache_is_noticed_by_its_checksum_and_made_anew_and_nothing_is_trained_again(finished):
    wanted = faults.files(finished, "tiny")
    path = finished.folder / "data/tiny/images/phantom-brain/pixels.npy"
    content = bytearray(path.read_bytes())
    content[5000] ^= 0xFF
    path.unlink()
    path.write_bytes(content)
    code, output = finished.run("dvc", "repro", "params/tiny/dvc.yaml")
    assert code == 0 and "Running stage 'params/tiny/dvc.yaml:download@phantom-brain'" in output
    assert "05_train" not in output and faults.files(finished, "tiny") == wanted
