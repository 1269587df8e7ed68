"""The evaluation as markdown for people and as JSON for machines."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from orchestration.classification.answer_statistics import BinaryCounts
from orchestration.classification.evaluation.baseline import Comparison
from orchestration.classification.evaluation.scoring import CONFIDENT_SHARE, Scores, Share
from orchestration.configuration.label_stages import STAGES


@dataclass(frozen=True)
class SetReport:
    """All classifiers on one set; the first is the constant, which everything is compared with."""

    name: str
    examples: int
    target: str
    constant_stage: str
    scores: Sequence[Scores]
    comparisons: Sequence[Comparison] = ()
    remarks: Sequence[str] = ()
    # Sets with dozens of small slices print none; the JSON holds them all.
    prints_slices: bool = False


def as_json(reports: Iterable[SetReport]) -> dict[str, Any]:
    """Return everything measured, as plain values."""
    return {report.name: _set_as_json(report) for report in reports}


def as_markdown(reports: Iterable[SetReport]) -> str:
    """Return the tables, one section a set."""
    return "\n".join(line for report in reports for line in _section(report))


def _set_as_json(report: SetReport) -> dict[str, Any]:
    return {
        "examples": report.examples,
        "target": report.target or None,
        "constant_stage": report.constant_stage,
        "classifiers": {scores.classifier: _scores_as_json(scores) for scores in report.scores},
        "remarks": list(report.remarks),
        "comparisons": [asdict(comparison) for comparison in report.comparisons],
    }


def _scores_as_json(scores: Scores) -> dict[str, Any]:
    return {
        "current_stage_accuracy": scores.current_stage.value,
        "current_stage": asdict(scores.current_stage),
        "answered": asdict(scores.answered),
        "abstained": asdict(scores.abstained),
        "calibration_error": scores.calibration_error,
        "confident_accuracy": scores.confident_accuracy,
        "stages": {stage: _counts_as_json(counts) for stage, counts in scores.stages.items()},
        "claims": {name: _counts_as_json(counts) for name, counts in scores.claims.items()},
        "slices": {name: asdict(share) | {"accuracy": share.value} for name, share in scores.slices.items()},
        "reliability": [asdict(row) for row in scores.reliability],
    }


def _counts_as_json(counts: BinaryCounts) -> dict[str, Any]:
    return asdict(counts) | {
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "matthews_correlation": counts.matthews_correlation,
    }


def _section(report: SetReport) -> Iterator[str]:
    constant = report.scores[0]
    total = constant.current_stage.total
    yield f"## {report.name}: {report.examples:,} conversations, current stage known in {total:,}\n"
    yield f"The constant answers `{report.constant_stage}`. " + (
        f"Target of the shipped model: {report.target}.\n" if report.target else "No target.\n"
    )
    yield from _table(
        ("classifier", "current stage", "above constant", "answered", "ECE", _confident(), "unknown kept"),
        (_overview(scores, constant) for scores in report.scores),
    )
    yield from _table(
        ("stage", "classifier", "precision", "recall", "F1", "reached", "unknown"),
        (
            (stage, scores.classifier, *_rates(scores.stages[stage]), str(scores.stages[stage].unknown))
            for stage in STAGES
            for scores in report.scores
        ),
    )
    yield from _table(
        ("claim", "classifier", "precision", "recall", "F1", "true", "MCC", "false claims"),
        (
            (name, scores.classifier, *_rates(scores.claims[name]), *_claim_rates(scores.claims[name]))
            for name in constant.claims
            for scores in report.scores
        ),
    )
    if report.prints_slices:
        yield from _slices(report.scores)
    yield from (f"{remark}\n" for remark in report.remarks)
    for comparison in report.comparisons:
        other = f"the recorded baseline ({comparison.baseline})" if comparison.is_recorded else comparison.baseline
        yield (
            f"{comparison.classifier} against {other}: right where it was wrong "
            f"{comparison.only_classifier_right}, wrong where it was right {comparison.only_baseline_right}, "
            f"McNemar p = {comparison.p_value:.3g}.\n"
        )


def _overview(scores: Scores, constant: Scores) -> tuple[str, ...]:
    own, other = scores.current_stage.value, constant.current_stage.value
    above = "-" if own is None or other is None or scores is constant else f"{100 * (own - other):+.1f} points"
    return (
        scores.classifier,
        _percent(own),
        above,
        _percent(scores.answered.value),
        # A constant knows its own share by construction: its calibration shows nothing.
        *(
            ("-", "-")
            if scores is constant
            else (_number(scores.calibration_error), _percent(scores.confident_accuracy))
        ),
        _of(scores.abstained),
    )


def _slices(all_scores: Sequence[Scores]) -> Iterator[str]:
    yield from _table(
        ("slice", "conversations", *(scores.classifier for scores in all_scores)),
        (
            (name, str(share.total), *(_percent(scores.slices[name].value) for scores in all_scores))
            for name, share in all_scores[0].slices.items()
        ),
    )
    for scores in all_scores[1:]:
        yield f"Reliability of {scores.classifier}:\n"
        yield from _table(
            ("answers", "mean confidence", "right"),
            ((str(row.count), _number(row.mean_confidence), _number(row.accuracy)) for row in scores.reliability),
        )


def _rates(counts: BinaryCounts) -> tuple[str, str, str, str]:
    reached = counts.true_positives + counts.false_negatives
    return _number(counts.precision), _number(counts.recall), _number(counts.f1), str(reached)


def _claim_rates(counts: BinaryCounts) -> tuple[str, str]:
    predicted = counts.true_positives + counts.false_positives
    return _number(counts.matthews_correlation), _of(Share(counts.false_positives, predicted))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "| " + " | ".join("---" for _ in header) + " |"
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""


def _confident() -> str:
    return f"selective accuracy at {CONFIDENT_SHARE:.0%} coverage"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _of(share: Share) -> str:
    return f"{share.hits} of {share.total}" if share.total else "-"
