"""`make docs`: one page with every description, which needs no server and no network."""

import re
from pathlib import Path

import duckdb
import pytest

from orchestration.commands import docs
from orchestration.commands.docs import write_docs
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home


@pytest.mark.full
def test_the_page_holds_the_overview_and_the_rendered_descriptions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docs, "PROJECT_DIR", tmp_path)
    assert write_docs(Settings(home=tmp_path / "home")) == 0
    page = tmp_path / "target" / "docs" / "index.html"
    assert capsys.readouterr().out.splitlines()[-1] == str(page)
    written = page.read_text()
    overview = (PROJECT_DIR / "models" / "overview.md").read_text()
    blocks = dict(re.findall(r"{% docs (\w+) %}\n(.*)\n{% enddocs %}", (PROJECT_DIR / "models/columns.md").read_text()))
    first = re.search(r"^# .*\n\n(.*?\.)", overview, re.MULTILINE)
    assert first is not None
    assert first[1] in written
    assert f"{blocks['segment']} Never null." in written
    assert '"send_anonymous_usage_stats": false' in written
    assert re.findall(r"<(?:script|link|img)[^>]* (?:src|href)=\"?https?:", written) == []

    build = Home(tmp_path / "home" / "model-warehouse").build_database
    with duckdb.connect(str(build), read_only=True) as connection:
        comments = connection.execute(
            "select table_name, column_name, comment from duckdb_columns() where schema_name = 'marts'"
        ).fetchall()
    assert ("metrics_daily", "segment", f"{blocks['segment']} Never null.") in comments
    assert [
        one for one in comments if not one[2] or one[2] != one[2].strip() or re.search(r"\n|{{|doc\(", one[2])
    ] == []
