"""Where the pinned packages can be installed: `python tests/platforms.py` asks the package index, writes the table.

uv resolves requirements-dev.txt for a Python version and a system as if it ran there. It may take wheels alone, except
of packages that are published as source only: these are pure Python and build anywhere. Nothing is installed or run.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "platforms.md"
REQUIREMENTS = ROOT / "requirements-dev.txt"
PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15"]
SYSTEMS = {
    "Linux x86-64": "x86_64-manylinux_2_28",
    "Linux arm64": "aarch64-manylinux_2_28",
    "macOS 14 arm64": "aarch64-apple-darwin",
    "macOS 14 x86-64": "x86_64-apple-darwin",
}
SOURCE_ONLY = ["pytorch-pretrained-vit", "antlr4-python3-runtime"]
HEAD = """# Where the pinned packages can be installed

Made by `python tests/platforms.py`: `uv pip compile` of [requirements-dev.txt](../requirements-dev.txt) for each Python
version and system, with wheels only ({source}, pure Python, are published as source). It tells
whether all packages exist for a system, not whether the project was run there: its results were made, and its tests
run, on Linux x86-64 with Python 3.11.

"""


def obstacle(python: str, system: str) -> str:
    """Why the pins do not resolve for a Python version and a system; an empty text where they do."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--python-version", python]
    command += ["--python-platform", system, "--only-binary", ":all:"]
    command += [f"--no-binary={name}" for name in SOURCE_ONLY]
    # torch's wheels for macOS ask for version 14, and uv assumes 13
    env = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"}
    told = subprocess.run([*command, REQUIREMENTS], env=env, capture_output=True, text=True)
    if told.returncode == 0:
        return ""
    lacking = re.search(r"Because (\S+) has no (?:usable )?wheels", " ".join(told.stderr.split()))
    if lacking is None:
        raise SystemExit(told.stderr)
    return f"no wheel of {lacking[1].replace('==', ' ')}"


def pinned() -> str:
    """Every version that the table is about, in one line."""
    texts = [(ROOT / name).read_text() for name in ["requirements.txt", "requirements-dev.txt"]]
    pins = re.findall(r"^([\w.-]+)==([^\s;]+)", "\n".join(texts), re.M)
    return "Pinned versions: " + ", ".join(f"{name} {version}" for name, version in pins) + ".\n"


def table() -> str:
    """One row per system, one column per Python version."""
    lines = [f"| | Python {' | '.join(PYTHONS)} |", "|---" * (len(PYTHONS) + 1) + "|"]
    for title, system in SYSTEMS.items():
        cells = [obstacle(python, system) or "resolves" for python in PYTHONS]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(HEAD.format(source=" and ".join(SOURCE_ONLY)) + table() + "\n" + pinned())
    print(PAGE.read_text())
