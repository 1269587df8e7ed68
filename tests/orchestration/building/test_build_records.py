"""The project copy of a warehouse, what counts as its configuration, and what a build records."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.building.configuration_hash import configuration_hash
from orchestration.building.dbt_manifest import project_digest, split_at_labels
from orchestration.building.project import assemble_project, build_command, dbt_variables, project_files
from orchestration.configuration.problems import ConfigurationError
from orchestration.landing import load_landing
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.build_records import begin_build, complete_build
from orchestration.warehouse.home import Home

LONG_AGO_NS = 1_000_000_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project copy whose files all carry a time long ago."""
    target = tmp_path / "project"
    assemble_project(target, None)
    for path in project_files(target):
        os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    return target


@pytest.fixture
def overrides(tmp_path: Path) -> Path:
    folder = tmp_path / "my-seeds"
    folder.mkdir()
    return folder


def written_anew(project: Path) -> set[str]:
    return {
        path.relative_to(project).as_posix()
        for path in project_files(project)
        if path.stat().st_mtime_ns != LONG_AGO_NS
    }


def shipped_files() -> dict[str, bytes]:
    return {path.relative_to(PROJECT_DIR).as_posix(): path.read_bytes() for path in project_files(PROJECT_DIR)}


def test_the_copy_holds_what_is_shipped_and_nothing_else(project: Path) -> None:
    copied = {path.relative_to(project).as_posix(): path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert copied == shipped_files()
    assert {"dbt_project.yml", "profiles.yml", "seeds/funnels.csv"} <= set(copied)
    assert not any(name.startswith(("tests/unit", "orchestration")) for name in copied)


def test_only_what_changed_is_written(project: Path, overrides: Path) -> None:
    assemble_project(project, None)
    assert written_anew(project) == set()
    (overrides / "purposes.csv").write_text("source,agent,purpose\nevents,,sales\n")
    assemble_project(project, overrides)
    assert written_anew(project) == {"seeds/purposes.csv"}
    assert (project / "seeds/purposes.csv").read_text() == "source,agent,purpose\nevents,,sales\n"


def test_the_shipped_seed_comes_back(project: Path, overrides: Path) -> None:
    (overrides / "purposes.csv").write_text("source,agent,purpose\nevents,,sales\n")
    assemble_project(project, overrides)
    assemble_project(project, None)
    assert (project / "seeds/purposes.csv").read_bytes() == (PROJECT_DIR / "seeds/purposes.csv").read_bytes()


def test_files_no_longer_shipped_disappear(project: Path) -> None:
    for name in ("models/marts/old_mart.sql", "macros/old_macro.sql", "seeds/old_seed.csv", "tests/generic/old.sql"):
        (project / name).write_text("select 1")
    assemble_project(project, None)
    assert {path.relative_to(project).as_posix() for path in project_files(project)} == set(shipped_files())


def test_a_damaged_copy_is_mended(project: Path) -> None:
    (project / "models/marts/metrics/metrics_daily.sql").write_text("select 1")
    (project / "dbt_project.yml").unlink()
    assemble_project(project, None)
    assert {path.relative_to(project).as_posix(): path.read_bytes() for path in project_files(project)} == (
        shipped_files()
    )


def test_a_refused_configuration_is_refused_again(project: Path, overrides: Path) -> None:
    """Being copied already must not make bad rows good."""
    (overrides / "purposes.csv").write_text("source,agent,purpose\nnobody,,sales\n")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="nobody"):
            assemble_project(project, overrides)


def settings_of(folder: Path, **changes: object) -> Settings:
    return Settings.model_validate({"home": folder / "home", "landing": folder / "landing", **changes})


@pytest.mark.parametrize(
    "name",
    [
        "seeds/funnels.csv",
        "models/marts/metrics/metrics_daily.sql",
        "models/staging/events/stg_events__events.sql",
        "macros/dialect/milliseconds_between.sql",
        "dbt_project.yml",
    ],
)
def test_the_hash_follows_what_decides_numbers(project: Path, tmp_path: Path, name: str) -> None:
    settings = settings_of(tmp_path)
    before = configuration_hash(settings, project)
    path = project / name
    path.write_bytes(path.read_bytes() + b"\n")
    assert configuration_hash(settings, project) != before


