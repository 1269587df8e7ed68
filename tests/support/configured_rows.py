"""Seeds with rows of a test in place of the shipped ones, and what a run says of them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestration.building.project import assemble_project
from orchestration.configuration.checks import ConfigurationError
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
    "alert on a metric nobody defined": (
        "alert_rules.csv",
        _rule(metric_name="happiness"),
        "rule 'mine': metric 'happiness' is not in metric_definitions.csv",
    ),
    "alert on a count, which has no interval": (
        "alert_rules.csv",
        _rule(metric_name="interactions"),
        "rule 'mine': metric 'interactions' is a count: only a mean, rate, ratio has an interval to judge by",
    ),
    "alert on no goal": (
        "alert_rules.csv",
        _rule(metric_name="conversion_rate:<goal>"),
        "rule 'mine': metric 'conversion_rate:<goal>' is not in metric_definitions.csv",
    ),
    "alert on a segment that no hour is cut by": (
        "alert_rules.csv",
        _rule(segment="device=mobile"),
        "rule 'mine': segment 'device=mobile': 'device' is no hourly dimension; these are: agent, channel",
    ),
    "alert on half a segment": (
        "alert_rules.csv",
        _rule(segment="web"),
        "rule 'mine': segment 'web' is neither all nor dimension=value",
    ),
    "alert with an unknown condition": (
        "alert_rules.csv",
        _rule(condition="falls"),
        "rule 'mine': condition 'falls' is none of drops_below, drops_by, exceeds, rises_by",
    ),
    "alert on a rate above all": (
        "alert_rules.csv",
        _rule(threshold="1.5"),
        "rule 'mine': threshold 1.5 of a rate is outside 0 to 1",
    ),
    "alert on a drop by nothing": (
        "alert_rules.csv",
        _rule(condition="drops_by", threshold="0"),
        "rule 'mine': threshold 0 of drops_by is not above 0",
    ),
    "alert over no hours": (
        "alert_rules.csv",
        _rule(window_hours="0"),
        "rule 'mine': window_hours '0' is no whole number above 0",
    ),
    "alert over a year": (
        "alert_rules.csv",
        _rule(window_hours="8760"),
        "rule 'mine': window_hours 8760 is more than 2208, 92 days",
    ),
    "alert on any sample": (
        "alert_rules.csv",
        _rule(minimum_sample=""),
        "rule 'mine': minimum_sample '' is no whole number above 0",
    ),
    "alert as bad as it gets": (
        "alert_rules.csv",
        _rule(severity="worst"),
        "rule 'mine': severity 'worst' is none of high, low, medium",
    ),
    "second alert of a name": (
        "alert_rules.csv",
        _rule(rule="customers_are_angry"),
        "rule = 'customers_are_angry' stands in alert_rules.csv line 4 already",
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
    "a lower bound in words": (
        "metric_definitions.csv",
        row_of("metric_definitions.csv", **METRIC | {"lower_bound": "none"}, kind="count", numerator="turns"),
        "lower_bound 'none' is no number",
    ),
    "nothing expected of an agent": (
        "agents.csv",
        row_of("agents.csv", agent="mine", reference_message_count="0"),
        "reference_message_count '0' is no whole number above 0",
    ),
    "a goal without a name": (
        "agents.csv",
        row_of("agents.csv", agent="mine", reference_message_count="4", goals="order|"),
        "goals 'order|' is no list of names between |",
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
