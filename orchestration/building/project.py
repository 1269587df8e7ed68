"""The dbt project of one warehouse, and how dbt is called on it.

Each warehouse gets its own copy under COLLOQUY_HOME: the shipped models, macros and tests, and the shipped seeds with
the user's in their place. dbt cannot be pointed at a folder of seeds elsewhere: given an absolute seed path it writes
its compiled SQL over the seed files themselves.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from orchestration.classification.messages.phrase_checks import phrase_problems
from orchestration.configuration.checks import check_configuration
from orchestration.configuration.completion import complete_seed
from orchestration.configuration.problems import ConfigurationError
from orchestration.configuration.seeds import ROW_MODELS
from orchestration.redaction.redactor import REDACTOR_VERSION
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home

# Unit tests prove the models, not the data: `make test` runs them, a warehouse does not carry them.
_FOLDERS = ("models", "macros", "seeds", "tests/generic", "tests/singular")
_FILES = ("dbt_project.yml", "profiles.yml")
_SUFFIXES = (".sql", ".yml", ".csv", ".md")
# What labelling reads is built before it, everything else behind it.
LABELLED_MODEL = "int_conversations_undetermined"


def assemble_project(target: Path, overrides: Path | None, shipped: Path = PROJECT_DIR) -> tuple[str, ...]:
    """Bring the project copy in `target` up to date; `overrides` holds seed files that take the place of shipped ones.

    Only what differs is written, so that dbt parses nothing else. Returns a sentence for every optional column that a
    file of `overrides` lacks and that was filled in. Raises ConfigurationError for a seeds folder that is missing or
    holds a file that replaces nothing, and for columns or rows that cannot be used.
    """
    wanted = {path.relative_to(shipped): path.read_bytes() for path in project_files(shipped)}
    notes: list[str] = []
    for seed, path in _replacements(overrides).items():
        wanted[Path("seeds") / seed] = _content(path, notes)
    for stale in set(_copied_files(target)) - set(wanted):
        (target / stale).unlink()
    for name, content in wanted.items():
        copy = target / name
        if not copy.exists() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    check_configuration(target, phrase_problems)
    return tuple(notes)


def project_files(project: Path) -> Iterator[Path]:
    """Yield the files that make up the dbt project, in a fixed order."""
    for name in _FILES:
        yield project / name
    for folder in _FOLDERS:
        yield from (path for path in sorted((project / folder).rglob("*")) if path.suffix in _SUFFIXES)


# Paths name where the warehouse lies, not what is in it: moving a warehouse must not rebuild it.
_PATH_VARIABLES = ("build_database", "raw_database", "published_before")


def dbt_variables(settings: Settings) -> dict[str, str | int]:
    """Return the variables of every dbt command; equal settings give equal ones, which keeps parsing warm."""
    home = Home(settings.home)
    return {
        "build_database": str(home.build_database),
        "raw_database": str(home.raw_database),
        "published_before": str(home.published_before),
        "timezone": settings.timezone,
        "idle_minutes": settings.idle_minutes,
        "publish_raw_text": settings.publish_raw_text,
        # A new redactor recomputes every text.
        "redactor_version": REDACTOR_VERSION,
    }


def deciding_variables(settings: Settings) -> dict[str, str | int]:
    """Return the variables that what is built follows from: all but the paths."""
    return {name: value for name, value in dbt_variables(settings).items() if name not in _PATH_VARIABLES}


def dbt_flags(settings: Settings) -> list[str]:
    """Return the flags that follow every dbt command."""
    home = Home(settings.home)
    return [
        "--profiles-dir",
        str(home.dbt_project),
        "--vars",
        json.dumps(dbt_variables(settings), sort_keys=True),
        "--log-path",
        str(home.dbt_target / "logs"),
    ]


def build_command(settings: Settings, *, is_full_refresh: bool) -> list[str]:
    """Return the arguments of the dbt command that builds models and seeds, all of them unless a selection follows.

    Data tests are no nodes of a build: building/data_tests.py runs them.
    """
    refresh = ["--full-refresh"] if is_full_refresh else []
    # Searching the tests of the selected nodes takes longer than building the nodes.
    return ["build", *refresh, "--exclude-resource-type", "test", "--indirect-selection", "empty", *dbt_flags(settings)]


def _copied_files(target: Path) -> Iterator[Path]:
    return (path.relative_to(target) for path in project_files(target) if path.exists())


def _content(path: Path, notes: list[str]) -> bytes:
    """Return a user's seed as dbt is to read it, and note what it lacks."""
    completed = complete_seed(path, ROW_MODELS[path.name])
    if completed is None:
        return path.read_bytes()
    notes.extend(
        f"{path}: column {name} is missing; every row takes {repr(value) if value else 'an empty cell'}"
        for name, value in completed.filled.items()
    )
    return completed.text.encode()


def _replacements(overrides: Path | None) -> dict[str, Path]:
    if overrides is None:
        return {}
    if not overrides.is_dir():
        raise ConfigurationError(f"COLLOQUY_SEEDS: {overrides} is not a folder; create it or unset the variable")
    files = {path.name: path for path in sorted(overrides.glob("*.csv"))}
    for path in files.values():
        if not path.is_file():
            raise ConfigurationError(f"{path}: is not a file")
    unknown = sorted(set(files) - set(ROW_MODELS))
    if unknown:
        raise ConfigurationError(
            f"{overrides / unknown[0]}: no shipped seed has this name; known are {', '.join(sorted(ROW_MODELS))}"
        )
    return files
