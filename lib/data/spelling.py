"""One value, one spelling: labels, patients and names as spreadsheets, R and file systems write them.

values of a column or names of folders --one_spelling--> value -> the spelling that counts, and what to tell
"""

import contextlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

# what programs write where a value is not known, by `folded`
MISSING = {
    "",
    "na",
    "n/a",
    "n.a.",
    "n.a",
    "n\\a",
    "nan",
    "-nan",
    "null",
    "nil",
    "<na>",
    "#n/a",
    "#na",
    "#null!",
    "#value!",
}
MISSING |= {"#ref!", "#div/0!", "#name?", "#num!", "\\n", "(null)", "?", ".", "..", "-", "--", "---", "_", "*"}
# what people write there; of a class it may be the name
UNKNOWN = MISSING | {"none", "unknown", "unk", "missing", "not available", "not known", "not applicable", "undefined"}
UNKNOWN |= {
    "unspecified",
    "anonymous",
    "anonymized",
    "anonymised",
    "tbd",
    "n.d.",
    "nd",
    "n.k.",
    "xxx",
    "empty",
    "blank",
}
DASHES = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
SHOWN = 3  # spellings named in a sentence


def silent(sentence: str) -> None:
    """Tell nobody; callers pass what prints or keeps sentences on what was taken as what."""


def clean(text: str) -> str:
    """A value without what cannot be seen: blanks at the ends, double blanks, control characters; in the form NFC.

    A whole number loses its decimals (7.0 is 7), since spreadsheets add them.
    """
    visible = "".join(c for c in text if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf"))
    plain = unicodedata.normalize("NFC", " ".join(visible.split()))
    return re.sub(r"^([+-]?\d+)[.,]0+$", r"\1", plain)


def folded(text: str) -> str:
    """What two spellings of one value share: beyond `clean`, letter case, dashes and compatibility forms (NFKC)."""
    text = clean(unicodedata.normalize("NFKC", text)).translate(DASHES)
    # a and A may be two classes, where a name is nothing else
    return text if len(text) == 1 else clean(unicodedata.normalize("NFKC", text.casefold()))


def is_missing(text: str) -> bool:
    """Whether a program wrote this for a value that is not known."""
    return folded(text).casefold() in MISSING


def is_unknown(text: str) -> bool:
    """Whether a program or a person wrote this for a patient who is not known."""
    return folded(text).casefold() in UNKNOWN


def visible(text: str) -> str:
    """A name for a message: what no terminal can print, or would take for a command, as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def one_spelling(values: Iterable[str], what: str) -> tuple[dict[str, str], list[str]]:
    """Each distinct value -> its most frequent clean spelling among those that are surely the same.

    Args:
        values: with repetitions.
        what: they are, for the sentences: label, for instance.

    Returns:
        the spelling of every value, and sentences: which were read as one, and which may be one and stay apart.
    """
    counts = Counter(values)
    same: dict[str, Counter] = {}
    for value, number in counts.items():
        same.setdefault(folded(value), Counter())[clean(value)] += number
    chosen = {key: max(sorted(forms), key=forms.get) for key, forms in same.items()}
    raw: dict[str, list[str]] = {}
    for value in sorted(counts):
        raw.setdefault(folded(value), []).append(value)
    several = {key: values for key, values in sorted(raw.items()) if len(values) > 1}
    sentences = [
        f"{what} {chosen[key]!r}: {listed(several[key], counts)} are read as one" for key in list(several)[:SHOWN]
    ]
    if len(several) > SHOWN:
        sentences.append(f"{what}: {len(several) - SHOWN} others are spelt in several ways, and read as one each")
    alike: dict[str, list[str]] = {}
    for key in same:
        alike.setdefault(nearly(key), []).append(key)
    totals = Counter({chosen[key]: sum(forms.values()) for key, forms in same.items()})
    sentences += [
        f"{what}: {listed([chosen[key] for key in sorted(keys)], totals)} differ in little, and count as different:"
        " if they are one, write them alike"
        for keys in alike.values()
        if len(keys) > 1
    ]
    return {value: chosen[folded(value)] for value in counts}, sentences


def nearly(key: str) -> str:
    """What values share that may be one: letters and digits without what joins them, or a number's value."""
    with contextlib.suppress(ValueError):
        return f"{float(key.replace(',', '.')):.12g}"
    return re.sub(r"[\W_]+|(?<!\d)0+(?=\d)", "", key.casefold()) or key


def listed(values: list[str], counts: Counter) -> str:
    """'a' (3), 'A ' (2) and 4 others."""
    names = [f"{value!r} ({counts[value]})" for value in values[:SHOWN]]
    others = len(values) - SHOWN
    return ", ".join(names) + (f" and {others} others" if others > 0 else "")
