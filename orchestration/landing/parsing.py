"""Takes lines apart in one SQL statement: fields, types, order of the checks, the first reason to refuse.

Input is the table `chunk(_row, _file_no, _line, line)`, the lines of one file or several; the result is the temporary
table `parsed`, one row per line: _row, _file_no, _line, refusal (null when the line is an event so far), needs_role
(its direction cannot be known), _event_hash, _line_hash, the columns of raw.<source>, content and the clear addresses,
which are replaced before anything is stored.
"""

import json
from collections.abc import Iterable
from itertools import combinations

from orchestration.configuration.sources import TimeFormat
from orchestration.landing import reasons
from orchestration.landing.directions import Directions
from orchestration.landing.lines import MAX_NESTING
from orchestration.warehouse.quoting import text_literal
from orchestration.warehouse.source_contracts import (
    ADDRESS_FIELDS,
    ENVIRONMENTS,
    FLOW_NAME_FIELDS,
    PROPERTY_COLUMNS,
    PROPERTY_DIMENSIONS,
    SourceContract,
    content_columns,
)

_TIME = r"([01]\d|2[0-3]):[0-5]\d"
# No place on earth is further from UTC than 14 hours.
_OFFSET = r"(Z|[+-](0\d|1[0-3])(:?[0-5]\d)?|[+-]14(:?00)?)?"
TIMESTAMP_PATTERN = rf"\d{{4}}-\d\d-\d\d[T ]{_TIME}(:[0-5]\d(\.\d+)?)?{_OFFSET}"
# Since 1970 in UTC, for a source that counts so; of 15 digits no product overflows.
_NUMBER = r"\d{1,15}(\.\d{1,9})?"
_MICROSECONDS: dict[TimeFormat, int] = {"epoch_seconds": 1_000_000, "epoch_milliseconds": 1_000}
# A top-level field that the properties have as well goes here, so that neither is lost.
OUTER_NAME = "top_level"
# Longer ones are texts or mistakes: every id is searched for when a person is erased.
MAX_ID_BYTES = 512
# White space of JSON; ltrim alone takes away spaces only.
_WHITE = "' ' || chr(9) || chr(10) || chr(13)"


def parse_statement(contract: SourceContract, directions: Directions, strays: tuple[str, ...] = ()) -> str:
    """Build the statement that makes `parsed`; binds $loaded_at (TIMESTAMP, UTC).

    `strays` are unknown top-level fields that many lines have, plain names: these lines are taken apart faster.
    """
    steps = (
        ("read", _read(contract, strays)),
        ("opened", _opened(contract)),
        ("counted", _counted(contract, strays)),
        ("gathered", _gathered(contract)),
        ("moved", _moved(contract, strays)),
        ("merged", _merged(contract)),
        ("extracted", _extracted_properties(contract)),
        ("named", _named(contract)),
        ("timed", _timed(contract, directions)),
    )
    ctes = ",\n".join(f"{name} as ({query})" for name, query in steps)
    return f"create or replace temp table parsed as with {ctes} {_result(contract, directions)}"


def address_columns(contract: SourceContract) -> tuple[str, ...]:
    """Columns of `parsed` with clear addresses: address_<field>, and top_address for a source's own field."""
    inside = tuple(f"address_{name}" for name in ADDRESS_FIELDS)
    return inside if contract.address_field is None else ("top_address", *inside)


def _opens_object(name: str) -> str:
    # ltrim walks and copies the whole text, so only the rare line that starts with white space pays for it.
    return f"""(starts_with({name}, '{{') or
            case when ord({name}) <= 32 then starts_with(ltrim({name}, {_WHITE}), '{{') else false end)"""


def _structure(fields: dict[str, str]) -> str:
    return text_literal(json.dumps(fields))


def _nulls(fields: tuple[str, ...]) -> str:
    """Write a merge patch (RFC 7396) that takes these fields away."""
    return text_literal(json.dumps(dict.fromkeys(fields)))


def _property_fields(contract: SourceContract) -> dict[str, str]:
    typed = {name: "VARCHAR" if kind == "BIGINT" else kind for name, kind in PROPERTY_COLUMNS.items()}
    others = (*FLOW_NAME_FIELDS, *PROPERTY_DIMENSIONS, *ADDRESS_FIELDS, "content")
    typed |= dict.fromkeys(others, "VARCHAR")
    return typed | ({"message_id": "VARCHAR"} if contract.id_from_message else {})


