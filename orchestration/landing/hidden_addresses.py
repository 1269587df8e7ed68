"""Addresses in properties under any name, at any depth: hashed with the key like those in the known fields.

A value counts that is an address, one with a port, or a list of them, unless its name is that of a version (1.2.3.4 may
be one). In a field that is named after addresses (`x_forwarded_for`) every address counts, whatever stands around it.
"""

import hmac
import ipaddress
import json
import re

import duckdb
import pandas as pd

from orchestration.landing.addresses import hash_address
from orchestration.warehouse.source_contracts import SourceContract

# What a line must hold to be looked at: four numbers, or colons where a value or a part of a list begins.
_CANDIDATE = (
    r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"
    r'|[", \[=][0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*[", \]%;/]'
)
_STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)"(\s*+:)?')
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:[0-9.]{2,12})?)(?![\w:])"
)
_WITH_PORT = re.compile(r"\[?([0-9A-Fa-f:.]+?)(?:%[\w.]+)?\]?(?::[0-9]{1,5})?(?:/[0-9]{1,3})?")
_SEPARATOR = re.compile(r"(\s*[,;|]\s*|\s+)")
_NAMED_AFTER_ADDRESSES = re.compile(
    r"(?:^|[_.-])(?:ip|ips|ipv4|ipv6|addr|address|addresses|forwarded|xff|host)(?=$|[_.-])"
)
_NAMED_AFTER_VERSIONS = re.compile(r"(?:^|[_.-])(?:versions?|release|build|firmware)(?=$|[_.-])")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BY_LINE = re.compile("[0-9a-f]{64}")


def hide_addresses(connection: duckdb.DuckDBPyConnection, contract: SourceContract, hash_key: bytes) -> None:
    """Put hashes in the place of addresses in the properties of `parsed`.

    An id made from the line is made from a keyed hash of it, and so is what lines are compared by: of either of them
    the address could be found by trying all.
    """
    rows = connection.execute(
        "select _row, event_id, _line_hash, properties from parsed where regexp_matches(properties, $candidate)",
        {"candidate": _CANDIDATE},
    ).fetchall()
    changed = [
        (row, event_id, _keyed(hash_key, str(line_hash)), hidden)
        for row, event_id, line_hash, properties in rows
        if (hidden := without_addresses(properties, hash_key)) != properties
    ]
    if not changed:
        return
    if contract.id_field is None:
        by_line = re.compile(_BY_LINE)
        changed = [
            (row, _keyed(hash_key, one) if one and by_line.fullmatch(one) else one, *rest)
            for row, one, *rest in changed
        ]
    names = ["row", "event_id", "line_hash", "properties"]
    connection.register("hidden_addresses", pd.DataFrame(changed, columns=names, dtype=object))
    connection.execute(
        """update parsed set event_id = h.event_id, _event_hash = md5_number_lower(h.event_id),
            _line_hash = hash(h.line_hash), properties = h.properties
        from hidden_addresses as h where h.row = parsed._row"""
    )
    connection.unregister("hidden_addresses")


def without_addresses(properties: str, hash_key: bytes) -> str:
    """Return a JSON text with hashes in the place of addresses; everything else stays as it is written."""
    parts, place, name = [], 0, ""
    for match in _STRING.finditer(properties):
        if match[2] is not None:
            name = _HUMP.sub("_", match[1]).lower()
            continue
        value = json.loads(f'"{match[1]}"') if "\\" in match[1] else match[1]
        hidden = _hidden(value, name, hash_key)
        if hidden != value:
            parts += [properties[place : match.start(1)], json.dumps(hidden, ensure_ascii=False)[1:-1]]
            place = match.end(1)
    return "".join([*parts, properties[place:]])


def _hidden(value: str, name: str, hash_key: bytes) -> str:
    if "." not in value and ":" not in value:
        return value
    parts = _SEPARATOR.split(value.strip())
    addresses = [_address_of(part) for part in parts[::2]]
    if all(addresses) and not _NAMED_AFTER_VERSIONS.search(name):
        parts[::2] = [hash_address(hash_key, address or "") for address in addresses]
        return "".join(parts)
    if _NAMED_AFTER_ADDRESSES.search(name):
        return _ADDRESS.sub(
            lambda match: hash_address(hash_key, match[0]) if _is_address(match[0]) else match[0], value
        )
    return value


def _address_of(text: str) -> str | None:
    """Return the address in `203.0.113.7:443`, `[2001:db8::1]:443` or an address alone; else None."""
    if _is_address(text) and "%" not in text:
        return text
    match = _WITH_PORT.fullmatch(text)
    return match[1] if match is not None and _is_address(match[1]) else None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    # Two colons alone are an operator in half of all programming languages.
    return any(map(str.isalnum, text))


def _keyed(hash_key: bytes, value: str) -> str:
    return hmac.digest(hash_key, b"line\0" + value.encode(), "sha256").hex()


def _keyed_when_by_line(hash_key: bytes, event_id: str | None) -> str | None:
    return _keyed(hash_key, event_id) if event_id and _BY_LINE.fullmatch(event_id) else event_id
