"""Pytest plugin: as many of the selected tests as fit into some minutes, beginning at another one for each number.

    pytest -p tests.part_of_suite --part 17 --minutes 15 -m full

Consecutive numbers begin far apart (steps of the golden section), so that every test comes round after a few of them.
"""

from time import monotonic

import pytest

_GOLDEN_SECTION = 0.6180339887498949
_NO_TIME = "no time left in this part"
_STARTED = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the number of the part and how long it may take."""
    parser.addoption("--part", type=int, required=True, help="number of the part; the next one begins elsewhere")
    parser.addoption("--minutes", type=float, required=True, help="how long tests are begun; what has begun ends")


def pytest_configure(config: pytest.Config) -> None:
    """Note when the part begins."""
    config.stash[_STARTED] = monotonic()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin elsewhere; every worker orders alike."""
    first = first_of(config.getoption("--part"), len(items))
    items[:] = items[first:] + items[:first]


def first_of(part: int, count: int) -> int:
    """Return the place, from 0, of the test with which a part begins."""
    return int(part * _GOLDEN_SECTION % 1 * count)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin nothing after the minutes."""
    if monotonic() - item.config.stash[_STARTED] > 60 * item.config.getoption("--minutes"):
        pytest.skip(_NO_TIME)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was run, by file, and how much was left for other parts."""
    stats = terminalreporter.stats
    left = [report for report in stats.get("skipped", []) if _NO_TIME in str(report.longrepr)]
    ran = [report for kind in ("passed", "failed") for report in stats.get(kind, []) if report.when == "call"]
    by_file: dict[str, int] = {}
    for report in ran:
        file = report.nodeid.partition("::")[0]
        by_file[file] = by_file.get(file, 0) + 1
    part = terminalreporter.config.getoption("--part")
    terminalreporter.write_line(
        f"Part {part} of the slow proofs: {len(ran)} tests run, {len(left)} left for other parts"
    )
    for file, count in sorted(by_file.items()):
        terminalreporter.write_line(f"  {file}: {count}")