def _read(contract: SourceContract, strays: tuple[str, ...]) -> str:
    fields = dict.fromkeys(contract.known_fields, "VARCHAR") | dict.fromkeys(strays, "JSON")
    if contract.object_field is not None:
        fields[contract.object_field] = "JSON"
    # from_json throws on a malformed line; try() turns that into null, at the cost of going row by row through the two
    # thousand lines around it, so that the lines it would throw for are kept from it.
    return f"""
        select _row, _file_no, _line, line, is_object,
            case when is_object and is_valid then try(from_json(line, {_structure(fields)})) end as d, is_valid
        from (select *, {_opens_object("line")} as is_object, json_valid(line) as is_valid from chunk)"""


def _opened(contract: SourceContract) -> str:
    """Add `keys` (null unless the line is an object), and `raw`, the properties as sent, `inner` if they are a string.

    Each layer computes what the next one uses more than once: DuckDB repeats an expression that stands twice in a case.
    """
    raw = "null" if contract.object_field is None else f"d.{contract.object_field}"
    return f"""
        select *, case when is_object and d is not null then json_keys(line) end as keys, {raw} as raw,
            case when starts_with({raw}, '"') then {raw} ->> '$' end as inner_text
        from read"""


def _counted(contract: SourceContract, strays: tuple[str, ...]) -> str:
    """Add `has_more`: more fields than the known ones that are filled; `has_doubled`: an alias next to a filled column.

    And `is_listed`: what it has more are `strays`, filled, each once and in their order. Counting is ten times cheaper
    than comparing names, and enough for a line whose fields are all filled.
    """
    # An alias next to a filled field of its own would be lost: it counts as unknown and moves into the properties.
    doubled = " or ".join(
        f"(nullif(d.{column}, '') is not null and d.{name} is not null)"
        for column, names in contract.aliases.items()
        for name in names
    )
    known = " + ".join(f"(d.{name} is not null)::tinyint" for name in contract.known_fields)
    listed = " + ".join(f"""(d."{name}" is not null)::tinyint""" for name in strays)
    in_order = "".join(
        f" and coalesce(list_position(keys, {text_literal(one)}) < list_position(keys, {text_literal(other)}), true)"
        for one, other in combinations(strays, 2)
    )
    is_listed = f"has_more and not has_doubled and len(keys) = known_count + {listed}{in_order}" if strays else "false"
    return f"""
        select *, coalesce({is_listed}, false) as is_listed
        from (select *, keys is not null and len(keys) > known_count as has_more
            from (select *, {known} as known_count, {doubled or "false"} as has_doubled from opened))"""


def _gathered(contract: SourceContract) -> str:
    """Add `own_properties` (JSON object or null), `has_stray` (properties that are none), `has_unknown`, `is_too_deep`.

    And `is_repeated`: a line that names a top-level field twice is refused. Which one is meant cannot be known.
    """
    known = ", ".join(text_literal(name) for name in contract.known_fields)
    has_unknown = f"""case when is_listed then true when has_more then not list_has_all([{known}], keys) else false end
                or has_doubled"""
    is_repeated = "case when has_more and not is_listed then len(keys) > len(list_distinct(keys)) else false end"
    if contract.object_field is None:
        return f"""
            select *, null as own_properties, false as has_stray, {has_unknown} as has_unknown,
                {is_repeated} as is_repeated, false as is_too_deep
            from counted"""
    depth = "strlen(inner_text) - strlen(replace(replace(inner_text, '[', ''), '{', ''))"
    is_inner = f"inner_text is not null and {_opens_object('inner_text')} and json_valid(inner_text)"
    is_own = f"case when starts_with(raw, '{{') then true else {is_inner} end"
    return f"""
        select *,
            case when starts_with(raw, '{{') then raw::varchar when {is_inner} then inner_text end as own_properties,
            raw is not null and raw <> 'null' and not {is_own} as has_stray,
            {has_unknown} as has_unknown,
            {is_repeated} as is_repeated,
            case when {is_inner} then {depth} > {MAX_NESTING} else false end as is_too_deep
        from counted"""