@pytest.mark.parametrize("change", [{"timezone": "Europe/Berlin"}, {"idle_minutes": 45}, {"publish_raw_text": True}])
def test_the_hash_follows_settings_that_decide_numbers(
    project: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    before = configuration_hash(settings_of(tmp_path), project)
    assert configuration_hash(settings_of(tmp_path, **change), project) != before


def test_the_hash_follows_the_place_of_a_line(project: Path, tmp_path: Path) -> None:
    """The same bytes in another file are another configuration."""
    settings = settings_of(tmp_path)
    before = configuration_hash(settings, project)
    (project / "models/staging/events/renamed.sql").write_bytes(b"")
    assert configuration_hash(settings, project) != before


@pytest.mark.parametrize(
    "name",
    ["models/marts/metrics/metrics_daily.yml", "models/columns.md", "tests/generic/mine.sql", "profiles.yml"],
)
def test_the_hash_does_not_follow_tests_and_descriptions(project: Path, tmp_path: Path, name: str) -> None:
    settings = settings_of(tmp_path)
    before = configuration_hash(settings, project)
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(b"\n# a word more\n")
    assert configuration_hash(settings, project) == before


def test_the_hash_does_not_follow_a_moved_home(project: Path, tmp_path: Path) -> None:
    before = configuration_hash(settings_of(tmp_path), project)
    moved = shutil.copytree(project, tmp_path / "elsewhere" / "project")
    settings = settings_of(tmp_path / "elsewhere", landing=tmp_path / "other", published_versions=9)
    assert configuration_hash(settings, moved) == before
    assert dbt_variables(settings)["raw_database"] == str(tmp_path / "elsewhere" / "home" / "raw.duckdb")


@pytest.mark.parametrize(
    "name",
    [
        "models/marts/metrics/metrics_daily.yml",
        "models/columns.md",
        "seeds/funnels.yml",
        "tests/generic/mine.sql",
        "profiles.yml",
    ],
)
def test_dbt_reads_a_changed_project_again(tmp_path: Path, name: str) -> None:
    settings = settings_of(tmp_path)
    assemble_project(Home(settings.home).dbt_project, None)
    before = project_digest(settings)
    path = Home(settings.home).dbt_project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path.read_bytes() + b"\n" if path.exists() else b"\n")
    assert project_digest(settings) != before
    assert project_digest(settings_of(tmp_path, timezone="Europe/Berlin")) != project_digest(settings)


def test_dbt_reads_nothing_again_for_rows_of_a_seed_or_another_place(tmp_path: Path) -> None:
    settings, moved = settings_of(tmp_path), settings_of(tmp_path / "elsewhere")
    assemble_project(Home(settings.home).dbt_project, None)
    before = project_digest(settings)
    assemble_project(Home(moved.home).dbt_project, None)
    seed = Home(moved.home).seeds / "funnels.csv"
    seed.write_bytes(seed.read_bytes() + b"\n")
    assert project_digest(moved) == before


