"""Which measures the definitions of metrics may name: what the models that count them call their columns."""

import re
from pathlib import Path

_MODELS = "models/intermediate/metrics/int_{}_measures_counted.sql"
_COUNTED = ("conversation", "interaction", "sales")
_NAME = re.compile(r"\bas (\w+),?$", re.MULTILINE)
_SUM_AND_SQUARE = re.compile(r"sum_and_square\(.*'(\w+)'\) *}},?$", re.MULTILINE)


def measure_names(project: Path) -> frozenset[str]:
    """Return the names of all measures that the models of a dbt project count.

    Models are read as text: a configuration is checked before there is a warehouse. Measures stand between the last key
    of the aggregate, `segment_value`, and what it reads.
    """
    names: set[str] = set()
    for counted in _COUNTED:
        model = (project / _MODELS.format(counted)).read_text()
        aggregate = model.rpartition("segment_value,\n")[2].partition("\n    from ")[0]
        names.update(_NAME.findall(aggregate))
        for name in _SUM_AND_SQUARE.findall(aggregate):
            names.update((name, f"{name}_squared"))
    return frozenset(names)
