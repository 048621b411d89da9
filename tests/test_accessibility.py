"""The accessibility checker axe-core finds nothing serious in a page, neither in light nor in dark, in a real browser.

It is no Python package, so these tests are skipped until it is there: `npm install --no-save axe-core` in the project's
folder, or, where it is elsewhere, `AXE=path/to/axe.min.js python -m pytest tests/test_accessibility.py`.
"""

import os
from pathlib import Path

import pytest
from conftest import ROOT, Project
from look import DARK, LIGHT, NEEDS_CHROMIUM, View, everything, look

AXE = Path(os.environ.get("AXE") or ROOT / "node_modules/axe-core/axe.min.js")
pytestmark = [
    NEEDS_CHROMIUM,
    pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not there: npm install --no-save axe-core"),
]
SCHEMES = {"dark": DARK, "light": LIGHT}
PRESSED = ["none", ".scheme", "th button", ".enlarge"]  # the first element of this selector is clicked before the check
CHECK = """
document.querySelectorAll("details").forEach((one) => { one.open = true });
const scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
document.querySelector(PRESSED)?.click();
const { passes, violations } = await axe.run(document, { preload: false });
localStorage.clear();
const findings = violations.map(({ id, impact, nodes }) =>
  [impact, id, nodes.slice(0, 3).map((node) => node.html.slice(0, 200))]);
return { scheme, rules: passes.length, findings };
"""
FAULTS = {
    "image-alt": '<img src="data:,">',
    "color-contrast": '<p style="color: #999; background: #fff">faint</p>',
    "button-name": "<button></button>",
}


def view(page: str, pressed: str = "none") -> View:
    """A page with axe in it, its code unfolded, and the check of it."""
    with_axe = page.replace("</head>", f"<script>{AXE.read_text()}</script></head>")
    return View(with_axe, CHECK.replace("PRESSED", repr(pressed)))


def check(views: dict, folder: Path, scheme: str) -> dict[str, list]:
    """What axe finds in each view, all of them in one browser."""
    checked = dict(zip(views, look(folder, list(views.values()), SCHEMES[scheme])))
    assert all(seen["scheme"] == scheme and seen["rules"] > 10 for seen in checked.values())
    return {name: seen["findings"] for name, seen in checked.items()}


def serious(findings: list) -> list:
    return [finding for finding in findings if finding[0] in {"serious", "critical"}]


@pytest.fixture(scope="module")
def committed(tmp_path_factory) -> dict[str, str]:
    """The pages of a committed study that need its tables alone, made again by this code; and the index of studies."""
    project = Project(tmp_path_factory.mktemp("committed"), keep=("runs/quick/", "reports/quick/"))
    for command in [["execute", "08_claims", "quick"], ["execute", "09_report", "quick"], ["render", "quick"]]:
        code, output = project.run("python", "-m", "lib", *command)
        assert code == 0, output
    reports = project.folder / "reports"
    pages = ["index.html", "quick/index.html", "quick/08_claims.html"]
    return {page: (reports / page).read_text(encoding="utf-8") for page in pages}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_serious_is_found_in_a_report_and_in_the_index_of_all(committed, scheme, tmp_path):
    checked = check({name: view(page) for name, page in committed.items()}, tmp_path, scheme)
    assert {name: serious(findings) for name, findings in checked.items()} == dict.fromkeys(committed, [])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_at_all_is_found_in_a_page_with_one_of_everything_while_it_is_used(scheme, tmp_path):
    checked = check({pressed: view(everything(), pressed) for pressed in PRESSED}, tmp_path, scheme)
    assert checked == dict.fromkeys(PRESSED, [])


def test_a_fault_would_be_found(tmp_path):
    faulty = {rule: everything().replace("</main>", f"{fault}</main>") for rule, fault in FAULTS.items()}
    checked = check({rule: view(page) for rule, page in faulty.items()}, tmp_path, "light")
    for rule, findings in checked.items():
        assert rule in [name for _, name, _ in serious(findings)]
