"""The accessibility checker axe-core finds nothing serious in a page, neither in light nor in dark, in a real browser.

It is no Python package, so these tests are skipped until it is there: `npm install --no-save axe-core` in the project's folder,
or, where it lies elsewhere, `AXE=path/to/axe.min.js python -m pytest tests/test_accessibility.py`.
"""

import os
from pathlib import Path

import pytest
from conftest import ROOT, Project
from look import NEEDS_CHROMIUM, everything, look

AXE = Path(os.environ.get("AXE") or ROOT / "node_modules/axe-core/axe.min.js")
pytestmark = [
    NEEDS_CHROMIUM,
    pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not there: npm install --no-save axe-core"),
]
SCHEMES = {"dark": 0, "light": 1}
CHECK = """
document.querySelectorAll("details").forEach((one) => { one.open = true });
document.querySelector(PRESSED)?.click();
const found = await axe.run(document, { preload: false });
return { scheme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light", rules: found.passes.length,
  findings: found.violations.map(({ id, impact, nodes }) => [impact, id, nodes.slice(0, 3).map((node) => node.html.slice(0, 200))]) };
"""


def check(page: str, folder: Path, scheme: str, pressed: str = "none") -> list:
    """What axe finds in a page with its code unfolded, after a click on the first element that `pressed` selects."""
    with_axe = page.replace("</head>", f"<script>{AXE.read_text()}</script></head>")
    flag = f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}"
    seen = look(with_axe, folder, CHECK.replace("PRESSED", repr(pressed)), flag)
    assert seen["scheme"] == scheme and seen["rules"] > 10
    return seen["findings"]


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """The pages of a committed study that need its tables alone, made anew by this code."""
    project = Project(tmp_path_factory.mktemp("committed"), keep=("runs/quick/", "reports/quick/"))
    for notebook in ["08_claims", "09_report"]:
        code, output = project.run("python", "-m", "lib.pages", notebook, "quick")
        assert code == 0, output
    return {name: (project.folder / f"reports/quick/{name}.html").read_text() for name in ["index", "08_claims"]}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["index", "08_claims"])
def test_nothing_serious_is_found_in_a_report(committed, name, scheme, tmp_path):
    assert [
        finding for finding in check(committed[name], tmp_path, scheme) if finding[0] in {"serious", "critical"}
    ] == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("pressed", ["none", ".scheme", "th button", ".enlarge"])
def test_nothing_at_all_is_found_in_a_page_with_one_of_everything_while_it_is_used(pressed, scheme, tmp_path):
    assert check(everything(), tmp_path, scheme, pressed) == []


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ('<img src="data:,">', "image-alt"),
        ('<p style="color: #999; background: #fff">faint</p>', "color-contrast"),
        ("<button></button>", "button-name"),
    ],
)
def test_a_fault_would_be_found(fault, rule, tmp_path):
    page = everything().replace("</main>", f"{fault}</main>")
    assert rule in [found for impact, found, _ in check(page, tmp_path, "light") if impact in {"serious", "critical"}]
