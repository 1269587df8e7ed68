"""Takes lines apart in one SQL statement: fields, types, order of the checks, the first reason to refuse.

Input is the table `chunk(_line BIGINT, line VARCHAR)`, the result the temporary table `parsed` with one row per line:
_line, refusal (null when the line is an event so far), needs_role (its direction cannot be known), _event_hash,
_line_hash, the columns of raw.<source>, content and the clear addresses, which are replaced before anything is stored.
"""

import json

from orchestration.landing import reasons
from orchestration.landing.contracts import (
    ADDRESS_FIELDS,
    ENVIRONMENTS,
    FLOW_NAME_FIELDS,
    PROPERTY_COLUMNS,
    PROPERTY_DIMENSIONS,
    SourceContract,
    content_columns,
)
from orchestration.landing.lines import MAX_NESTING

_TIME = r"([01]\d|2[0-3]):[0-5]\d"
_OFFSET = r"(Z|[+-]\d\d(:?\d\d)?)?"
TIMESTAMP_PATTERN = rf"\d{{4}}-\d\d-\d\d[T ]{_TIME}(:[0-5]\d(\.\d+)?)?{_OFFSET}"
_NO_SECONDS_PATTERN = rf"(\d{{4}}-\d\d-\d\d[T ]{_TIME}){_OFFSET}"
# White space of JSON; ltrim alone takes away spaces only.
_WHITE = "' ' || chr(9) || chr(10) || chr(13)"


def parse_statement(contract: SourceContract) -> str:
    """Build the statement that makes `parsed`; binds $loaded_at (TIMESTAMP, UTC)."""
    steps = (
        ("read", _read(contract)),
        ("gathered", _gathered(contract)),
        ("merged", _merged(contract)),
        ("extracted", f"select *, from_json(document, {_structure(_property_fields(contract))}) as p from merged"),
        ("named", _named(contract)),
        ("judged", _judged(contract)),
    )
    ctes = ",\n".join(f"{name} as ({query})" for name, query in steps)
    return f"create or replace temp table parsed as with {ctes} {_result(contract)}"


def address_columns(contract: SourceContract) -> tuple[str, ...]:
    """Columns of `parsed` with clear addresses: address_<field>, and top_address for a source's own field."""
    inside = tuple(f"address_{name}" for name in ADDRESS_FIELDS)
    return inside if contract.address_field is None else ("top_address", *inside)


def text(value: str) -> str:
    """Quote a SQL string literal: names of contracts and paths; values of lines are bound, never put into SQL."""
    return "'" + value.replace("'", "''") + "'"


def _opens_object(name: str) -> str:
    # ltrim walks and copies the whole text, so only the rare line that starts with white space pays for it.
    return f"""(starts_with({name}, '{{') or
            case when ord({name}) <= 32 then starts_with(ltrim({name}, {_WHITE}), '{{') else false end)"""


def _structure(fields: dict[str, str]) -> str:
    return text(json.dumps(fields))


def _nulls(fields: tuple[str, ...]) -> str:
    """Write a merge patch (RFC 7396) that takes these fields away."""
    return text(json.dumps(dict.fromkeys(fields)))


def _property_fields(contract: SourceContract) -> dict[str, str]:
    typed = {name: "VARCHAR" if kind == "BIGINT" else kind for name, kind in PROPERTY_COLUMNS.items()}
    others = (*FLOW_NAME_FIELDS, *PROPERTY_DIMENSIONS, *ADDRESS_FIELDS, "content")
    typed |= dict.fromkeys(others, "VARCHAR")
    return typed | ({"message_id": "VARCHAR"} if contract.id_from_message else {})


def _read(contract: SourceContract) -> str:
    fields = dict.fromkeys(contract.known_fields, "VARCHAR")
    if contract.object_field is not None:
        fields[contract.object_field] = "JSON"
    # from_json throws on a malformed line; try() turns that into null for the line alone.
    return f"""
        select _line, line, {_opens_object("line")} as is_object,
            try(from_json(line, {_structure(fields)})) as d
        from chunk"""


def _gathered(contract: SourceContract) -> str:
    """Add `own_properties` (JSON object or null), `has_stray` (properties that are none) and `has_unknown`."""
    known = ", ".join(text(name) for name in contract.known_fields)
    # An alias beside a filled field of its own would be lost: it counts as unknown and moves into the properties.
    doubled = "".join(
        f" or (nullif(d.{column}, '') is not null and d.{name} is not null)"
        for column, names in contract.aliases.items()
        for name in names
    )
    # Counting is ten times cheaper than comparing names, and enough for a line whose known fields are all filled.
    filled = " + ".join(f"(d.{name} is not null)::tinyint" for name in contract.known_fields)
    has_unknown = f"""case when d is null or not is_object then false
                when len(json_keys(line)) > {filled} then not list_has_all([{known}], json_keys(line)) else false
                end{doubled}"""
    if contract.object_field is None:
        return f"select *, null as own_properties, false as has_stray, {has_unknown} as has_unknown from read"
    raw = f"d.{contract.object_field}"
    inner = f"({raw} ->> '$')"
    depth = f"strlen({inner}) - strlen(replace(replace({inner}, '[', ''), '{{', ''))"
    quoted = (
        f"when starts_with({raw}, '\"') then case when {_opens_object(inner)} and json_valid({inner}) then {inner} end"
    )
    return f"""
        select *,
            case when starts_with({raw}, '{{') then {raw} {quoted} end as own_properties,
            {raw} is not null and {raw} <> 'null' and own_properties is null as has_stray,
            case when starts_with({raw}, '"') then case when own_properties is not null
                then {depth} > {MAX_NESTING} end else false end as is_too_deep,
            {has_unknown} as has_unknown
        from read"""