def _moved(contract: SourceContract, strays: tuple[str, ...]) -> str:
    """Add `outer_fields`, what has no place of its own as a JSON object, and `shared`, the names properties have too.

    Fields are only ever taken away by a merge patch: merged in, those without a value would vanish.
    """
    fixed = tuple(name for name in contract.known_fields if name not in _alias_fields(contract))
    used_aliases = "".join(
        f", case when nullif(d.{column}, '') is null or d.{name} is null then {_nulls((name,))} else '{{}}' end"
        for column, names in contract.aliases.items()
        for name in names
    )
    listed = ", ".join(f"""'"{name}":' || d."{name}"::varchar""" for name in strays)
    from_strays = f"when is_listed then '{{' || concat_ws(',', {listed}) || '}}'" if strays else ""
    # Properties sent as an object are spelled in one way, so that a name they lack is nowhere in their text.
    is_apart = " and ".join(
        ("is_listed", "inner_text is null", *(f"not contains(own_properties, '\"{name}\"')" for name in strays))
    )
    return f"""
        select *,
            case when has_unknown and own_properties is not null and not ({is_apart})
                then list_intersect(json_keys(outer_fields), json_keys(own_properties)) end as shared
        from (select *,
            case {from_strays}
                when has_unknown then json_merge_patch(line, {_nulls(fixed)}{used_aliases})::varchar end
                as outer_fields
            from gathered)"""


def _merged(contract: SourceContract) -> str:
    """Add `document`: the properties, then the unknown top-level fields; those of a name both have stand apart."""
    addresses = f"[{', '.join(text_literal(name) for name in ADDRESS_FIELDS)}]"
    # An address that both have is kept once, in the properties, where it is found and hashed.
    kept = f"list_filter(shared, lambda name: not list_contains({addresses}, name))"
    members = [
        _members("case when inner_text is null then own_properties else json(own_properties)::varchar end"),
        _members(f"case when len(shared) > 0 then {_without('outer_fields', 'shared')} else outer_fields end"),
        f"""case when len(shared) > 0 then case when len({kept}) > 0 then '"{OUTER_NAME}":' || {
            _without(
                "outer_fields", f"list_filter(json_keys(outer_fields), lambda name: not list_contains({kept}, name))"
            )
        } end end""",
    ]
    if contract.object_field is not None:
        members.append(f"""case when has_stray then '"{contract.object_field}":' || raw end""")
    return f"""
        select *,
            case when has_unknown or has_stray then '{{' || concat_ws(',', {", ".join(members)}) || '}}'
                else coalesce(own_properties, '{{}}') end as document
        from moved"""


def _extracted_properties(contract: SourceContract) -> str:
    """Add `p`, the properties that have a column, and `document_keys`, the names of all."""
    fields = _structure(_property_fields(contract))
    return f"select *, from_json(document, {fields}) as p, json_keys(document) as document_keys from merged"


def _members(value: str) -> str:
    """Write what stands between the brackets of a minified JSON object, null when it is nothing."""
    return f"nullif(substr({value}, 2, length({value}) - 2), '')"


def _without(value: str, names: str) -> str:
    """Write a JSON object without the fields in a list of names."""
    fields = f"list_transform({names}, lambda name: to_json(name)::varchar || ':null')"
    return f"json_merge_patch({value}, '{{' || array_to_string({fields}, ',') || '}}')::varchar"


def _alias_fields(contract: SourceContract) -> set[str]:
    return {name for names in contract.aliases.values() for name in names}


def _named(contract: SourceContract) -> str:
    """Add the columns of the source by their own names, as text, and `said_at`, the timestamp as text."""
    columns = [f"{_first(contract, name)} as {name}" for name in contract.columns if name != "event_type"]
    columns.append(f"{_event_type(contract)} as event_type")
    columns.append(f"{_first(contract, 'timestamp')} as said_at")
    columns.extend(f"p.{name} as address_{name}" for name in ADDRESS_FIELDS)
    top = "null" if contract.address_field is None else f"d.{contract.address_field}"
    content = "p.content" if contract.content_field is None else f"coalesce(d.{contract.content_field}, p.content)"
    has_inside = " or ".join(f"p.{name} is not null" for name in ADDRESS_FIELDS)
    taken_away = _nulls(("content", *ADDRESS_FIELDS))
    return f"""
        select *, {", ".join(columns)}, {top} as top_address, {content} as content,
            ({has_inside}) as has_address_inside,
            case when p.content is not null or {has_inside}
                then json_merge_patch(document, {taken_away}) else document end as properties
        from extracted"""


