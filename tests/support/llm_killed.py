"""A log on disk, and a labelling run over it for a process that a test kills."""

import os
import pickle
from pathlib import Path

from orchestration.classification.embedded.shipped import shipped_model
from orchestration.classification.llm.call_log import MemoryLog
from orchestration.classification.llm.candidates import Candidate
from orchestration.classification.llm.configuration import LlmConfiguration
from orchestration.classification.llm.running import Dependencies
from orchestration.classification.llm.step import Labeller
from orchestration.configuration.model_prices import Price
from orchestration.ledger.llm_labelling import LlmStep, label_unsure
from tests.support.llm_cases import NOON, PRICE, FakeClock, booking, candidates, retold

COMMIT_EVERY, CONCURRENCY = 4, 2
# Half of it through the batch endpoint.
BATCH_PRICE = Price(PRICE.input_usd_per_mtok, PRICE.output_usd_per_mtok, 0.5)


class DiskLog(MemoryLog):
    """What is committed lies in a file; a new one over the same file goes on from there."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        if path.exists():
            with path.open("rb") as file:
                while file.peek(1):
                    # Written by this class a moment ago.
                    self._pending = pickle.load(file)  # noqa: S301
                    super().commit()

    def commit(self) -> None:
        """Write what was recorded and make sure that it lies on the disk."""
        with self._path.open("ab") as file:
            pickle.dump(self._pending, file)
            file.flush()
            os.fsync(file.fileno())
        super().commit()


def bookings(count: int) -> list[Candidate]:
    """Return that many candidates."""
    return candidates([booking(number) for number in range(2, count + 2)])


def bookings_retold(count: int, repeats: int) -> list[Candidate]:
    """Return that many candidates; the first of them follow once more, with the same texts and other ids."""
    told = [booking(number) for number in range(2, count + 2)]
    others = [retold(told[number % count], f"retold-{number}") for number in range(repeats)]
    return candidates([*told, *others])


def ask_in_a_batch(base_url: str, raw_database: str, build_database: str) -> None:
    """Submit what is due of a warehouse as a batch."""
    step = LlmStep(
        LlmConfiguration(base_url=base_url, model="tested", is_batch=True),
        BATCH_PRICE,
        Path("no-own-model"),
        Dependencies(clock=FakeClock()),
    )
    label_unsure(Path(raw_database), Path(build_database), step, run_id="killed", now=NOON)


def label_on_disk(base_url: str, path: str, count: int, repeats: int = 0) -> None:
    """Label bookings, some of them more than once, with a log at `path`."""
    configuration = LlmConfiguration(
        base_url=base_url, model="tested", concurrency=CONCURRENCY, commit_every=COMMIT_EVERY
    )
    log = DiskLog(Path(path))
    Labeller(configuration, PRICE, shipped_model(), log, Dependencies(clock=FakeClock())).label(
        bookings_retold(count, repeats)
    )
