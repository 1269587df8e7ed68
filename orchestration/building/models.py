"""Building an increment: by dbt, or by what dbt sent for an increment before."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.building.invocation import invoke
from orchestration.building.node_outcomes import Invocation
from orchestration.building.replay import Recorder, read_recording, replay, situation, write_recording
from orchestration.warehouse.home import Home

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


def build_increment(
    home: Home,
    parsed: "Callable[[], Manifest]",
    command: Sequence[str],
    selection: Sequence[str],
    recordings: Path,
    *,
    on_node: Callable[[int], None] = lambda _: None,
    is_dbt_asked: bool = False,
) -> Invocation:
    """Run the dbt command that builds a selection; dbt itself writes its SQL once for each situation of the warehouse.

    `recordings` is a folder for what was sent in which, named by a digest of the files and variables that the SQL
    follows from. With `is_dbt_asked` dbt writes it again.
    """
    recording = recordings / f"{situation(home, selection)}.json"
    known = None if is_dbt_asked else read_recording(recording)
    if known is not None:
        return replay(home, known, on_node)
    recorder, target, manifest = Recorder(), home.dbt_target / "run", parsed()
    done = invoke(
        manifest, home.dbt_project, target, [*command, *selection], on_node=on_node, on_statement=recorder.add
    )
    if done.is_success:
        write_recording(recording, recorder.nodes(manifest))
    return done
