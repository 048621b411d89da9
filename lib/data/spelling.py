"""Unify the spellings of labels, patients and names that spreadsheets, R and file systems write differently.

values of a column or names of folders --one_spelling--> value -> the spelling that counts, and sentences about it
"""

import contextlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

# what programs write for an unknown value, `folded`
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
# what people write for it; a class may have one of these names
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
    "unlabelled",
    "unlabeled",
    "not labelled",
    "not labeled",
    "no label",
    "unclassified",
    "uncategorised",
    "uncategorized",
    "unsorted",
    "unassigned",
    "not assigned",
}
# numbers that stand for these words in other tables
TRUTH = dict.fromkeys(["true", "yes", "positive", "pos"], "1") | dict.fromkeys(["false", "no", "negative", "neg"], "0")
DASHES = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
SHOWN = 3  # at most so many spellings are named in a sentence


def silent(sentence: str) -> None:
    """Tell nobody; callers pass a function that prints or keeps the sentences."""


def clean(text: str) -> str:
    """Remove what cannot be seen from a value: blanks at the ends, double blanks, control characters; form NFC.

    A whole number loses its decimals (7.0 becomes 7), since spreadsheets add them; 7,000 stays, which may be thousands.
    """
    visible = "".join(c for c in text if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf"))
    plain = unicodedata.normalize("NFC", " ".join(visible.split()))
    return re.sub(r"^([+-]?\d+)[.,](?!000$)0+$", r"\1", plain)


def folded(text: str) -> str:
    """The key that all spellings of a value share: `clean`, without letter case, kinds of dashes and NFKC forms."""
    text = clean(unicodedata.normalize("NFKC", text)).translate(DASHES)
    # names of one letter: a and A may be two classes
    return text if len(text) == 1 else clean(unicodedata.normalize("NFKC", text.casefold()))


def words_of(folder: str) -> list[str]:
    """The words of a folder's name: chest_xray2-PublicTest -> chest, xray, public, test."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", clean(folder))
    return re.findall(r"[^\W\d_]+", apart.casefold())


def is_missing(text: str) -> bool:
    """Whether programs write this text for an unknown value."""
    return folded(text).casefold() in MISSING


def is_unknown(text: str) -> bool:
    """Whether programs or people write this text for an unknown patient."""
    return folded(text).casefold() in UNKNOWN


def visible(text: str) -> str:
    """Make a name safe for a message: characters that a terminal cannot print, or would obey, become escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def one_spelling(values: Iterable[str], what: str) -> tuple[dict[str, str], list[str]]:
    """Map each distinct value to the most frequent spelling of its `folded` form.

    Args:
        values: with repetitions.
        what: what the sentences call a value, for instance label.

    Returns:
        value -> spelling, and sentences: which values are read as one, and which are similar but stay apart.
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
        f"{what}: {listed([chosen[key] for key in sorted(keys)], totals)} are similar, but count as different:"
        " if they are the same, spell them alike"
        for keys in alike.values()
        if len(keys) > 1
    ]
    return {value: chosen[folded(value)] for value in counts}, sentences


def nearly(key: str) -> str:
    """The key that similar values share: letters without accents and digits, without what joins them or a plural's s.

    Numbers share their value, and yes, true and positive the number 1.
    """
    with contextlib.suppress(ValueError):
        return f"{float(key.replace(',', '.')):.12g}"
    plain = re.sub(r"(?<=[a-z])[\u0300-\u036f]+", "", unicodedata.normalize("NFKD", key.casefold()))
    plain = TRUTH.get(plain, plain)
    return re.sub(r"[\W_]+|(?<!\d)0+(?=\d)|(?<=[a-z]{2})s$", "", plain) or key


def listed(values: list[str], counts: Counter) -> str:
    """List values with their counts: "'a' (3), 'A ' (2) and 4 others"; SHOWN of them by name."""
    names = [f"{value!r} ({counts[value]})" for value in values[:SHOWN]]
    others = len(values) - SHOWN
    return ", ".join(names) + (f" and {others} others" if others > 0 else "")