def _merged(contract: SourceContract) -> str:
    """Add `document`: the properties with everything that has no place of its own moved in; theirs win."""
    fixed = tuple(name for name in contract.known_fields if name not in _alias_fields(contract))
    used_aliases = "".join(
        f", case when nullif(d.{column}, '') is null then {_nulls(names)} else '{{}}' end"
        for column, names in contract.aliases.items()
    )
    unknown = f"json_merge_patch(line, {_nulls(fixed)}{used_aliases})"
    stray = "'{}'"
    if contract.object_field is not None:
        stray = f"""case when has_stray then '{{"{contract.object_field}":' || d.{contract.object_field} || '}}'
            else '{{}}' end"""
    return f"""
        select *,
            case when has_unknown or has_stray
                then json_merge_patch(case when has_unknown then {unknown} else '{{}}' end,
                    {stray}, coalesce(own_properties, '{{}}'))
                else coalesce(own_properties, '{{}}') end as document
        from gathered"""


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
    # A column that the properties may carry as well is one column; the top level says it first.
    inside = (f"p.{column}",) if column in PROPERTY_COLUMNS else ()
    candidates = [f"d.{name}" for name in contract.candidates(column)]
    if column in (contract.user, contract.conversation) or len(candidates) > 1 or inside:
        candidates = [f"nullif({name}, '')" for name in candidates]
    return f"coalesce({', '.join((*candidates, *inside))})"


def _event_type(contract: SourceContract) -> str:
    if contract.fixed_event_type is not None:
        return text(contract.fixed_event_type)
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
        in_object = text(json.dumps({name: dict.fromkeys(ADDRESS_FIELDS)}))
        cases = f"""
            when has_address_inside and left(d.{name}, 1) = '{{' then json_merge_patch(line, {top}, {in_object})
            when has_address_inside and own_properties is not null then json_merge_patch(line,
                {_nulls((*ADDRESS_FIELDS, name))}, '{{"{name}":' || properties || '}}')"""
    return f"""(case {cases}
            when has_address_inside or top_address is not null then json_merge_patch(line, {top})
            else json(line) end)"""


def _judged(contract: SourceContract) -> str:
    """Add event_id, timestamp (UTC), the direction's row and `refusal`, the first failing check."""
    environments = ", ".join(text(name) for name in ENVIRONMENTS)
    top = "environment" if "environment" in contract.columns else "null"
    too_deep = "is_too_deep" if contract.object_field is not None else "false"
    return f"""
        select *, {_event_id(contract)} as event_id,
            case when regexp_full_match(said_at, '{TIMESTAMP_PATTERN}') then try_cast(
                case when regexp_full_match(said_at, '{_NO_SECONDS_PATTERN}')
                    then regexp_replace(said_at, '^(.{{16}})(.*)$', '\\1:00\\2') else said_at end
                as timestamptz) end at time zone 'UTC' as timestamp,
            case
                when is_object and d is null then '{reasons.MALFORMED_JSON}'
                when not is_object and not json_valid(line) then '{reasons.MALFORMED_JSON}'
                when not is_object then '{reasons.NOT_AN_OBJECT}'
                when {too_deep} then '{reasons.MALFORMED_JSON}'
                when event_id is null or event_id = '' then '{reasons.MISSING_EVENT_ID}'
                when coalesce({contract.conversation}, '') = '' then '{reasons.MISSING_CONVERSATION_ID}'
                when coalesce(event_type, '') = '' then '{reasons.MISSING_EVENT_TYPE}'
                when timestamp is null then '{reasons.BAD_TIMESTAMP}'
                when timestamp < timestamp '2000-01-01' or timestamp > $loaded_at + interval 1 day
                    then '{reasons.TIMESTAMP_OUT_OF_RANGE}'
                when nullif({top}, '') not in ({environments}) or nullif(p.environment, '') not in ({environments})
                    then '{reasons.UNKNOWN_ENVIRONMENT}'
            end as refusal
        from named"""


def _result(contract: SourceContract) -> str:
    own = {"event_id", "timestamp", "properties", "customer_ip_hash", *contract.columns}
    columns = [_extracted(name) if name not in own else name for name in content_columns(contract)]
    columns = ["null::varchar as customer_ip_hash" if name == "customer_ip_hash" else name for name in columns]
    said = "nullif(trim(role), '')" if "role" in contract.columns else "nullif(trim(p.role), '')"
    # Of the minified content without addresses. Only a short cut: where it differs, the content itself is compared, so
    # that it need not stay the same over versions of DuckDB; md5 here would cost as much as reading the JSON twice.
    hashed = ", ".join([*contract.columns, "said_at", "properties", "content"])
    return f"""
        select judged._line, refusal,
            m.message_type is not null and coalesce(r.sender_word,
                case when coalesce({said}, nullif(trim(p.sender), '')) is null then m.sender_role end) is null
                as needs_role,
            md5_number_lower(event_id) as _event_hash, hash({hashed}) as _line_hash,
            {", ".join(columns)}, content, {", ".join(address_columns(contract))}
        from judged
        left join message_types as m on m.message_type = judged.event_type
        left join sender_roles as r on r.sender_word = lower(coalesce({said}, nullif(trim(p.sender), '')))"""


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
