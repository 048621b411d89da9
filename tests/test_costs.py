"""What the report says that attention costs can be counted by hand."""

import numpy as np
import pandas as pd
import pytest
import torch

from lib import strict
from lib.probes import costs

CPU = torch.device("cpu")


def block(kind: str, image_size: int) -> pd.Series:
    """Costs of one block of ViT-B/16 on one image."""
    return costs.costs({kind: costs.one_block(kind, image_size, CPU)}, repeats=1).iloc[0]


@pytest.fixture(scope="module")
def plain() -> dict[int, pd.Series]:
    return {image_size: block("plain", image_size) for image_size in [32, 64, 128]}


def test_flops_of_a_plain_block_are_those_of_its_products(plain):
    dim, mlp_dim = costs.B_16["dim"], costs.B_16["ff_dim"]
    for image_size, row in plain.items():
        n = (image_size // 16) ** 2 + 1
        forward = 4 * 2 * n * dim**2 + 2 * 2 * n * dim * mlp_dim + 2 * 2 * n**2 * dim  # linear maps, MLP, all pairs
        assert row.flops == 3 * forward, "the backward pass has two products for each: of the input, of the weights"


def test_the_papers_reading_has_the_flops_and_the_parameters_of_the_plain_block(plain):
    paper = block("paper", 64)
    assert (paper.flops, paper.parameters) == (plain[64].flops, plain[64].parameters)


def test_peak_memory_holds_weights_and_gradients_and_grows_with_the_number_of_tokens(plain):
    peaks = [row.peak_bytes for row in plain.values()]
    assert peaks[0] >= 2 * 4 * plain[32].parameters, "4 bytes a weight, and as many for its gradient"
    assert peaks[0] < peaks[1] < peaks[2]


def test_an_exponent_that_was_put_in_is_found_again_for_each_model():
    tokens = np.array([17, 65, 257, 1025])
    tables = [
        pd.DataFrame({"attention": name, "tokens": tokens, "flops": factor * tokens**exponent})
        for name, factor, exponent in [("plain", 3.0, 1.25), ("paper", 0.5, 2.0)]
    ]
    found = costs.growth(pd.concat(tables).sample(frac=1, random_state=0), "flops")
    assert found["plain"] == pytest.approx(1.25) and found["paper"] == pytest.approx(2.0) and len(found) == 2


def test_calls_take_turns_back_and_forth_and_the_first_round_only_warms_up(monkeypatch):
    made, now = [], [0.0]
    lasts = {"a": [100, 3, 1, 2], "b": [100, 30, 20, 10]}  # seconds of each call, by a clock that only they move

    def call(name):
        made.append(name)
        now[0] += lasts[name][made.count(name) - 1]

    monkeypatch.setattr(costs.time, "perf_counter", lambda: now[0])
    seconds = costs.in_turns({"a": lambda: call("a"), "b": lambda: call("b")}, rounds=3)
    assert made == [*"abbaabba"] and seconds.to_dict("list") == {"a": [3, 1, 2], "b": [30, 20, 10]}


def test_the_docs_have_the_committed_costs_of_studies_that_are_not_trained_here():
    from tests.bench import studies

    table = pd.read_csv(strict.ROOT / "reports/bench/studies.csv")
    assert studies.page(table) in (strict.ROOT / "docs/machines.md").read_text(encoding="utf-8")
    vit = table.query("dataset == 'blood-cells' and model == 'vit'").iloc[0]
    # five trainings of 20 epochs of ceil(8755 / 16) steps
    assert vit.steps == 5 * 20 * 548
    assert vit.t4_hours == pytest.approx(vit.steps * vit.flops_per_step / (0.4 * 8.1e12) / 3600)
