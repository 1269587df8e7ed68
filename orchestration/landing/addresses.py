"""IP addresses never get into the warehouse: hashed with a key in events, masked in refused lines."""

import hmac
import ipaddress
import os
import re
import secrets
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.landing.parsing import address_columns
from orchestration.warehouse.source_contracts import SourceContract

# Masking too much in a refused line costs nothing, so anything of four numbers goes; for the colons of IPv6, which
# clock times and code have too, the standard library decides.
_IPV4 = re.compile(r"(?<!\d)\d{1,3}(?:\.\d{1,3}){3}(?!\d)")
_IPV6 = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f]*(?:\.\d{1,3}){0,3}(?![0-9A-Za-z])")


def read_hash_key(private: Path, configured: str | None) -> bytes:
    """Return the key addresses are hashed with: the configured one, else `private/hash_key`, made once (mode 0600)."""
    if configured:
        return configured.encode()
    path = private / "hash_key"
    if not path.exists():
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = private / f".hash_key.{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode())
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link fails where a rename would silently replace the key another run has just made and used.
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = path.read_bytes().strip()
    if not key:
        raise ValueError(f"{path} is empty: put the old key back, or remove the file to have a new one made")
    return key


def hash_address(hash_key: bytes, address: str) -> str:
    """HMAC-SHA256 of an address, hexadecimal."""
    return hmac.digest(hash_key, address.encode(), "sha256").hex()


def mask_addresses(text: str) -> str:
    """Return the text with every IPv4 and IPv6 address replaced by [ip]."""
    return _IPV4.sub("[ip]", _IPV6.sub(_mask_one, text))


def _mask_one(match: re.Match[str]) -> str:
    candidate = match.group()
    try:
        ipaddress.IPv6Address(candidate)
    except ValueError:
        return candidate
    return "[ip]"


def replace_addresses(connection: duckdb.DuckDBPyConnection, contract: SourceContract, hash_key: bytes) -> None:
    """Put hashes in the place of the clear addresses of `parsed`."""
    columns = address_columns(contract)
    counts = connection.execute(f"select {', '.join(f'count({name})' for name in columns)} from parsed").fetchone()
    used = [name for name, count in zip(columns, counts or (), strict=True) if count]
    if not used:
        return
    union = " union ".join(f"select {name} from parsed where {name} is not null" for name in used)
    addresses = [row[0] for row in connection.execute(union).fetchall()]
    hashes = pd.DataFrame(
        {"address": addresses, "hash": [hash_address(hash_key, value) for value in addresses]}, dtype=object
    )
    connection.register("address_hashes", hashes)
    for name in used:
        if name == "top_address":
            change = "customer_ip_hash = h.hash"
        else:
            renamed = f"{name.removeprefix('address_')}_hash"
            change = f"properties = json_merge_patch(properties, json_object('{renamed}', h.hash))"
        connection.execute(
            f"update parsed set {change}, _line_hash = hash(_line_hash, h.hash), {name} = null "
            f"from address_hashes as h where h.address = parsed.{name}"
        )
    connection.unregister("address_hashes")
