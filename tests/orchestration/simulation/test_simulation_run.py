"""A whole small simulation: determinism, accounting against a naive recount, truth against the files."""

import gzip
import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.simulation import simulator
from orchestration.simulation.simulator import SimulationSummary, simulate

END = date(2026, 3, 1)
END_AT = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 20
CONVERSATIONS = 600
OUTCOMES = {
    "in_progress",
    "not_engaged",
    "escalated",
    "resolved_confirmed",
    "resolved_inferred",
    "abandoned",
    "ended_unresolved",
}


@dataclass(frozen=True)
class Run:
    landing: Path
    truth: Path
    summary: SimulationSummary
    messages: list[str]

    def json(self, name: str) -> Any:
        return json.loads((self.truth / name).read_text(encoding="utf-8"))

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.truth / name).read_text(encoding="utf-8").splitlines()]


def run_in(folder: Path, seed: int = 7) -> Run:
    messages: list[str] = []
    summary = simulate(
        folder / "landing",
        folder / "truth",
        seed=seed,
        days=DAYS,
        conversations=CONVERSATIONS,
        end=END,
        on_progress=messages.append,
    )
    return Run(folder / "landing", folder / "truth", summary, messages)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_in(tmp_path_factory.mktemp("simulated"))


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def file_lines(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        rows = duckdb.sql(f"select to_json(r) from read_parquet('{path}') as r").fetchall()
        without_nulls = [{k: v for k, v in json.loads(row).items() if v is not None} for (row,) in rows]
        return [json.dumps(row) for row in without_nulls]
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    assert text.endswith("\n")
    return text[:-1].split("\n")


def source_of(path: Path, landing: Path) -> str:
    return path.relative_to(landing).parts[0]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(run: Run, tmp_path: Path) -> None:
    again = run_in(tmp_path / "again")
    other = run_in(tmp_path / "other", seed=8)
    assert tree(again.landing.parent) == tree(run.landing.parent)
    assert tree(other.landing) != tree(run.landing)
    assert again.summary == run.summary


def test_all_folders_and_formats_are_there(run: Run) -> None:
    assert {path.name for path in run.landing.iterdir()} == {
        "events",
        "agent_events",
        "chat_events",
        "ab_test_exposures",
        "sales_events",
        "agentsight_interactions",
    }
    suffixes = {path.suffix for path in run.landing.rglob("*") if path.is_file()}
    assert suffixes == {".jsonl", ".gz", ".parquet"}
    marker = json.loads((run.landing.parent / "simulated.json").read_text())
    assert marker == {"simulated": True, "seed": 7, "days": 20, "conversations": 600, "end": "2026-03-01"}


def parse_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


CONVERSATION_ID = ("conversation_id", "session_id")
EVENT_ID = {"events": "event_id", "chat_events": "event_id", "agent_events": "id"}


def naive_refusal(text: str, source: str) -> str | None:  # noqa: PLR0911 - one return a rule reads best
    """Return the reason a line is refused for, looked up rule by rule from the written contract."""
    if len(text.encode()) > 1024 * 1024:
        return "too_large"
    try:
        line = json.loads(text)
    except ValueError:
        return "malformed_json"
    if not isinstance(line, dict):
        return "not_an_object"
    if source in EVENT_ID and not line.get(EVENT_ID[source]):
        return "missing_event_id"
    if not any(line.get(name) for name in CONVERSATION_ID):
        return "missing_conversation_id"
    if source not in {"ab_test_exposures", "agentsight_interactions"} and not line.get("event_type"):
        return "missing_event_type"
    try:
        moment = parse_time(str(line.get("timestamp") or line.get("created_at")))
    except ValueError:
        return "bad_timestamp"
    if not datetime(2000, 1, 1, tzinfo=UTC) <= moment <= END_AT:
        return "timestamp_out_of_range"
    if line.get("environment") not in {None, "production", "development"}:
        return "unknown_environment"
    if source == "events" and line["event_type"] == "message_received" and "role" not in line["properties"]:
        return "unknown_sender_role"
    if line.get("role") not in {None, "visitor", "assistant"}:
        return "unknown_sender_role"
    return None


def naive_id(line: dict[str, Any], source: str) -> str:
    if source in EVENT_ID:
        return str(line[EVENT_ID[source]])
    if source == "sales_events" and "message_id" in line["properties"]:
        return str(line["properties"]["message_id"])
    return json.dumps({k: v for k, v in line.items() if k != "customer_ip_address"})


def recount(landing: Path) -> tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Accounting of every file and the accepted events by source: files in path order, the first landed wins."""
    accounts: dict[str, dict[str, Any]] = {}
    accepted: dict[str, list[dict[str, Any]]] = defaultdict(list)
    known: dict[tuple[str, str], str] = {}
    for path in sorted(path for path in landing.rglob("*") if path.is_file()):
        source, counts, rejected = source_of(path, landing), Counter[str](), Counter[str]()
        for text in file_lines(path):
            counts["lines"] += 1
            reason = naive_refusal(text, source)
            if reason is not None:
                rejected[reason] += 1
                continue
            line = json.loads(text)
            key, content = (source, naive_id(line, source)), json.dumps(line, sort_keys=True)
            if key not in known:
                known[key] = content
                counts["accepted"] += 1
                accepted[source].append(line)
            elif known[key] == content:
                counts["duplicates"] += 1
            else:
                rejected["conflicting_duplicate"] += 1
        accounts[str(path.relative_to(landing))] = {
            "source": source,
            "lines": counts["lines"],
            "accepted": counts["accepted"],
            "rejected": dict(sorted(rejected.items())),
            "duplicates": counts["duplicates"],
        }
    return accounts, accepted


@pytest.fixture(scope="module")
def recounted(run: Run) -> tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    return recount(run.landing)


def test_files_json_agrees_with_a_naive_recount(
    run: Run, recounted: tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]]
) -> None:
    accounts, _ = recounted
    assert accounts == run.json("files.json")
    assert run.summary.lines == sum(account["lines"] for account in accounts.values())
    assert run.summary.accepted + run.summary.rejected + run.summary.duplicates == run.summary.lines
    assert run.summary.files == len(accounts)


def test_every_reason_a_line_can_have_occurs(run: Run) -> None:
    reasons = Counter[str]()
    duplicates = 0
    for account in run.json("files.json").values():
        reasons.update(account["rejected"])
        duplicates += account["duplicates"]
    assert set(reasons) == {
        "malformed_json",
        "not_an_object",
        "missing_event_id",
        "missing_conversation_id",
        "missing_event_type",
        "bad_timestamp",
        "timestamp_out_of_range",
        "unknown_environment",
        "unknown_sender_role",
        "too_large",
        "conflicting_duplicate",
    }
    assert reasons["too_large"] == 1
    assert duplicates > 0


def test_no_accepted_event_lies_outside_the_simulated_days(
    recounted: tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]],
) -> None:
    first = END_AT - timedelta(days=DAYS)
    for lines in recounted[1].values():
        for line in lines:
            assert first <= parse_time(line.get("timestamp") or line["created_at"]) < END_AT


def test_every_event_says_that_it_is_simulated(
    recounted: tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]],
) -> None:
    assert all(line["simulated"] is True for lines in recounted[1].values() for line in lines)
    addresses = [line.get("customer_ip_address") for line in recounted[1]["agentsight_interactions"]]
    shown = [address for address in addresses if address is not None]
    assert shown
    assert all(address.startswith(("192.0.2.", "198.51.100.", "203.0.113.")) for address in shown)


def test_some_lines_come_days_late(run: Run) -> None:
    lags = []
    for path in (run.landing / "agent_events").iterdir():
        for text in file_lines(path):
            if naive_refusal(text, "agent_events") is None:
                day = parse_time(json.loads(text)["timestamp"]).date()
                lags.append((date.fromisoformat(path.name[:10]) - day).days)
    assert min(lags) == 0
    assert 1 <= max(lags) <= 40


NAMESPACES = {"ab_test_exposures": "chat_events"}


def accepted_by_conversation(
    accepted: dict[str, list[dict[str, Any]]],
) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    by_key: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for source, lines in accepted.items():
        for line in lines:
            conversation_id = next(line[name] for name in CONVERSATION_ID if name in line)
            by_key[f"{NAMESPACES.get(source, source)}:{conversation_id}"].append((source, line))
    return by_key


def is_shown_only(source: str, line: dict[str, Any]) -> bool:
    exposed = source == "ab_test_exposures" or line.get("event_type") == "experiment_exposure"
    return exposed or (source == "agentsight_interactions" and "role" not in line)


def test_the_truth_holds_exactly_the_production_conversations_of_the_files(
    run: Run, recounted: tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]]
) -> None:
    in_files = {
        key
        for key, lines in accepted_by_conversation(recounted[1]).items()
        if not any(line.get("environment") == "development" for _, line in lines)
        and not all(is_shown_only(source, line) for source, line in lines)
    }
    in_truth = [row["conversation_key"] for row in run.lines("conversations.jsonl")]
    assert len(in_truth) == CONVERSATIONS == run.summary.conversations
    assert set(in_truth) == in_files
    assert len(set(in_truth)) == len(in_truth)


CUSTOMER = {("events", "user_message"), ("events", "message_sent"), ("agent_events", "user_message")} | {
    ("chat_events", "message_sent")
}


def test_message_counts_of_the_truth_agree_with_the_files(
    run: Run, recounted: tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]]
) -> None:
    by_key = accepted_by_conversation(recounted[1])
    for row in run.lines("conversations.jsonl"):
        counted = 0
        for source, line in by_key[row["conversation_key"]]:
            counted += (source, line.get("event_type")) in CUSTOMER
            counted += source == "sales_events" and line["properties"].get("sender") == "prospect"
            counted += line.get("role") == "visitor"
        assert counted == row["user_message_count"], row["conversation_key"]


def test_every_outcome_occurs_and_days_add_up(run: Run) -> None:
    rows = run.lines("conversations.jsonl")
    assert {row["outcome"] for row in rows} == OUTCOMES
    days = run.json("metrics.json")["days"]
    assert len(days) == DAYS
    assert sum(day["total_conversations"] for day in days.values()) == CONVERSATIONS
    for day in days.values():
        parts = day["escalated"] + day["resolved"] + day["abandoned"] + day["ended_unresolved"]
        assert parts == day["engaged_and_closed"]
        assert day["closed"] + day["in_progress"] == day["total_conversations"]
        assert day["turns_with_fallback"] <= day["turns_with_agent_message_or_fallback"]
    assert sum(day["confirmed"] for day in days.values()) == sum(row["outcome"] == "resolved_confirmed" for row in rows)


def test_users_come_back_inside_every_window(run: Run) -> None:
    rows = [row for row in run.lines("conversations.jsonl") if row["is_resolved"]]
    for window in ("24h", "72h", "7d"):
        assert {row[f"is_durably_resolved_{window}"] for row in rows} == {True, False, None}
    assert all(row["is_durably_resolved_7d"] is None for row in rows if row["user_id"] is None)


def test_many_widgets_are_shown_and_fewer_are_used(run: Run) -> None:
    rows = run.lines("interactions.jsonl")
    engaged = sum(row["is_engaged"] for row in rows)
    assert 0 < engaged < len(rows) / 2


def test_arms_convert_as_set(run: Run) -> None:
    for test in run.json("experiments.json").values():
        for arm in test["arms"]:
            n, p = arm["mature_units"], arm["true_rate"]
            assert n > 20
            assert abs(arm["converted_units"] - n * p) < 4 * (n * p * (1 - p)) ** 0.5
    exposures = run.lines("exposures.jsonl")
    assert all((row["variant"] is None) == row["is_ambiguous"] for row in exposures)
    assert any(row["exposure_count"] > 1 for row in exposures)


def test_the_truth_is_complete_before_the_first_event(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no rendering today")

    monkeypatch.setattr(simulator, "write_file", fail)
    with pytest.raises(RuntimeError, match="no rendering today"):
        run_in(tmp_path)
    assert tree(tmp_path / "truth") == tree(run.truth)
    assert tree(tmp_path / "landing") == {}


def test_a_landing_folder_with_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "landing" / "events").mkdir(parents=True)
    (tmp_path / "landing" / "events" / "mine.jsonl").write_text("{}\n")
    with pytest.raises(FileExistsError, match="events already holds files"):
        run_in(tmp_path)
    assert not (tmp_path / "truth").exists()


def test_too_few_conversations_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs at least 1 day and 50 conversations"):
        simulate(tmp_path / "landing", tmp_path / "truth", days=10, conversations=49, end=END)


def test_progress_names_every_source(run: Run) -> None:
    said = "\n".join(run.messages)
    assert all(source in said for source in ("events", "agent_events", "chat_events", "sales_events"))
    assert f"wrote {run.summary.files} of {run.summary.files} files" in said
