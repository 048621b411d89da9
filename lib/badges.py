"""Where the project is, written into every notebook's first cells: `make badges REPO=owner/name`."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(
    r"((?:colab\.research\.google\.com/github|https://github\.com)/)[\w.-]+/[\w.-]+?(?=/blob/|/archive/|\.git)"
)


def main(repository: str) -> None:
    """Write `owner/name` into the addresses; files that hold none, or the right ones, stay as they are."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        sys.exit(f"error: {repository!r} is no owner/name, as in make badges REPO=somebody/something")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        before = path.read_text(encoding="utf-8")
        after = ADDRESS.sub(rf"\g<1>{repository}", before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1])
