"""What readers do with a page, in a real browser: sort a table, enlarge a figure, choose dark or light, use a phone."""

import pytest
from look import ALT, DARK, LIGHT, NEEDS_CHROMIUM, SORTED, View, everything, look

pytestmark = NEEDS_CHROMIUM
TABLE = """
const table = document.querySelector("table"), buttons = [...table.querySelectorAll("th button")];
const click = (text) => buttons.find((button) => button.textContent === text).click();
const order = () => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent);
const way = () => [...table.querySelectorAll("th")].map((head) => head.ariaSort ?? "").join("");
"""
ORDERS = {  # after the first click, smallest first; an empty cell is last either way
    "model": ["alexnet", "cnn", "resnet", "vit"],
    "interval": ["vit", "cnn", "resnet", "alexnet"],
    "change": ["vit", "alexnet", "resnet", "cnn"],
    "images": ["vit", "alexnet", "cnn", "resnet"],
    "share": ["vit", "cnn", "resnet", "alexnet"],
    "seen": ["alexnet", "resnet", "cnn", "vit"],
}
SORT = """
const seen = {};
for (const name of buttons.map((button) => button.textContent)) {
  seen[name] = [];
  for (let n = 0; n < 3; n++) { click(name); seen[name].push([way(), order()]); }
}
return seen;
"""
ONE_AT_A_TIME = """
click("seen"); click("images"); buttons[0].focus();
return [way(), order(), buttons.length, document.activeElement === buttons[0]];
"""
SORT_BUTTONS = """
return [...document.querySelectorAll("table")].map((table) => table.querySelectorAll("th button").length);
"""
ENLARGE = """
const buttons = [...document.querySelectorAll("figure .enlarge")], small = document.images[0];
const before = small.getBoundingClientRect().width, names = buttons.map((button) => button.ariaLabel);
buttons[0].focus(); buttons[0].click();
const dialog = document.querySelector("dialog"), large = dialog.querySelector("img");
await large.decode();
const larger = large.getBoundingClientRect().width >= before;
const inside = [dialog.matches(":modal"), large.alt, larger, dialog.contains(document.activeElement)];
dialog.click();
const open = () => dialog.isConnected || document.activeElement !== buttons[0];
for (let n = 0; n < 300 && open(); n++) await new Promise((resolve) => setTimeout(resolve, 100));
const closed = !document.querySelector("dialog"), back = document.activeElement === buttons[0];
return { names, inside, closed, back };
"""
SCHEME = """
const ink = () => getComputedStyle(document.body).color, button = document.querySelector(".scheme");
const seen = [[ink(), button.ariaPressed]];
button.click(); seen.push([ink(), button.ariaPressed]);
seen.push(localStorage.getItem("scheme"));
button.click(); seen.push([ink(), button.ariaPressed]);
return seen;
"""
PRESS = "document.querySelector('.scheme').click(); return 0"
FORGET = "localStorage.clear(); return 0"
LISTS = "return [document.querySelectorAll('th button').length, document.querySelectorAll('.contents a').length]"
SIDEWAYS = """
document.querySelectorAll("details").forEach((one) => { one.open = true });
return [innerWidth, document.documentElement.scrollWidth];
"""
TEXTS = """
const links = [...document.querySelectorAll(".contents a")];
const targets = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1)))?.tagName);
return [[...document.images].map((picture) => picture.alt.length), targets];
"""
NO_STORAGE = "<script>Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })</script>"
WIDTHS = [320, 360, 768]


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> dict:
    """What the scripts saw in a browser of a light system; and of SCHEME, in a dark one too."""
    page = everything()
    script = page[page.index("<script>") : page.index("</script>") + len("</script>")]
    views = {
        "sort": View(page, TABLE + SORT),
        "one at a time": View(page, TABLE + ONE_AT_A_TIME),
        "sort buttons": View(page, SORT_BUTTONS),
        "enlarge": View(page, ENLARGE),
        "no storage": View(page.replace("<script>", NO_STORAGE + "<script>", 1), LISTS),
        "no script": View(page.replace(script, "", 1), LISTS),
        "texts": View(page, TEXTS),
        **{width: View(page, SIDEWAYS, width) for width in WIDTHS},
    }
    schemes = [View(page, one) for one in [SCHEME, PRESS, SCHEME, FORGET]]
    shown = look(tmp_path_factory.mktemp("light"), [*views.values(), *schemes], LIGHT)
    dark = look(tmp_path_factory.mktemp("dark"), schemes, DARK)
    return {**dict(zip(views, shown)), LIGHT: shown[len(views) :], DARK: dark}


@pytest.mark.parametrize(("column", "first"), ORDERS.items())
def test_a_click_on_a_column_sorts_numbers_as_numbers_then_backwards_then_as_it_was(column, first, seen):
    up, down, same = seen["sort"][column]
    full, last = (first[:-1], first[-1:]) if column in {"interval", "share"} else (first, [])
    assert up == ["ascending", full + last]
    assert down == ["descending", full[::-1] + last]
    assert same == ["", SORTED.index.tolist()]


def test_one_column_is_sorted_at_a_time_and_the_keyboard_does_it_too(seen):
    way, order, buttons, focused = seen["one at a time"]
    assert (way, order) == ("ascending", ORDERS["images"]) and buttons == 6 and focused


def test_a_table_whose_rows_belong_together_or_that_has_none_is_left_as_it_is(seen):
    assert seen["sort buttons"] == [6, 0, 5, 0, 4]


def test_a_figure_enlarges_and_a_click_closes_it(seen):
    enlarged = seen["enlarge"]
    assert enlarged["names"] == ["Enlarge: a caption", "Enlarge: one", f"Enlarge: {ALT}"]
    assert enlarged["inside"] == [True, ALT, True, True] and enlarged["closed"] and enlarged["back"]


@pytest.mark.parametrize("flag", [DARK, LIGHT])
def test_a_page_follows_the_system_until_a_reader_chooses_and_remembers_the_choice(flag, seen):
    (first, second, kept, third), _, again, _ = seen[flag]
    dark, light = ["rgb(230, 227, 234)", "true"], ["rgb(34, 34, 34)", "false"]
    assert (first, second) == ((dark, light) if flag == DARK else (light, dark)) and third == first
    assert kept == ("light" if flag == DARK else "dark")
    assert again[0] == second


def test_a_page_is_read_without_its_script_and_where_nothing_may_be_stored(seen):
    assert seen["no storage"] == [15, 5]
    assert seen["no script"] == [0, 5]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_does_not_scroll_sideways_on_a_narrow_screen(width, seen):
    inner, scrolled = seen[width]
    assert inner == width >= scrolled


def test_every_picture_has_words_and_every_contents_link_leads_to_a_heading(seen):
    alts, targets = seen["texts"]
    assert len(alts) == 3 and min(alts) > 20
    assert targets == ["H2", "H3", "H2", "H3", "H2"]
