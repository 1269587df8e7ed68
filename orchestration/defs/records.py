"""Tables that a build reads and no step of the graph makes: what people say, and what a build is compared with."""

import dagster as dg

_RECORDS = {
    (
        "history",
        "metric_restatements",
    ): "Final values that a later version published differently; publishing adds to it.",
    (
        "history",
        "ab_test_registrations",
    ): "Rows of seeds/ab_tests.csv as builds have seen them; publishing adds to it, and a started test stands by it.",
    (
        "history",
        "ab_test_verdict_changes",
    ): "Verdicts that a later version published differently; publishing adds to it.",
    ("ledger", "human_labels"): "What people say of conversations; make label-quality adds to it.",
    ("state", "comparison"): "When this build compares itself with the published version, and why values may differ.",
}


@dg.definitions
def records() -> dg.Definitions:
    """Return them as assets that the graph shows and no step materializes."""
    return dg.Definitions(
        assets=[dg.AssetSpec(list(key), description=text, kinds={"duckdb"}) for key, text in _RECORDS.items()]
    )
