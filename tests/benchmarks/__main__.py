"""`make bench`: measure every letter, or those that are asked for, and print one table.

`python -m tests.benchmarks [--quick] [--only a,f] [--out folder]`
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestration.settings import PROJECT_DIR
from tests.benchmarks import letters, letters_over_time
from tests.benchmarks.bench import Bench
from tests.benchmarks.results import table
from tests.benchmarks.sizes import FULL, QUICK, Sizes

# In this order: letters that add days to a history run after those that measure the history itself.
LETTERS: dict[str, Callable[[Bench], None]] = {
    "a": letters.landing,
    "b": letters.full_refresh,
    "f": letters.funnel,
    "g": letters.labelling,
    "h": letters.publishing,
    "i": letters.memory,
    "c": letters_over_time.one_day,
    "d": letters_over_time.many_days,
    "e": letters_over_time.new_file,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write results.json and chart.svg; 0 unless a measurement could not be made.

    A missed target is no failure: machines differ, and the table shows it.
    """
    chosen = _parser().parse_args(arguments)
    wanted = sorted(set(chosen.only.split(","))) if chosen.only else sorted(LETTERS)
    unknown = [letter for letter in wanted if letter not in LETTERS]
    if unknown:
        print(f"no letter {', '.join(unknown)}; there are {', '.join(sorted(LETTERS))}")
        return 2
    sizes = QUICK if chosen.quick else FULL
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:7,.0f} s  {text}", flush=True)

    with tempfile.TemporaryDirectory(prefix="bench-", dir=chosen.work) as folder:
        bench = Bench(Path(folder), sizes, say)
        for letter, measure in LETTERS.items():
            if letter in wanted:
                say(f"({letter}) {(measure.__doc__ or '').partition(': ')[2]}")
                measure(bench)
    bench.results.rows.sort(key=lambda row: row.letter)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, sizes: {sizes.name}"
    print(f"\n{table(bench.results.rows)}\n\n{machine}; {_medians(sizes)}; CPU of all threads")
    chosen.out.mkdir(parents=True, exist_ok=True)
    found = chosen.out / "results.json"
    found.write_text(json.dumps({"machine": machine, **bench.results.as_json()}, indent=1))
    written = [found]
    # matplotlib is installed by make bench alone, and the tests of this module do without.
    from tests.benchmarks.chart import draw, is_drawable  # noqa: PLC0415

    if is_drawable(bench.results.detail):
        written.append(draw(bench.results.detail, chosen.out / "chart.svg"))
    print(f"written: {', '.join(str(path) for path in written)}")
    return 0


def _medians(sizes: Sizes) -> str:
    return f"medians of {sizes.rounds} runs, {sizes.job_rounds} of a whole job, 1 within the memory limit"


def _folder(text: str) -> Path | None:
    return Path(text) if text else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--quick", action="store_true", help="small sizes of every letter")
    parser.add_argument("--only", default="", help="letters between commas")
    parser.add_argument("--out", type=Path, default=PROJECT_DIR / "target" / "bench", help="folder of the results")
    parser.add_argument("--work", type=_folder, default=None, help="folder with room for the histories")
    return parser


if __name__ == "__main__":
    sys.exit(main())
