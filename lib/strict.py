"""The project's folder, the one error that people read, and YAML that says what is wrong with it."""

import difflib
import re
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

# The project's folder. Read it as `strict.ROOT`, so that a test which sets it here sets it everywhere.
ROOT = Path(__file__).resolve().parents[1]


class StudyError(ValueError):
    """Something that the user can mend; its message says what is wrong and what to do about it."""


def known(name: str, names, what: str) -> str:
    """`name`, if it is one of `names`; else a StudyError that lists the right ones, the nearest first."""
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
    """A name that stands in reports: without the characters that HTML, Markdown or formulas would take for theirs."""
    if wrong := sorted(set(name) & set("<>&`$\\\n\r")):
        raise ValueError(f"{name!r} is printed in reports, and {' '.join(map(repr, wrong))} cannot be in it")
    return name


def plain(name: str) -> str:
    """A name that stands in commands and paths: letters, digits, hyphens and underscores."""
    if not re.fullmatch(r"[\w-]+", name, re.ASCII):
        raise ValueError(f"{name!r} names files and stages: only letters, digits, - and _ can be in it")
    return name


Name = Annotated[str, AfterValidator(printable)]
Key = Annotated[str, AfterValidator(plain)]


def read_yaml(path: Path):
    """A YAML file's content; a missing or malformed one is a StudyError that says where."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StudyError(f"cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StudyError(f"{path} is not YAML: {error}") from None


def validated(schema, values, where: str):
    """`schema(**values)`, or one StudyError that lists everything wrong, a line each."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, e['loc'])) or '(top)'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        ]
        raise StudyError(f"{where} is not right:\n" + "\n".join(lines)) from None
