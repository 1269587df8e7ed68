"""The answers of an LLM for a set, as two more columns of its evaluation; each question is paid for once."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration.classification.conversation import Classifier, Conversation, StageAnswer, StageLabel
from orchestration.classification.evaluation.baseline import Baseline, Comparison, compare
from orchestration.classification.evaluation.examples import Dataset
from orchestration.classification.evaluation.scoring import Scores
from orchestration.classification.llm.call_log import CacheEntry, ContentKey, MemoryLog, Standing
from orchestration.classification.llm.candidate_outcomes import LlmSummary, Outcome
from orchestration.classification.llm.candidates import Candidate
from orchestration.classification.llm.estimating import RunEstimate
from orchestration.classification.llm.replies import Failure
from orchestration.classification.llm.step import Labeller
from orchestration.configuration.label_stages import STAGES

LLM, LLM_UNDER_MARGIN = "LLM", "model + LLM below the confidence threshold"
_NOTHING = StageLabel(reached=None, confidence=0.0)


class EvaluationLog(MemoryLog):
    """The calls of evaluations, their answers kept in a JSON file; raises ValueError when that cannot be read.

    A conversation is never taken for labelled: each evaluation wants its answer, and gets it from the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._kept: dict[str, dict[str, dict[str, str]]] = {"answers": {}, "refusals": {}}
        self._spent_usd: dict[str, float] = {}
        if path.exists():
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                self._kept = {name: content[name] for name in self._kept}
                self._spent_usd = {day: float(usd) for day, usd in content["spent_usd"].items()}
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"{path} cannot be read ({error!r}); remove it to ask again") from error

    def standings(self, keys: Collection[ContentKey], definition_hash: str) -> Mapping[ContentKey, Standing]:
        """Return nothing: every conversation is to be answered."""
        return {}

    def cached(self, excerpt_hashes: Collection[str], definition_hash: str) -> Mapping[str, CacheEntry]:
        """Return the answers that earlier evaluations got for each excerpt."""
        answers, refusals = (self._kept[name].get(definition_hash, {}) for name in ("answers", "refusals"))
        found = {one: CacheEntry(dead_letters=1, failure=Failure(why)) for one, why in refusals.items()}
        found |= {one: CacheEntry(answer) for one, answer in answers.items()}
        return {one: entry for one, entry in found.items() if one in excerpt_hashes}

    def spent_usd(self, since: datetime) -> float:
        """Return what evaluations have cost on the day of `since` and later."""
        return sum(usd for day, usd in self._spent_usd.items() if day >= since.date().isoformat())

    def commit(self) -> None:
        """Keep everything recorded so far, in the file too."""
        known = len(self.calls), len(self.answers), len(self.dead_letters)
        super().commit()
        for call in self.calls[known[0] :]:
            day = call.called_at.date().isoformat()
            self._spent_usd[day] = self._spent_usd.get(day, 0.0) + call.cost_usd
        for answer in self.answers[known[1] :]:
            self._kept["answers"].setdefault(answer.definition_hash, {})[answer.excerpt_hash] = answer.answer
        for letter in self.dead_letters[known[2] :]:
            # What failed for a while is tried by the next evaluation.
            if letter.next_retry_at is None:
                self._kept["refusals"].setdefault(letter.definition_hash, {})[letter.excerpt_hash] = letter.reason.value
        unfinished = self._path.with_suffix(".tmp")
        unfinished.write_text(json.dumps({**self._kept, "spent_usd": self._spent_usd}, indent=1) + "\n", "utf-8")
        unfinished.replace(self._path)


@dataclass(frozen=True)
class LlmColumns:
    """The columns by name, and a note on how they came about."""

    classifiers: Mapping[str, Classifier]
    remark: str


def estimate_columns(labeller: Labeller, dataset: Dataset) -> RunEstimate:
    """Return what asking about a set would likely take, apart from the answers that earlier evaluations got."""
    return labeller.estimate(_candidates(labeller, dataset), labeller.log)


def ask_about(labeller: Labeller, dataset: Dataset) -> LlmColumns:
    """Ask about every conversation of a set, within the caps of the labeller, and return the answers.

    The column of the LLM is unknown where it gave no usable answer; in the other one the embedded model's answer stays
    there, as it does in a run.
    """
    candidates = _candidates(labeller, dataset)
    model = labeller.model.model
    summary = labeller.label(candidates)
    told = {
        name: one.answer
        for name, one in summary.accounted.items()
        if one.outcome == Outcome.LABELLED and one.answer is not None
    }

    def alone(conversations: Sequence[Conversation], /) -> list[StageAnswer]:
        return [told.get(one.conversation_id) or _unknown(one) for one in conversations]

    def under_margin(conversations: Sequence[Conversation], /) -> list[StageAnswer]:
        answers = model(conversations)
        return [told.get(one.conversation_id, one) if model.is_unsure(one) else one for one in answers]

    return LlmColumns({LLM: alone, LLM_UNDER_MARGIN: under_margin}, _remark(labeller, candidates, summary))


def against_model(scores: Sequence[Scores], model: str, dataset: Dataset) -> list[Comparison]:
    """Compare the columns of the LLM with the column named `model`, measured in the same evaluation."""
    by_name = {one.classifier: one for one in scores}
    other = by_name[model]
    beside = Baseline(model, other.current_stage.value or 0.0, other.predictions, is_recorded=False)
    return [compare(by_name[name], beside, dataset) for name in (LLM, LLM_UNDER_MARGIN)]


def _candidates(labeller: Labeller, dataset: Dataset) -> list[Candidate]:
    conversations = [example.conversation for example in dataset.examples]
    answers = labeller.model.model(conversations)
    # Known by its id: what is asked about again is recognised by its excerpt.
    return [Candidate(one, one.conversation_id, answer) for one, answer in zip(conversations, answers, strict=True)]


def _unknown(conversation: Conversation) -> StageAnswer:
    return StageAnswer(conversation.conversation_id, dict.fromkeys(STAGES, _NOTHING), _NOTHING)


def _remark(labeller: Labeller, candidates: Sequence[Candidate], summary: LlmSummary) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary.reasons.items())
    unsure = sum(labeller.model.model.is_unsure(one.embedded) for one in candidates)
    return (
        f"{LLM} is {labeller.configuration.model}, asked about all {len(candidates):,} conversations, also those the "
        f"model is sure of: {summary.counts['labelled']:,} answered ({summary.cache_hits:,} of them in an earlier "
        f"evaluation){f', not answered and unknown: {reasons}' if reasons else ''}; {summary.calls:,} calls, "
        f"${summary.cost_usd:.4f}. What is counted are its labels as a run would keep them, evidence checked. "
        f"{LLM_UNDER_MARGIN}: the {unsure:,} conversations under the model's margin have them, the others the model's."
        f"{f' {summary.problem}.' if summary.problem else ''}"
    )
