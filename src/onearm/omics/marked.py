"""One frame of many: rows keep the words that say where they come from."""

from __future__ import annotations

import polars as pl


def marked(frame: pl.DataFrame, **words: str) -> pl.DataFrame:
    """The frame with a text column in front for each word, the same in every row.

    >>> marked(pl.DataFrame({"p": [0.5]}), modality="rna").columns
    ['modality', 'p']
    """
    columns = [pl.lit(text, pl.String).alias(name) for name, text in words.items()]
    return frame.select(*columns, pl.all())
