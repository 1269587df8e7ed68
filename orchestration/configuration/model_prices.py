"""What a call costs: rows of model_prices.csv."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

from orchestration.configuration.cells import Day, Name, PriceShare
from orchestration.configuration.cells import Price as PriceCell
from orchestration.configuration.problems import ConfigurationError
from orchestration.configuration.reading import read_rows
from orchestration.configuration.rows import Row, defaults_of


class ModelPrice(Row):
    """A language model and the day from which on a price holds."""

    file: ClassVar = "model_prices.csv"
    key: ClassVar = ("model", "valid_from")

    model: Name
    valid_from: Day
    input_usd_per_mtok: PriceCell
    cached_input_usd_per_mtok: PriceCell | None = None
    output_usd_per_mtok: PriceCell
    batch_price_ratio: PriceShare = 1.0


class PriceError(ConfigurationError):
    """A price that is missing; the message names the file and what to do."""


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

    Raises PriceError when the model has none, for what it costs must be known before it is spent; ConfigurationError
    naming every line of the file that cannot be read.
    """
    rows = [row for row in read_rows(seeds / ModelPrice.file, ModelPrice) if row.model == model]
    valid = [row for row in rows if row.valid_from <= day]
    if not valid:
        when = f"is priced only from {min(row.valid_from for row in rows)} on" if rows else "has no price"
        needed = ",".join(name for name in ModelPrice.model_fields if name not in defaults_of(ModelPrice))
        raise PriceError(
            f"{ModelPrice.file}: model '{model}' {when}; add a row ({needed}; 0 for "
            "a server of your own) to that file in COLLOQUY_SEEDS, or name another COLLOQUY_LLM_MODEL"
        )
    row = max(valid, key=lambda row: row.valid_from)
    return Price(row.input_usd_per_mtok, row.output_usd_per_mtok, row.batch_price_ratio)
