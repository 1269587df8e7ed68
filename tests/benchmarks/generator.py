"""Seeded events in SQL: skewed, with late ones, the same for the same arguments, in the rows that landing would insert.

A conversation is a number; everything about it and its events is drawn by hashing that number. Conversations are
numbered in time order, so that any day is made without the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.landing.tables import open_raw
from orchestration.privacy.redaction import REDACTOR_VERSION

SEED = 11
FIRST_DAY = "2025-01-01"
# Measured over 100,000 conversations of this seed; the sizes that letters name are rounded by it.
EVENTS_PER_CONVERSATION = 12.4
# So many days after its own an event may still arrive.
LATEST_ARRIVAL = 10
LATE_SHARE = 0.005
DUPLICATE_SHARE = 0.01
BROKEN_SHARE = 0.002
CHANNELS = ("web", "app", "email", "phone")
TEST_NAME = "opening"
VARIANTS = ("plain", "friendly")

# Slots before the first turn, in each turn, and behind the last one; a slot holds one event or none.
_OPENING, _TURN, _CLOSING = 4, 6, 4
# Base conversations a statement makes; what it sorts fits in memory.
_AT_ONCE = 60_000
_USER_TEXTS = (
    "Hello, my order has not arrived yet, can you look it up",
    "I was charged twice for the same thing last week",
    "How do I change the address of my account",
    "That is not what I asked, I mean the second parcel",
    "Great, that works now, thank you very much",
    "I would like to speak to a person please",
    "It still shows the same error when I log in",
    "Can I return this if I have already opened it",
)
_AGENT_TEXTS = (
    "Hello, how can I help you today",
    "I understand that your parcel is late, let me check that for you",
    "I have found two payments and will refund the second one",
    "Please open the settings and choose the address you want to keep",
    "Your problem is solved, is there anything else I can do",
    "I am connecting you with a colleague who can help",
    "Could you tell me the number of your order",
    "You can return it within thirty days of delivery",
)


@dataclass(frozen=True)
class Population:
    """Who writes: `per_day` conversations on each day, every one of them `replicas` times under ids of its own.

    Conversations begin on days `since` <= day < `until`; ids of two populations differ by their prefix.
    """

    per_day: int
    replicas: int = 1
    seed: int = SEED
    prefix: str = ""
    since: int = 0
    until: int = 100_000

    def conversation_days(self, first_day: int, last_day: int) -> tuple[int, int]:
        """Return the days of the conversations of which something arrives on `first_day` <= day < `last_day`."""
        first = max(self.since, first_day - LATEST_ARRIVAL)
        return first, max(first, min(self.until, last_day))

    @classmethod
    def of_history(cls, events: int, days: int, *, base: int = 10_000_000) -> "Population":
        """Return who writes about `events` events in the days of a history; beyond `base` events by replication."""
        replicas = max(1, round(events / base))
        per_day = max(1, round(events / EVENTS_PER_CONVERSATION / days / replicas))
        return cls(per_day, replicas, until=days)

    @classmethod
    def after(cls, days: int, events: int) -> "Population":
        """Return who writes about `events` events on each day behind a history of `days`."""
        return cls(max(1, round(events / EVENTS_PER_CONVERSATION)), prefix="d", since=days)


def landed_rows(population: Population, first_day: int, last_day: int) -> str:
    """Return a query for the events of conversations of days `first_day` <= day < `last_day`.

    One row an event: the columns of raw.events that are not null somewhere, `content` (the text of a message), `slot`,
    and `arrival_day`, the day on which it lands.
    """
    return f"""
    with numbers as (
        select unnest(range({first_day * population.per_day}, {last_day * population.per_day})) as number
    ),
    drawn as (
        select number,
            {", ".join(f"{_uniform(population.seed, 'number', name)} as {name}" for name in _CONVERSATION_DRAWS)}
        from numbers
    ),
    conversations as (
        select number, number // {population.per_day} as day,
            timestamp '{FIRST_DAY}' + to_days((number // {population.per_day})::int)
                + to_milliseconds((86400000 * (0.35 * u_hour + 0.65 * sqrt(u_minute)))::bigint) as started_at,
            (pow(u_user, 2.5) * {max(1, population.per_day * 200)})::bigint as user_number,
            case when u_anonymous < 0.1 then null else 'u' end as user_letter,
            'agent-' || (pow(u_agent, 2) * 12)::int as agent,
            {_pick("u_channel", CHANNELS)} as channel,
            {_pick("u_device", ("mobile", "desktop", "tablet"))} as device,
            {_pick("u_language", ("en", "en", "en", "de", "es"))} as language,
            -- A few never end: one in 2,000 is 40 times as long as the others.
            least(200, 1 + floor(-ln(1 - u_turns) * 2.5) + case when u_long < 0.0005 then 120 else 0 end)::int as turns,
            1 + (u_depth * 3.999)::int as depth,
            u_order < 0.15 as is_shuffled,
            4000 + (56000 * u_gap)::bigint as gap_ms,
            u_exposed < 0.3 as is_exposed, u_contaminated < 0.02 as is_contaminated,
            1 + (u_variant >= 0.5)::int as variant_number,
            u_greets < 0.25 as is_greeted, u_converts < 0.06 as is_converted, u_rates < 0.12 as is_rated,
            u_handoff < 0.07 as is_handed_off, u_end, u_rating
        from drawn
    ),
    slots as (
        select *, unnest(range({_OPENING} + {_TURN} * turns + {_CLOSING})) as slot,
            slot - {_OPENING} - {_TURN} * turns as closing
        from conversations
    ),
    placed as (
        select *, (slot - {_OPENING}) // {_TURN} as turn,
            case when slot < {_OPENING} then 'opening' when closing >= 0 then 'closing' end as part,
            (slot - {_OPENING}) % {_TURN} as phase,
            {_uniform(population.seed, "number, slot", "event")} as u_event,
            {_uniform(population.seed, "number, slot", "detail")} as u_detail,
            {_uniform(population.seed, "number, slot", "late")} as u_late
        from slots
    ),
    typed as (
        select *,
            case
                when part = 'opening' then case slot
                    when 0 then 'conversation_started'
                    when 1 then case when is_exposed then 'experiment_exposure' end
                    when 2 then case when is_exposed and is_contaminated then 'experiment_exposure' end
                    when 3 then case when is_greeted then 'agent_message' end end
                when part = 'closing' then case closing
                    when 0 then case when is_converted then 'conversion' end
                    when 1 then case when is_rated then 'feedback_received' end
                    when 2 then case when is_handed_off then 'handoff_requested' end
                    when 3 then case
                        when u_end < 0.5 then 'conversation_ended'
                        when u_end < 0.7 then 'conversation_completed'
                        when u_end < 0.8 then 'conversation_abandoned' end end
                else case phase
                    when 0 then 'user_message'
                    when 1 then case when u_event < 0.25 then 'tool_called' end
                    when 2 then case when u_event < 0.06 then 'fallback_triggered' end
                    when 3 then case when u_event < 0.95 then 'agent_message' end
                    -- Most conversations go through the stages in order; the others return to earlier ones.
                    else case when u_event < 0.45 then
                        {_pick_stage()} end end
            end as event_type
        from placed
    ),
    replicated as (
        select typed.*, replica, case when replica = 0 then '' else '-r' || replica end as suffix
        from typed cross join (select unnest(range({population.replicas})) as replica)
        where event_type is not null
    )
    select
        '{population.prefix}e' || number || '-' || slot || suffix as event_id,
        '{population.prefix}c' || number || suffix as conversation_id,
        '{population.prefix}' || user_letter || user_number || suffix as user_id,
        event_type,
        channel,
        -- Clients that do not repeat their agent on every event.
        case when u_late < 0.9 then agent end as agent,
        device,
        language,
        started_at + to_milliseconds(slot * gap_ms + (u_detail * (gap_ms - 2))::bigint) as timestamp,
        slot as seq,
        case when event_type = 'tool_called' then 'lookup_order' end as tool_name,
        case when event_type = 'tool_called' then u_detail < 0.1 end as is_error,
        case when event_type = 'feedback_received' then (1 + (u_rating * 4.999)::int % 5)::varchar end as rating,
        case when event_type = 'feedback_received' then 'stars' end as rating_type,
        case when event_type = 'experiment_exposure' then '{TEST_NAME}' end as experiment_id,
        case when event_type = 'experiment_exposure' then
            -- Who sees two sees the other one second.
            list_value('{VARIANTS[0]}', '{VARIANTS[1]}')[if(slot = 2, 3 - variant_number, variant_number)]
        end as variant,
        case event_type
            when 'user_message' then {_text(_USER_TEXTS)}
            when 'agent_message' then {_text(_AGENT_TEXTS)}
        end as content,
        slot,
        day + if(u_late >= {1 - LATE_SHARE}, 1 + (u_detail * {LATEST_ARRIVAL - 1})::int, 0) as arrival_day
    from replicated
    """


_CONVERSATION_DRAWS = tuple(
    f"u_{name}"
    for name in (
        *("hour", "minute", "user", "anonymous", "agent", "channel", "device", "language", "turns", "long", "depth"),
        *("order", "gap", "exposed", "contaminated", "variant", "greets", "converts", "rates", "handoff", "end"),
        *("rating",),
    )
)


def land_days(
    raw_database: Path, populations: Sequence[Population], first_day: int, last_day: int, *, load_id: int
) -> int:
    """Insert what arrives on days `first_day` <= day < `last_day` as one load, and return how many events that are.

    The rows are those that landing inserts, without its price: files are measured by a letter of their own. What the
    redactor and the labellers have looked at is recorded, because a history has been through both.
    """
    inserted = 0
    with open_raw(raw_database) as connection:
        connection.execute("set threads = 2")
        for population in populations:
            earliest, latest = population.conversation_days(first_day, last_day)
            step = max(1, _AT_ONCE // (population.per_day * population.replicas))
            for start in range(earliest, latest, step):
                days = (start, min(start + step, latest))
                inserted += _insert(connection, population, days, (first_day, last_day), load_id)
        connection.execute(
            "insert into raw.loaded_files by name select $file as file, 'events' as source, $rows::bigint as lines, "
            "$rows::bigint as accepted, 0 as rejected, 0 as duplicates, 0 as reread, $load::bigint as load_id, "
            "0 as size_bytes, 0 as modified_ns, md5($file) as sha256, "
            "timestamp '2026-06-01' + to_minutes($load::int) as loaded_at",
            {"file": f"events/generated-{load_id:06}.jsonl", "rows": inserted, "load": load_id},
        )
        _record_progress(connection, load_id)
    return inserted


def _insert(
    connection: duckdb.DuckDBPyConnection,
    population: Population,
    days: tuple[int, int],
    arrival: tuple[int, int],
    load_id: int,
) -> int:
    """Insert the events of conversations of `days` that arrive within `arrival`, in time order, and count them."""
    connection.execute(
        f"create or replace temp table made as select * from ({landed_rows(population, *days)}) "
        f"where arrival_day >= {arrival[0]} and arrival_day < {arrival[1]} order by timestamp, event_id"
    )
    lineage = (
        f"{load_id}::bigint as _load_id, 'events/generated-{load_id:06}.jsonl' as _file, slot as _line, "
        f"timestamp '2026-06-01' + to_minutes({load_id}) as _loaded_at, md5_number_lower(event_id) as _event_hash, "
        "hash(event_id, event_type, timestamp) as _line_hash"
    )
    connection.execute(
        "insert into raw.events by name select * exclude (content, slot, arrival_day), "
        f"{_properties(with_content=False)} as properties, {lineage} from made"
    )
    connection.execute(
        "insert into raw.message_texts by name select 'events' as source, event_id, content, timestamp, "
        f"{load_id}::bigint as _load_id from made where content is not null"
    )
    row = connection.execute("select count(*) from made").fetchone()
    connection.execute("drop table made")
    return int(row[0]) if row else 0


def _record_progress(connection: duckdb.DuckDBPyConnection, load_id: int) -> None:
    for table in ("raw.redaction_progress", "ledger.labelling_progress", "ledger.message_labelling_progress"):
        connection.execute(f"delete from {table}")
    connection.execute("insert into raw.redaction_progress values (?, ?)", [REDACTOR_VERSION, load_id])
    connection.execute("insert into ledger.labelling_progress values (?)", [load_id])
    connection.execute("insert into ledger.message_labelling_progress values (?)", [load_id])


@dataclass(frozen=True)
class WrittenFile:
    """What stands in a file of events: its lines are `events` different ones, `duplicates` and `broken` ones."""

    path: Path
    events: int
    duplicates: int
    broken: int

    @property
    def size_bytes(self) -> int:
        """How much there is to read."""
        return self.path.stat().st_size


def write_file(
    path: Path, population: Population, first_day: int, last_day: int, *, is_clean: bool = False
) -> WrittenFile:
    """Write what arrives on days `first_day` <= day < `last_day` as JSON lines in time order.

    Unless `is_clean`, some lines come twice and some are broken off.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = landed_rows(population, *population.conversation_days(first_day, last_day))
    duplicate, broken = (0.0, 0.0) if is_clean else (DUPLICATE_SHARE, BROKEN_SHARE)
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(
            f"create temp table made as select *, {_line()} as line, "
            f"{_uniform(population.seed, 'event_id', 'sent')} as u_sent from ({rows}) "
            f"where arrival_day >= {first_day} and arrival_day < {last_day}"
        )
        # A file of lines is a CSV file of one column that nothing is quoted in.
        connection.execute(
            f"""copy (
                select line from (
                    select line, timestamp, event_id, 1 as copy from made
                    union all
                    select line, timestamp, event_id, 2 from made where u_sent < {duplicate}
                    union all
                    select line[:40], timestamp, event_id, 3 from made where u_sent >= 1 - {broken})
                order by timestamp, event_id, copy
            ) to '{path}' (format csv, header false, quote '', escape '', delimiter '\x01')"""
        )
        row = connection.execute(
            "select count(*), count(*) filter (where u_sent < $duplicate), "
            "count(*) filter (where u_sent >= 1 - $broken) from made",
            {"duplicate": duplicate, "broken": broken},
        ).fetchone()
    counts = row or (0, 0, 0)
    return WrittenFile(path, int(counts[0]), int(counts[1]), int(counts[2]))


def _line() -> str:
    """One event as its sender writes it: fields that say nothing are left out."""
    fields = ("event_id", "conversation_id", "user_id", "event_type", "channel", "agent", "device", "language")
    parts = [f"coalesce('\"{name}\":' || to_json({name}) || ',', '')" for name in fields]
    moment = 'strftime(timestamp, \'"timestamp":"%Y-%m-%dT%H:%M:%S.%gZ",\')'
    return f"'{{' || {' || '.join(parts)} || {moment} || '\"properties\":' || {_properties(with_content=True)} || '}}'"


def _properties(*, with_content: bool) -> str:
    """Return the free part of an event as JSON text; landing keeps the text of a message elsewhere."""
    names = ["tool_name", "is_error", "rating", "rating_type", "experiment_id", "variant"]
    names += ["content"] if with_content else []
    return " || ".join(
        ["'{\"seq\":' || seq", *(f"coalesce(',\"{name}\":' || to_json({name}), '')" for name in names), "'}'"]
    )


def _uniform(seed: int, key: str, purpose: str) -> str:
    """Return a number from 0 to below 1, drawn for a key and a purpose; 53 bits, so that the highest stays below 1.

    Hashed twice: the engine combines the hashes of several values by xor, and draws for two purposes would go together.
    """
    return f"(hash(hash({seed}, '{purpose}', {key})) >> 11)::double / {2**53}.0"


def _pick(draw: str, values: Sequence[str]) -> str:
    """Return one of the values, the first ones more often."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"list_value({listed})[1 + floor(pow({draw}, 1.5) * {len(values)})::int]"


def _pick_stage() -> str:
    """Return the stage event of a turn: as far as the turn is on its way, at most as deep as the conversation gets."""
    stages = ("problem_identified", "solution_proposed", "solution_accepted", "problem_resolved")
    listed = ", ".join(f"'{stage}'" for stage in stages)
    progress = "(turn + 0.5 * (phase - 4) + 0.5 * u_detail) / turns"
    place = f"case when is_shuffled then u_detail else {progress} end"
    return f"list_value({listed})[least(depth, 1 + floor({place} * 4)::int)]"


def _text(texts: Sequence[str]) -> str:
    listed = ", ".join(f"'{text}'" for text in texts)
    return f"list_value({listed})[1 + floor(u_event * 8 * 0.95)::int % 8] || ', number ' || (number % 9973)"
