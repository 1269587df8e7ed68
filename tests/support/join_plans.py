"""Finds joins in a query plan that compare every row with every row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Plan = Mapping[str, Any]

# Joins without a hash table: their cost is the product of their sides, or may be.
_COMPARING = frozenset(
    {"BLOCKWISE_NL_JOIN", "CROSS_PRODUCT", "IE_JOIN", "NESTED_LOOP_JOIN", "PIECEWISE_MERGE_JOIN", "POSITIONAL_JOIN"}
)
# One row, or rows that the query itself spells out.
_CONSTANT = frozenset({"COLUMN_DATA_SCAN", "DUMMY_SCAN", "EMPTY_RESULT", "GENERATE_SERIES", "UNGROUPED_AGGREGATE"})
_SCANS = frozenset({"SEQ_SCAN", "TABLE_SCAN", "INDEX_SCAN"})
# Joins that return rows of their first side only.
_FILTERING = frozenset({"ANTI", "MARK", "SEMI", "SINGLE"})


@dataclass(frozen=True)
class ComparingJoin:
    """A join whose cost is the product of its sides; each side is the set of tables that its size follows."""

    operator: str
    condition: str
    sides: tuple[frozenset[str], ...]

    def is_small_beside(self, small: frozenset[str]) -> bool:
        """Whether one side follows nothing but tables of `small`."""
        return any(side <= small for side in self.sides)


def comparing_joins(plan: Sequence[Plan]) -> Iterator[ComparingJoin]:
    """Yield the joins of a DuckDB plan (`explain (format json)`) that compare every row with every row."""
    definitions: dict[str, Plan] = {}
    for root in plan:
        for node in _walk(root):
            if node["name"] in {"CTE", "RECURSIVE_CTE"}:
                definitions[str(node["extra_info"]["Table Index"])] = node["children"][0]
    for root in plan:
        for node in _walk(root):
            if node["name"] in _COMPARING:
                info = node["extra_info"]
                condition = str(info.get("Conditions") or info.get("Condition") or "")
                sides = tuple(frozenset(_tables(child, definitions)) for child in node["children"])
                yield ComparingJoin(node["name"], condition, sides)


def _walk(node: Plan) -> Iterator[Plan]:
    yield node
    for child in node["children"]:
        yield from _walk(child)


def _tables(node: Plan, definitions: Mapping[str, Plan]) -> set[str]:
    """Return the tables that the number of rows of an operator follows; an unknown operator stands for itself."""
    name, info, children = node["name"], node["extra_info"], node["children"]
    if name in _CONSTANT:
        return set()
    if name in _SCANS:
        return {str(info["Table"]).rpartition(".")[2]}
    if name == "CTE_SCAN":
        children = [definitions[str(info["CTE Index"])]]
    elif name == "CTE":
        children = children[1:]
    elif info.get("Join Type") in _FILTERING:
        children = children[:1]
    return set().union(*(_tables(child, definitions) for child in children)) if children else {name}
