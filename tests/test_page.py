"""What readers do with a page, done in a real browser: sort a table, enlarge a figure, choose dark or light, read it on a telephone."""

import pytest
from look import NEEDS_CHROMIUM, SORTED, everything, look

pytestmark = NEEDS_CHROMIUM
DARK, LIGHT = (f"--blink-settings=preferredColorScheme={number}" for number in (0, 1))
TABLE = """
const table = document.querySelector("table"), click = (text) =>
  [...table.querySelectorAll("th button")].find((button) => button.textContent === text).click();
const order = () => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent);
const way = () => [...table.querySelectorAll("th")].map((head) => head.ariaSort ?? "").join("");
"""
ORDERS = {  # the first click, smallest first; what holds nothing is last either way
    "model": ["alexnet", "cnn", "resnet", "vit"],
    "interval": ["vit", "cnn", "resnet", "alexnet"],
    "change": ["vit", "alexnet", "resnet", "cnn"],
    "images": ["vit", "alexnet", "cnn", "resnet"],
    "share": ["vit", "cnn", "resnet", "alexnet"],
    "seen": ["alexnet", "resnet", "cnn", "vit"],
}


@pytest.mark.parametrize(("column", "first"), ORDERS.items())
def test_a_click_on_a_column_sorts_numbers_as_numbers_then_backwards_then_as_it_was(column, first, tmp_path):
    script = f"const seen = []; for (let n = 0; n < 3; n++) {{ click('{column}'); seen.push([way(), order()]); }} return seen"
    up, down, same = look(everything(), tmp_path, TABLE + script)
    full, last = (first[:-1], first[-1:]) if column in {"interval", "share"} else (first, [])
    assert up == ["ascending", full + last]
    assert down == ["descending", full[::-1] + last]
    assert same == ["", SORTED.index.tolist()]


def test_one_column_is_sorted_at_a_time_and_the_keyboard_does_it_too(tmp_path):
    script = "click('seen'); click('images'); const all = table.querySelectorAll('th button');"
    script += "all[0].focus(); return [way(), order(), all.length, document.activeElement === all[0]]"
    way, order, buttons, focused = look(everything(), tmp_path, TABLE + script)
    assert (way, order) == ("ascending", ORDERS["images"]) and buttons == 6 and focused


def test_a_table_whose_rows_belong_together_or_that_has_none_is_left_as_it_is(tmp_path):
    script = "return [...document.querySelectorAll('table')].map((table) => table.querySelectorAll('th button').length)"
    assert look(everything(), tmp_path, script) == [6, 0, 5, 0, 4]


def test_a_figure_enlarges_and_a_click_closes_it(tmp_path):
    seen = look(
        everything(),
        tmp_path,
        """
        const buttons = [...document.querySelectorAll("figure .enlarge")], small = document.images[0];
        const before = small.getBoundingClientRect().width, names = buttons.map((button) => button.ariaLabel);
        buttons[0].focus(); buttons[0].click();
        const dialog = document.querySelector("dialog"), large = dialog.querySelector("img");
        await large.decode();
        const inside = [dialog.matches(":modal"), large.alt, large.getBoundingClientRect().width >= before, dialog.contains(document.activeElement)];
        dialog.click();
        await new Promise((resolve) => setTimeout(resolve, 100));
        return { names, inside, closed: !document.querySelector("dialog"), back: document.activeElement === buttons[0] };
        """,
        "--window-size=1300,900",
    )
    alt = "A line that rises from 1 to 3 and falls to 2"
    assert seen["names"] == ["Enlarge: a caption", "Enlarge: one", f"Enlarge: {alt}"]
    assert seen["inside"] == [True, alt, True, True] and seen["closed"] and seen["back"]


@pytest.mark.parametrize("flag", [DARK, LIGHT])
def test_a_page_follows_the_system_until_a_reader_chooses_and_remembers_the_choice(flag, tmp_path):
    script = """
        const ink = () => getComputedStyle(document.body).color, button = document.querySelector(".scheme");
        const seen = [[ink(), button.ariaPressed]];
        button.click(); seen.push([ink(), button.ariaPressed]);
        seen.push(localStorage.getItem("scheme"));
        button.click(); seen.push([ink(), button.ariaPressed]);
        return seen;
    """
    first, second, kept, third = look(everything(), tmp_path, script, flag)
    dark, light = ["rgb(230, 227, 234)", "true"], ["rgb(34, 34, 34)", "false"]
    assert (first, second) == ((dark, light) if flag == DARK else (light, dark)) and third == first
    assert kept == ("light" if flag == DARK else "dark")
    choice = f"localStorage.setItem('scheme', '{kept}'); return 0"
    look(everything(), tmp_path, choice, flag)
    assert look(everything(), tmp_path, script, flag)[0] == second


def test_a_page_is_read_without_its_script_and_where_nothing_may_be_stored(tmp_path):
    forbidden = (
        "<script>Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })</script><script>"
    )
    script = "return [document.querySelectorAll('th button').length, document.querySelectorAll('.contents a').length]"
    assert look(everything().replace("<script>", forbidden, 1), tmp_path, script) == [15, 5]
    plain = everything().split("<script>")[0] + everything().split("</script>", 1)[1]
    assert look(plain, tmp_path, script) == [0, 5]


@pytest.mark.parametrize("width", [320, 360, 768])
def test_a_page_does_not_scroll_sideways_on_a_narrow_screen(width, tmp_path):
    script = "document.querySelectorAll('details').forEach((one) => { one.open = true });"
    script += "return [innerWidth, document.documentElement.scrollWidth]"
    inner, scrolled = look(everything(), tmp_path, script, width=width)
    assert inner == width >= scrolled


def test_every_picture_has_words_and_every_contents_link_leads_to_a_heading(tmp_path):
    script = """
        const links = [...document.querySelectorAll(".contents a")];
        const targets = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1)))?.tagName);
        return [[...document.images].map((picture) => picture.alt.length), targets];
    """
    alts, targets = look(everything(), tmp_path, script)
    assert len(alts) == 3 and min(alts) > 20
    assert targets == ["H2", "H3", "H2", "H3", "H2"]
