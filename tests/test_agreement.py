"""A comparison says that two results agree only if they do, and the sentences say what the table holds."""

import numpy as np
import pandas as pd
import pytest
import torch

from lib import agreement


def test_a_comparison_agrees_within_its_tolerance_and_never_with_what_is_no_number():
    def agrees(ours, theirs):
        return agreement.check(1, "1", "a", "b", ours, theirs, 0.5)["agrees"]

    assert agrees([1.0, 2.0], torch.tensor([1.5, 2.0], requires_grad=True))
    assert not agrees([1.0, 1.6], [1.0, 1.0]) and not agrees([np.nan], [np.nan])
    for wrong in [dict(by_hand=[1, 1], reference=[1]), dict(by_hand=[1], reference=[1], reading="guess")]:
        with pytest.raises(ValueError):
            agreement.check(1, "1", "a", "b", tolerance=1, **wrong)


def test_the_answer_names_what_disagrees_and_by_how_much():
    def row(equation, ours, reading="as printed"):
        return agreement.check(equation, "1", "a", "b", [ours], [2.0], 1e-9, reading)

    rows = [row(1, 2.0), row("text", 9.0, "convention"), row(2, 2 + 2e-12), row(3, 2.5), row(3, 2 + 1e-12, "completed")]
    says = agreement.answer(pd.DataFrame([*rows, row("figure 2", 3.0, "convention"), row(2, 5.0, "beyond")]))
    assert says.startswith(
        "of 3 numbered equations, 2 agree as printed, to 2e-12 or better. As printed, these do not: "
    )
    assert "3 (off by 0.5, in numbers up to 2)." in says and "transpose, 3 agree too, to 1e-12 or better." in says
    assert says.endswith("by the same name in figure 2: the table at the end has it.")
    assert (
        agreement.answer(pd.DataFrame(rows[:1])) == "of 1 numbered equations, 1 agree as printed, to 0e+00 or better."
    )
