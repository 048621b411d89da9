"""Tables of a page as HTML, each with a caption that says what it shows, for eyes and for screen readers."""

import html

import pandas as pd

from lib.study import Study
from lib.words import beside


def captioned(table: str, caption: str) -> str:
    """A table of a page that says what it shows, for eyes and for screen readers."""
    return table.replace("<thead>", f"<caption>{html.escape(caption)}</caption><thead>", 1)


def notes(study: Study) -> str:
    """What a reader must know of each data set of a study, a line each, as Markdown: that it is a part, or that its images are not independent."""
    entries = [study.dataset(name) for name in study.datasets]
    return "\n".join(f"- {entry.title}: {entry.note}" for entry in entries if entry.note)


def scores_html(table: pd.DataFrame) -> str:
    """Scores as a table of a page, with a caption that says what its rows are."""
    shown = beside(table)
    rows = {
        "published": "what the document prints for its own model of this name",
        "here": "mean over seeds",
        "95\u00a0%": "its interval",
    }
    says = "; ".join(f"{row}: {rows[row]}" for row in rows if row in set(shown.index.get_level_values(1)))
    return captioned(shown.to_html(border=0), f"Test scores. {says[0].upper()}{says[1:]}.")


def published_html(rows: pd.DataFrame) -> str:
    """Printed rows, as text, as a table of a page."""
    return captioned(rows.to_html(index=False, border=0), "As printed, as fractions")


def sizes_html(sizes: pd.DataFrame) -> str:
    """How large models are, as a table of a page; `sizes`: dataset, model, parameters, megabytes."""
    table = sizes.assign(size=[f"{r.parameters:,} ({r.megabytes:.2f} MB)" for r in sizes.itertuples()])
    wide = table.pivot_table(index="model", columns="dataset", values="size", aggfunc="first", sort=False)
    return captioned(
        wide.rename_axis(index=None, columns=None).to_html(border=0), "Parameters, and their size in float32"
    )


def claims_html(judged: pd.DataFrame) -> str:
    """claims.csv as a table of a page: the claim, the verdict with its link, what was found and what was wanted."""
    rows = []
    for row in judged.fillna("").itertuples():
        cell = {name: html.escape(str(value)) for name, value in row._asdict().items()}
        found = cell["estimate"] + (f" [{cell['interval']}]" if cell["interval"] else "")
        seen = f"; decidable from {cell['decidable']}" if cell["decidable"] else ""
        named = f'<a href="{cell["link"]}">{cell["verdict"]}</a>' if cell["link"] else cell["verdict"]
        rows.append(
            f'<tr><td>{cell["words"]}<br><small>{cell["place"]}</small></td><td class="{cell["verdict"].split()[0]}">{named}</td>'
            f"<td>{found}<br><small>{cell['quantity']}</small></td><td>{cell['tolerance']}{seen}</td></tr>"
        )
    head = "<tr><th>Claim, or question to it</th><th>Verdict</th><th>Measured</th><th>Wanted</th></tr>"
    table = f'<table class="claims"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'
    return captioned(table, "What is claimed or asked, and what this study finds")


def arithmetic_html(checked: pd.DataFrame) -> str:
    """arithmetic.csv as a table of a page."""
    yes = {True: "yes", False: "no"}
    table = pd.DataFrame(
        {
            "published": list(checked.published),
            "accuracy attainable": [yes[bool(value)] for value in checked.attainable],
            "chance": [f"{value:.1%}" for value in checked.chance],
            "row attainable": [yes[bool(value)] for value in checked.row_attainable],
            "chance of a row": [f"{value:.2%}" for value in checked.row_chance],
            "in words": list(checked.in_words),
        },
        index=list(checked.model),
    )
    return captioned(
        table.to_html(classes="prose", border=0), "Published rows that can be counts, and rows that cannot"
    )
