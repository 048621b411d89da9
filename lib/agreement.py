"""Do two ways of computing the same numbers agree? One row a comparison, and what all rows say in sentences.

by hand, reference, tolerance --check--> a row of checks.csv;  all rows --answer--> sentences
"""

import numpy as np
import pandas as pd

READINGS = {  # of an equation
    "as printed": "the equation, letter by letter",
    "completed": "with the index or the transpose that is missing in print",
    "convention": "as printed, against a library that means another thing by the same name",
    "beyond": "as printed, where the document does not claim it",
}


def check(equation, section, what, against, by_hand, reference, tolerance, reading="as printed") -> dict:
    """A row: the largest difference between two arrays, and whether it is within the tolerance (not, where one holds NaN).

    Raises:
        ValueError: the arrays differ in shape, or the reading is none of READINGS.
    """
    by_hand, reference = (np.asarray(v.detach() if hasattr(v, "detach") else v, float) for v in (by_hand, reference))
    if by_hand.shape != reference.shape or reading not in READINGS:
        raise ValueError(f"equation {equation}: {by_hand.shape} against {reference.shape}, {reading}")
    difference = float(np.abs(by_hand - reference).max())
    row = {"equation": str(equation), "section": section, "what": what, "against": against, "reading": reading}
    row |= {"largest_value": float(np.abs(reference).max()), "largest_difference": difference}
    return row | {"tolerance": tolerance, "agrees": bool(difference <= tolerance)}


def answer(checks: pd.DataFrame) -> str:
    """How many numbered equations agree as printed, which do not, and what makes them agree. `checks`: rows of `check`."""
    numbered = checks[checks.equation.str.isdigit()]
    printed = numbered[numbered.reading == "as printed"]
    held = printed.groupby("equation", sort=False).agrees.all()
    says = [f"of {len(held)} numbered equations, {held.sum()} agree as printed{_to(printed, held.index[held])}."]
    if off := [
        f"{r.equation} (off by {r.largest_difference:.2g}, in numbers up to {r.largest_value:.2g})"
        for r in printed[~printed.agrees].itertuples()
    ]:
        says.append(f"As printed, these do not: {', '.join(off)}.")
    completed = numbered[(numbered.reading == "completed") & numbered.agrees]
    if len(names := completed.equation.unique()):
        says.append(f"Completed by an index or a transpose, {', '.join(names)} agree too{_to(completed, names)}.")
    other = checks[(checks.reading == "convention") & ~checks.agrees & (checks.equation != "text")]
    if len(names := other.equation.unique()):
        says.append(
            f"The library means another thing by the same name in {', '.join(names)}: the table at the end has it."
        )
    return " ".join(says)


def _to(rows, equations):
    largest = rows[rows.equation.isin(equations)].largest_difference.max()
    return "" if pd.isna(largest) else f", to {largest:.0e} or better"
