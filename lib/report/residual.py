"""Write the five lines that begin the page of the residual's question, which joins several studies.

lib.evidence.answer.answers --lines--> asked, done, found, how sure, differences from the paper
"""

import pandas as pd

from lib.evidence import answer
from lib.evidence.scores import holm
from lib.report.documents import RESIDUAL, between, load_source, setting
from lib.study import load_study

CAPTION = (
    "Accuracy with the residual minus without: dot, mean over seeds; bar, 95 % interval over groups of related images"
    " and seeds; grey, differences too small to be found with 80 % power. Diamond: the paper's difference between its"
    " proposed and its plain ViT. Above each bar: accuracy with against without the residual, and of the best simple"
    " classifier."
)


def lines(found: pd.DataFrame) -> dict[str, str]:
    """Label -> one or a few sentences for new readers; at most 130 words in all; found: rows of `answers`."""
    run, source = found[found.run], load_source(RESIDUAL)
    return {
        "Asked": "How much accuracy does the best head's residual add to a small ViT?",
        "Done": (
            f"The same ViT with and without it on {len(run)} data sets: {between(run.seeds, ',.0f')} seeds,"
            f" {between(run.images, ',.0f')} test images. Best head: lowest attention entropy, since the published rule"
            " is a tie."
        ),
        "Found": answer.together(found),
        "How sure": (
            f"Detectable with 80 % power: {between(run.detectable, '.1f')} points. After Holm's"
            f" correction, accuracy differs on {(holm(run.p) < answer.ALPHA).sum()} of {len(run)} data sets."
        ),
        "Not the paper's setting": f"{source.setting} {setting(source, [load_study(name) for name in source.own])}",
    }
