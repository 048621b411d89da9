"""Which images belong together: images.csv -> groups.csv.

A group is one piece of evidence. For now it holds the byte-identical copies of one file; images that come
from one photograph or one patient are still counted as many.
"""

import pandas as pd


def group(images: pd.DataFrame) -> pd.DataFrame:
    """groups.csv: path, label, group, in the order of `images`.

    Args:
        images: images.csv (path, label, sha256). A group is named after its first image's row.

    Byte-identical files with two labels stay one group: that is a finding, and notebook 02 shows it.
    """
    first = pd.Series(images.index, index=images.index).groupby(images.sha256).transform("min")
    return images[["path", "label"]].assign(group=first)