def _first(contract: SourceContract, column: str) -> str:
    if column == "event_type":
        return _event_type(contract)
    # A column that the properties may carry as well is one column; the top level takes precedence.
    inside = (f"p.{column}",) if column in PROPERTY_COLUMNS else ()
    candidates = [f"d.{name}" for name in contract.candidates(column)]
    if column in (contract.user, contract.conversation) or len(candidates) > 1 or inside:
        candidates = [f"nullif({name}, '')" for name in candidates]
    return f"coalesce({', '.join((*candidates, *inside))})"


def _event_type(contract: SourceContract) -> str:
    if contract.fixed_event_type is not None:
        return text_literal(contract.fixed_event_type)
    if not contract.has_untyped_lines:
        return "d.event_type"
    is_message = "nullif(coalesce(nullif(d.role, ''), p.role), '') is not null and d.content is not null"
    return f"""coalesce(nullif(d.event_type, ''),
        case when {is_message} then 'message' else 'interaction_initialized' end)"""


def _event_id(contract: SourceContract) -> str:
    if contract.id_field is not None:
        return f"d.{contract.id_field}"
    by_line = f"case when is_object and d is not null then sha256({_line_without_addresses(contract)}) end"
    if contract.id_from_message:
        message = "case when d.event_type = 'message_received' then nullif(p.message_id, '') end"
        return f"coalesce({message}, {by_line})"
    return by_line


def _line_without_addresses(contract: SourceContract) -> str:
    """Give the minified line an id is made of. A hash over a clear address could be turned back by trying them all."""
    top = _nulls(ADDRESS_FIELDS)
    cases = ""
    if contract.object_field is not None:
        name = contract.object_field
        in_object = text_literal(json.dumps({name: dict.fromkeys(ADDRESS_FIELDS)}))
        cases = f"""
            when has_address_inside and left(raw, 1) = '{{' then json_merge_patch(line, {top}, {in_object})
            when has_address_inside and own_properties is not null then json_merge_patch(line,
                {_nulls((*ADDRESS_FIELDS, name))}, '{{"{name}":' || properties || '}}')"""
    return f"""(case {cases}
            when has_address_inside or top_address is not null then json_merge_patch(line, {top})
            else json(line) end)"""


def _timed(contract: SourceContract, directions: Directions) -> str:
    """Add event_id, timestamp (UTC), and `said`, the word for the sender."""
    said = "nullif(trim(role), '')" if "role" in contract.columns else "nullif(trim(p.role), '')"
    time_format = directions.time_formats.get(contract.name)
    counted = ""
    if time_format is not None:
        micros = _MICROSECONDS[time_format]
        counted = f"""
                when regexp_full_match(said_at, '{_NUMBER}')
                    then cast(round(cast(said_at as decimal(38, 9)) * {micros}) as bigint)"""
    return f"""
        select *, {_event_id(contract)} as event_id, coalesce({said}, nullif(trim(p.sender), '')) as said,
            make_timestamp(case
                when regexp_full_match(said_at, '{TIMESTAMP_PATTERN}') then epoch_us(try_cast(
                    case when substr(said_at, 17, 1) = ':' then said_at
                        else left(said_at, 16) || ':00' || substr(said_at, 17) end
                    as timestamptz)){counted}
            end) as timestamp
        from named"""


