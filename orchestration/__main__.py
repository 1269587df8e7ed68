"""The commands behind `make`."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from orchestration.settings import Settings


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
    commands.add_parser("status", help="what is published, until when, and what waits")
    commands.add_parser("doctor", help="is this machine and configuration fit")
    commands.add_parser("dev", help="Dagster's UI with schedules and sensors")
    return parser


def _dispatch(options: argparse.Namespace, settings: Settings) -> int:
    # Imported where they are used: Dagster costs seconds, and `status` should answer at once.
    match options.command:
        case "run":
            from orchestration.commands.run import run_warehouse  # noqa: PLC0415

            landing = options.landing.expanduser().absolute() if options.landing else settings.landing
            return run_warehouse(settings.model_copy(update={"landing": landing}))
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
        case "status":
            from orchestration.commands.status import print_status  # noqa: PLC0415

            return print_status(settings)
        case "doctor":
            from orchestration.commands.doctor import print_findings  # noqa: PLC0415

            return print_findings(settings)
        case _:
            from orchestration.commands.dev import run_dev  # noqa: PLC0415

            return run_dev(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
