"""Events as one SQL query: skewed, with late ones, the same for the same arguments.

A conversation is a number; everything about it and its events is drawn by hashing that number. Conversations are
numbered in time order, so that any day is made without the others.
"""

from collections.abc import Sequence

from tests.benchmarks.generator.population import LATEST_ARRIVAL, Population

FIRST_DAY = "2025-01-01"
LATE_SHARE = 0.005
CHANNELS = ("web", "app", "email", "phone")
TEST_NAME = "opening"
VARIANTS = ("plain", "friendly")

# Slots before the first turn, in each turn, and behind the last one; a slot holds one event or none.
_OPENING, _TURN, _CLOSING = 4, 6, 4
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
            {", ".join(f"{uniform(population.seed, 'number', name)} as {name}" for name in _CONVERSATION_DRAWS)}
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
            {uniform(population.seed, "number, slot", "event")} as u_event,
            {uniform(population.seed, "number, slot", "detail")} as u_detail,
            {uniform(population.seed, "number, slot", "late")} as u_late
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
            -- A user with two variants sees the other one second.
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


def properties(*, with_content: bool) -> str:
    """Return the free part of an event as JSON text; landing keeps the text of a message elsewhere."""
    names = ["tool_name", "is_error", "rating", "rating_type", "experiment_id", "variant"]
    names += ["content"] if with_content else []
    return " || ".join(
        ["'{\"seq\":' || seq", *(f"coalesce(',\"{name}\":' || to_json({name}), '')" for name in names), "'}'"]
    )


def uniform(seed: int, key: str, purpose: str) -> str:
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
