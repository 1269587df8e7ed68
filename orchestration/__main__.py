"""The commands behind `make`."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from orchestration.settings import Settings


def main(arguments: list[str]) -> int:
    """Run one command; the exit code is 0 on success, 1 when the work failed, 2 when it was called wrongly."""
    parser = argparse.ArgumentParser(prog="colloquy", description="A conversation warehouse for AI agents.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="load, build and publish")
    run.add_argument("--landing", type=Path, help="folder with <source>/ files; default COLLOQUY_LANDING")
    check_files = commands.add_parser("check-files", help="say what would be accepted, what rejected, and why")
    check_files.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    if options.command == "run":
        from orchestration.commands.run import run_warehouse  # noqa: PLC0415  Dagster's imports cost seconds

        settings = Settings() if options.landing is None else Settings(landing=options.landing)
        return run_warehouse(settings)
    from orchestration.commands.check_files import print_check  # noqa: PLC0415

    return print_check(options.folder, Settings(), now=datetime.now(UTC))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
