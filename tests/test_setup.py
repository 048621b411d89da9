"""`make` sets up the environment with what the user told pip, and calls it ready only with the packages in it."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from contextlib import contextmanager

import platforms
import pytest
import yaml
from conftest import ROOT, mounted

SCRIPT = ROOT / ".setup" / "install.py"
spec = importlib.util.spec_from_file_location("install", SCRIPT)
install = importlib.util.module_from_spec(spec)
spec.loader.exec_module(install)


def told(tmp_path, lines: str, **variables) -> dict[str, str]:
    """What uv gets where pip has a configuration file with these lines, and these variables are set."""
    (tmp_path / "pip.conf").write_text(lines)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    env = {**plain, "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), **variables}
    return install.for_uv(install.settings_of_pip(env), variables)


def test_uv_gets_the_index_the_proxy_and_the_certificate_that_pip_has(tmp_path):
    lines = "[global]\nindex-url = https://one/simple\nproxy = http://proxy:1\n[install]\nfind-links = /a /b\n"
    got = told(tmp_path, lines, PIP_CERT="/own.pem", PIP_EXTRA_INDEX_URL="https://two/simple https://three/simple")
    assert got["UV_DEFAULT_INDEX"] == "https://one/simple"
    assert got["UV_EXTRA_INDEX_URL"] == "https://two/simple https://three/simple"
    assert got["SSL_CERT_FILE"] == "/own.pem" and got["UV_FIND_LINKS"] == "/a,/b"
    assert got["HTTPS_PROXY"] == got["HTTP_PROXY"] == "http://proxy:1"


def test_a_variable_goes_before_pips_file_and_uvs_own_before_both(tmp_path):
    lines = "[global]\nindex-url = https://file/simple\n"
    assert (
        told(tmp_path, lines, PIP_INDEX_URL="https://variable/simple")["UV_DEFAULT_INDEX"] == "https://variable/simple"
    )
    own = {"UV_DEFAULT_INDEX": "https://own/simple", "UV_TORCH_BACKEND": "cpu"}
    got = told(tmp_path, lines, PIP_INDEX_URL="https://variable/simple", **own)
    assert own.items() <= got.items()


def test_packages_that_are_absent_or_of_another_version_are_named(tmp_path):
    (tmp_path / "more.txt").write_text("no-such-package==1.2   # a remark\n")
    (tmp_path / "all.txt").write_text(f"-r more.txt\npytest=={pytest.__version__}\nnumpy==0.1\n")
    absent = install.missing(tmp_path / "all.txt", dict(os.environ))
    assert sorted(text.split(" ")[0] for text in absent) == ["no-such-package==1.2", "numpy==0.1"]


def wheel(folder, name: str) -> None:
    """An empty package, version 1.0, as a wheel."""
    described = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", "")
        file.writestr(f"{name}-1.0.dist-info/METADATA", described)
        file.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{name}-1.0.dist-info/RECORD", "")


def test_without_uv_pip_installs_says_so_and_an_environment_that_lacks_something_is_not_ready(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    (tmp_path / "wheels").mkdir()
    wheel(tmp_path / "wheels", "alone")
    (tmp_path / "pins.txt").write_text("alone==1.0\n")
    # no index, so no uv; and settings that would put the packages elsewhere, or nowhere
    offline = {
        **os.environ,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "wheels"),
        "PIP_CONFIG_FILE": "/dev/null",
    }
    elsewhere = {"PIP_TARGET": str(tmp_path / "other"), "PIP_USER": "1", "PIP_PREFIX": str(tmp_path / "other")}
    command = [tmp_path / "env/bin/python", SCRIPT, tmp_path / "pins.txt"]
    spoilt = subprocess.run(command, env={**offline, "PIP_DRY_RUN": "1"}, capture_output=True, text=True)
    assert spoilt.returncode and "alone==1.0 (there is no version)" in spoilt.stderr
    whole = subprocess.run(command, env=offline | elsewhere, capture_output=True, text=True)
    assert whole.returncode == 0 and "uv could not install the packages" in whole.stdout
    assert subprocess.run([tmp_path / "env/bin/python", "-c", "import alone"]).returncode == 0
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("line", ["target = /elsewhere", "prefix = /elsewhere", "python = /usr/bin/python3"])
def test_settings_of_pip_that_install_elsewhere_are_named(tmp_path, monkeypatch, line):
    (tmp_path / "pip.conf").write_text(f"[install]\n{line}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setattr(install, "by_uv", lambda *_: pytest.fail("installed"))
    with pytest.raises(SystemExit, match=f"pip's settings have {line.split()[0]}"):
        install.main("requirements.txt")


def test_a_second_make_waits_for_the_first_and_takes_what_it_has_set_up(tmp_path):
    shutil.copytree(SCRIPT.parent, tmp_path / ".setup")
    (tmp_path / "pins.txt").write_text("no-such-package==1.0\n")
    with flock(tmp_path / ".setup"):
        command = [sys.executable, ".setup/environment.py", "pins.txt"]
        second = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        assert "waiting" in second.stdout.readline()
        subprocess.run([sys.executable, "-m", "venv", tmp_path / ".venv"], check=True)
        (tmp_path / ".venv" / "ready").touch()
    assert second.communicate(timeout=60)[0] == "" and second.returncode == 0


def set_up(folder) -> subprocess.CompletedProcess:
    """Set up .venv in a folder, with no package, without the network."""
    shutil.copytree(SCRIPT.parent, folder / ".setup", dirs_exist_ok=True)
    (folder / "pins.txt").touch()
    command = [sys.executable, ".setup/environment.py", "pins.txt"]
    offline = {**os.environ, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"}
    return subprocess.run(command, cwd=folder, env=offline, capture_output=True, text=True)


def test_an_environment_whose_python_is_gone_is_made_again(tmp_path):
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name in ["bin/pip", "ready"]:
        (tmp_path / ".venv" / name).touch(0o777)
    (tmp_path / ".venv/bin/python").symlink_to("/gone/python3")
    assert set_up(tmp_path).returncode == 0
    assert subprocess.run([tmp_path / ".venv/bin/python", "-c", ""]).returncode == 0


def test_a_link_to_another_environment_is_never_cleared(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "kept").touch()
    (tmp_path / ".venv").symlink_to("other")
    made = set_up(tmp_path)
    assert (
        made.returncode == 1
        and made.stderr.startswith("error: .venv is a link to other")
        and "\n" not in made.stderr[:-1]
    )
    assert (tmp_path / "other" / "kept").exists()


def test_a_folder_that_takes_no_environment_is_told(tmp_path):
    with mounted(tmp_path / "small", "size=1m") as folder:
        shutil.copytree(SCRIPT.parent, folder / ".setup")
        (folder / "pins.txt").touch()
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        made = subprocess.run(
            [sys.executable, ".setup/environment.py", "pins.txt"], cwd=folder, capture_output=True, text=True
        )
    assert made.returncode == 1 and "Traceback" not in made.stderr and "copy the project elsewhere" in made.stderr


@contextmanager
def flock(folder):
    """The lock that a `make` holds while it sets up."""
    place = os.open(folder, os.O_RDONLY)
    fcntl.flock(place, fcntl.LOCK_EX)
    yield
    os.close(place)


def test_the_page_of_platforms_is_about_the_versions_that_are_pinned():
    assert platforms.PAGE.read_text(encoding="utf-8").endswith(platforms.pinned())


def test_conda_gets_what_pip_gets():
    told = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (by_pip,) = [one["pip"] for one in told if isinstance(one, dict)]
    assert requirements(ROOT / "requirements.txt") <= set().union(*map(of_line, by_pip))


def requirements(path) -> set[str]:
    """name==version of a requirements file, and of those that it names with -r."""
    return set().union(*(of_line(line) for line in path.read_text().splitlines()))


def of_line(line: str) -> set[str]:
    """The requirements of one line: its own, or those of the file that it names."""
    text = line.split("#")[0].strip()
    if text.startswith("-r "):
        return requirements(ROOT / text.removeprefix("-r ").strip())
    return {text} if text and not text.startswith("-") else set()
