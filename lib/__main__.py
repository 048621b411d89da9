"""The command line: python -m lib COMMAND; `python -m lib --help` lists the commands."""

import signal

on_ctrl_c = signal.getsignal(signal.SIGINT)
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while imports run, Ctrl-C ends this without a traceback

import argparse  # noqa: E402
import inspect  # noqa: E402
import sys  # noqa: E402

from lib import strict  # noqa: E402
from lib.data.files import CURES, not_written  # noqa: E402
from lib.strict import StudyError  # noqa: E402


def execute(notebook: str, study: str, *assignments: str) -> None:
    """Execute a notebook for a study: execute 05_train demo dataset=phantom-blood split=published model=cnn."""
    from lib.report.execute import execute

    made = execute(notebook, study, dict(assignment.split("=", 1) for assignment in assignments))
    print(made.relative_to(strict.ROOT))


def render(study: str, *pages: str) -> None:
    """Turn the executed notebooks of a study, or the pages named, into web pages."""
    from lib.report.render import render
    from lib.study import load_study

    written = render(load_study(study), list(pages))
    print(f"{len(written)} pages in reports/{study}")


def check(study: str) -> None:
    """Say what a study will do, or what is wrong with its parameters and claims."""
    from lib.evidence import claims
    from lib.study import load_study

    chosen = load_study(study)
    number = len(claims.load_claims(chosen))
    print(f"study {study}: {len(chosen.models)} models, {len(chosen.runs)} trainings, {number} claims to judge")


def report(study: str, *jobs: str) -> None:
    """Make the report of a study, JOBS stages at a time (default: as many as there are cores for)."""
    from lib.training import jobs as side_by_side

    check(study)
    side_by_side.report(study, *jobs)


def own(path: str, *models: str) -> None:
    """Make a study of your own images: a folder, a zip file or a CSV file; `paper` adds the paper's five models."""
    from pathlib import Path

    from lib.study.own import make_study

    print(make_study(Path(path).expanduser(), *models))


def look(study: str) -> None:
    """Report on images of your own: a first look by a frozen network, then, in the same place, a fine-tuned one."""
    from lib.report.own import look
    from lib.training import weights

    check(study)
    weights.main(study)
    look(study)


def pipelines() -> None:
    """Copy dvc.yaml into the folder of every other study, after a change of it."""
    from lib.study.own import pipeline

    for copy in sorted((strict.ROOT / "params").glob("*/dvc.yaml")):
        copy.write_text(pipeline())


def answer() -> None:
    """Make the pages of no single study from tables: the answer of several, and how often intervals hold the truth."""
    from lib.report import joined

    print(joined.coverage(), joined.answer(), sep="\n")


def site(folder: str) -> None:
    """Put all reports together in a folder that any web server can show, and check every link."""
    from pathlib import Path

    from lib.report.site import build

    number = build(Path(folder).expanduser())
    print(f"{number} pages, no broken link: {folder}/index.html")


def coverage(*scores: str) -> None:
    """Simulate how often intervals hold the truth, of all scores or of those named (as auc): coverage.csv, its page."""
    from lib.evidence import coverage
    from lib.report import joined

    coverage.renew(list(scores))
    print(joined.coverage())


def weights(study: str) -> None:
    """Bring the ImageNet weights that a study's models start from."""
    from lib.training import weights

    weights.main(study)


def pilot(study: str, dataset: str, split: str, model: str) -> None:
    """Say how far a model, and simple classifiers, get on the validation part: what a budget is chosen by."""
    from lib.evidence.baselines import reached
    from lib.study import load_study
    from lib.training.pilot import pilot

    cell = load_study(study).cell(dataset, split)
    folds = pilot(cell, model)
    for name, accuracy in {model: sum(folds) / len(folds), **reached(cell)}.items():
        print(f"{accuracy:7.1%}  {name}")


def pretrain(study: str) -> None:
    """Train the ViTs that a study's models start from, on drawings, if that is not done yet."""
    from lib.training import pretrain

    pretrain.main(study)


def launch(study: str, *run: str) -> None:
    """Train all runs of a study, or one (DATASET SPLIT MODEL SEED), on its devices and nodes: docs/machines.md."""
    from lib.training.run import launch

    launch(study, *run)


def cluster(study: str, address: str) -> None:
    """Train all runs of a study on the Ray cluster at an address."""
    from lib.training import cluster

    cluster.main(study, address)


COMMANDS = [
    *(report, execute, render, check, own, look, pipelines, answer, site, coverage),
    *(weights, pretrain, pilot, launch, cluster),
]


def require_utf8() -> None:
    """StudyError: Python takes names of files for something else than UTF-8; `make` sets PYTHONUTF8."""
    if sys.getfilesystemencoding().lower() != "utf-8":
        raise StudyError("names of files are not read as UTF-8 here: set PYTHONUTF8=1, or use make")


def main() -> None:
    """Call the command; what the user can mend is one message."""
    parser = argparse.ArgumentParser(prog="python -m lib", description="The commands behind `make` and `dvc repro`.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        subparser = commands.add_parser(command.__name__, help=command.__doc__, description=command.__doc__)
        subparser.set_defaults(command=command)
        for name, parameter in inspect.signature(command).parameters.items():
            subparser.add_argument(name, nargs="*" if parameter.kind is parameter.VAR_POSITIONAL else None)
    arguments = vars(parser.parse_args())
    command, values = arguments.pop("command"), []
    for value in arguments.values():
        values += value if isinstance(value, list) else [value]
    try:
        require_utf8()
        command(*values)
    except StudyError as error:
        sys.exit(f"error: {error}")
    except OSError as error:  # of a library that writes: a full disk, a folder that is not writable
        if error.errno not in CURES:
            raise
        sys.exit(f"error: {not_written(error.filename or 'a file', error)}")
    except KeyboardInterrupt:
        print("stopped; run it again to go on from here", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, on_ctrl_c)
    try:
        main()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nor while libraries clean up
