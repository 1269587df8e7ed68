"""What a call costs, from seeds/model_prices.csv."""

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.configuration.checks import ConfigurationError
from orchestration.configuration.seed_files import read_rows

_FILE = "model_prices.csv"
_COLUMNS = ("model", "valid_from", "input_usd_per_mtok", "output_usd_per_mtok")
_BATCH_RATIO = "batch_price_ratio"


class PriceError(ConfigurationError):
    """A price that is missing or cannot be read; the message names the file and what to do."""


@dataclass(frozen=True)
class Price:
    """USD per million tokens read and written; through the batch endpoint `batch_ratio` of it."""

    input_usd_per_mtok: float
    output_usd_per_mtok: float
    batch_ratio: float = 1.0

    @property
    def of_batch(self) -> "Price":
        """Return what the same costs through the batch endpoint."""
        ratio = self.batch_ratio
        return Price(self.input_usd_per_mtok * ratio, self.output_usd_per_mtok * ratio)

    def cost_usd(self, tokens_in: int, tokens_out: int) -> float:
        """Return the price of a call."""
        return (tokens_in * self.input_usd_per_mtok + tokens_out * self.output_usd_per_mtok) / 1_000_000


def price_of(seeds: Path, model: str, day: date) -> Price:
    """Return the price of a model on a day: the row with the latest valid_from that is not after it.

    Raises PriceError when the model has none, or a row of it cannot be read: what it costs must be known before it is
    spent. FileNotFoundError, ValueError when the file is not there or lacks a column.
    """
    rows = [row for row in read_rows(seeds / _FILE, (*_COLUMNS, _BATCH_RATIO)) if row["model"] == model]
    dated = [(_day(row["valid_from"], model), row) for row in rows]
    valid = [(since, row) for since, row in dated if since <= day]
    if not valid:
        when = f"is priced only from {min(since for since, _ in dated)} on" if dated else "has no price"
        raise PriceError(
            f"{_FILE}: model '{model}' {when}; add a row ({','.join(_COLUMNS)}; 0 for "
            "a server of your own) to that file in COLLOQUY_SEEDS, or name another COLLOQUY_LLM_MODEL"
        )
    _, row = max(valid, key=lambda pair: pair[0])
    return Price(
        _amount(row["input_usd_per_mtok"], model),
        _amount(row["output_usd_per_mtok"], model),
        _amount(row[_BATCH_RATIO], model),
    )


def _day(text: str, model: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PriceError(f"{_FILE}: valid_from '{text}' of model '{model}' is no date (example: 2026-01-31)") from error


def _amount(text: str, model: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not (math.isfinite(amount) and amount >= 0):
        raise PriceError(f"{_FILE}: '{text}' is no price of model '{model}': USD per million tokens, 0 or more")
    return amount
