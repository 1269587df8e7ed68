"""Configuration that cannot be used is refused before a run starts, with every bad row named."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestration.building.configuration import ConfigurationError, check_configuration
from orchestration.building.project import assemble_project
from orchestration.settings import PROJECT_DIR

SHIPPED = PROJECT_DIR / "seeds"


def shipped(name: str) -> str:
    return (SHIPPED / name).read_text(encoding="utf-8")


def with_row(name: str, row: str) -> str:
    """Return a shipped seed with a row more, and where that row stands in it."""
    return shipped(name) + row + "\n"


def last_line(text: str) -> int:
    return text.count("\n")


def row_of(name: str, **cells: str) -> str:
    """Return a row with the named cells, in the order of the shipped columns; the others are empty."""
    columns = shipped(name).partition("\n")[0].split(",")
    assert set(cells) <= set(columns)
    return ",".join(cells.get(column, "") for column in columns)


def problems_of(folder: Path, files: Mapping[str, str | bytes]) -> list[str]:
    """Assemble a project with these seeds in place of the shipped ones; return the lines of the refusal."""
    overrides = folder / "my-seeds"
    overrides.mkdir()
    for name, content in files.items():
        (overrides / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError) as refusal:
        assemble_project(folder / "project", overrides)
    return str(refusal.value).splitlines()


METRIC = {"metric_name": "mine", "scale": "1", "maturity_hours": "1", "direction": "neutral"}
STAGE = {"funnel": "sales", "stage_order": "8", "stage": "renewed", "signal_kind": "event", "signal": "renewed"}
# Name of the file, a row added at its end, the problem it is.
BAD_ROWS = {
    "unknown source": (
        "purposes.csv",
        row_of("purposes.csv", source="nobody", purpose="sales"),
        "source 'nobody' is not in sources.csv",
    ),
    "unknown source of an alias": (
        "event_type_aliases.csv",
        row_of("event_type_aliases.csv", source="nobody", source_event_type="a", event_type="b"),
        "source 'nobody' is not in sources.csv",
    ),
    "unknown source of a signal": (
        "success_signals.csv",
        row_of("success_signals.csv", source="nobody", event_type="a", strength="proof"),
        "source 'nobody' is not in sources.csv",
    ),
    "unknown source in a list": (
        "funnels.csv",
        row_of("funnels.csv", funnel="support", source="events|nobody"),
        "source 'nobody' is not in sources.csv",
    ),
    "price of a model on a day that is none": (
        "model_prices.csv",
        row_of("model_prices.csv", model="m", valid_from="today", input_usd_per_mtok="1", output_usd_per_mtok="1"),
        "valid_from 'today' is no date such as 2026-01-31",
    ),
    "negative price": (
        "model_prices.csv",
        row_of(
            "model_prices.csv", model="m", valid_from="2026-01-31", input_usd_per_mtok="-1", output_usd_per_mtok="1"
        ),
        "input_usd_per_mtok '-1' is no price: USD per million tokens, 0 or more",
    ),
    "second price of a model from one day on": (
        "model_prices.csv",
        row_of(
            "model_prices.csv",
            model="smollm2",
            valid_from="2024-11-01",
            input_usd_per_mtok="1",
            output_usd_per_mtok="1",
        ),
        "model, valid_from = ('smollm2', '2024-11-01') stands in model_prices.csv line 5 already",
    ),
    "unknown kind of label": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="mood", label="cross", language="en", phrase="so cross"),
        "kind 'mood' is none of dropoff_reason, escalation_reason, intent, objection",
    ),
    "label that is the word for none of them": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="unknown", language="en", phrase="green cheese"),
        "label 'unknown' is no name of lower-case letters, digits and _, and not unknown",
    ),
    "label that would not stand in a list": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="Green cheese", language="en", phrase="green cheese"),
        "label 'Green cheese' is no name of lower-case letters, digits and _, and not unknown",
    ),
    "language nobody reads": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="cheese", language="it", phrase="formaggio verde"),
        "language 'it' is none of de, en, es, fr, pt",
    ),
    "empty phrase": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="cheese", language="en"),
        "phrase '' is no phrase",
    ),
    "phrase that every text holds": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="cheese", language="en", phrase="I do not have it!"),
        "phrase 'I do not have it!' has no word of its own: every text would show it",
    ),
    "phrase twice": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="order_status", language="en", phrase="where is my order"),
        "kind, language, phrase = ('intent', 'en', 'where is my order') stands in taxonomy.csv line 2 already",
    ),
    "words of a phrase under another label": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="cheese", language="en", phrase="My order: where is?"),
        "phrase 'My order: where is?' has the words of taxonomy.csv line 2, which shows 'order_status': neither would "
        "be found",
    ),
    "unknown purpose": (
        "purposes.csv",
        row_of("purposes.csv", source="events", purpose="fun"),
        "purpose 'fun' is none of sales, support",
    ),
    "unknown strength": (
        "success_signals.csv",
        row_of("success_signals.csv", event_type="a", strength="maybe"),
        "strength 'maybe' is none of claim, proof",
    ),
    "unknown role": (
        "sender_roles.csv",
        row_of("sender_roles.csv", role="narrator", sender_role="nobody"),
        "sender_role 'nobody' is none of agent, customer",
    ),
    "unknown environment": (
        "sources.csv",
        "mine,mine,staging,other,,false,true",
        "default_environment 'staging' is none of (empty), development, production",
    ),
    "unknown funnel": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"funnel": "mine", "stage_order": "1"}),
        "funnel 'mine' is not in funnels.csv",
    ),
    "unknown fact": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"signal_kind": "fact", "signal": "mood"}),
        "fact 'mood' is none of engaged_at, first_agent_message_at, first_proof_at, first_user_message_at, "
        "initialised_at, qualification_score, started_at",
    ),
    "unknown kind of signal": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"signal_kind": "guess"}),
        "signal_kind 'guess' is none of event, fact, label",
    ),
    "minimum_value on an event": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"minimum_value": "0.5"}),
        "minimum_value belongs to facts only",
    ),
    "within_hours in words": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"within_hours": "two"}),
        "within_hours 'two' is no whole number",
    ),
    "minimum_value in words": (
        "funnel_stages.csv",
        row_of(
            "funnel_stages.csv",
            **STAGE | {"signal_kind": "fact", "signal": "qualification_score", "minimum_value": "high"},
        ),
        "minimum_value 'high' is no number",
    ),
    "stage_order in words": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"stage_order": "last"}),
        "stage_order 'last' is no whole number",
    ),
    "two stages at one place": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"stage_order": "7"}),
        "stage_order 7 of funnel 'sales' is 'deal_closed' and 'renewed'",
    ),
    "two windows of a stage": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"stage_order": "7", "stage": "deal_closed", "within_hours": "1"}),
        "stage 'deal_closed' of funnel 'sales' has two values of within_hours",
    ),
    "unknown column": (
        "segment_dimensions.csv",
        row_of("segment_dimensions.csv", dimension="mine", column_name="mood", is_hourly="false"),
        "column_name 'mood' is none of agent, channel, device, entry_page, hour_of_day, language, model, purpose, "
        "source, traffic_source, variant",
    ),
    "column and property": (
        "segment_dimensions.csv",
        row_of("segment_dimensions.csv", dimension="mine", column_name="agent", property="plan", is_hourly="false"),
        "dimension 'mine' needs a column_name or a property, and not both",
    ),
    "neither column nor property": (
        "segment_dimensions.csv",
        row_of("segment_dimensions.csv", dimension="mine", is_hourly="false"),
        "dimension 'mine' needs a column_name or a property, and not both",
    ),
    "top_n in words": (
        "segment_dimensions.csv",
        row_of("segment_dimensions.csv", dimension="mine", column_name="agent", top_n="all", is_hourly="false"),
        "top_n 'all' is no whole number",
    ),
    "unknown measure above": (
        "metric_definitions.csv",
        row_of("metric_definitions.csv", **METRIC, kind="count", numerator="smiles"),
        "numerator 'smiles' of metric 'mine' is no measure",
    ),
    "unknown measure below": (
        "metric_definitions.csv",
        row_of("metric_definitions.csv", **METRIC, kind="rate", numerator="engaged_count", denominator="smiles"),
        "denominator 'smiles' of metric 'mine' is no measure",
    ),
    "count with a denominator": (
        "metric_definitions.csv",
        row_of("metric_definitions.csv", **METRIC, kind="count", numerator="turns", denominator="engaged_count"),
        "a count has no denominator",
    ),
    "rate without a denominator": (
        "metric_definitions.csv",
        row_of("metric_definitions.csv", **METRIC, kind="rate", numerator="engaged_count"),
        "a rate needs a denominator",
    ),
    "maturity in words": (
        "metric_definitions.csv",
        row_of("metric_definitions.csv", **METRIC | {"maturity_hours": "soon"}, kind="count", numerator="turns"),
        "maturity_hours 'soon' is no number",
    ),
    "an extra cell": (
        "funnels.csv",
        row_of("funnels.csv", funnel="support") + ",and more",
        "more cells than columns; quote a value that holds a comma",
    ),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_named(tmp_path: Path, case: str) -> None:
    name, row, problem = BAD_ROWS[case]
    text = with_row(name, row)
    assert f"  {name} line {last_line(text)}: {problem}" in problems_of(tmp_path, {name: text})


@pytest.mark.parametrize(
    "name",
    [
        "sources.csv",
        "purposes.csv",
        "event_type_aliases.csv",
        "sender_roles.csv",
        "success_signals.csv",
        "funnels.csv",
        "funnel_stages.csv",
        "segment_dimensions.csv",
        "metric_definitions.csv",
    ],
)
def test_a_row_that_stands_twice_names_both_places(tmp_path: Path, name: str) -> None:
    text = with_row(name, shipped(name).splitlines()[1])
    (problem,) = problems_of(tmp_path, {name: text})[1:]
    assert problem.startswith(f"  {name} line {last_line(text)}: ")
    assert problem.endswith(f"stands in {name} line 2 already")


def test_a_gap_in_the_order_of_stages_names_the_funnel(tmp_path: Path) -> None:
    without = "".join(line for line in shipped("funnel_stages.csv").splitlines(True) if ",meeting_booked," not in line)
    assert problems_of(tmp_path, {"funnel_stages.csv": without}) == [
        "the configuration cannot be used:",
        "  funnel_stages.csv: funnel 'sales' jumps from stage_order 3 to 5",
    ]


def test_stages_start_at_one(tmp_path: Path) -> None:
    without = "".join(line for line in shipped("funnel_stages.csv").splitlines(True) if ",initialised," not in line)
    assert problems_of(tmp_path, {"funnel_stages.csv": without})[1:] == [
        "  funnel_stages.csv: funnel 'engagement' starts with stage_order 2, expected 1"
    ]


def test_a_funnel_without_stages_is_named(tmp_path: Path) -> None:
    text = with_row("funnels.csv", row_of("funnels.csv", funnel="mine"))
    assert problems_of(tmp_path, {"funnels.csv": text})[1:] == [
        "  funnels.csv: funnel 'mine' has no stages in funnel_stages.csv"
    ]


def test_a_stage_at_two_places_is_named(tmp_path: Path) -> None:
    row = row_of("funnel_stages.csv", **STAGE | {"stage": "qualified"})
    assert "  funnel_stages.csv: funnel 'sales' has stage 'qualified' at two places" in problems_of(
        tmp_path, {"funnel_stages.csv": with_row("funnel_stages.csv", row)}
    )


def test_another_header_is_refused(tmp_path: Path) -> None:
    text = shipped("purposes.csv").replace("purpose", "goal", 1)
    assert problems_of(tmp_path, {"purposes.csv": text})[1:] == [
        "  purposes.csv: column 'goal' is unknown; the columns are source, agent, purpose",
        "  purposes.csv: column 'purpose' is missing; the columns are source, agent, purpose",
    ]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert problems_of(tmp_path, {"purposes.csv": ""})[1:] == [
        f"  purposes.csv: column '{column}' is missing; the columns are source, agent, purpose"
        for column in ("source", "agent", "purpose")
    ]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    names = ("unknown purpose", "unknown strength", "unknown fact", "unknown column", "unknown measure above")
    texts = {BAD_ROWS[case][0]: with_row(*BAD_ROWS[case][:2]) for case in names}
    found = problems_of(tmp_path, texts)[1:]
    assert len(found) == len(names)
    for case in names:
        name, _, problem = BAD_ROWS[case]
        assert f"  {name} line {last_line(texts[name])}: {problem}" in found


def test_a_file_that_replaces_nothing_is_refused(tmp_path: Path) -> None:
    (message,) = problems_of(tmp_path, {"funnel.csv": "funnel\n"})
    assert message.startswith(f"{tmp_path / 'my-seeds' / 'funnel.csv'}: no shipped seed has this name; known are ")
    assert "funnels.csv" in message


def test_a_missing_folder_of_seeds_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    with pytest.raises(ConfigurationError, match=r"COLLOQUY_SEEDS: .*nowhere is not a folder"):
        assemble_project(tmp_path / "project", missing)


def test_the_shipped_seeds_can_be_used(tmp_path: Path) -> None:
    assemble_project(tmp_path / "project", None)
    check_configuration(tmp_path / "project", SHIPPED)


@pytest.mark.parametrize("change", ["mark", "line ends"])
def test_what_spreadsheets_write_can_be_used(tmp_path: Path, change: str) -> None:
    overrides = tmp_path / "my-seeds"
    overrides.mkdir()
    text = shipped("funnels.csv")
    content = b"\xef\xbb\xbf" + text.encode() if change == "mark" else text.replace("\n", "\r\n").encode()
    (overrides / "funnels.csv").write_bytes(content)
    assemble_project(tmp_path / "project", overrides)


def test_a_row_is_numbered_as_an_editor_shows_it(tmp_path: Path) -> None:
    """Blank lines and quoted line breaks count."""
    quoted = row_of("funnel_stages.csv", **STAGE, description='"two\nlines"')
    bad = row_of("funnel_stages.csv", **STAGE | {"stage_order": "9", "stage": "x", "signal_kind": "guess"})
    text = with_row("funnel_stages.csv", f"\n{quoted}\n{bad}")
    (problem,) = problems_of(tmp_path, {"funnel_stages.csv": text})[1:]
    assert problem.startswith(f"  funnel_stages.csv line {last_line(text)}: signal_kind 'guess'")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(shipped("funnels.csv").encode() + "müll,support,,,,\n".encode("latin-1"), id="not UTF-8"),
        pytest.param(shipped("funnels.csv").encode() + b"mine,support,,,," + b"x" * 200_000 + b"\n", id="endless cell"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    assert any("funnels.csv" in line for line in problems_of(tmp_path, {"funnels.csv": content}))


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "my-seeds" / "funnels.csv").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"funnels\.csv"):
        assemble_project(tmp_path / "project", tmp_path / "my-seeds")


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("funnel_stages.csv", STAGE | {"stage_order": "²"}),
        ("funnel_stages.csv", STAGE | {"within_hours": "-5"}),
        ("funnel_stages.csv", STAGE | {"within_hours": "1_000"}),
        ("funnel_stages.csv", STAGE | {"stage": ""}),
        ("metric_definitions.csv", METRIC | {"kind": "count", "numerator": "turns", "minimum_sample": "many"}),
        ("metric_definitions.csv", METRIC | {"kind": "count", "numerator": "turns", "maturity_hours": "nan"}),
        ("segment_dimensions.csv", {"dimension": "mine", "property": "plan", "is_hourly": "maybe"}),
    ],
)
def test_a_cell_that_the_build_could_not_read_is_refused(tmp_path: Path, name: str, cells: dict[str, str]) -> None:
    text = with_row(name, row_of(name, **cells))
    assert any(line.startswith(f"  {name} line {last_line(text)}: ") for line in problems_of(tmp_path, {name: text}))
