"""A notebook runs in this Python, whatever the user of the machine has set up; one that is killed is told as such."""

import errno
import json
import os
import sys
import tempfile

import nbformat
import pytest

from lib import __main__, strict
from lib.report import execute, kernel
from lib.strict import StudyError

SEEN = """
import json, os, sys
import matplotlib, numpy
print(json.dumps([sys.executable, matplotlib.rcParams["font.size"], numpy.__file__, sys.flags.optimize,
                  sys.getfilesystemencoding(), "spoilt" in globals()]))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one notebook of one cell, whose source is set by the test."""
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()

    def notebook(source: str) -> None:
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
        described = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=described), tmp_path / "notebooks/x.ipynb")

    return notebook


def test_what_the_user_has_set_up_changes_no_notebook(project, tmp_path, monkeypatch):
    spec = tmp_path / "user/kernels/python3/kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": ["/no/such/python", "{connection_file}"], "display_name": "", "language": ""}))
    startup = tmp_path / "ipython/profile_default/startup/a.py"
    startup.parent.mkdir(parents=True)
    startup.write_text("spoilt = True")
    (tmp_path / "matplotlibrc").write_text("font.size: 3")
    (tmp_path / "path/numpy").mkdir(parents=True)
    (tmp_path / "path/numpy/__init__.py").write_text("1 / 0")
    long = tmp_path / ("long" * 30)
    long.mkdir()
    changes = {"JUPYTER_PATH": tmp_path / "user", "IPYTHONDIR": tmp_path / "ipython", "MPLBACKEND": "no-such-backend"}
    changes |= {"MATPLOTLIBRC": tmp_path / "matplotlibrc", "PYTHONPATH": tmp_path / "path", "PYTHONOPTIMIZE": "2"}
    changes |= {"PYTHONSAFEPATH": "1", "PYTHONWARNINGS": "error", "PYTHONUTF8": "0", "LC_ALL": "C", "TMPDIR": long}
    for name, value in changes.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    project(SEEN)
    made = execute.run("x", {}, tmp_path / "build/x.ipynb")
    python, size, numpy, optimised, encoding, spoilt = json.loads(made.cells[-1].outputs[0].text)
    assert python == kernel.COMMAND[0] and size == 10 and str(tmp_path) not in numpy
    assert (optimised, encoding, spoilt) == (0, "utf-8", False)


def test_a_process_that_was_killed_is_told_with_what_may_help(project, tmp_path):
    project("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(
        StudyError, match=r"(?s)killed from outside: memory may have run out .* GiB .*JOBS=1.*mine/params"
    ):
        execute.run("x", {"study": "mine"}, tmp_path / "build/x.ipynb")


def test_a_full_disk_in_a_notebook_is_one_message(project, tmp_path):
    project("import errno\nraise OSError(errno.ENOSPC, 'No space left on device', 'a.npy')")
    with pytest.raises(StudyError, match="^.Errno 28. No space left on device: 'a.npy': make room") as told:
        execute.run("x", {"study": "mine"}, tmp_path / "build/x.ipynb")
    assert "Traceback" not in str(told.value)


@pytest.mark.parametrize("number, code", [(errno.ENOSPC, "make room"), (errno.EROFS, "writable")])
def test_a_disk_that_cannot_be_written_is_one_message_of_every_command(monkeypatch, number, code):
    def fails(study: str) -> None:
        raise OSError(number, os.strerror(number), "/somewhere/a.npy")

    monkeypatch.setattr(__main__, "COMMANDS", [fails])
    monkeypatch.setattr(sys, "argv", ["lib", "fails", "x"])
    with pytest.raises(SystemExit, match=f"error: /somewhere/a.npy cannot be written .*{code}"):
        __main__.main()


@pytest.mark.parametrize("name", ["t", "t" * 90])
def test_a_folder_for_sockets_is_short_wherever_one_is(tmp_path, monkeypatch, name):
    monkeypatch.setattr(tempfile, "tempdir", f"/{name}")
    assert len(kernel.short_folder()) <= kernel.LONGEST
    monkeypatch.setattr(kernel.os, "access", lambda *_: False)
    assert kernel.short_folder() == f"/{name}"


@pytest.mark.parametrize("name", ["HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"])
@pytest.mark.parametrize("error", [None, KeyError("getpwuid(): uid not found: 54321"), OSError("No username set")])
def test_a_user_without_a_name_or_a_home_gets_one_of_the_project(project, tmp_path, monkeypatch, name, error):
    def getuser():
        if error:
            raise error
        return "somebody"

    places = ["HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"]
    before = {place: tmp_path / place.lower() for place in places if place != "MPLCONFIGDIR"} | {name: "/dev/null/no"}
    monkeypatch.setattr(kernel.os, "environ", {place: str(folder) for place, folder in before.items()})
    (tmp_path / "home").mkdir()
    monkeypatch.setattr(kernel.getpass, "getuser", getuser)
    monkeypatch.setattr(kernel.os.path, "expanduser", lambda text: text.replace("~", kernel.os.environ["HOME"]))
    kernel.settle_in()
    own = tmp_path / "build/.home"
    assert kernel.os.environ["HOME"] == str(own if name == "HOME" else tmp_path / "home")
    assert (kernel.os.environ.get("MPLCONFIGDIR") == str(own / "matplotlib")) == (name != "HOME")
    assert kernel.os.environ.get("LOGNAME") == (str(os.getuid()) if error else None)
    kernel.settle_in()
    assert kernel.os.path.isdir(kernel.os.environ["HOME"])