def _refusal(contract: SourceContract) -> str:
    """Write the first failing check."""
    environments = ", ".join(text_literal(name) for name in ENVIRONMENTS)
    top = "environment" if "environment" in contract.columns else "null"
    return f"""
            case
                when is_object and d is null then '{reasons.MALFORMED_JSON}'
                when not is_valid then '{reasons.MALFORMED_JSON}'
                when not is_object then '{reasons.NOT_AN_OBJECT}'
                when is_too_deep then '{reasons.MALFORMED_JSON}'
                when is_repeated or len(document_keys) > len(list_distinct(document_keys))
                    then '{reasons.DUPLICATE_KEY}'
                when event_id is null or event_id = '' then '{reasons.MISSING_EVENT_ID}'
                when coalesce({contract.conversation}, '') = '' then '{reasons.MISSING_CONVERSATION_ID}'
                when {_has_long_id(contract)} then '{reasons.ID_TOO_LONG}'
                when coalesce(event_type, '') = '' then '{reasons.MISSING_EVENT_TYPE}'
                when timestamp is null then '{reasons.BAD_TIMESTAMP}'
                when timestamp < timestamp '2000-01-01' or timestamp > $loaded_at + interval 1 day
                    then '{reasons.TIMESTAMP_OUT_OF_RANGE}'
                when lower(nullif({top}, '')) not in ({environments})
                    or lower(nullif(p.environment, '')) not in ({environments})
                    then '{reasons.UNKNOWN_ENVIRONMENT}'
                when {_has_no_variant(contract)} then '{reasons.MISSING_VARIANT}'
            end"""


def _has_no_variant(contract: SourceContract) -> str:
    """Write whether an exposure names no test or no variant; only a source of exposures has these columns."""
    columns = [name for name in ("test_name", "variant") if name in contract.columns]
    return " or ".join(f"coalesce(trim({name}), '') = ''" for name in columns) or "false"


def _has_long_id(contract: SourceContract) -> str:
    """Write whether an id has more than MAX_ID_BYTES; some sources have the user in the properties."""
    user = contract.user or """case when contains(properties, '"user_id"') then properties ->> '$."user_id"' end"""
    ids = ("event_id", contract.conversation, user)
    return " or ".join(f"strlen({one}) > {MAX_ID_BYTES}" for one in ids)


def _needs_role(contract: SourceContract, directions: Directions) -> str:
    """Write whether an event is a message whose sender cannot be known."""
    types = directions.types_of(contract.name)
    roles = _texts(directions.roles)
    has_default = f"event_type in ({_texts(name for name, role in types.items() if role)})"
    return f"""case when event_type in ({_texts(types)})
                then case when said is null then not {has_default} else lower(said) not in ({roles}) end
                else false end"""


def _texts(values: Iterable[str]) -> str:
    # Never empty, which SQL does not allow: no type and no word for a sender is the empty string.
    return ", ".join(text_literal(value) for value in (*values, ""))


def _result(contract: SourceContract, directions: Directions) -> str:
    own = {"event_id", "timestamp", "properties", "customer_ip_hash", *contract.columns}
    columns = [_extracted(name) if name not in own else name for name in content_columns(contract)]
    columns = ["null::varchar as customer_ip_hash" if name == "customer_ip_hash" else name for name in columns]
    # Of the minified content without addresses. Only a short cut: where it differs, the content itself is compared, so
    # that it need not stay the same over versions of DuckDB; md5 here would cost as much as reading the JSON twice.
    hashed = ", ".join([*contract.columns, "said_at", "properties", "content"])
    return f"""
        select _row, _file_no, _line,
            {_refusal(contract)} as refusal, {_needs_role(contract, directions)} as needs_role,
            md5_number_lower(event_id) as _event_hash, hash({hashed}) as _line_hash,
            {", ".join(columns)}, content, {", ".join(address_columns(contract))}
        from timed"""


def _extracted(name: str) -> str:
    if name.startswith("property_"):
        return f"p.{name.removeprefix('property_')} as {name}"
    if name == "flow_name":
        return f"coalesce({', '.join(f'p.{field}' for field in FLOW_NAME_FIELDS)}) as flow_name"
    if PROPERTY_COLUMNS[name] == "BIGINT":
        # A cast would round 1.5 to 2; what is no whole number is none.
        return f"case when not contains(p.{name}, '.') then try_cast(p.{name} as bigint) end as {name}"
    if PROPERTY_COLUMNS[name] == "DOUBLE":
        return f"case when isfinite(p.{name}) then p.{name} end as {name}"
    return f"p.{name} as {name}"
