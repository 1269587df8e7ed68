"""Draws the conversations that people judge: at random, because a chosen sample corrects no rate."""

import csv
from pathlib import Path

import duckdb

from orchestration.configuration.label_stages import STAGES
from orchestration.warehouse.quoting import text_literal

_COLUMNS = ("conversation_key", "stage", "reached", "labelled_by", "content_hash")


def draw_sample(raw_database: Path, build_database: Path, path: Path, *, conversations: int, seed: int) -> int:
    """Write a CSV to be filled in, a row for each stage of each drawn conversation; return how many, no file for none.

    Closed, labelled support conversations whose texts are there; the same seed draws the same from the same warehouse.
    The caller holds the lock. Raises FileExistsError: a sample may hold hours of a person's work; duckdb.Error.
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(f"attach {text_literal(str(raw_database))} as store (read_only)")
        connection.execute(f"attach {text_literal(str(build_database))} as build (read_only)")
        drawn = connection.execute(
            """
            with labelled as (
                select
                    sources.id_namespace || ':' || labels.conversation_id as conversation_key,
                    arg_max(labels.content_hash, labels._load_id) as content_hash
                from store.ledger.stage_labels as labels
                inner join build.seeds.sources as sources on labels.source = sources.source
                where labels.stage = 'resolved'
                group by all
            )
            select conversation_key, content_hash
            from labelled
            inner join build.marts.fct_conversations as conversations using (conversation_key)
            where conversations.purpose = 'support' and conversations.outcome <> 'in_progress' and conversation_key in (
                select conversation_key from build.marts.fct_messages where content is not null)
            order by md5($seed || conversation_key), conversation_key
            limit $conversations""",
            {"seed": f"{seed}:", "conversations": conversations},
        ).fetchall()
    if not drawn:
        return 0
    if path.exists():
        raise FileExistsError(path)
    # Under its name when it is whole: one that exists counts as answers of people.
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for key, content_hash in drawn:
            writer.writerows((key, stage, "", "", content_hash) for stage in STAGES)
    draft.replace(path)
    return len(drawn)
