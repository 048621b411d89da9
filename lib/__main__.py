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
from lib.report.kernel import settle_in  # noqa: E402
from lib.strict import StudyError  # noqa: E402


def execute(notebook: str, study: str, *assignments: str) -> None:
    """Execute a notebook for a study: execute 05_train demo dataset=phantom-blood split=published model=cnn."""
    from lib.report.execute import execute

    made = execute(notebook, study, dict(assignment.split("=", 1) for assignment in assignments))
    print(made.relative_to(strict.ROOT))


def render(study: str, *pages: str) -> None:
    """Turn a study's executed notebooks, or those named, into web pages."""
    from lib.report.render import render
    from lib.study import load_study

    written = render(load_study(study), list(pages))
    print(f"{len(written)} pages in reports/{study}")


def check(study: str) -> None:
    """Check the parameters and claims of a study, and count its models, trainings and claims."""
    from lib.evidence import claims
    from lib.study import load_study

    chosen = load_study(study)
    number = len(claims.load_claims(chosen))
    print(f"study {study}: {len(chosen.models)} models, {len(chosen.runs)} trainings, {number} claims to judge")


def report(study: str, *jobs: str) -> None:
    """Make the report of a study, JOBS stages at a time (default: as many as there are cores for)."""
    from lib.report.own import lead_with_all
    from lib.study import load_study
    from lib.training import jobs as side_by_side

    check(study)
    side_by_side.report(study, *jobs)
    lead_with_all(load_study(study))


def own(path: str, *models: str) -> None:
    """Make a study of your own images: a folder, a zip file or a CSV file; `paper` adds the paper's five models."""
    from pathlib import Path

    from lib.study.own import make_study

    print(make_study(Path(path).expanduser(), *models))


def look(study: str) -> None:
    """Report on your own images: first with a frozen network, then, on the same page, with a fine-tuned one."""
    from lib.report.own import look
    from lib.training import weights

    check(study)
    weights.main(study)
    look(study)


def pipelines() -> None:
    """Copy a changed dvc.yaml into the folder of every other study."""
    from lib.study.own import pipeline

    for copy in sorted((strict.ROOT / "params").glob("*/dvc.yaml")):
        copy.write_text(pipeline())


def answer() -> None:
    """Make the two pages that join studies: the answer of several, and how often intervals hold the truth."""
    from lib.report import joined

    print(joined.coverage(), joined.answer(), sep="\n")


def site(folder: str) -> None:
    """Copy all reports into a folder that any web server can show, and check every link."""
    from pathlib import Path

    from lib.report.site import build

    number = build(Path(folder).expanduser())
    print(f"{number} pages, no broken link: {folder}/index.html")


def coverage(*scores: str) -> None:
    """Simulate how often intervals hold the truth, for all scores or those named (auc): coverage.csv and its page."""
    from lib.evidence import coverage
    from lib.report import joined

    coverage.renew(list(scores))
    print(joined.coverage())


def weights(study: str) -> None:
    """Fetch the ImageNet weights that a study's models start from."""
    from lib.training import weights

    weights.main(study)


def pilot(study: str, dataset: str, split: str, model: str) -> None:
    """Print the validation accuracy of a model and of simple classifiers, to choose a training budget by."""
    from lib.evidence.baselines import reached
    from lib.study import load_study
    from lib.training.pilot import pilot

    cell = load_study(study).cell(dataset, split)
    folds = pilot(cell, model)
    for name, accuracy in {model: sum(folds) / len(folds), **reached(cell)}.items():
        print(f"{accuracy:7.1%}  {name}")


def pretrain(study: str) -> None:
    """Pre-train, on drawings, the ViTs that a study's models start from, unless that is done."""
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
    """StudyError: Python does not read file names as UTF-8 (`make` sets PYTHONUTF8)."""
    if sys.getfilesystemencoding().lower() != "utf-8":
        raise StudyError("names of files are not read as UTF-8 here: set PYTHONUTF8=1, or use make")


def main() -> None:
    """Call the command; an error that the user can mend is one message and exit code 1."""
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
        settle_in()
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
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # while libraries clean up, too
