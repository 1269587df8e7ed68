"""The words of the command line: what each command takes, and the function behind it.

Every function imports its work when it is called: Dagster costs seconds, and `status` should answer at once.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

import click
from pydantic import ValidationError

from orchestration.settings import Settings
from orchestration.warehouse.progress import PROGRESS

if TYPE_CHECKING:
    from orchestration.landing.suppression import Scope

P = ParamSpec("P")


class _OrDefault(click.ParamType[object]):
    """Another type, of which an empty text is the default: `make` hands on every value, given or not."""

    def __init__(self, inner: click.ParamType[Any], default: object = None) -> None:
        self.name = inner.name
        self._inner = inner
        self._default = default

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """Return the converted value; raises click.BadParameter as the other type does."""
        return self._default if value == "" else self._inner.convert(value, param, ctx)


_PATH = click.Path(path_type=Path)
_GIVEN_PATH = _OrDefault(_PATH)
_GIVEN_COUNT = _OrDefault(click.IntRange(min=1))
# Fewer do not show every situation that is simulated.
_GIVEN_CONVERSATIONS = _OrDefault(click.IntRange(min=50))
_GIVEN_PORT = _OrDefault(click.IntRange(1, 65_535))


def _with_settings(command: Callable[Concatenate[Settings, P], int]) -> Callable[P, int]:
    """Hand the settings to a command; what is wrong with them is printed, a line each, and nothing is done."""

    @wraps(command)
    def called(*arguments: P.args, **options: P.kwargs) -> int:
        PROGRESS.begin(f"running {click.get_current_context().info_name}")
        try:
            settings = Settings()
        except ValidationError as error:
            for problem in error.errors():
                cause = problem.get("ctx", {}).get("error", problem["msg"])
                click.echo(f"COLLOQUY_{'_'.join(map(str, problem['loc'])).upper()}: {cause}")
            return 2
        try:
            return command(settings, *arguments, **options)
        except Exception as error:
            line = _fault_of_the_machine(error, settings)
            if line is None:
                raise
            click.echo(line)
            return 1

    return called


def _fault_of_the_machine(error: Exception, settings: Settings) -> str | None:
    """Return what to do about a full disk, a folder of another account and the like; None for any other error."""
    from orchestration.redaction.printable import printable  # noqa: PLC0415
    from orchestration.reporting.remedies import is_known, with_remedy  # noqa: PLC0415
    from orchestration.warehouse.home import Home  # noqa: PLC0415

    if not isinstance(error, OSError) and not (type(error).__module__ == "_duckdb" and is_known(str(error))):
        return None
    home = Home(settings.home)
    return printable(with_remedy(str(error), home, home.raw_database))


def _day(_: click.Context, __: click.Parameter, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no day; name the first one: make relabel FROM=2026-01-31") from error


@click.group(help="A conversation warehouse for AI agents.")
def command_line() -> None:
    """Take one command."""


@command_line.command(help="Load, build and publish.")
@click.option("--landing", type=_GIVEN_PATH, help="Folder with <source>/ files; default COLLOQUY_LANDING.")
@_with_settings
def run(settings: Settings, landing: Path | None) -> int:
    """Run the whole job."""
    from orchestration.commands.run import run_warehouse  # noqa: PLC0415

    folder = settings.landing if landing is None else landing.expanduser().absolute()
    return run_warehouse(settings.model_copy(update={"landing": folder}), is_rebuild=False)


@command_line.command(help="Rebuild everything derived from the raw events, then publish.")
@_with_settings
def rebuild(settings: Settings) -> int:
    """Run the whole job from the raw events on."""
    from orchestration.commands.run import run_warehouse  # noqa: PLC0415

    return run_warehouse(settings, is_rebuild=True)


@command_line.command(help="Simulate conversations, load, build and publish them.")
@click.option("--conversations", type=_GIVEN_CONVERSATIONS, help="How many conversations, 50 at least; default 20,000.")
@click.option("--days", type=_GIVEN_COUNT, help="How many days; default 60.")
@_with_settings
def demo(settings: Settings, conversations: int | None, days: int | None) -> int:
    """Simulate, and run the whole job over it in a home of its own."""
    from orchestration.commands.demo import DEMO_CONVERSATIONS, DEMO_DAYS, run_demo  # noqa: PLC0415

    return run_demo(settings, conversations=conversations or DEMO_CONVERSATIONS, days=days or DEMO_DAYS)


@command_line.command(help="Print what would be accepted, what rejected, and why.")
@click.argument("folder", type=_PATH)
@_with_settings
def check_files(settings: Settings, folder: Path) -> int:
    """Read a folder as a run would, and load nothing."""
    from orchestration.commands.check_files import print_check  # noqa: PLC0415

    return print_check(folder, settings, now=datetime.now(UTC))


@command_line.command(help="Land a corrected file again in the place of its earlier content, then run.")
@click.argument("file", type=_PATH)
@_with_settings
def reload(settings: Settings, file: Path) -> int:
    """Reload a file."""
    from orchestration.commands.repair import repair_and_run  # noqa: PLC0415

    return repair_and_run("reload", file, settings, now=datetime.now(UTC))


@command_line.command(help="Take out what a file brought and keep it out, then run.")
@click.argument("file", type=_PATH)
@_with_settings
def exclude(settings: Settings, file: Path) -> int:
    """Exclude a file."""
    from orchestration.commands.repair import repair_and_run  # noqa: PLC0415

    return repair_and_run("exclude", file, settings, now=datetime.now(UTC))


@command_line.command(help="Erase a user or a conversation everywhere, and prove it.")
@click.option("--user-id", "user_ids", multiple=True, help="A user; several are erased by one run.")
@click.option("--conversation-id", "conversation_ids", multiple=True, help="A conversation; several are.")
@click.option(
    "--user-ids-from",
    type=click.File(errors="surrogateescape"),
    help="A file with a user id on each line; - reads standard input.",
)
@click.option("--conversation-ids-from", type=click.File(errors="surrogateescape"), help="The same of conversations.")
@click.option("--namespace", help="id_namespace of sources.csv; default all.")
@click.option("--yes", is_flag=True, help="Do it without a question.")
@_with_settings
def erase(
    settings: Settings,
    *,
    user_ids: Sequence[str],
    conversation_ids: Sequence[str],
    user_ids_from: Iterable[str] | None,
    conversation_ids_from: Iterable[str] | None,
    namespace: str | None,
    yes: bool,
) -> int:
    """Erase people and conversations."""
    from orchestration.commands.erase import erase as erase_everywhere  # noqa: PLC0415

    requested: dict[tuple[Scope, str], None] = {}
    for scope, ids, lines in (
        ("user", user_ids, user_ids_from),
        ("conversation", conversation_ids, conversation_ids_from),
    ):
        listed = (line.removesuffix("\n").removesuffix("\r") for line in lines or ())
        requested |= dict.fromkeys((cast("Scope", scope), one) for one in (*ids, *listed) if one)
    if not requested:
        raise click.UsageError("name an id: make erase USER_ID=... or make erase CONVERSATION_ID=...")
    return erase_everywhere(list(requested), namespace or None, settings, is_confirmed=yes, now=datetime.now(UTC))


@command_line.command(help="Label again what another definition has labelled, then run.")
@click.option("--from", "since", callback=_day, required=True, help="First day, YYYY-MM-DD.")
@click.option("--yes", is_flag=True, help="Do it; without, the price is printed and nothing changes.")
@_with_settings
def relabel(settings: Settings, since: date, yes: bool) -> int:
    """Print what labelling again costs, or do it."""
    from orchestration.commands.relabel import relabel as label_again  # noqa: PLC0415

    return label_again(since, settings, is_confirmed=yes, now=datetime.now(UTC))


@command_line.command(help="Judge the stage labels by those of people, then run.")
@click.option("--sample", type=_GIVEN_PATH, required=True, help="CSV: conversation_key, stage, reached.")
@_with_settings
def label_quality(settings: Settings, sample: Path) -> int:
    """Land the answers that people gave for a sample."""
    from orchestration.commands.label_quality import judge_labels  # noqa: PLC0415

    return judge_labels(sample.expanduser(), settings, now=datetime.now(UTC))


@command_line.command(help="Draw conversations at random for people to judge.")
@click.option("--sample", type=_GIVEN_PATH, required=True, help="CSV to write; never one that exists.")
@click.option(
    "--conversations",
    type=_OrDefault(click.IntRange(min=1), 50),
    default=50,
    show_default=True,
    help="How many conversations.",
)
@click.option(
    "--seed",
    type=_OrDefault(click.INT, 1),
    default=1,
    show_default=True,
    help="The same seed draws the same conversations.",
)
@_with_settings
def label_sample(settings: Settings, sample: Path, conversations: int, seed: int) -> int:
    """Write a sample."""
    from orchestration.commands.label_quality import write_sample  # noqa: PLC0415

    path = sample.expanduser()
    return write_sample(path, settings, conversations=conversations, seed=seed, now=datetime.now(UTC))


@command_line.command(help="Print what is published, until when, and what waits.")
@_with_settings
def status(settings: Settings) -> int:
    """Print the state of the warehouse."""
    from orchestration.commands.status import print_status  # noqa: PLC0415

    return print_status(settings)


@command_line.command(help="Print the first rows of a query over the published version.")
@click.argument("sql")
@_with_settings
def show(settings: Settings, sql: str) -> int:
    """Query the marts."""
    from orchestration.commands.show import show_rows  # noqa: PLC0415

    return show_rows(settings, sql)


@command_line.command(help="Build and test one model and what follows from it, on a small warehouse.")
@click.argument("name")
@_with_settings
def model(settings: Settings, name: str) -> int:
    """Try a change of a model."""
    from orchestration.commands.build_model import build_model  # noqa: PLC0415

    return build_model(settings, name)


@command_line.command(help="Write the static page of dbt docs.")
@_with_settings
def docs(settings: Settings) -> int:
    """Describe every table and column on one page."""
    from orchestration.commands.docs import write_docs  # noqa: PLC0415

    return write_docs(settings)


@command_line.command(help="Check whether this machine and configuration are fit.")
@_with_settings
def doctor(settings: Settings) -> int:
    """Print what keeps a run from succeeding."""
    from orchestration.commands.doctor import print_findings  # noqa: PLC0415

    return print_findings(settings)


@command_line.command("eval", help="Measure the stage labels on the golden set and on real ones.")
@click.option("--data", type=_GIVEN_PATH, help="Folder with star, sgd, tau; default ../shared/data.")
@click.option("--record", is_flag=True, help="Make the answers on the golden set the recorded baselines.")
@_with_settings
def evaluate(settings: Settings, data: Path | None, record: bool) -> int:
    """Evaluate the classifiers."""
    from orchestration.commands.eval import REAL_SETS, run_evaluation  # noqa: PLC0415

    folder = REAL_SETS if data is None else data.expanduser().absolute()
    return run_evaluation(settings, folder, is_recording=record, now=datetime.now(UTC))


@command_line.command(help="Fit the embedded model on the shipped texts and, with --extra, your own.")
@click.option("--extra", type=_GIVEN_PATH, help="Folder with *.jsonl of your labelled conversations.")
@_with_settings
def train(settings: Settings, extra: Path | None) -> int:
    """Fit the model again."""
    from orchestration.commands.train import run_training  # noqa: PLC0415

    return run_training(settings, None if extra is None else extra.expanduser().absolute())


@command_line.command(help="Serve Dagster's UI with schedules and sensors.")
@click.option("--port", type=_GIVEN_PORT, help="Port on this machine; default 3000.")
@_with_settings
def dev(settings: Settings, port: int | None) -> int:
    """Serve until it is ended."""
    from orchestration.commands.dev import DEFAULT_PORT, run_dev  # noqa: PLC0415

    return run_dev(settings, port=port or DEFAULT_PORT)
