"""Install a requirements file into the environment that runs this, by uv, or by pip where uv cannot: `make` calls it.

    .venv/bin/python .setup/install.py requirements-dev.txt

pip's settings (an index, a proxy, a certificate, ...) are handed on to uv, which does not read them. UV_TORCH_BACKEND,
and every other variable of uv's own, reaches it. Ends with 1 unless the packages are there. Standard library alone.
"""

import ast
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

UV = "uv==0.13.9"
# a setting of pip -> variables that say the same to uv
SAME = {
    "index-url": ["UV_DEFAULT_INDEX"],
    "extra-index-url": ["UV_EXTRA_INDEX_URL"],
    "find-links": ["UV_FIND_LINKS"],
    "constraint": ["UV_CONSTRAINT"],
    "trusted-host": ["UV_INSECURE_HOST"],
    "timeout": ["UV_HTTP_TIMEOUT"],
    "default-timeout": ["UV_HTTP_TIMEOUT"],
    "cert": ["SSL_CERT_FILE"],
    "client-cert": ["SSL_CLIENT_CERT"],
    "proxy": ["HTTPS_PROXY", "HTTP_PROXY"],
}
# pip tries all indexes for the best version; it writes bytecode, which uv leaves to the first import of every module
AS_PIP = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_COMPILE_BYTECODE": "1"}
# would install outside of this environment: variables, and lines of pip's files
ELSEWHERE = ["PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "UV_TARGET", "UV_PREFIX"]
LINES = ["target", "prefix", "root", "python"]


def pip(*arguments: str, env: dict[str, str], **options) -> subprocess.CompletedProcess:
    """Run pip of this environment."""
    return subprocess.run([sys.executable, "-m", "pip", *arguments], env=env, **options)


def settings_of_pip(env: dict[str, str]) -> dict[str, str]:
    """pip's settings, of its files and of variables, by name; a variable decides, as it does for pip."""
    listed = pip("config", "list", env=env, capture_output=True, text=True).stdout
    found, settings = re.findall(r"^([\w:]+)\.([\w-]+)=(.+)$", listed, re.M), {}
    for place in ["global", "install", ":env:"]:
        settings |= {name: ast.literal_eval(value) for where, name, value in found if where == place}
    return settings


def for_uv(settings: dict[str, str], env: dict[str, str]) -> dict[str, str]:
    """The variables that uv gets: pip's settings and AS_PIP, wherever `env` does not say it to uv already."""
    same = dict(AS_PIP)
    for name, variables in SAME.items():
        if value := settings.get(name):
            words = value.split()
            same |= dict.fromkeys(variables, ",".join(words) if name == "find-links" else " ".join(words))
    return same | env


def by_uv(requirements: str, env: dict[str, str]) -> bool:
    """Whether uv could be had, and installed the packages; its own words on what went wrong are shown."""
    quiet = ["--quiet", "--disable-pip-version-check"]
    got = pip("install", *quiet, "--only-binary", ":all:", UV, env=env, capture_output=True, text=True)
    if got.returncode:
        print(got.stderr, file=sys.stderr)
        return False
    settings = settings_of_pip(env)
    no_index = ["--no-index"] if settings.get("no-index", "0").lower() in ("1", "true", "yes", "on") else []
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable, *no_index]
    return subprocess.run([*command, "-r", requirements], env=for_uv(settings, env)).returncode == 0


def pins(path: Path) -> dict[str, str]:
    """Names and versions that a requirements file pins, with those of the files that it names by -r."""
    text = path.read_text()
    pinned = dict(re.findall(r"^([A-Za-z][\w.-]*)==([^\s;]+)", text, re.M))
    for other in re.findall(r"^-r (\S+)", text, re.M):
        pinned |= pins(path.parent / other)
    return pinned


def missing(requirements: Path, env: dict[str, str]) -> list[str]:
    """What of a requirements file, and of what its packages need, is not in this environment."""
    absent = []
    for name, pinned in pins(requirements).items():
        try:
            # a build of the same version, such as 2.15.0+cpu, is that version
            here = version(name).split("+")[0]
        except PackageNotFoundError:
            here = "no version"
        if here != pinned:
            absent.append(f"{name}=={pinned} (there is {here})")
    checked = pip("check", env=env, capture_output=True, text=True).stdout.splitlines()
    return absent + [line for line in checked if "not installed" in line]


def main(requirements: str) -> None:
    """Install; exit with a message unless every package is there at the end."""
    env = {name: value for name, value in os.environ.items() if name not in ELSEWHERE} | {"PIP_USER": "0"}
    if wrong := [name for name in LINES if settings_of_pip(env).get(name)]:
        sys.exit(f"error: pip's settings have {', '.join(wrong)}, so packages would go elsewhere: see pip config debug")
    if not by_uv(requirements, env):
        print("uv could not install the packages (above): pip does, which takes several times as long", flush=True)
        if "UV_TORCH_BACKEND" in env:
            print("pip knows no UV_TORCH_BACKEND: torch is the build of the package index", flush=True)
        if pip("install", "--quiet", "--disable-pip-version-check", "-r", requirements, env=env).returncode:
            sys.exit("error: pip could not install the packages either (above)")
    if absent := missing(Path(requirements), env):
        sys.exit("error: these packages are not in the environment after all: " + ", ".join(absent))


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(130)
