"""Nodes of the dbt graph as Dagster assets."""

from typing import Any

import dagster as dg

from orchestration.defs.model_assets import asset_specs


def node(kind: str, name: str, schema: str, parents: list[str], **more: object) -> dict[str, Any]:
    known = {"resource_type": kind, "name": name, "database": "build", "schema": schema, "alias": name}
    config = {"schema": schema, "materialized": more.pop("materialized", "table"), "meta": {}}
    rest = {"config": config, "depends_on": {"nodes": parents}, "columns": {}, "raw_code": "select 1\n\nfrom x"}
    return known | rest | {"description": f"What {name} is."} | more


MANIFEST: dict[str, Any] = {
    "metadata": {"adapter_type": "some_engine"},
    "nodes": {
        "model.p.fct": node(
            "model",
            "fct",
            "marts",
            ["model.p.int", "source.p.labels", "source.p.calls", "source.p.events"],
            columns={"id": {"data_type": "varchar", "description": "Its id."}, "n": {"data_type": None}},
        ),
        "model.p.int": node("model", "int", "intermediate", ["seed.p.rules"], materialized="view"),
        # A seed may have the name of a model.
        "seed.p.rules": node("seed", "fct", "seeds", [], raw_code="", checksum={"checksum": "abc"}),
    },
    "sources": {
        "source.p.events": {"resource_type": "source", "source_name": "raw", "name": "events", "config": {"meta": {}}},
        **{
            f"source.p.{name}": {
                "resource_type": "source",
                "source_name": "ledger",
                "name": name,
                "config": {"meta": {"dagster": {"asset_key": ["ledger", "one_step"]}}},
            }
            for name in ("labels", "calls")
        },
    },
}


def test_an_asset_names_its_table_its_columns_and_each_parent_once() -> None:
    mart, view, seed = asset_specs(MANIFEST, ["model.p.fct", "model.p.int", "seed.p.rules"])
    assert [one.key.to_user_string() for one in (mart, view, seed)] == ["marts/fct", "intermediate/int", "seeds/fct"]
    # Two tables that one step writes are one asset.
    assert [one.asset_key.to_user_string() for one in mart.deps] == [
        "intermediate/int",
        "ledger/one_step",
        "raw/events",
    ]
    assert [one.asset_key.to_user_string() for one in view.deps] == ["seeds/fct"]
    assert mart.metadata["dagster/table_name"] == "build.marts.fct"
    assert mart.metadata["dagster/column_schema"] == dg.TableSchema(
        columns=[dg.TableColumn("id", type="varchar", description="Its id."), dg.TableColumn("n", type="?")]
    )
    assert mart.kinds == {"dbt", "some_engine"}
    assert view.metadata["materialization_type"] == "view"


def test_the_sql_is_shown_and_another_text_is_another_version() -> None:
    mart, seed = asset_specs(MANIFEST, ["model.p.fct", "seed.p.rules"])
    assert mart.description == "What fct is.\n\n#### Raw SQL:\n```sql\n    select 1\n\n    from x\n```"
    assert (seed.description, seed.code_version) == ("What fct is.", "abc")
    changed = MANIFEST | {
        "nodes": MANIFEST["nodes"] | {"model.p.fct": MANIFEST["nodes"]["model.p.fct"] | {"raw_code": "select 2"}}
    }
    assert asset_specs(changed, ["model.p.fct"])[0].code_version != mart.code_version
