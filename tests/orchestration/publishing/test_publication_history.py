"""Records of what was published: taken once, and in the words of this release."""

from pathlib import Path

import duckdb

from orchestration.publishing import keep_history
from orchestration.publishing.publication_history import HISTORY_TABLES


def test_a_reason_of_before_the_first_release_gets_its_word_of_today(tmp_path: Path) -> None:
    raw, published = tmp_path / "raw.duckdb", tmp_path / "published"
    published.mkdir()
    duckdb.connect(str(raw)).close()
    columns = ", ".join(f"{name} {kind}" for name, kind in HISTORY_TABLES["metric_restatements"].items())
    with duckdb.connect(str(published / "colloquy.duckdb")) as connection:
        connection.execute("create schema marts")
        connection.execute(f"create table marts.metric_restatements ({columns})")
        connection.execute(
            "insert into marts.metric_restatements (metric_name, load_id, reason) values "
            "('a', 1, 'reland'), ('b', 2, 'late_data')"
        )
    assert keep_history(raw, published) == 2
    with duckdb.connect(str(raw)) as connection:
        # As a version before has kept it.
        connection.execute("update raw.history.metric_restatements set reason = 'reland' where metric_name = 'a'")
    assert keep_history(raw, published) == 0
    with duckdb.connect(str(raw)) as connection:
        kept = connection.execute("select metric_name, reason from raw.history.metric_restatements order by all")
        assert kept.fetchall() == [("a", "reload"), ("b", "late_data")]
