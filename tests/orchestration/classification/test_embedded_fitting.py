"""The optimiser, the calibration curves and the fit against scipy and values worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize  # type: ignore[import-untyped]

from orchestration.classification.embedded.calibrating import Measured, fit_platt, rising_curve
from orchestration.classification.embedded.fitting import fit_model, head_rows, prepare
from orchestration.classification.embedded.hashing import hash_texts
from orchestration.classification.embedded.heads import HEADS
from orchestration.classification.embedded.linear import Rows, fit_logistic, inverse_document_frequencies, text_norms
from orchestration.classification.embedded.storage import read_model, write_model
from orchestration.classification.labelled import LABEL_TARGETS, LabelledConversation, group_weights
from orchestration.classification.training.corpus import training_conversations
from orchestration.classification.training.extra import read_extra


def test_logistic_regression_finds_what_scipy_finds() -> None:
    rng = np.random.default_rng(5)
    texts = hash_texts(["yes please", "no thanks", "maybe later", "yes do it"])
    idf = inverse_document_frequencies(texts)
    index = np.array([0, 1, 2, 3, -1] * 30)
    dense = rng.normal(size=(150, 2))
    truth = (dense[:, 0] + np.isin(index, (0, 3)) + rng.normal(size=150) > 0.7).astype(float)
    found = fit_logistic(Rows(texts, idf, index, dense, truth), 2.0, 1.0, 200)

    used = np.unique(texts.buckets)
    design = np.zeros((len(texts), len(used)))
    for text in range(len(texts)):
        for bucket in texts.buckets[texts.starts[text] : texts.starts[text + 1]]:
            design[text, np.searchsorted(used, bucket)] += idf[bucket]
    design /= text_norms(texts, idf)[:, None]
    matrix = np.hstack((np.where(index[:, None] >= 0, design[index], 0), dense, np.ones((150, 1))))
    penalty = np.array([2.0] * len(used) + [1.0, 1.0, 0.0])

    def loss(weights: np.ndarray) -> float:
        logits = matrix @ weights
        return float((np.logaddexp(0, logits) - truth * logits).sum() + 0.5 * (penalty * weights**2).sum())

    expected = minimize(loss, np.zeros(matrix.shape[1]), method="L-BFGS-B", options={"maxiter": 5_000}).x
    assert loss(np.concatenate((found.text[used], found.dense, [found.bias]))) <= loss(expected) + 1e-3
    assert found.dense == pytest.approx(expected[-3:-1], abs=0.02)


def test_platt_meets_the_share_of_hits() -> None:
    scores = np.repeat(np.array([-2.0, 2.0]), 5_000)
    truths = np.concatenate((np.arange(5_000) < 1_000, np.arange(5_000) < 4_500)).astype(float)
    slope, offset = fit_platt(scores, truths)
    # log-odds of 0.2 and 0.9 are -1.3863 and 2.1972: slope (2.1972 + 1.3863) / 4, offset their mean.
    assert [slope, offset] == pytest.approx([0.8959, 0.4055], abs=0.005)


def test_every_group_counts_alike() -> None:
    groups = ["large"] * 6 + ["small"] * 2 + [""]
    weights = group_weights([LabelledConversation(str(number), (), group) for number, group in enumerate(groups)])
    # Eight in two groups: four each.
    assert weights == pytest.approx([4 / 6] * 6 + [2.0] * 2 + [1.0])
    # One large group is yes, three small ones are no: by conversations the share is 0.7, by groups 0.25.
    truths = np.array([1.0] * 700 + [0.0] * 300)
    alike = group_weights(
        [LabelledConversation(str(at), (), "large" if at < 700 else f"s{at % 3}") for at in range(1_000)]
    )
    _, offset = fit_platt(np.zeros(1_000), truths, np.array(alike))
    assert offset == pytest.approx(np.log(0.25 / 0.75), abs=0.01)


def test_the_curve_of_answers_never_falls() -> None:
    values = [0.1] * 40 + [0.2] * 40 + [0.3] * 40
    hits = [False] * 40 + [True] * 20 + [False] * 20 + [True] * 10 + [False] * 30
    # 0, 0.5 and 0.25: the last two are pooled to 30 of 80.
    points = rising_curve(values, hits)
    assert [value for value, _ in points] == pytest.approx([0.1, 0.25])
    assert [share for _, share in points] == pytest.approx([0.0, 0.375])


def test_a_head_learns_until_its_stage_is_reached(tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_text(
        '{"conversation_id": "c", "messages": ['
        '{"role": "customer", "content": "Where is it?"},'
        '{"role": "agent", "content": "Which number?", "reached": ["problem_identified"]},'
        '{"role": "customer", "content": "12"},'
        '{"role": "agent", "content": "At noon.", "reached": ["problem_identified", "solution_proposed", "resolved"],'
        ' "undecided": ["solution_accepted"]},'
        '{"role": "customer", "content": "It is not here", "reached": ["problem_identified", "solution_proposed"]}]}',
        encoding="utf-8",
    )
    (conversation,) = read_extra(tmp_path)
    rows = {head.name: head_rows(head, conversation.messages) for head in HEADS}
    assert rows == {
        "problem_identified": [(1, 1.0)],
        "solution_proposed": [(1, 0.0), (3, 1.0)],
        "resolved": [(1, 0.0), (3, 1.0)],
        "claimed_resolved": [(1, 0.0), (3, 0.0)],
        "solution_accepted": [(0, 0.0), (2, 0.0), (4, 0.0)],
        "reopened": [(4, 1.0)],
    }
    assert set(conversation.messages[0].labels) == set(LABEL_TARGETS)


def test_the_same_texts_give_the_same_bytes(tmp_path: Path) -> None:
    texts = training_conversations(3)[::40]
    for name in ("one", "other"):
        write_model(tmp_path / name, fit_model(prepare(texts)), fitted_on={}, measured=Measured(0, 0.0, 0.0, 0.0))
    for file in ("coefficients.npz", "model.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_a_model_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = training_conversations(3)[::40]
    measured = Measured(0, 0.0, 0.0, 0.0)
    first = write_model(tmp_path, fit_model(prepare(texts)), fitted_on={}, measured=measured)

    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_model(tmp_path, fit_model(prepare(texts[::2])), fitted_on={}, measured=measured)
    assert read_model(tmp_path).definition_hash == first
