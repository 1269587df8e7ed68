"""Prints what the labellers answer to the golden conversations and to texts drawn from the words of the taxonomy.

`python -m tests.support.labelled_texts`: a line for each, for a test to compare between processes.
"""

import random
from collections.abc import Iterator
from itertools import pairwise

from orchestration.classification.embedded.shipped import classify_by_model
from orchestration.classification.evaluation.golden_set import GOLDEN, read_golden
from orchestration.classification.messages.labeller import message_labeller
from orchestration.configuration.taxonomy import read_taxonomy
from orchestration.settings import PROJECT_DIR

TEXTS = 2_000
# Of one word often two endings, and a negation between them: what a phrase finds twice, once denied.
_ENDINGS = ("", "", "s", "ed", "ing", "en", "es")
_DENIALS = ("not", "never", "nicht", "kein", "nunca", "pas", "não")


def _drawn_texts() -> Iterator[tuple[str, str]]:
    random_ = random.Random(20)  # noqa: S311
    rows = read_taxonomy(PROJECT_DIR / "seeds" / "taxonomy.csv")
    for _ in range(TEXTS):
        row = random_.choice(rows)
        words = [word + ending for word in row.phrase.split() for ending in random_.sample(_ENDINGS, 2)]
        words += random_.sample(_DENIALS, random_.randint(0, 2))
        random_.shuffle(words)
        yield " ".join(words), row.language


def _answers() -> Iterator[str]:
    for example in read_golden(GOLDEN / "stage_cases.jsonl").examples:
        yield repr(classify_by_model([example.conversation]))
    labeller = message_labeller(PROJECT_DIR / "seeds" / "taxonomy.csv")
    yield labeller.definition_hash
    texts = list(_drawn_texts())
    for (before, _), (text, language) in pairwise([("", ""), *texts]):
        yield repr(labeller.label(text, language, before))


if __name__ == "__main__":
    print("\n".join(_answers()))
