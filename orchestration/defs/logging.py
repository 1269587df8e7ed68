"""What a person sees of a run in a terminal: our own messages, each after its step. Dagster keeps every event."""

import logging
import sys

import dagster as dg

from orchestration.redaction.printable import printable
from orchestration.warehouse.progress import PROGRESS

# What a step does, and what is there after it where that is worth a word.
_STEPS = {
    "landed_files": ("landing files", "landing"),
    "landed_checks": ("checking what has landed", None),
    "redacted_messages": ("masking personal data", None),
    "canonical_events": ("building the events", "events"),
    "ledger__stage_labels": ("labelling stages", "stage labels"),
    "ledger__stage_labels_golden_set_holds": ("checking the model", None),
    "ledger__llm_labels": ("asking the LLM", "LLM labels"),
    "ledger__message_labels": ("labelling messages", "message labels"),
    "warehouse_models": ("building the marts", "marts"),
    "marts_checks": ("checking the marts", None),
    "published__version": ("publishing", "publishing"),
    "outbox__alert_deliveries": ("delivering alerts", "alerts"),
}


class _OwnMessages(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        meta = getattr(record, "dagster_meta", {})
        # "Dependencies for step ... failed" names every table and adds nothing to the message of the failed step.
        is_repetition = "Dependencies for step" in record.getMessage()
        is_ours = not meta.get("dagster_event") and "dbt " not in meta.get("orig_message", "")
        return not is_repetition and (is_ours or record.levelno >= logging.ERROR)


class _Noted(logging.Handler):
    """Notes which step runs and which have succeeded, for the line that an interrupted run ends with."""

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if event is None or event.step_key is None:
            return
        activity, result = _STEPS.get(event.step_key, (f"working on {event.step_key}", None))
        if event.event_type == dg.DagsterEventType.STEP_START:
            PROGRESS.begin(activity)
        elif event.event_type == dg.DagsterEventType.STEP_SUCCESS and result is not None:
            PROGRESS.finish(result)


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
    handler.setLevel(logging.INFO)
    # The events of the steps are below that.
    logger = logging.Logger("colloquy", logging.DEBUG)
    logger.addHandler(_Noted())
    logger.addHandler(handler)
    return logger


@dg.definitions
def loggers() -> dg.Definitions:
    """Return the loggers of all jobs."""
    return dg.Definitions(loggers={"console": dg.logger(terminal_logger)})
