"""A misspelt name stops at once, with a message that lists the right names."""

import subprocess
import sys

import pytest
import yaml

from lib import strict
from lib.models import MODELS
from lib.strict import StudyError, validated
from lib.study import Study, load_study
from lib.study.settings import declared

GOOD = yaml.safe_load((strict.ROOT / "tests" / "tiny.yaml").read_text())


def changed(**changes) -> dict:
    return {**GOOD, **changes}


def with_vit(**settings) -> dict:
    return changed(models={"a": {"title": "A", "architecture": "vit", **settings}})


@pytest.mark.parametrize("name", sorted(p.parent.name for p in (strict.ROOT / "params").glob("*/params.yaml")))
def test_every_study_is_right(name):
    assert load_study(name).runs


@pytest.mark.parametrize(
    "values, message",
    [
        (changed(epoch=3), "unknown parameter 'epoch'"),
        (changed(splits=["publised"]), "did you mean 'published'?"),
        (changed(datasets={"phantom-blod": {"epochs": 1}}), "did you mean 'phantom-blood'?"),
        (changed(datasets={"phantom-blood": {"epoch": 1}}), "did you mean 'epochs'?"),
        (changed(models={"a": {"title": "A", "architecture": "resnet8"}}), "did you mean 'resnet18'?"),
        (changed(models={"a": {"title": "A", "architecture": "vit", "head": 3}}), "did you mean 'heads'?"),
        (
            changed(models={"a": {"title": "A", "architecture": "vit", "attention": "best"}}),
            "'plain', 'paper' or 'released'",
        ),
        (changed(training={**GOOD["training"], "image_size": "big"}), "image_size"),
        (changed(training={**GOOD["training"], "batchsize": 8}), "did you mean 'batch_size'?"),
        (changed(seeds=[]), "seeds"),
        (changed(models={"rate-0.1": {"title": "A", "architecture": "cnn"}}), "only letters, digits, - and _"),
        (changed(seeds=[0, 0]), "two seeds are the same"),
        (changed(validation_share=0.9), "validation_share"),
        (changed(datasets={"phantom-blood": {"epochs": 1, "draw": {"sed": 0}}}), "did you mean 'seed'?"),
        (changed(datasets={"phantom-blood": {"epochs": 1}}), "draw lacks seed, photographs, views"),
        (changed(models={n: {"title": "A", "architecture": "cnn"} for n in "ab"}), "two titles of models are the same"),
        (
            changed(models={"a": {"title": "A", "architecture": "resnet18", "weights_file": "w.pth"}}),
            "set weights: imagenet",
        ),
        (changed(pretrain=None), "vit, vit-proposed ask for weights: phantoms, but the study has no block pretrain"),
        (
            changed(pretrain={"epochs": 1, "draw": {"phantom-brain": {"seed": 0, "patients": 9}}}),
            "the same phantoms that phantom-brain tests on: give it another seed",
        ),
        (with_vit(weights="phantoms", weights_file="w.pth"), "set weights: imagenet"),
        (with_vit(attention="paper", selection="confidense"), "score_l1; did you mean 'confidence'?"),
        (with_vit(attention="paper", scope="imag"), "there are batch, class, image, token; did you mean 'image'?"),
        (with_vit(attention="paper", injection="tiles"), "linear, output, slice, tile; did you mean 'tile'?"),
        ([1, 2], "expected a block"),
    ],
)
def test_a_wrong_parameter_is_named_with_the_right_ones(values, message):
    with pytest.raises(StudyError) as error:
        validated(Study, values, "params/tiny/params.yaml")
    assert message in str(error.value)


@pytest.mark.parametrize("rule", [{"selection": "l1"}, {"scope": "image"}, {"injection": "tile"}])
def test_a_plain_vit_that_is_given_a_rule_is_refused_when_it_is_built(rule):
    with pytest.raises(StudyError, match="set attention: paper"):
        MODELS["vit"](2, 32, dim=8, mlp_dim=8, depth=1, heads=2, **rule)


def test_a_title_says_the_start_where_it_is_not_the_same_for_all():
    plain, other = (
        {"title": t, "architecture": "resnet18", "weights": w} for t, w in [("A", "none"), ("B", "imagenet")]
    )
    alone = validated(Study, changed(models={"a": plain, "b": {**plain, "title": "B"}}, pretrain=None), "here").titles
    both = validated(Study, changed(models={"a": plain, "b": other}, pretrain=None), "here").titles
    assert list(alone.values()) == ["A", "B"] and list(both.values()) == ["A, from scratch", "B, ImageNet weights"]


def test_the_number_of_threads_decides_a_run_only_where_it_is_set(tiny):
    run = tiny.cell("phantom-brain", "published").run("cnn", 0)
    assert declared(run)["threads"] == 1
    training = tiny.training.model_copy(update={"threads": None})
    unset = tiny.model_copy(update={"training": training}).cell("phantom-brain", "published").run("cnn", 0)
    assert "threads" not in declared(unset)


def test_a_data_set_or_a_model_takes_the_first_seeds_and_no_run_changes_by_it(tiny):
    few = tiny.model_copy(update={"seeds": [5, 6, 7]})
    brain = few.datasets["phantom-brain"].model_copy(update={"seeds": 2})
    cnn = few.models["cnn"].model_copy(update={"seeds": 1})
    few = few.model_copy(update={"datasets": {"phantom-brain": brain}, "models": {**few.models, "cnn": cnn}})
    cell = few.cell("phantom-brain", "published")
    assert cell.seeds("cnn") == [5] and cell.seeds("vit") == [5, 6]
    assert len(few.runs) == sum(len(cell.runs(model)) for model in few.models) == 2 * len(few.models) - 1
    assert "seeds" not in declared(cell.run("vit", 5))


def test_more_seeds_than_the_study_has_are_refused():
    values = changed()
    values["seeds"], values["datasets"]["phantom-brain"]["seeds"] = [0, 1], 3
    with pytest.raises(StudyError, match="phantom-brain asks for 3 seeds, but the study has 2"):
        validated(Study, values, "here")


def test_an_unknown_study_lists_the_studies():
    with pytest.raises(StudyError, match="demo"):
        load_study("dmo")


def test_checking_a_study_does_not_wait_for_torch():
    heavy = "'torch' in sys.modules or 'pandas' in sys.modules"
    code = f"import sys, lib.study; lib.study.load_study('demo'); sys.exit({heavy})"
    assert subprocess.run([sys.executable, "-c", code], cwd=strict.ROOT).returncode == 0


def test_checking_a_study_and_its_claims_does_not_wait_for_what_scores_need():
    heavy = "{'torch', 'scipy.stats', 'sklearn', 'matplotlib'} & set(sys.modules)"
    code = f"import sys; from lib.__main__ import check; check('small'); print(sorted({heavy}))"
    checked = subprocess.run([sys.executable, "-c", code], cwd=strict.ROOT, capture_output=True, text=True)
    assert checked.stdout.endswith(" claims to judge\n[]\n"), checked


def test_the_command_says_what_is_wrong_and_fails(tmp_path):
    shown = subprocess.run(
        [sys.executable, "-m", "lib", "check", "nothing"], cwd=strict.ROOT, capture_output=True, text=True
    )
    assert shown.returncode == 1 and shown.stderr.startswith("error: there is no params/nothing")
