"""The project's folder, the error that users read, and YAML, checked, with every mistake named."""

import difflib
import re
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

# The project's folder. Read it as `strict.ROOT`, so that a test which sets it here sets it everywhere.
ROOT = Path(__file__).resolve().parents[1]


class StudyError(ValueError):
    """An error that the user can mend; its message says what is wrong and what to do about it."""


def known(name: str, names, what: str) -> str:
    """Return `name` if it is one of `names`. StudyError: it is not; the message lists them and suggests the nearest."""
    if name in names:
        return name
    near = difflib.get_close_matches(str(name), names, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise StudyError(f"unknown {what} {name!r}: there are {', '.join(sorted(names))}{hint}")


class Strict(BaseModel):
    """A block of parameters in which an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _names(cls, values):
        if not isinstance(values, dict):
            raise ValueError(f"expected a block with {', '.join(cls.model_fields)}")
        for name in values:
            known(name, cls.model_fields, "parameter")
        return values


def printable(name: str) -> str:
    """Return a name for reports. ValueError: it holds a character that means something in HTML, Markdown or TeX."""
    if wrong := sorted(set(name) & set("<>&`$\\\n\r")):
        raise ValueError(f"{name!r} is printed in reports, and {' '.join(map(repr, wrong))} cannot be in it")
    return name


def plain(name: str) -> str:
    """Return a name for commands and paths. ValueError: it holds more than letters, digits, hyphens and underscores."""
    if not re.fullmatch(r"[\w-]+", name, re.ASCII):
        raise ValueError(f"{name!r} names files and stages: only letters, digits, - and _ can be in it")
    return name


Name = Annotated[str, AfterValidator(printable)]
Key = Annotated[str, AfterValidator(plain)]


def read_yaml(path: Path):
    """Read a YAML file. StudyError: it is missing or malformed; the message says where."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StudyError(f"cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StudyError(f"{path} is not YAML: {error}") from None


def validated(schema, values, where: str):
    """Return `schema(**values)`. StudyError: values are wrong; one message lists every mistake, one per line."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, e['loc'])) or '(top)'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        ]
        raise StudyError(f"{where} is not right:\n" + "\n".join(lines)) from None
