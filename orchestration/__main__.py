"""The commands behind `make`."""

import argparse
import atexit
import io
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pydantic import ValidationError

from orchestration.settings import Settings

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from orchestration.landing.suppression import Scope

_PORTS = range(1, 65_536)


def main(arguments: list[str]) -> int:
    """Run one command; the exit code is 0 on success, 1 when the work failed, 2 when it was called wrongly."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            cause = problem.get("ctx", {}).get("error", problem["msg"])
            print(f"COLLOQUY_{'_'.join(map(str, problem['loc'])).upper()}: {cause}")
        return 2
    return _dispatch(options, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="colloquy", description="A conversation warehouse for AI agents.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="load, build and publish")
    run.add_argument("--landing", type=Path, help="folder with <source>/ files; default COLLOQUY_LANDING")
    demo = commands.add_parser("demo", help="simulate 60 days, load, build and publish them")
    demo.add_argument("--conversations", type=int, help="how many conversations; default 20,000")
    demo.add_argument("--days", type=int, help="how many days; default 60")
    check_files = commands.add_parser("check-files", help="say what would be accepted, what rejected, and why")
    check_files.add_argument("folder", type=Path)
    reland = commands.add_parser("reland", help="land a corrected file again in the place of what it said, then run")
    reland.add_argument("file", type=Path)
    drop = commands.add_parser("drop", help="take out what a file brought and keep it out, then run")
    drop.add_argument("file", type=Path)
    rebuild = commands.add_parser("rebuild", help="make everything derived anew from the raw events, then publish")
    rebuild.set_defaults(landing=None)
    erase = commands.add_parser("erase", help="forget a user or a conversation everywhere, and prove it")
    person = erase.add_mutually_exclusive_group(required=True)
    person.add_argument("--user-id", type=_id)
    person.add_argument("--conversation-id", type=_id)
    erase.add_argument("--namespace", help="id_namespace of sources.csv; default all")
    relabel = commands.add_parser("relabel", help="label again what another definition has labelled, then run")
    relabel.add_argument("--from", dest="since", type=_date, required=True, help="first day, YYYY-MM-DD")
    relabel.add_argument("--yes", action="store_true", help="do it; without, the price is said and nothing changes")
    quality = commands.add_parser("label-quality", help="judge the stage labels by what people say, then run")
    quality.add_argument("--sample", type=Path, required=True, help="CSV: conversation_key, stage, reached")
    sample = commands.add_parser("label-sample", help="draw conversations at random for people to judge")
    sample.add_argument("--sample", type=Path, required=True, help="CSV to write; never one that exists")
    sample.add_argument("--conversations", type=_count, default=50, help="how many conversations; default 50")
    sample.add_argument("--seed", type=int, default=1, help="the same seed draws the same conversations; default 1")
    commands.add_parser("status", help="what is published, until when, and what waits")
    commands.add_parser("doctor", help="is this machine and configuration fit")
    evaluation = commands.add_parser("eval", help="how good the stage labels are, on the golden set and real ones")
    evaluation.add_argument("--data", type=Path, help="folder with star, sgd, tau; default ../shared/data")
    evaluation.add_argument(
        "--record", action="store_true", help="make the answers on the golden set the recorded baselines"
    )
    train = commands.add_parser("train", help="fit the embedded model on the shipped texts and, with --extra, your own")
    train.add_argument("--extra", type=Path, help="folder with *.jsonl of your labelled conversations")
    dev = commands.add_parser("dev", help="Dagster's UI with schedules and sensors")
    dev.add_argument("--port", type=_port, help="port on this machine; default 3000")
    return parser


def _id(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("name an id: make erase USER_ID=... or make erase CONVERSATION_ID=...")
    return text


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no day; name the first one: make relabel FROM=2026-01-31"
        ) from error


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of conversations; name one: CONVERSATIONS=50")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) not in _PORTS:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; name one from {_PORTS[0]} to {_PORTS[-1]}")
    return int(text)


def _dispatch(options: argparse.Namespace, settings: Settings) -> int:  # noqa: PLR0911, PLR0912
    # Imported where they are used: Dagster costs seconds, and `status` should answer at once.
    match options.command:
        case "run" | "rebuild":
            from orchestration.commands.run import run_warehouse  # noqa: PLC0415

            landing = options.landing.expanduser().absolute() if options.landing else settings.landing
            is_rebuild = options.command == "rebuild"
            return run_warehouse(settings.model_copy(update={"landing": landing}), is_rebuild=is_rebuild)
        case "demo":
            from orchestration.commands.demo import DEMO_CONVERSATIONS, DEMO_DAYS, run_demo  # noqa: PLC0415

            return run_demo(
                settings,
                conversations=options.conversations or DEMO_CONVERSATIONS,
                days=options.days or DEMO_DAYS,
            )
        case "check-files":
            from orchestration.commands.check_files import print_check  # noqa: PLC0415

            return print_check(options.folder, settings, now=datetime.now(UTC))
        case "reland" | "drop":
            from orchestration.commands.repair import repair_and_run  # noqa: PLC0415

            return repair_and_run(options.command, options.file, settings, now=datetime.now(UTC))
        case "erase":
            from orchestration.commands.erase import erase  # noqa: PLC0415

            scope: Scope = "user" if options.user_id else "conversation"
            clear_id = options.user_id or options.conversation_id
            return erase(scope, clear_id, options.namespace or None, settings, now=datetime.now(UTC))
        case "relabel":
            from orchestration.commands.relabel import relabel  # noqa: PLC0415

            return relabel(options.since, settings, is_confirmed=options.yes, now=datetime.now(UTC))
        case "label-quality":
            from orchestration.commands.label_quality import judge_labels  # noqa: PLC0415

            return judge_labels(options.sample.expanduser(), settings, now=datetime.now(UTC))
        case "label-sample":
            from orchestration.commands.label_quality import write_sample  # noqa: PLC0415

            path, count = options.sample.expanduser(), options.conversations
            return write_sample(path, settings, conversations=count, seed=options.seed, now=datetime.now(UTC))
        case "status":
            from orchestration.commands.status import print_status  # noqa: PLC0415

            return print_status(settings)
        case "doctor":
            from orchestration.commands.doctor import print_findings  # noqa: PLC0415

            return print_findings(settings)
        case "eval":
            from orchestration.commands.eval import REAL_SETS, run_evaluation  # noqa: PLC0415

            data = options.data.expanduser().absolute() if options.data else REAL_SETS
            return run_evaluation(settings, data, is_recording=options.record, now=datetime.now(UTC))
        case "train":
            from orchestration.commands.train import run_training  # noqa: PLC0415

            return run_training(settings, options.extra.expanduser().absolute() if options.extra else None)
        case _:
            from orchestration.commands.dev import DEFAULT_PORT, run_dev  # noqa: PLC0415

            return run_dev(settings, port=options.port or DEFAULT_PORT)


class _Abandonable(io.FileIO):
    """An output whose reader may leave (`make status | head -3`): the rest is dropped and the command goes on."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def _abandonable(stream: TextIO, *, by_line: bool) -> TextIO:
    buffer = io.BufferedWriter(_Abandonable(stream.fileno(), "w", closefd=False))
    return io.TextIOWrapper(buffer, encoding=stream.encoding, errors=stream.errors, line_buffering=by_line)


def _leave_the_heap(ended_with: list[int]) -> None:
    for code in ended_with:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    # Not by ending at SIGPIPE: a run must publish and keep its exit code, whoever reads what it prints.
    sys.stdout = _abandonable(sys.stdout, by_line=sys.stdout.isatty())
    sys.stderr = _abandonable(sys.stderr, by_line=True)
    # Events are other people's words: what is written here, temporary files too, is this account's alone until it is
    # published. Everything this process starts inherits it.
    os.umask(0o077)
    ended_with: list[int] = []
    # Registered before all others it is called after them, with everything closed: to take the heap of a run apart
    # object by object would take half a second more.
    atexit.register(_leave_the_heap, ended_with)
    ended_with.append(main(sys.argv[1:]))
    sys.exit(ended_with[0])
