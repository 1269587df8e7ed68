"""What a published version holds, and what it must not hold."""

import json
import shutil
from collections import namedtuple
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.publishing import (
    BuildDatabaseError,
    ManifestError,
    MissingTableError,
    NotEnoughSpaceError,
    PublishError,
    read_manifest,
)
from tests.support.published_samples import (
    NOON,
    RAW_TEXT,
    TABLES,
    change_build,
    make_build,
    names,
    parquet_rows,
    publish_sample,
    query,
)

CONVERSATIONS = [
    ("s:1", date(2026, 1, 5), 3, ["a"]),
    ("s:2", date(2026, 1, 31), 0, []),
    ("s:3", date(2026, 2, 1), 7, None),
    ("s:4", None, 1, ["b"]),
]


def test_database_holds_the_rows_in_order(tmp_path: Path) -> None:
    publish_sample(make_build(tmp_path), tmp_path / "published")
    database = tmp_path / "published/colloquy.duckdb"
    assert query(database, "select * from marts.fct_conversations") == CONVERSATIONS
    assert query(database, "select * from marts.fallback_topics") == [
        ("billing", Decimal("0.500000")),
        ("delivery", Decimal("0.125000")),
    ]
    assert query(database, "select count(*) from marts.alerts") == [(0,)]
    with duckdb.connect() as connection:
        connection.execute(f"attach '{database}' as c (read_only)")
        assert connection.execute("select sum(turns) from c.marts.fct_conversations").fetchall() == [(11,)]


def test_comments_come_along(tmp_path: Path) -> None:
    publish_sample(make_build(tmp_path), tmp_path / "published")
    database = tmp_path / "published/colloquy.duckdb"
    assert query(database, "select table_name, comment from duckdb_tables() where comment is not null") == [
        ("fct_conversations", "One row per conversation; it's the grain.")
    ]
    commented = "select table_name, column_name, comment from duckdb_columns() where comment is not null"
    assert query(database, commented) == [("fct_conversations", "turns", "Customer messages.")]


