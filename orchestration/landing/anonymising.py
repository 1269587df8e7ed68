"""Removes a person's texts and identity from rows; what the models count stays.

Used at landing over the rows about to land, and over stored rows by erasure and retention, so that a line sent again
is compared with its row as it would now be written.
"""

from collections.abc import Callable

import duckdb
import pandas as pd

from orchestration.configuration.kept import Kept
from orchestration.landing.fixed_strings import FixedStrings
from orchestration.landing.suppression import DISTINCTIVE_LETTERS, Suppressions
from orchestration.warehouse.quoting import text_literal
from orchestration.warehouse.source_contracts import SourceContract, content_columns

# Captions are typed but free; an address is a person's.
_FREE_COLUMNS = ("button", "customer_ip_hash")
# Ids are often built from other ids, and paths lead to people.
_HOLDS_SHORT_IDS = ("event_id", "page_url")
# Words of the event format: an id may be one of them, and they are counted.
VOCABULARY = ("event_type", "environment", "role", "sender", "property_environment")


def user_of(contract: SourceContract) -> str:
    """Return the SQL expression of a row's user: a column, else the property the staging model reads."""
    return contract.user or """nullif(json_extract_string(properties, '$."user_id"'), '')"""


def stripped_columns(contract: SourceContract, kept: Kept) -> dict[str, str]:
    """Return columns with the SQL expression of what stays of them without free properties.

    Of the properties and reasons stay those that the configuration names: numbers are computed from them. `_line_hash`
    becomes null: there is no content left that another line could contradict.
    """
    columns = {name: "null" for name in _FREE_COLUMNS if name in content_columns(contract)}
    reasons = ", ".join(text_literal(reason) for reason in kept.reasons)
    columns["reason"] = f"case when lower(trim(reason)) in ({reasons}) then reason end" if reasons else "null"
    # Of a page the marts show the path alone.
    columns["page_url"] = f"case when page_url = '' then '' else {_path('page_url')} end"
    names = kept.properties if contract.user is not None else (*kept.properties, "user_id")
    fields = ", ".join(
        f"""{text_literal(name)}, json_extract(properties, {text_literal(f'$."{name}"')})"""
        for name in dict.fromkeys(names)
    )
    columns["properties"] = f"json_merge_patch('{{}}', json_object({fields}))" if fields else "'{}'"
    return columns | {"_line_hash": "null"}


def _path(url: str) -> str:
    """Write what macros/dialect/url_path.sql makes of a URL; it makes the same of the result."""
    path = f"regexp_replace({url}, '^[A-Za-z][A-Za-z0-9+.-]*:([^/]|$)[\\s\\S]*$', '/')"
    path = f"regexp_replace({path}, '^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*', '')"
    path = f"regexp_replace({path}, '[?#][\\s\\S]*$', '')"
    return f"coalesce(nullif({path}, ''), case when {url} is not null then '/' end)"


def anonymise(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    contract: SourceContract,
    suppressions: Suppressions,
    kept: Kept,
    *,
    has_content: bool,
) -> int:
    """Take ids, texts and free properties out of the rows of a temporary table that belong to a person on the list.

    The table has the columns of raw.<source>; with `has_content` also the texts. Returns the number of these rows.
    """
    conversation = contract.conversation
    pairs = connection.execute(
        f"select distinct {conversation}, {user_of(contract)} from {table} where {conversation} <> ''"
    ).fetchall()
    conversations, users = suppressions.belonging(contract.name, pairs)
    if not conversations:
        return 0
    connection.register("forgotten_conversations", _mapping(conversations))
    changes = stripped_columns(contract, kept) | ({"content": "null"} if has_content else {})
    changed = connection.execute(
        f"update {table} set {', '.join(f'{name} = {value}' for name, value in changes.items())} "
        f"where {conversation} in (select old from forgotten_conversations)"
    ).fetchall()
    _replace_users(connection, table, contract, users)
    clear = {
        one: new
        for one, new in (users | conversations).items()
        if len(one) >= DISTINCTIVE_LETTERS and not one.isalpha()
    }
    in_other_spellings = FixedStrings(clear, is_own_text=True)

    def replaced(value: str, shortest: int) -> str:
        return in_other_spellings.replace(suppressions.replace_ids(value, shortest=shortest), clear)

    for name, kind in content_columns(contract).items():
        if kind in {"VARCHAR", "JSON"} and name not in {conversation, contract.user, *VOCABULARY}:
            _replace_mentions(connection, table, contract, replaced, name)
    connection.execute(
        f"update {table} set {conversation} = f.new from forgotten_conversations as f where {conversation} = f.old"
    )
    connection.unregister("forgotten_conversations")
    return int(changed[0][0])


def _mapping(values: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"old": list(values), "new": list(values.values())}, dtype=object)


def _replace_users(
    connection: duckdb.DuckDBPyConnection, table: str, contract: SourceContract, users: dict[str, str]
) -> None:
    if not users:
        return
    change = (
        f"{contract.user} = u.new"
        if contract.user is not None
        else "properties = json_merge_patch(properties, json_object('user_id', u.new))"
    )
    connection.register("forgotten_users", _mapping(users))
    connection.execute(f"update {table} set {change} from forgotten_users as u where {user_of(contract)} = u.old")
    connection.unregister("forgotten_users")


def _replace_mentions(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    contract: SourceContract,
    replaced: Callable[[str, int], str],
    name: str,
) -> None:
    shortest = 1 if name in _HOLDS_SHORT_IDS else DISTINCTIVE_LETTERS
    values = connection.execute(
        f"""select distinct {name}::varchar from {table}
        where {name} is not null and {contract.conversation} in (select old from forgotten_conversations)"""
    ).fetchall()
    mentions = {value: new for (value,) in values if (new := replaced(value, shortest)) != value}
    if not mentions:
        return
    hashed = ", _event_hash = md5_number_lower(m.new)" if name == "event_id" else ""
    connection.register("mentions", _mapping(mentions))
    connection.execute(
        f"""update {table} set {name} = m.new{hashed} from mentions as m
        where {table}.{name}::varchar = m.old
            and {contract.conversation} in (select old from forgotten_conversations)"""
    )
    connection.unregister("mentions")
