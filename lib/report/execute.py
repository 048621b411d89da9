"""Execute a notebook with parameters.

    notebooks/05_train.ipynb --papermill--> build/<study>/05_train-<dataset>-<split>-<model>.ipynb

Times, random ids and progress bars are removed, so that equal runs write equal bytes.
"""

import os
import sys
from pathlib import Path

sys.modules["rfc3987_syntax"] = None  # jsonschema works without it, and it takes a second of every notebook to import

import nbformat  # noqa: E402

from lib import strict  # noqa: E402
from lib.data.files import CURES, alone, not_written, write  # noqa: E402
from lib.report.kernel import this_python  # noqa: E402
from lib.strict import StudyError  # noqa: E402
from lib.study import load_study  # noqa: E402
from lib.study.paths import page_name  # noqa: E402

START = 600  # seconds that a kernel may take to start on a busy machine
WIDGET = "application/vnd.jupyter.widget-view+json"  # a progress bar


def execute(notebook: str, study: str, parameters: dict[str, str]) -> Path:
    """Execute a notebook for a study and keep it in build/; waits if another process makes the same page.

    Raises:
        StudyError: parameters are wrong; or a cell raised a StudyError (its message is passed on) or another error
            (its traceback is shown). build/failed/ keeps the notebook up to the failure.
    """
    executed = load_study(study).executed
    name = page_name(notebook, *parameters.values())
    with alone(strict.ROOT / "build" / ".locks" / f"{study}-{name}"):
        failed = strict.ROOT / "build" / "failed" / f"{study}-{name}.ipynb"
        made = run(notebook, {"study": study, **parameters}, failed)
        text = nbformat.writes(stable(made))
        write(executed / f"{name}.ipynb", lambda part: part.write_text(text, encoding="utf-8"))
        failed.unlink()
    return executed / f"{name}.ipynb"


def run(notebook: str, parameters: dict[str, str], kept: Path) -> nbformat.NotebookNode:
    """Run a notebook by Papermill, which keeps it at `kept` even if it fails; shows prints at once."""
    import papermill
    from nbclient.exceptions import DeadKernelError

    kept.parent.mkdir(parents=True, exist_ok=True)
    place = f"stopped in notebooks/{notebook}.ipynb"
    try:
        with this_python() as config:
            return papermill.execute_notebook(
                strict.ROOT / "notebooks" / f"{notebook}.ipynb",
                kept,
                parameters,
                cwd=strict.ROOT / "notebooks",
                kernel_name="python3",
                request_save_on_cell_execute=False,  # it saves all figures after every cell
                progress_bar=False,
                stdout_file=sys.stdout,
                stderr_file=sys.stderr,
                start_timeout=START,
                config=config,
            )
    except papermill.PapermillExecutionError as error:
        is_disk = any(f"[Errno {number}]" in error.evalue for number in CURES)
        if is_disk:
            reason = f"{error.evalue}: make room on that disk, or make that folder writable, and run this again"
        else:
            reason = error.evalue if error.ename == "StudyError" else "\n".join(error.traceback)
        raise StudyError(f"{reason}\n  ({place}; what it did is in {kept.relative_to(strict.ROOT)})") from None
    except OSError as error:
        raise not_written(error.filename or kept, error) from error
    except DeadKernelError:
        raise StudyError(f"{killed(parameters['study'])}\n  ({place})") from None


def killed(study: str) -> str:
    """The message for a notebook's process that ended without an error, with the cure for lack of memory."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"the process of this notebook was killed from outside: memory may have run out ({size:.0f} GiB are in this"
        " machine, for all programs). Close other programs, run one training at a time (JOBS=1), or make batch_size or"
        f" image_size smaller in params/{study}/params.yaml; then run this again: what is finished is kept"
    )


def stable(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove from a notebook what differs between two equal runs."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {"tags": cell.metadata.get("tags", [])}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for output in cell.outputs:
                if WIDGET in output.get("data", {}):
                    output.data[WIDGET] = {"model_id": "progress", "version_major": 2, "version_minor": 0}
    return notebook
