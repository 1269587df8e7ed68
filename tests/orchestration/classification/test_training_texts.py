"""The training texts are this project's own: not the yardstick's, not the simulator's, not the real sets'."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from orchestration.classification.evaluation.golden_set import GOLDEN, read_golden
from orchestration.classification.labelled import LabelledConversation
from orchestration.classification.training.authored import read_authored
from orchestration.classification.training.corpus import FITTED_ON, HELD_OUT, held_out_prefixes, training_conversations
from orchestration.classification.training.extra import read_extra
from orchestration.classification.training.grammar import TEXTS
from orchestration.settings import PROJECT_DIR

REAL_SETS = PROJECT_DIR.parent / "shared" / "data"
STAGE_CASES = GOLDEN / "stage_cases.jsonl"
HIGHEST_JACCARD = 0.6
LONGEST_SHARED_SENTENCE_WORDS = 6
LONGEST_FILE_LINES = 400


@pytest.fixture(scope="module")
def conversations() -> list[LabelledConversation]:
    return [*training_conversations(1), *held_out_prefixes(2)]


@pytest.mark.full
def test_thousands_of_conversations_follow_from_the_seed(conversations: list[LabelledConversation]) -> None:
    fitted = training_conversations(1)
    assert 5_000 <= len(fitted) <= 8_000
    assert fitted == conversations[: len(fitted)]
    assert training_conversations(4)[0] != fitted[0]


def test_what_calibrates_is_written_apart_from_what_is_fitted_on() -> None:
    assert set(FITTED_ON).isdisjoint(HELD_OUT)
    fitted, held_out = (
        {
            line.strip()
            for name in names
            for folder in name.split("+")
            for path in (TEXTS / folder).glob("*.yml")
            for line in path.read_text(encoding="utf-8").splitlines()
            if len(line.split()) > 4 and not line.startswith("#")
        }
        for names in (FITTED_ON, HELD_OUT)
    )
    assert fitted & held_out == set()


def test_files_stay_short() -> None:
    files = list(TEXTS.glob("*/*.yml"))
    assert {"phrases.yml", "domains.yml", "conversations.yml"} <= {path.name for path in files}
    assert {path for path in files if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE_LINES} == set()


def test_marks_keep_the_order_of_the_stages(conversations: list[LabelledConversation]) -> None:
    for conversation in conversations:
        before: dict[str, bool | None] = {}
        for labelled in conversation.messages:
            labels = dict(labelled.labels)
            if labels["solution_proposed"] or labels["resolved"] or labels["claimed_resolved"]:
                assert labels["problem_identified"], conversation.conversation_id
            if labels["solution_accepted"]:
                assert labels["solution_proposed"], conversation.conversation_id
            for target in ("problem_identified", "solution_proposed", "claimed_resolved"):
                assert labels[target] or not before.get(target), conversation.conversation_id
            before = labels


def test_no_golden_conversation_is_like_a_training_one(conversations: list[LabelledConversation]) -> None:
    """Jaccard of the sets of tokens, all pairs at once as a product of incidence matrices."""
    golden = [example.conversation for example in read_golden(STAGE_CASES).examples]
    ours = [_tokens(message.message.content for message in row.messages) for row in conversations]
    theirs = [_tokens(message.content for message in row.messages) for row in golden]
    number_of = {token: at for at, token in enumerate(sorted(set().union(*theirs)))}
    incidence = np.zeros((len(theirs), len(number_of)), dtype=np.float32)
    for row, tokens in enumerate(theirs):
        incidence[row, [number_of[token] for token in tokens]] = 1
    sizes = np.array([len(tokens) for tokens in theirs])
    for conversation, tokens in zip(conversations, ours, strict=True):
        shared = incidence[:, [number_of[token] for token in tokens if token in number_of]].sum(axis=1)
        jaccard = shared / np.maximum(sizes + len(tokens) - shared, 1)
        assert jaccard.max() < HIGHEST_JACCARD, (conversation.conversation_id, golden[jaccard.argmax()])


def _tokens(texts: Iterator[str]) -> set[str]:
    return set(re.findall(r"\w+", " ".join(texts).lower()))


def test_no_sentence_is_the_yardsticks_or_the_simulators(conversations: list[LabelledConversation]) -> None:
    golden = [
        message.content for example in read_golden(STAGE_CASES).examples for message in example.conversation.messages
    ]
    dialogue = [
        line
        for path in sorted((PROJECT_DIR / "orchestration" / "simulation" / "dialogue").glob("*.json"))
        for line in _strings(json.loads(path.read_text(encoding="utf-8")))
    ]
    assert _sentences(_own_texts(conversations)) & _sentences([*golden, *dialogue]) == set()


@pytest.mark.skipif(not REAL_SETS.is_dir(), reason=f"the real conversations are not at {REAL_SETS}")
def test_no_sentence_comes_from_the_real_conversations(conversations: list[LabelledConversation]) -> None:
    authored = _own_texts(read_authored())
    real: set[str] = set()
    for path in sorted(REAL_SETS.glob("*/events.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            real |= _sentences(str(json.loads(line)["properties"].get("content", "")) for line in lines)
    assert _sentences(authored) & real == set()


def _own_texts(conversations: list[LabelledConversation]) -> list[str]:
    return [labelled.message.content for row in conversations for labelled in row.messages]


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _sentences(texts: "Iterator[str] | list[str]") -> set[str]:
    """Sentences of more words than strangers share by chance, lower case."""
    return {
        sentence.strip().lower()
        for text in texts
        for sentence in re.split(r"[.!?\n]", text)
        if len(sentence.split()) > LONGEST_SHARED_SENTENCE_WORDS
    }


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("not json", "JSONDecodeError"),
        ('{"conversation_id": "c"}', "'messages'"),
        ('{"conversation_id": "c", "messages": []}', "IndexError"),
        ('{"conversation_id": "c", "messages": [{"role": "bot", "content": ""}]}', "role 'bot' is none of customer"),
        (
            '{"conversation_id": "c", "messages": [{"role": "agent", "content": "", "reached": ["done"]}]}',
            "'done' is none of problem_identified",
        ),
    ],
)
def test_a_wrong_line_of_the_users_is_named(tmp_path: Path, line: str, cause: str) -> None:
    (tmp_path / "own.jsonl").write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=rf"own\.jsonl:2: .*{cause}"):
        read_extra(tmp_path)


def test_a_folder_without_conversations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no conversations in \*\.jsonl"):
        read_extra(tmp_path)
