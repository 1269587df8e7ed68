"""Addresses in fields of unknown names: none is anywhere in raw, equal ones stay equal, and nothing else changes."""

import hashlib
import hmac
import json
import random
from typing import Any

import pytest

from orchestration.landing.hidden_addresses import without_addresses

KEY = b"a key for tests"


def hashed(address: str) -> str:
    return hmac.new(KEY, address.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"remote_addr": "192.0.2.1"}, {"remote_addr": hashed("192.0.2.1")}),
        ({"IP": "192.0.2.1", "n": 1.50}, {"IP": hashed("192.0.2.1"), "n": 1.50}),
        ({"client": {"ip": "2001:db8::1"}}, {"client": {"ip": hashed("2001:db8::1")}}),
        ({"anything": ["192.0.2.1", "x"]}, {"anything": [hashed("192.0.2.1"), "x"]}),
        ({"x_forwarded_for": "192.0.2.1, ::1"}, {"x_forwarded_for": f"{hashed('192.0.2.1')}, {hashed('::1')}"}),
        ({"peer": "192.0.2.1:443"}, {"peer": hashed("192.0.2.1")}),
        ({"peer": "[2001:db8::1]:443"}, {"peer": hashed("2001:db8::1")}),
        ({"peer": "fe80::1%eth0"}, {"peer": hashed("fe80::1")}),
        ({"Forwarded": "for=192.0.2.60;proto=http"}, {"Forwarded": f"for={hashed('192.0.2.60')};proto=http"}),
        ({"clientIp": "seen from 192.0.2.60"}, {"clientIp": f"seen from {hashed('192.0.2.60')}"}),
        ({"conversion": "192.0.2.1"}, {"conversion": hashed("192.0.2.1")}),
        ({"hops": "192.0.2.1;::1"}, {"hops": f"{hashed('192.0.2.1')};{hashed('::1')}"}),
        ({"app_version": "1.2.3.4"}, {"app_version": "1.2.3.4"}),
        ({"appVersion": "1.2.3.4", "version": "1.2.3.4"}, {"appVersion": "1.2.3.4", "version": "1.2.3.4"}),
        ({"note": "version 1.2.3.4 of it"}, {"note": "version 1.2.3.4 of it"}),
        ({"ip": "10:00:00", "at": "2026-03-01T10:00:00Z"}, {"ip": "10:00:00", "at": "2026-03-01T10:00:00Z"}),
        ({"operator": "::", "code": "std::b"}, {"operator": "::", "code": "std::b"}),
        ({"number": "1.2.3.400"}, {"number": "1.2.3.400"}),
        ({"192.0.2.1": "as a name"}, {"192.0.2.1": "as a name"}),
    ],
)
def test_what_is_hashed(properties: dict[str, Any], expected: dict[str, Any]) -> None:
    assert json.loads(without_addresses(json.dumps(properties, separators=(",", ":")), KEY)) == expected


def test_the_rest_of_the_text_stays_as_it_is_written() -> None:
    text = '{"a":1.50,"b":"\\u00e9\\n","c":1e2,"ip":"192.0.2.1","d":"\\/"}'
    assert without_addresses(text, KEY) == text.replace("192.0.2.1", hashed("192.0.2.1"))


NAMES = ("remote_addr", "IP", "x_forwarded_for", "X-Real-IP", "peer", "clientIP", "origin", "via", "sourceIPAddress")
SHAPES: tuple[Any, ...] = (
    lambda name, one: {name: one},
    lambda name, one: {"request": {"headers": {name: one}}},
    lambda name, one: {"hops": [{name: one}, {name: "none"}]},
    lambda name, one: {name: [one, one]},
    lambda name, one: {name: f"{one}, {one}"},
    lambda name, one: {name: f"{one}:8080" if "." in one else f"[{one}]:8080"},
)


def test_no_address_is_anywhere(warehouse: Any, make_event: Any) -> None:
    """Drawn names, places and spellings; of sources without ids of their own too, which are hashes of the line."""
    draw = random.Random(4)  # noqa: S311 - reproducible, not secret
    addresses = [f"203.0.113.{number}" for number in range(40)] + [f"2001:db8::{number:x}" for number in range(1, 40)]
    lines, widgets = [], []
    for number, address in enumerate(addresses):
        properties = draw.choice(SHAPES)(draw.choice(NAMES), address)
        lines.append(make_event(number, properties=json.dumps(properties) if number % 7 == 0 else properties))
        lines.append(make_event(1000 + number) | properties)
        widgets.append(
            {
                "conversation_id": f"w{number}",
                "timestamp": "2026-03-01T10:00:00Z",
                "metadata": draw.choice(SHAPES)(draw.choice(NAMES), address),
            }
        )
    for name, rows in (("events/a.jsonl", lines), ("agentsight_interactions/a.jsonl", widgets)):
        warehouse.write(name, "".join(json.dumps(one) + "\n" for one in rows))
    assert warehouse.load().accepted == len(lines) + len(widgets)
    found = []
    for table in ("events", "agentsight_interactions"):
        for row in warehouse.rows(f"select * from raw.{table}"):
            found += [address for address in addresses if f'"{address}' in str(row) or f"{address}," in str(row)]
            found += ["203.0.113."] if "203.0.113." in str(row) else []
    assert found == []
    clear = {hashlib.sha256(json.dumps(one, separators=(",", ":")).encode()).hexdigest() for one in widgets}
    ids = {row[0] for row in warehouse.rows("select event_id from raw.agentsight_interactions")}
    assert len(ids) == len(widgets)
    assert not ids & clear
    # The same lines in another file are duplicates, found by id and content.
    warehouse.write("events/b.jsonl", "".join(json.dumps(one) + "\n" for one in lines))
    warehouse.write("agentsight_interactions/b.jsonl", "".join(json.dumps(one) + "\n" for one in widgets))
    again = warehouse.load()
    assert (again.accepted, again.rejected) == (0, 0)
    # Of another content under the same id the first stays.
    warehouse.write("events/c.jsonl", json.dumps(lines[1] | {"peer": "198.51.100.1"}) + "\n")
    assert [one.reason for one in warehouse.load().reasons] == ["conflicting_duplicate"]
