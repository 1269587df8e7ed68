"""A sample judged by people: drawn, filled in, landed and published with the labels it judges."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.commands import label_quality
from orchestration.commands.label_quality import judge_labels, write_sample
from orchestration.configuration.label_stages import STAGES
from orchestration.ledger.labellers import rules_labeller
from orchestration.privacy.erasure import begin_erasure, conclude_erasure, request_erasure
from orchestration.settings import Settings
from tests.support.commands import run_command
from tests.support.warehouse import HASH_KEY, LOADED_AT, WarehouseUnderTest

NOW = datetime(2026, 2, 1, tzinfo=UTC)
ASKED = "I cannot find the parcel that I ordered for my mother last week."
DONE = "I have sent you a new one, it is on the way."
LATER = "It is still not working, and I do not know what to do."
SOLVED, OPEN = ("a", "b", "c", "d"), ("e", "f")
COUNTS = """
    select stage, sample_size, true_positives, false_positives, false_negatives, true_negatives, labelled_conversations
    from marts.label_quality where classifier = 'all' and stage = '{stage}'
"""
ANSWERS = """
    select conversation_id, stage, reached, labelled_by, content_hash is not null, _load_id
    from ledger.human_labels order by all
"""


def said(name: str, minute: int, role: str, text: str) -> dict[str, Any]:
    return {
        "event_id": f"{name}{minute}",
        "conversation_id": f"conversation-{name}",
        "event_type": f"{role}_message",
        "timestamp": f"2025-06-01T10:{minute:02}:00Z",
        "user_id": f"user-{name}",
        "properties": {"content": text},
    }


def conversations() -> list[dict[str, Any]]:
    """Six conversations: the rules call four of them resolved."""
    lines = [said(name, 0, "user", ASKED) for name in (*SOLVED, *OPEN)]
    lines += [said(name, 1, "agent", DONE) for name in SOLVED]
    lines += [said(name, 1, "agent", "Please tell me its number.") for name in OPEN]
    ends = [said(name, 3, "user", "") for name in (*SOLVED, *OPEN)]
    return lines + [line | {"event_type": "conversation_ended", "properties": {}} for line in ends]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> WarehouseUnderTest:
    """Build it once; the tests work on copies of raw."""
    one = WarehouseUnderTest(tmp_path_factory.mktemp("judged"), labeller=rules_labeller())
    one.write_events(conversations())
    one.land()
    one.build()
    one.publish()
    return one


@pytest.fixture
def warehouse(tmp_path: Path, template: WarehouseUnderTest) -> WarehouseUnderTest:
    return template.copy(tmp_path)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def judge(
    warehouse: WarehouseUnderTest, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """Run the command with the job that this process builds quicker than Dagster."""

    def build_and_publish(_settings: Settings, *, is_simulated: bool) -> int:
        assert not is_simulated
        warehouse.build(tests=not warehouse.home.published.joinpath("colloquy.duckdb").exists())
        warehouse.publish()
        return 0

    monkeypatch.setattr(label_quality, "run_warehouse", build_and_publish)
    code = judge_labels(path, warehouse.settings, now=NOW)
    return code, capsys.readouterr().out


def test_a_drawn_sample_is_filled_in_and_published_beside_the_labels(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = warehouse.folder / "sample.csv"
    with duckdb.connect(str(warehouse.home.build_database)) as connection:
        # An open conversation may still grow, and one without its texts cannot be judged.
        connection.execute(
            "update marts.fct_conversations set outcome = 'in_progress' where conversation_id like '%-a'"
        )
        connection.execute("update marts.fct_messages set content = null where conversation_key like '%-b'")
        connection.execute("update marts.fct_conversations set purpose = 'sales'")
    assert write_sample(path, warehouse.settings, conversations=5, seed=1, now=NOW) == 2
    assert "nothing to judge" in capsys.readouterr().out
    with duckdb.connect(str(warehouse.home.build_database)) as connection:
        connection.execute("update marts.fct_conversations set purpose = 'support'")
    assert write_sample(path, warehouse.settings, conversations=5, seed=1, now=NOW) == 0
    assert "4 conversations, 5 stages each" in capsys.readouterr().out
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    drawn = {row["conversation_key"] for row in rows}
    assert drawn == {f"events:conversation-{name}" for name in "cdef"}
    assert [row["stage"] for row in rows] == [*STAGES] * 4
    assert {row["reached"] for row in rows} == {""}
    # A sample may hold hours of work.
    assert write_sample(path, warehouse.settings, conversations=5, seed=1, now=NOW) == 2
    assert "exists and may hold answers" in capsys.readouterr().out
    again, other, fewer = (warehouse.folder / name for name in ("again.csv", "other.csv", "fewer.csv"))
    write_sample(again, warehouse.settings, conversations=5, seed=1, now=NOW)
    assert again.read_bytes() == path.read_bytes()
    write_sample(other, warehouse.settings, conversations=5, seed=2, now=NOW)
    assert other.read_bytes() != path.read_bytes()
    write_sample(fewer, warehouse.settings, conversations=2, seed=1, now=NOW)
    assert path.read_bytes().startswith(fewer.read_bytes())

    # People answer that all drawn ones are resolved, and nothing else.
    path.write_text(path.read_text(encoding="utf-8").replace(",resolved,,,", ",resolved,yes,ada,"), encoding="utf-8")
    code, said_ = judge(warehouse, path, monkeypatch, capsys)
    assert code == 0
    assert "answers landed: 4, known already: 0; lines without an answer: 16, bad: 0" in said_
    assert warehouse.rows(COUNTS.format(stage="resolved")) == [("resolved", 4, 2, 0, 2, 0, 6)]
    assert warehouse.rows(COUNTS.format(stage="greeted")) == [("greeted", 0, 0, 0, 0, 0, 6)]
    line = next(one for one in said_.splitlines() if one.startswith("  resolved") and " rule " in one)
    # No answer is "not resolved": there is no specificity, and nothing to correct by.
    assert line.split() == ["resolved", "rule", "4", "0.000", "0.500", "-", "0.667", "[0.300,", "0.903]", "-"]


@pytest.mark.full
def test_bad_lines_are_named_and_stop_no_good_one(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = warehouse.folder / "sample.csv"
    lines = (
        b"conversation_id,stage,reached,labelled_by,id_namespace,conversation_key,content_hash",
        b"conversation-a,resolved,true,ada",
        b"conversation-b,resolved,FALSE,ada,events",
        b",resolved,0,,,events:conversation-e",
        b"conversation-f,resolved,unknown,ada",
        b"conversation-c,solved,true",
        b"conversation-c,resolved,perhaps",
        b"conversation-z,resolved,true",
        b"conversation-c,resolved,true,,sales",
        b",resolved,true",
        b",resolved,true,,,no-key",
        b"conversation-a,resolved,false,bob",
        b"conversation-\xff,resolved,true",
        b"conversation-d,resolved,true,,,,0000",
        b"conversation-\x1b[2J,resolved,true",
    )
    path.write_bytes(b"\n".join(lines) + b"\n")
    code, said_ = judge(warehouse, path, monkeypatch, capsys)
    assert code == 0
    problems = [line.removeprefix(f"{path}:") for line in said_.splitlines() if line.startswith(f"{path}:")]
    assert problems == [
        "6: stage 'solved' is none of greeted, problem_identified, solution_proposed, solution_accepted, resolved, "
        "claimed_resolved",
        "7: reached 'perhaps' is neither true nor false; leave it empty where you cannot tell",
        "8: no classifier has labelled a conversation 'conversation-z'",
        "9: no classifier has labelled a conversation 'conversation-c' of 'sales'",
        "10: names no conversation",
        "11: conversation_key 'no-key' is no <id_namespace>:<conversation_id>",
        "12: contradicts line 2, which is kept",
        "13: is no UTF-8",
        "14: content_hash '0000' is that of no content of conversation 'conversation-d'",
        r"15: no classifier has labelled a conversation 'conversation-\\x1b[2J'",
    ]
    assert "answers landed: 3, known already: 0; lines without an answer: 1, bad: 10" in said_
    assert warehouse.rows_of_raw(ANSWERS) == [
        ("conversation-a", "resolved", True, "ada", True, 3),
        ("conversation-b", "resolved", False, "ada", True, 3),
        ("conversation-e", "resolved", False, None, True, 3),
    ]
    assert warehouse.rows(COUNTS.format(stage="resolved")) == [("resolved", 3, 1, 1, 0, 1, 6)]
    # Twice the same file changes nothing; another answer takes the place of the first, which is kept.
    code, said_ = judge(warehouse, path, monkeypatch, capsys)
    assert "answers landed: 0, known already: 3" in said_
    assert len(warehouse.rows_of_raw(ANSWERS)) == 3
    changed = write(path, "conversation_id,stage,reached,labelled_by\nconversation-b,resolved,true,ada\n")
    judge(warehouse, changed, monkeypatch, capsys)
    assert len(warehouse.rows_of_raw(ANSWERS)) == 4
    assert warehouse.rows(COUNTS.format(stage="resolved")) == [("resolved", 3, 2, 0, 0, 1, 6)]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "the first line must name conversation_key (or conversation_id), stage and reached; it names nothing"),
        ("conversation_key;stage;reached\n", "it names conversation_key;stage;reached"),
        ("conversation_key,stage,reached\n", "no usable line, without an answer: 0"),
        ("conversation_key,stage,reached\nevents:conversation-a,resolved,\n", "no usable line, without an answer: 1"),
        ("conversation_key,stage,reached\nevents:z,resolved,true\n", "no usable line, without an answer: 0"),
        ('conversation_key,stage,reached\n"events:z\n', "line 2: the row that begins here is no CSV"),
    ],
)
def test_a_sample_without_a_usable_line_is_an_error_and_changes_nothing(
    warehouse: WarehouseUnderTest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    cause: str,
) -> None:
    code, said_ = judge(warehouse, write(warehouse.folder / "sample.csv", text), monkeypatch, capsys)
    assert (code, warehouse.rows_of_raw(ANSWERS)) == (2, [])
    assert cause in said_


def test_a_file_that_is_not_there_and_a_warehouse_without_labels_are_errors(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said_ = judge(warehouse, warehouse.folder / "absent.csv", monkeypatch, capsys)
    assert (code, "cannot be read" in said_) == (2, True)
    warehouse.home.build_database.unlink()
    code, said_ = judge(warehouse, warehouse.folder / "absent.csv", monkeypatch, capsys)
    assert (code, "nothing has been labelled yet" in said_) == (2, True)


@pytest.mark.full
def test_an_answer_about_a_conversation_that_grew_counts_no_more_and_an_erasure_changes_no_count(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"events:conversation-{name},resolved,true\n" for name in "abce")
    judge(
        warehouse,
        write(warehouse.folder / "sample.csv", f"conversation_key,stage,reached\n{rows}"),
        monkeypatch,
        capsys,
    )
    assert warehouse.rows(COUNTS.format(stage="resolved")) == [("resolved", 4, 3, 0, 1, 0, 6)]
    warehouse.write_events([said("b", 9, "user", LATER)])
    warehouse.land(now=NOW)
    warehouse.build()
    assert warehouse.rows(COUNTS.format(stage="resolved")) == [("resolved", 3, 2, 0, 1, 0, 6)]
    # One that was judged, one that has grown since.
    people: list[Any] = [("user", None, "user-a"), ("user", None, "user-b")]
    request_erasure(warehouse.home, people, HASH_KEY)
    assert begin_erasure(warehouse.home, HASH_KEY)
    warehouse.build()
    warehouse.publish(keep=1)
    assert conclude_erasure(warehouse.home, warehouse.settings.landing, HASH_KEY, now=LOADED_AT) is not None
    assert warehouse.rows(COUNTS.format(stage="resolved")) == [("resolved", 3, 2, 0, 1, 0, 6)]
    ids = {row[0] for row in warehouse.rows_of_raw(ANSWERS)}
    assert len(ids) == 4
    assert {"conversation-a", "conversation-b"} & ids == set()


def test_a_simulated_warehouse_is_judged_with_its_own_files_and_seeds(
    warehouse: WarehouseUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[Settings, bool]] = []

    def fail(settings: Settings, *, is_simulated: bool) -> int:
        ran.append((settings, is_simulated))
        return 1

    monkeypatch.setattr(label_quality, "run_warehouse", fail)
    home = warehouse.home
    home.simulation_marker.write_text("{}", encoding="utf-8")
    (home.root / "demo-seeds").mkdir()
    path = write(warehouse.folder / "sample.csv", "conversation_id,stage,reached\nconversation-a,resolved,true\n")
    assert judge_labels(path, warehouse.settings, now=NOW) == 1
    ((settings, is_simulated),) = ran
    assert (settings.landing, settings.seeds) == (home.root / "landing", home.root / "demo-seeds")
    assert is_simulated


@pytest.mark.full
def test_the_commands_work_on_a_warehouse_of_their_own(tmp_path: Path) -> None:
    home, landing, path = tmp_path / "home", tmp_path / "landing", tmp_path / "sample.csv"
    (landing / "events").mkdir(parents=True)
    lines = "".join(json.dumps(line) + "\n" for line in conversations())
    (landing / "events" / "a.jsonl").write_text(lines, encoding="utf-8")
    run_command(home, landing, "run")
    run_command(home, landing, "label-sample", "--sample", str(path), "--conversations", "4")
    path.write_text(path.read_text(encoding="utf-8").replace(",greeted,,", ",greeted,true,"), encoding="utf-8")
    printed = run_command(home, landing, "label-quality", "--sample", str(path))
    assert "answers landed: 4" in printed
    with duckdb.connect(str(home / "published" / "colloquy.duckdb"), read_only=True) as connection:
        rows = connection.execute(COUNTS.format(stage="greeted")).fetchall()
    assert rows == [("greeted", 4, 4, 0, 0, 0, 6)]
