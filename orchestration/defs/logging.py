"""What a person sees of a run in a terminal: our own messages, each after its step. Dagster keeps every event."""

import logging
import sys

import dagster as dg

from orchestration.redaction.printable import printable


class _OwnMessages(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        meta = getattr(record, "dagster_meta", {})
        # "Dependencies for step ... failed" names every table and adds nothing to the message of the failed step.
        is_repetition = "Dependencies for step" in record.getMessage()
        is_ours = not meta.get("dagster_event") and "dbt " not in meta.get("orig_message", "")
        return not is_repetition and (is_ours or record.levelno >= logging.ERROR)


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        meta = getattr(record, "dagster_meta", {})
        step = meta.get("step_key") or "run"
        message = meta.get("orig_message") or record.getMessage()
        # A table keeps its columns only when its first line starts where the others do.
        gap = "\n" if "\n" in message else " "
        return printable(f"{self.formatTime(record, '%H:%M:%S')} {step:<18}{gap}{message}")


def terminal_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """Return a logger that prints progress to standard error, without Dagster's own events."""
    # Dagster has its own handlers there; without this, whatever a library set up for all of Python prints them again.
    logging.getLogger("dagster.builtin").propagate = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    handler.addFilter(_OwnMessages())
    logger = logging.Logger("colloquy", logging.INFO)
    logger.addHandler(handler)
    return logger


@dg.definitions
def loggers() -> dg.Definitions:
    """Return the loggers of all jobs."""
    return dg.Definitions(loggers={"console": dg.logger(terminal_logger)})
