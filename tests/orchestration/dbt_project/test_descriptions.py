"""A column that means the same in several models is described once, in models/columns.md."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import yaml

from orchestration.settings import PROJECT_DIR

_BLOCK = re.compile(r"{% docs (\w+) %}\n(.*?)\n{% enddocs %}", re.DOTALL)
_USE = re.compile(r"{{ doc\(\"(\w+)\"\) }}")
# A guarantee of one model, which follows a block or closes a text.
_NEVER_NULL = re.compile(r"[;,.]? *\bnever null\. *$", re.IGNORECASE)

BLOCKS = dict(_BLOCK.findall((PROJECT_DIR / "models" / "columns.md").read_text()))


def _described() -> Iterator[tuple[str, str, str]]:
    """Yield model, column and description as the yml files have them."""
    for path in sorted((PROJECT_DIR / "models").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text()).get("models", ()):
            for column in model.get("columns", ()):
                yield model["name"], column["name"], column.get("description", "")


DESCRIBED = list(_described())


def _words(text: str) -> str:
    """Return a text without what does not change its meaning: case, punctuation, spaces, and that it is never null."""
    return " ".join(re.findall(r"\w+", _NEVER_NULL.sub("", text).lower()))


def test_no_two_models_describe_a_column_in_the_same_words() -> None:
    own: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for model, column, text in DESCRIBED:
        if words := _words(_USE.sub("", text)):
            own[column, words].append(model)
    assert {key: models for key, models in own.items() if len(models) > 1} == {}


def test_no_model_repeats_the_words_of_a_block() -> None:
    blocks: defaultdict[str, set[str]] = defaultdict(set)
    for name, text in BLOCKS.items():
        blocks[name.partition("__")[0]].add(_words(text))
    assert [(model, column) for model, column, text in DESCRIBED if _words(text) in blocks[column]] == []


def test_a_block_describes_the_column_that_it_is_named_after() -> None:
    wrong = []
    for model, column, text in DESCRIBED:
        uses = _USE.findall(text)
        is_block_first = not uses or _USE.match(text)
        if len(uses) > 1 or not is_block_first or text.count("doc(") != len(uses):
            wrong.append((model, column, text))
        wrong += [(model, column, used) for used in uses if used not in BLOCKS or used.partition("__")[0] != column]
    assert wrong == []


def test_a_description_is_one_line() -> None:
    """As a comment of a column it would keep its line breaks."""
    assert [(model, column) for model, column, text in DESCRIBED if text != " ".join(text.split())] == []


def test_every_block_is_used_twice_or_more() -> None:
    uses = Counter(used for _, _, text in DESCRIBED for used in _USE.findall(text))
    assert [name for name in BLOCKS if uses[name] < 2] == []


def test_blocks_are_one_line_each_in_the_order_of_the_alphabet() -> None:
    text = (PROJECT_DIR / "models" / "columns.md").read_text()
    names = re.findall(r"{% docs (\w+) %}", text)
    assert names == list(BLOCKS) == sorted(set(names))
    assert [name for name, block in BLOCKS.items() if block != block.strip() or "\n" in block or "{" in block] == []
