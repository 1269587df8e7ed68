"""docs/configuration.md describes the code: it is generated, and it is up to date."""

import re

from orchestration.configuration.documentation import PAGE, configuration_page
from orchestration.configuration.rows import columns_of
from orchestration.configuration.seeds import ROW_MODELS
from orchestration.settings import Settings


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == configuration_page(), "make docs-configuration writes it again"


def test_every_variable_has_a_meaning() -> None:
    rows = re.findall(r"^\| `COLLOQUY_(\w+)` \| ([^|]+) \| (.+) \|$", configuration_page(), flags=re.MULTILINE)
    assert [name for name, _, _ in rows] == [name.upper() for name in Settings.model_fields]
    assert all(len(meaning) > 10 for _, _, meaning in rows)


def test_every_column_of_every_seed_has_a_row() -> None:
    _, *sections = re.split(r"^### `(\w+\.csv)`$", configuration_page(), flags=re.MULTILINE)
    assert sections[::2] == list(ROW_MODELS)
    for file, section in zip(sections[::2], sections[1::2], strict=True):
        rows = re.findall(r"^\| `(\w+)` \| (yes|no)", section, flags=re.MULTILINE)
        columns = columns_of(ROW_MODELS[file]).values()
        assert rows == [(column.name, "yes" if column.default is None else "no") for column in columns]
