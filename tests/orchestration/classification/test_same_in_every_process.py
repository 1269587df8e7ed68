"""A label depends on the text alone: another process, which orders its sets differently, gives the same."""

import os
import subprocess
import sys

from orchestration.settings import PROJECT_DIR
from tests.support.labelled_texts import TEXTS


def answers(hash_seed: int) -> list[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.support.labelled_texts"],
        cwd=PROJECT_DIR,
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.splitlines()


def test_stages_and_messages_are_labelled_the_same_in_every_process() -> None:
    one, *others = [answers(hash_seed) for hash_seed in (0, 1, 2)]
    assert len(set(one)) > TEXTS // 4
    assert all(other == one for other in others)