def test_the_command_asks_for_a_full_refresh_when_it_should(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert "--full-refresh" in build_command(settings, is_full_refresh=True)
    assert "--full-refresh" not in build_command(settings, is_full_refresh=False)


class Builds:
    """A warehouse into which files land; nothing is built by dbt."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.home.create()
        self.landing = folder / "landing"
        (self.landing / "events").mkdir(parents=True)
        self.loads = 0

    def land(self) -> None:
        """Land a file with one event."""
        self.loads += 1
        path = self.landing / "events" / f"{self.loads}.jsonl"
        path.write_text(
            f'{{"event_id": "{self.loads}", "conversation_id": "c", "event_type": "user_message", '
            '"timestamp": "2025-12-01T00:00:00Z"}\n'
        )
        load_landing(
            self.home.raw_database,
            self.landing,
            seeds=PROJECT_DIR / "seeds",
            hash_key=b"key",
            stable_after=timedelta(0),
            now=NOW,
        )

    def completed(self) -> list[tuple[int, str, int]]:
        """Return (build, hash, newest load covered) of each complete build."""
        with duckdb.connect(self.home.build_database, read_only=True) as connection:
            return connection.execute(
                "select build_id, configuration_hash, through_load_id from state.builds where is_complete order by 1"
            ).fetchall()


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    return Builds(tmp_path)


def test_the_first_build_is_full_and_the_next_ones_take_what_landed(builds: Builds) -> None:
    builds.land()
    first = begin_build(builds.home, "a")
    assert (first.build_id, first.through_load_id, first.is_full_refresh) == (1, 1, True)
    assert first.reason == "the first build"
    complete_build(builds.home, first)
    builds.land()
    second = begin_build(builds.home, "a")
    assert (second.build_id, second.through_load_id, second.is_full_refresh) == (2, 2, False)
    assert second.reason == "the configuration is that of the last complete build"
    complete_build(builds.home, second)
    assert builds.completed() == [(1, "a", 1), (2, "a", 2)]


def test_a_changed_configuration_makes_a_full_build_once(builds: Builds) -> None:
    builds.land()
    complete_build(builds.home, begin_build(builds.home, "a"))
    changed = begin_build(builds.home, "b")
    assert changed.is_full_refresh
    assert changed.reason == "the configuration has changed since the last complete build"
    complete_build(builds.home, changed)
    assert not begin_build(builds.home, "b").is_full_refresh


def test_an_interrupted_build_moves_nothing_on(builds: Builds) -> None:
    builds.land()
    complete_build(builds.home, begin_build(builds.home, "a"))
    builds.land()
    interrupted = begin_build(builds.home, "a")
    assert interrupted.through_load_id == 2
    assert builds.completed() == [(1, "a", 1)]
    builds.land()
    following = begin_build(builds.home, "a")
    assert (following.through_load_id, following.is_full_refresh) == (3, False)
    complete_build(builds.home, following)
    assert builds.completed() == [(1, "a", 1), (3, "a", 3)]


def test_an_interrupted_first_build_is_followed_by_a_full_one(builds: Builds) -> None:
    builds.land()
    begin_build(builds.home, "a")
    again = begin_build(builds.home, "a")
    assert (again.is_full_refresh, again.reason) == (True, "no earlier build was completed")


def test_an_interrupted_build_of_another_configuration_is_not_built_upon(builds: Builds) -> None:
    """Changed, broken off half way, changed back: the tables hold rows of both."""
    builds.land()
    complete_build(builds.home, begin_build(builds.home, "a"))
    begin_build(builds.home, "b")
    back = begin_build(builds.home, "a")
    assert (back.is_full_refresh, back.reason) == (
        True,
        "an earlier build broke off under another configuration",
    )
    complete_build(builds.home, back)
    assert not begin_build(builds.home, "a").is_full_refresh


def test_a_deleted_build_database_is_built_in_full(builds: Builds) -> None:
    builds.land()
    complete_build(builds.home, begin_build(builds.home, "a"))
    builds.home.build_database.unlink()
    assert begin_build(builds.home, "a").is_full_refresh


def test_the_graph_is_split_at_what_labelling_reads() -> None:
    """Labelling reads stg_a -> int_events -> int_conversations_undetermined; fct_a rests on both sides of it."""
    parents = {
        "stg_a": [],
        "int_events": ["stg_a"],
        "funnel_stages": [],
        "int_conversations_undetermined": ["int_events", "funnel_stages"],
        "stg_ledger": [],
        "int_affected": ["int_events"],
        "fct_a": ["int_affected", "stg_ledger", "int_events"],
        "fct_b": ["fct_a", "taxonomy"],
        "taxonomy": [],
    }
    kinds = {name: "seed" if name in ("funnel_stages", "taxonomy") else "model" for name in parents}
    keys = {name: f"{kind}.colloquy.{name}" for name, kind in kinds.items()}
    nodes = {keys[name]: {"name": name, "resource_type": kind} for name, kind in kinds.items()}
    nodes["test.colloquy.one"] = {"name": "one", "resource_type": "test"}
    parent_map = {keys[name]: [keys[one] for one in above] for name, above in parents.items()}
    parent_map["test.colloquy.one"] = [keys["fct_a"]]
    before, behind = split_at_labels({"nodes": nodes, "parent_map": parent_map})
    assert before == [keys[name] for name in ("stg_a", "int_events", "funnel_stages", "int_conversations_undetermined")]
    assert behind == [keys[name] for name in ("stg_ledger", "int_affected", "fct_a", "fct_b", "taxonomy")]
