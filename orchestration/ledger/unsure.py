"""Which conversations an LLM may be asked about: closed, not determined by an event, below the confidence threshold.

Of those the least sure, up to a share of all that are labelled: on texts unlike those it learnt from, the model may be
unsure of most, and the cost of the labels must not depend on that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pandas as pd

from orchestration.configuration.label_stages import STAGES
from orchestration.ledger.content import StoredConversation
from orchestration.ledger.conversation_reading import find_stripped, read_candidates

_EVENTS = "build.intermediate.int_events"


@dataclass(frozen=True)
class Margin:
    """How many conversations are labelled, how many below the confidence threshold, how many of those unanswered.

    `asked` of all were asked about as they are now, with or without an answer.
    """

    labelled: int
    under_margin: int
    unanswered: int
    asked: int


@dataclass(frozen=True)
class Unsure:
    """A conversation to ask about, and the content that the embedded model was not sure of."""

    conversation_key: str
    first_event_at: datetime
    content_hash: str


@dataclass(frozen=True)
class Due:
    """The conversations to ask about, newest first; how many wait for another try, how many the share leaves out."""

    conversations: tuple[Unsure, ...]
    waiting: int
    beyond_share: int


def measure_margin(connection: duckdb.DuckDBPyConnection) -> Margin:
    """Write the temporary tables `newest`, `answered` and `asked`, which find_due reads, and count.

    The connection has raw as its current catalog and the build attached as `build`.
    """
    # Every labelling has a row for every stage: one of them stands for it. The label of an LLM comes on top of it.
    connection.execute(
        """create or replace temp table newest as
        select
            sources.id_namespace || ':' || labels.conversation_id as conversation_key,
            arg_max(labels.source, labels._load_id) as source,
            any_value(labels.conversation_id) as conversation_id,
            max(labels._load_id) as _load_id,
            arg_max(labels.content_hash, labels._load_id) as content_hash,
            arg_max(
                labels.classifier_kind = 'model' and coalesce(labels.is_unsure, labels.needs_review), labels._load_id
            ) as is_under_margin
        from ledger.stage_labels as labels
        inner join build.seeds.sources as sources on sources.source = labels.source
        where labels.stage = 'resolved' and labels.classifier_kind <> 'llm'
        group by all"""
    )
    connection.execute(
        """create or replace temp table answered as
        select distinct content_hash, definition_hash from ledger.llm_answers"""
    )
    connection.execute(
        """create or replace temp table asked as
        select content_hash from temp.answered
        union
        select content_hash from ledger.llm_dead_letters where content_hash is not null"""
    )
    rows = connection.execute(
        """select count(*), count(*) filter (is_under_margin),
            count(*) filter (is_under_margin and content_hash not in (select content_hash from temp.answered)),
            count(*) filter (content_hash in (from temp.asked))
        from temp.newest"""
    ).fetchall()
    return Margin(*rows[0])


def find_due(
    connection: duckdb.DuckDBPyConnection,
    definition_hash: str,
    *,
    now: datetime,
    relabelled_from: datetime | None,
    room: int,
) -> Due:
    """Return the conversations to ask about at `now`; moments are UTC and naive.

    The `room` least sure of those not asked about yet, of equally sure ones the newest, and those whose next try is
    due. With `relabelled_from` also those that began then or later and were answered under other definitions only.
    A conversation that has lost texts to retention is left out.
    """
    rows = connection.execute(
        """
        with letters as (
            select content_hash, arg_max_null(next_retry_at, failed_at) as next_retry_at
            from ledger.llm_dead_letters where definition_hash = $definition
            group by all
        ),
        answered as (
            select content_hash, bool_or(definition_hash = $definition) as is_by_this
            from temp.answered group by all
        ),
        stages as (
            select *, max(case when reached then stage_order else 0 end) over conversation as furthest
            from (
                select newest.conversation_key, labels.reached, labels.confidence,
                    list_position($stages::varchar[], labels.stage) as stage_order
                from ledger.stage_labels as labels
                inner join temp.newest as newest using (source, conversation_id, _load_id)
                where newest.is_under_margin and labels.classifier_kind = 'model'
            )
            where stage_order is not null
            window conversation as (partition by conversation_key)
        ),
        -- As StageAnswer.confidence: of the furthest stage and those after it the least sure; 0 where one is unknown.
        sureness as (
            select conversation_key, min(confidence) as confidence from stages
            where stage_order >= furthest group by all
        )
        select newest.conversation_key, undetermined.first_event_at, newest.content_hash,
            letters.content_hash is not null and coalesce(letters.next_retry_at > $now, true) as is_waiting,
            newest.content_hash not in (from temp.asked) as is_new,
            row_number() over (
                order by sureness.confidence, undetermined.first_event_at desc, newest.conversation_key
            ) as place
        from temp.newest as newest
        inner join build.intermediate.int_conversations_undetermined as undetermined
            on undetermined.conversation_key = newest.conversation_key
        left join sureness on sureness.conversation_key = newest.conversation_key
        left join letters on letters.content_hash = newest.content_hash
        left join answered on answered.content_hash = newest.content_hash
        where newest.is_under_margin
            and (
                answered.content_hash is null
                or (not answered.is_by_this and coalesce(undetermined.first_event_at >= $from, false))
            )
        order by undetermined.first_event_at desc, newest.conversation_key""",
        {"definition": definition_hash, "now": now, "from": relabelled_from, "stages": list(STAGES)},
    ).fetchall()
    places = {row[0]: row[5] for row in rows if row[4]}
    due = [Unsure(*row[:3]) for row in rows if not row[3]]
    if due:
        withheld = _without_texts(connection, due)
        due = [one for one in due if one.conversation_key not in withheld]
    new = sorted((one.conversation_key for one in due if one.conversation_key in places), key=lambda key: places[key])
    beyond = set(new[room:])
    due = [one for one in due if one.conversation_key not in beyond]
    return Due(tuple(due), sum(row[3] for row in rows), len(beyond))


def room_for(margin: Margin, share: float) -> int:
    """Return how many more may be asked about before `share` (0..1) of the labelled ones have been, rounded up."""
    return max(0, math.ceil(share * margin.labelled) - margin.asked)


def read_part(connection: duckdb.DuckDBPyConnection, part: Sequence[Unsure]) -> list[StoredConversation]:
    """Return the conversations, in their order, whose content is still the one that was labelled, texts and all."""
    _write_looked_at(connection, part)
    found = read_candidates(connection, min(one.first_event_at for one in part))
    stored = {one.stored.conversation_key: one.stored for one in found if not one.stored.is_withheld}
    wanted = [(stored.get(one.conversation_key), one.content_hash) for one in part]
    return [one for one, content_hash in wanted if one is not None and one.content_hash == content_hash]


def _without_texts(connection: duckdb.DuckDBPyConnection, due: Sequence[Unsure]) -> set[str]:
    earliest = min(one.first_event_at for one in due)
    find_stripped(connection, earliest)
    _write_looked_at(connection, due)
    rows = connection.execute(
        f"""select distinct events.conversation_key from {_EVENTS} as events
        semi join temp.looked_at as looked_at on looked_at.conversation_key = events.conversation_key
        semi join temp.stripped as stripped
            on stripped.source = events.source and stripped.event_id = events.event_id
        where events.event_type in ('user_message', 'agent_message') and events.occurred_at >= $earliest""",
        {"earliest": earliest},
    ).fetchall()
    return {key for (key,) in rows}


def _write_looked_at(connection: duckdb.DuckDBPyConnection, wanted: Sequence[Unsure]) -> None:
    frame = pd.DataFrame(
        [(one.conversation_key, one.first_event_at, one.content_hash) for one in wanted],
        columns=["conversation_key", "first_event_at", "content_hash"],
    )
    connection.register("wanted_rows", frame)
    connection.execute(
        "create or replace temp table looked_at as select *, null::varchar as definition_hash from wanted_rows"
    )
    connection.unregister("wanted_rows")
