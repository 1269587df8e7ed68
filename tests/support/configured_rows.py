"""Seeds with rows of a test in place of the shipped ones, and how a run reports them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestration.building.project import assemble_project
from orchestration.configuration.problems import ConfigurationError
from orchestration.settings import PROJECT_DIR

SHIPPED = PROJECT_DIR / "seeds"


def shipped(name: str) -> str:
    """Return a seed as it is shipped."""
    return (SHIPPED / name).read_text(encoding="utf-8")


def with_row(name: str, row: str) -> str:
    """Return a shipped seed with a row more, and where that row stands in it."""
    return shipped(name) + row + "\n"


def last_line(text: str) -> int:
    """Return the number of the last line."""
    return text.count("\n")


def row_of(name: str, **cells: str) -> str:
    """Return a row with the named cells, in the order of the shipped columns; the others are empty."""
    columns = shipped(name).partition("\n")[0].split(",")
    assert set(cells) <= set(columns)
    return ",".join(cells.get(column, "") for column in columns)


def _rule(**changes: str) -> str:
    """Return a row of alert_rules.csv that is right but for the changes."""
    cells = {"rule": "mine", "metric_name": "resolution_rate", "segment": "all", "condition": "drops_below"}
    cells |= {
        "threshold": "0.4",
        "window_hours": "4",
        "severity": "low",
        "minimum_sample": "50",
        "cooldown_hours": "24",
    }
    return row_of("alert_rules.csv", **cells | changes)


def _price(**changes: str) -> str:
    """Return a row of model_prices.csv that is right but for the changes."""
    cells = {"model": "m", "valid_from": "2026-01-31", "input_usd_per_mtok": "1", "output_usd_per_mtok": "1"}
    return row_of("model_prices.csv", **cells | {"batch_price_ratio": "1"} | changes)


def problems_of(folder: Path, files: Mapping[str, str | bytes]) -> list[str]:
    """Assemble a project with these seeds in place of the shipped ones; return the lines of the refusal."""
    overrides = folder / "my-seeds"
    overrides.mkdir(exist_ok=True)
    for name, content in files.items():
        (overrides / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError) as refusal:
        assemble_project(folder / "project", overrides)
    return str(refusal.value).splitlines()


# A phase of a test as it may be registered.
EXPERIMENT = {
    "test_name": "tone",
    "phase": "1",
    "control_variant": "formal",
    "variants": "formal|casual",
    "weights": "0.5|0.5",
    "started_at": "2026-01-01 00:00:00",
}
METRIC = {"metric_name": "mine", "family": "volume", "unit": "turns", "scale": "1"}
METRIC |= {"direction": "neutral", "additivity": "additive", "is_compared": "false", "maturity_hours": "1"}
STAGE = {"funnel": "sales", "stage_order": "8", "stage": "renewed", "signal_kind": "event", "signal": "renewed"}
# Name of the file, a row added at its end, the column that is wrong, and what is wrong with it.
BAD_ROWS = {
    "unknown source": (
        "purposes.csv",
        row_of("purposes.csv", source="nobody", purpose="sales"),
        "source",
        "'nobody' is not in sources.csv",
    ),
    "unknown source of an alias": (
        "event_type_aliases.csv",
        row_of("event_type_aliases.csv", source="nobody", source_event_type="a", event_type="b"),
        "source",
        "'nobody' is not in sources.csv",
    ),
    "unknown source of a signal": (
        "success_signals.csv",
        row_of("success_signals.csv", source="nobody", event_type="a", strength="proof"),
        "source",
        "'nobody' is not in sources.csv",
    ),
    "unknown source in a list": (
        "funnels.csv",
        row_of("funnels.csv", funnel="support", source="events|nobody"),
        "source",
        "'nobody' is not in sources.csv",
    ),
    "price of a model on a day that is none": (
        "model_prices.csv",
        _price(valid_from="today"),
        "valid_from",
        "'today' is not a date",
    ),
    "negative price": (
        "model_prices.csv",
        _price(input_usd_per_mtok="-1"),
        "input_usd_per_mtok",
        "'-1' is not a price in USD per million tokens",
    ),
    "second price of a model from one day on": (
        "model_prices.csv",
        _price(model="smollm2", valid_from="2024-11-01"),
        "model, valid_from",
        "'smollm2', '2024-11-01' stands in line 5 already",
    ),
    "unknown kind of label": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="mood", label="cross", language="en", phrase="so cross"),
        "kind",
        "'mood' is none of intent, objection, escalation_reason, dropoff_reason",
    ),
    "label that is the word for none of them": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="unknown", language="en", phrase="green cheese"),
        "label",
        "'unknown' is not a name of lower-case letters, digits and _, and not unknown",
    ),
    "label that would not stand in a list": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="Green cheese", language="en", phrase="green cheese"),
        "label",
        "'Green cheese' is not a name of lower-case letters, digits and _, and not unknown",
    ),
    "language nobody reads": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="cheese", language="it", phrase="formaggio verde"),
        "language",
        "'it' is none of de, en, es, fr, pt",
    ),
    "empty phrase": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="cheese", language="en"),
        "phrase",
        "the cell is empty",
    ),
    "phrase that every text holds": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="cheese", language="en", phrase="I do not have it!"),
        "phrase",
        "'I do not have it!' has no word of its own: every text would show it",
    ),
    "phrase twice": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="order_status", language="en", phrase="where is my order"),
        "kind, language, phrase",
        "'intent', 'en', 'where is my order' stands in line 2 already",
    ),
    "words of a phrase under another label": (
        "taxonomy.csv",
        row_of("taxonomy.csv", kind="intent", label="cheese", language="en", phrase="My order: where is?"),
        "phrase",
        "'My order: where is?' has the words of line 2, which shows 'order_status': neither would be found",
    ),
    "alert on a metric nobody defined": (
        "alert_rules.csv",
        _rule(metric_name="happiness"),
        "metric_name",
        "'happiness' is not in metric_definitions.csv",
    ),
    "alert on a count, which has no interval": (
        "alert_rules.csv",
        _rule(metric_name="interactions"),
        "metric_name",
        "'interactions' is a count, which has no interval to judge by",
    ),
    "alert on no goal": (
        "alert_rules.csv",
        _rule(metric_name="conversion_rate:<goal>"),
        "metric_name",
        "'conversion_rate:<goal>' stands for one metric a goal and is none itself",
    ),
    "alert on a segment that no hour is cut by": (
        "alert_rules.csv",
        _rule(segment="device=mobile"),
        "segment",
        "'device=mobile': 'device' is no hourly dimension",
    ),
    "alert on half a segment": (
        "alert_rules.csv",
        _rule(segment="web"),
        "segment",
        "'web' is not all or dimension=value",
    ),
    "alert with an unknown condition": (
        "alert_rules.csv",
        _rule(condition="falls"),
        "condition",
        "'falls' is none of drops_below, drops_by, exceeds, rises_by",
    ),
    "alert on a rate above all": (
        "alert_rules.csv",
        _rule(threshold="1.5"),
        "threshold",
        "1.5 is outside 0 to 1, and the metric is a rate",
    ),
    "alert on a drop by nothing": (
        "alert_rules.csv",
        _rule(condition="drops_by", threshold="0"),
        "threshold",
        "0 is not above 0, and drops_by looks for a change",
    ),
    "alert over no hours": (
        "alert_rules.csv",
        _rule(window_hours="0"),
        "window_hours",
        "'0' is not a whole number from 1 to 2208 (92 days)",
    ),
    "alert over a year": (
        "alert_rules.csv",
        _rule(window_hours="8760"),
        "window_hours",
        "'8760' is not a whole number from 1 to 2208 (92 days)",
    ),
    "alert on any sample": (
        "alert_rules.csv",
        _rule(minimum_sample=""),
        "minimum_sample",
        "the cell is empty",
    ),
    "alert as bad as it gets": (
        "alert_rules.csv",
        _rule(severity="worst"),
        "severity",
        "'worst' is none of low, medium, high",
    ),
    "second alert of a name": (
        "alert_rules.csv",
        _rule(rule="customers_are_angry"),
        "rule",
        "'customers_are_angry' stands in line 4 already",
    ),
    "unknown purpose": (
        "purposes.csv",
        row_of("purposes.csv", source="events", purpose="fun"),
        "purpose",
        "'fun' is none of support, sales",
    ),
    "source that nothing can be loaded of": (
        "sources.csv",
        "mine,mine,production,other,,false,true,",
        "source",
        "'mine' is none of events, agent_events, chat_events, ab_test_exposures, sales_events, agentsight_interactions",
    ),
    "signal without its value": (
        "success_signals.csv",
        row_of("success_signals.csv", event_type="a", property="plan", strength="proof"),
        "value",
        "the cell is empty, and property 'plan' needs a value",
    ),
    "unknown strength": (
        "success_signals.csv",
        row_of("success_signals.csv", event_type="a", strength="maybe"),
        "strength",
        "'maybe' is none of proof, claim",
    ),
    "unknown role": (
        "sender_roles.csv",
        row_of("sender_roles.csv", role="narrator", sender_role="nobody"),
        "sender_role",
        "'nobody' is none of customer, agent",
    ),
    "unknown environment": (
        "sources.csv",
        "events,mine,staging,other,,false,true,",
        "default_environment",
        "'staging' is none of production, development",
    ),
    "unknown funnel": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"funnel": "mine", "stage_order": "1"}),
        "funnel",
        "'mine' is not in funnels.csv",
    ),
    "unknown fact": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"signal_kind": "fact", "signal": "mood"}),
        "signal",
        "fact 'mood' is none of engaged_at, first_agent_message_at, first_proof_at, first_user_message_at, "
        "initialised_at, qualification_score, standing_claim_at, started_at",
    ),
    "unknown kind of signal": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"signal_kind": "guess"}),
        "signal_kind",
        "'guess' is none of event, fact, label",
    ),
    "minimum_value on an event": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"minimum_value": "0.5"}),
        "minimum_value",
        "only facts have a minimum_value, and 'renewed' is of kind event",
    ),
    "within_hours in words": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"within_hours": "two"}),
        "within_hours",
        "'two' is not a whole number",
    ),
    "minimum_value in words": (
        "funnel_stages.csv",
        row_of(
            "funnel_stages.csv",
            **STAGE | {"signal_kind": "fact", "signal": "qualification_score", "minimum_value": "high"},
        ),
        "minimum_value",
        "'high' is not a number",
    ),
    "stage_order in words": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"stage_order": "last"}),
        "stage_order",
        "'last' is not a whole number",
    ),
    "two stages at one place": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"stage_order": "7"}),
        "stage_order",
        "stage_order 7 of funnel 'sales' is 'deal_closed' and 'renewed'",
    ),
    "two windows of a stage": (
        "funnel_stages.csv",
        row_of("funnel_stages.csv", **STAGE | {"stage_order": "7", "stage": "deal_closed", "within_hours": "1"}),
        "within_hours",
        "stage 'deal_closed' of funnel 'sales' has two values of within_hours",
    ),
    "unknown column": (
        "segment_dimensions.csv",
        row_of("segment_dimensions.csv", dimension="mine", column_name="mood", is_hourly="false"),
        "column_name",
        "'mood' is none of agent, channel, device, entry_page, hour_of_day, language, model, purpose, source, "
        "traffic_source, variant",
    ),
    "column and property": (
        "segment_dimensions.csv",
        row_of("segment_dimensions.csv", dimension="mine", column_name="agent", property="plan", is_hourly="false"),
        "column_name",
        "dimension 'mine' needs a column_name or a property, and not both",
    ),
    "neither column nor property": (
        "segment_dimensions.csv",
        row_of("segment_dimensions.csv", dimension="mine", is_hourly="false"),
        "column_name",
        "dimension 'mine' needs a column_name or a property, and not both",
    ),
    "top_n in words": (
        "segment_dimensions.csv",
        row_of("segment_dimensions.csv", dimension="mine", column_name="agent", top_n="all", is_hourly="false"),
        "top_n",
        "'all' is not a whole number above 0",
    ),
    "unknown measure above": (
        "metric_definitions.csv",
        row_of("metric_definitions.csv", **METRIC, kind="count", numerator="smiles"),
        "numerator",
        "'smiles' of metric 'mine' is no measure",
    ),
    "unknown measure below": (
        "metric_definitions.csv",
        row_of("metric_definitions.csv", **METRIC, kind="rate", numerator="engaged_count", denominator="smiles"),
        "denominator",
        "'smiles' of metric 'mine' is no measure",
    ),
    "count with a denominator": (
        "metric_definitions.csv",
        row_of("metric_definitions.csv", **METRIC, kind="count", numerator="turns", denominator="engaged_count"),
        "denominator",
        "a count has no denominator",
    ),
    "a mean that is compared": (
        "metric_definitions.csv",
        row_of(
            "metric_definitions.csv",
            **METRIC | {"is_compared": "true"},
            kind="mean",
            numerator="turns",
            denominator="engaged_count",
        ),
        "is_compared",
        "a mean is not compared by segment, only a rate is",
    ),
    "rate without a denominator": (
        "metric_definitions.csv",
        row_of("metric_definitions.csv", **METRIC, kind="rate", numerator="engaged_count"),
        "denominator",
        "a rate needs a denominator",
    ),
    "a lower bound in words": (
        "metric_definitions.csv",
        row_of("metric_definitions.csv", **METRIC | {"lower_bound": "none"}, kind="count", numerator="turns"),
        "lower_bound",
        "'none' is not a number",
    ),
    "nothing expected of an agent": (
        "agents.csv",
        row_of("agents.csv", agent="mine", reference_message_count="0"),
        "reference_message_count",
        "'0' is not a whole number above 0",
    ),
    "a goal without a name": (
        "agents.csv",
        row_of("agents.csv", agent="mine", reference_message_count="4", goals="order|"),
        "goals",
        "'order|' is not a list of names between |",
    ),
    "maturity in words": (
        "metric_definitions.csv",
        row_of("metric_definitions.csv", **METRIC | {"maturity_hours": "soon"}, kind="count", numerator="turns"),
        "maturity_hours",
        "'soon' is not a number",
    ),
    "an extra cell": (
        "funnels.csv",
        row_of("funnels.csv", funnel="support") + ",and more",
        "description",
        "more cells than columns",
    ),
}