def test_nothing_but_the_listed_tables_is_published(tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish_sample(make_build(tmp_path), published)
    listed = query(
        published / "colloquy.duckdb",
        "select schema_name, table_name from duckdb_tables() union all "
        "select schema_name, view_name from duckdb_views() where not internal order by all",
    )
    assert listed == [("marts", name) for name in sorted(TABLES)]
    schemas = query(
        published / "colloquy.duckdb", "select schema_name from duckdb_schemas() where not internal order by 1"
    )
    assert [name for (name,) in schemas if name != "main"] == ["marts"]
    for path in published.rglob("*.*"):
        assert RAW_TEXT.encode() not in path.read_bytes(), path


def test_folder_holds_these_files_and_no_others(tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish_sample(make_build(tmp_path), published)
    assert names(published) == {
        "colloquy.duckdb",
        "colloquy-000001.duckdb",
        "current",
        "manifest.json",
        "v000001/manifest.json",
        "v000001/fct_conversations/2026-01.parquet",
        "v000001/fct_conversations/2026-02.parquet",
        "v000001/fct_conversations/unknown.parquet",
        "v000001/metrics_daily/2026-02.parquet",
        "v000001/fallback_topics.parquet",
        "v000001/alerts/empty.parquet",
    }
    assert str((published / "current").readlink()) == "v000001"
    assert (published / "colloquy.duckdb").samefile(published / "colloquy-000001.duckdb")


def test_parquet_holds_the_rows_of_its_month(tmp_path: Path) -> None:
    publish_sample(make_build(tmp_path), tmp_path / "published")
    current = tmp_path / "published/current"
    assert parquet_rows(current / "fct_conversations/2026-01.parquet") == CONVERSATIONS[:2]
    assert parquet_rows(current / "fct_conversations/2026-02.parquet") == CONVERSATIONS[2:3]
    assert parquet_rows(current / "fct_conversations/unknown.parquet") == CONVERSATIONS[3:]
    assert parquet_rows(current / "fct_conversations/*.parquet") == CONVERSATIONS
    assert parquet_rows(current / "alerts/*.parquet") == []
    with duckdb.connect() as connection:
        described = connection.execute(f"describe select * from '{current / 'alerts/empty.parquet'}'").fetchall()
    assert [(name, type_) for name, type_, *_ in described] == [("start_date", "DATE"), ("rule", "VARCHAR")]


def test_dates_that_no_month_name_can_hold_are_unknown(tmp_path: Path) -> None:
    build = make_build(tmp_path)
    change_build(
        build,
        "insert into marts.alerts values ('infinity', 'a'), ('0044-03-15 (BC)', 'b'), ('0044-03-15', 'c'), "
        "('12026-01-01', 'd'), ('9999-12-31', 'e')",
    )
    publish_sample(build, tmp_path / "published")
    alerts = tmp_path / "published/current/alerts"
    assert names(alerts.resolve()) == {"unknown.parquet", "0044-03.parquet", "9999-12.parquet"}
    assert parquet_rows(alerts / "unknown.parquet", "rule") == [("a",), ("b",), ("d",)]
    assert parquet_rows(alerts / "0044-03.parquet", "rule") == [("c",)]
    assert parquet_rows(alerts / "9999-12.parquet", "rule") == [("e",)]


def test_manifest_says_what_was_published(tmp_path: Path) -> None:
    publish_sample(make_build(tmp_path), tmp_path / "published")
    fields = json.loads((tmp_path / "published/manifest.json").read_text())
    assert fields["version"] == "000001"
    assert fields["run_id"] == fields["last_checked_run_id"] == "run-1"
    assert fields["published_at"] == fields["last_checked_at"] == "2026-03-01T12:00:00+00:00"
    assert fields["data_until"] == "2026-02-28T00:00:00+00:00"
    assert fields["checks"] == {"passed": 12, "failed": 0}
    assert fields["versions"] == ["000001"]
    assert {name: record["rows"] for name, record in fields["tables"].items()} == {
        "fct_conversations": 4,
        "metrics_daily": 1,
        "fallback_topics": 2,
        "alerts": 0,
    }
    assert list(fields["tables"]["fct_conversations"]["months"]) == ["2026-01", "2026-02", "unknown"]
    assert "months" not in fields["tables"]["fallback_topics"]
    manifest = read_manifest(tmp_path / "published")
    assert manifest is not None
    assert manifest.data_until == datetime(2026, 2, 28, tzinfo=UTC)
    assert manifest.published_at == NOON


def test_reading_a_manifest_that_is_absent_or_broken(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    (tmp_path / "manifest.json").write_text('{"version": "000001"}')
    with pytest.raises(ManifestError, match=r"manifest\.json is no manifest: KeyError"):
        read_manifest(tmp_path)


def test_missing_tables_are_named_and_nothing_is_published(tmp_path: Path) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    change_build(build, "create view marts.a_view as select 1 as one")
    with pytest.raises(MissingTableError, match=r"no table marts\.fct_flows, marts\.a_view;"):
        publish_sample(build, published, tables=("alerts", "fct_flows", "a_view"))
    assert names(published) == set()
    assert not (published / ".publishing").exists()


def test_full_disk_is_noticed_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build, published = make_build(tmp_path), tmp_path / "published"
    needed_bytes = build.stat().st_size
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, needed_bytes - 1))
    with pytest.raises(NotEnoughSpaceError, match=rf"need {needed_bytes} bytes, {needed_bytes - 1} are free"):
        publish_sample(build, published)
    assert names(published) == set()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, needed_bytes))
    assert publish_sample(build, published).version == "000001"


def test_build_that_is_missing_or_open_for_writing(tmp_path: Path) -> None:
    with pytest.raises(BuildDatabaseError, match=r"absent\.duckdb"):
        publish_sample(tmp_path / "absent.duckdb", tmp_path / "published")
    build = make_build(tmp_path)
    with duckdb.connect(str(build)), pytest.raises(BuildDatabaseError, match="close every connection"):
        publish_sample(build, tmp_path / "published")
    assert publish_sample(build, tmp_path / "published").version == "000001"


def test_build_can_be_written_again_right_after(tmp_path: Path) -> None:
    build = make_build(tmp_path)
    publish_sample(build, tmp_path / "published")
    change_build(build, "delete from marts.alerts")
    publish_sample(build, tmp_path / "published")
    change_build(build, "delete from marts.alerts")


def test_file_system_without_hard_links_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    with pytest.raises(PublishError, match="Operation not permitted; put COLLOQUY_HOME on a local file system"):
        publish_sample(make_build(tmp_path), tmp_path / "published")


@pytest.mark.parametrize(
    "changed",
    [
        {"keep": 0},
        {"tables": ()},
        {"tables": ("alerts", "alerts")},
        {"tables": ("../alerts",)},
        {"now": datetime(2026, 3, 1)},  # noqa: DTZ001
        {"checks": {"rate": float("nan")}},
    ],
)
def test_wrong_arguments_change_nothing(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        publish_sample(make_build(tmp_path), tmp_path / "published", **changed)
    assert not (tmp_path / "published").exists()
