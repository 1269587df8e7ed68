"""Every slow proof comes round: the parts of the suite begin everywhere, and print what they ran."""

import pytest

from tests.part_of_suite import first_of

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("count", [1, 7, 120])
@pytest.mark.parametrize("since", [0, 517, 100_000])
def test_a_third_of_the_suite_a_time_comes_round_in_six_parts(count: int, since: int) -> None:
    seen = {
        (first_of(part, count) + place) % count for part in range(since, since + 6) for place in range(-(-count // 3))
    }
    assert seen == set(range(count))


def test_what_does_not_fit_is_left_and_said(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_four="import pytest\n@pytest.mark.parametrize('i', range(4))\ndef test_it(i): pass")
    plugin = ("-p", "tests.part_of_suite", "-p", "no:xdist", "--part", "3")
    enough = pytester.runpytest(*plugin, "--minutes", "1", "-v")
    # 3 times 0.618 is 1.854: the part begins 0.854 of the way, at the last of four.
    begun = [line for line in enough.outlines if line.startswith("test_four.py::")]
    assert [line.partition(" ")[0][-2] for line in begun] == ["3", "0", "1", "2"]
    enough.stdout.fnmatch_lines(["Part 3 of the slow proofs: 4 tests run, 0 left for other parts", "  test_four.py: 4"])
    none = pytester.runpytest(*plugin, "--minutes", "-1")
    none.stdout.fnmatch_lines(["Part 3 of the slow proofs: 0 tests run, 4 left for other parts"])
