"""Where everything of one warehouse lies on disk."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """Paths under COLLOQUY_HOME. Only `published/` is meant for readers."""

    root: Path

    @property
    def raw_database(self) -> Path:
        """What cannot be derived: raw events, manifests, histories."""
        return self.root / "raw.duckdb"

    @property
    def fresh_raw_database(self) -> Path:
        """What takes the place of raw.duckdb when retention or an erasure has written it anew."""
        return self.root / "raw-fresh.duckdb"

    @property
    def build_database(self) -> Path:
        """What dbt derives; may always be deleted."""
        return self.root / "build.duckdb"

    @property
    def published(self) -> Path:
        """Folder of the published versions."""
        return self.root / "published"

    @property
    def private(self) -> Path:
        """Folder of keys, mode 0700."""
        return self.root / "private"

    @property
    def lock(self) -> Path:
        """The file whose lock the one writer holds."""
        return self.root / "lock"

    @property
    def dbt_target(self) -> Path:
        """Compiled SQL and artefacts of dbt."""
        return self.root / "dbt" / "target"

    @property
    def dbt_project(self) -> Path:
        """The dbt project of this warehouse: the shipped one with the user's seeds."""
        return self.root / "dbt" / "project"

    @property
    def published_before(self) -> Path:
        """What readers see while a build runs, under one name that dbt can attach; empty before the first version."""
        return self.root / "dbt" / "published_before.duckdb"

    @property
    def seeds(self) -> Path:
        """The seeds in use: shipped files with the user's in their place."""
        return self.dbt_project / "seeds"

    @property
    def taxonomy(self) -> Path:
        """The labels of messages in use, with the phrases that show them."""
        return self.seeds / "taxonomy.csv"

    @property
    def evaluation(self) -> Path:
        """The newest evaluation of the classifiers, for people (markdown) and machines (JSON)."""
        return self.root / "evaluation"

    @property
    def model(self) -> Path:
        """The embedded model fitted on the user's own conversations (`make train EXTRA=dir`); absent without."""
        return self.root / "model"

    @property
    def simulation_marker(self) -> Path:
        """Exists when the conversations of this warehouse are simulated."""
        return self.root / "simulated.json"

    @property
    def dagster(self) -> Path:
        """History of runs and the state of schedules."""
        return self.root / "dagster"

    def create(self) -> None:
        """Make the folders, the warehouse's own closed to other accounts; existing ones stay as they are."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self.root, self.root / "dbt", self.dagster, self.private):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.dbt_target.mkdir(exist_ok=True)
        if not self.published.exists():
            self.published.mkdir()
            # Whatever the umask: every account that may enter the root may read what is published.
            self.published.chmod(0o755)
