"""The nodes of the dbt graph as Dagster assets, read from manifest.json.

dagster-dbt makes the same of it, but imports all of dbt to select from a graph: a tenth of a small run, which has no
other use for dbt.
"""

import hashlib
from collections.abc import Mapping, Sequence
from textwrap import indent
from typing import Any

import dagster as dg


def asset_specs(manifest: Mapping[str, Any], unique_ids: Sequence[str]) -> list[dg.AssetSpec]:
    """Return the assets of models and seeds in the given order; `manifest` is the content of manifest.json."""
    return [_asset_spec(manifest, unique_id) for unique_id in unique_ids]


def _asset_spec(manifest: Mapping[str, Any], unique_id: str) -> dg.AssetSpec:
    node, engine = manifest["nodes"][unique_id], manifest["metadata"]["adapter_type"]
    parents = [manifest["nodes"].get(one) or manifest["sources"][one] for one in node["depends_on"].get("nodes", ())]
    columns = [
        dg.TableColumn(name, type=column.get("data_type") or "?", description=column.get("description"))
        for name, column in node["columns"].items()
    ]
    sql = indent(node["raw_code"], "    ")
    return dg.AssetSpec(
        _key(node),
        deps=list(dict.fromkeys(_key(parent) for parent in parents)),
        description=f"{node['description']}\n\n#### Raw SQL:\n```sql\n{sql}\n```" if sql else node["description"],
        metadata={
            "materialization_type": node["config"]["materialized"],
            "dagster/column_schema": dg.TableSchema(columns=columns),
            "dagster/table_name": ".".join((node["database"], node["schema"], node["alias"])),
            "dagster/storage_kind": engine,
        },
        skippable=True,
        code_version=hashlib.sha256(node["raw_code"].encode()).hexdigest() if sql else node["checksum"]["checksum"],
        kinds={"dbt", engine},
    )


def _key(node: Mapping[str, Any]) -> dg.AssetKey:
    if node["resource_type"] == "source":
        # Several tables may be written by one step.
        return dg.AssetKey(
            node["config"]["meta"].get("dagster", {}).get("asset_key", [node["source_name"], node["name"]])
        )
    return dg.AssetKey([node["config"]["schema"], node["name"]])
