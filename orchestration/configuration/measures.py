"""Which measures the definitions of metrics may name: the columns of the models that count them."""

import re
from pathlib import Path

_MODELS = "models/intermediate/metrics/int_{}_measures_counted.sql"
_COUNTED = ("conversation", "interaction", "sales")
_NAMED = re.compile(r"\bas (\w+),?$", re.MULTILINE)
_LIST = re.compile(r"set (\w+) = \[(.*?)\] %}", re.DOTALL)
_NAME = re.compile(r"'(\w+)'")


def measure_names(project: Path) -> frozenset[str]:
    """Return the names of all measures that the models of a dbt project count.

    Models are read as text: a configuration is checked before there is a warehouse. Measures stand in the lists
    before the query (`squared` makes two columns of a name, `multiplied` one of a pair), and between the last key of
    the aggregate, `segment_value`, and what it reads.
    """
    names: set[str] = set()
    for counted in _COUNTED:
        model = (project / _MODELS.format(counted)).read_text()
        aggregate = model.rpartition("segment_value,\n")[2].partition("\n    from ")[0]
        names.update(_NAMED.findall(aggregate))
        for kind, text in _LIST.findall(model):
            listed = _NAME.findall(text)
            if kind == "multiplied":
                names.update(f"{first}_x_{second}" for first, second in zip(listed[::2], listed[1::2], strict=True))
            else:
                names.update(listed)
            if kind == "squared":
                names.update(f"{name}_squared" for name in listed)
    return frozenset(names)
