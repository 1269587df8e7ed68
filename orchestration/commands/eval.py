"""`make eval`: how good the classifiers and the constant are, on the golden set and on real conversations."""

import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from orchestration.building.project import assemble_project
from orchestration.classification.conversation import Classifier
from orchestration.classification.embedded.calibrating import CONFIDENT_SHARE, Measured
from orchestration.classification.embedded.storage import read_model
from orchestration.classification.evaluation import intents, llm_share, redaction, rephrases, review_list
from orchestration.classification.evaluation.baseline import Comparison, compare, read_baselines, record_baselines
from orchestration.classification.evaluation.evaluating import CLASSIFIERS, evaluate, real_datasets
from orchestration.classification.evaluation.examples import Dataset
from orchestration.classification.evaluation.golden_set import GOLDEN, read_golden
from orchestration.classification.evaluation.llm_columns import (
    EvaluationLog,
    against_model,
    ask_about,
    estimate_columns,
)
from orchestration.classification.evaluation.report import SetReport, as_json, as_markdown
from orchestration.classification.llm.configuration import LlmConfiguration
from orchestration.classification.llm.running import Dependencies
from orchestration.classification.llm.step import Labeller
from orchestration.configuration.model_prices import price_of
from orchestration.ledger.labellers import embedded_model
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.home import Home
from orchestration.warehouse.progress import OTHER_WAREHOUSE, PROGRESS
from orchestration.warehouse.scratch import scratch_folder

_OWN_MODEL = "model with EXTRA"
REAL_SETS = PROJECT_DIR.parent / "shared" / "data"


def run_evaluation(
    settings: Settings,
    data: Path,
    *,
    is_recording: bool,
    now: datetime,
    dependencies: Dependencies | None = None,
) -> int:
    """Print the report and write it to evaluation/ of the home; 0 when measured, 1 when a set cannot be read.

    `data` holds star, sgd and tau; those absent are left out. `is_recording` records the answers on the golden
    set as baselines. A configured LLM is asked about the golden set only, after the price is printed.
    """
    PROGRESS.leave(lambda: OTHER_WAREHOUSE)
    folder = Home(settings.home).evaluation
    folder.mkdir(parents=True, exist_ok=True)
    try:
        classifiers = _classifiers(Home(settings.home).model)
        llm = _llm(settings, now, dependencies or Dependencies())
        stored = embedded_model(Home(settings.home).model)[1]
        reports = [_golden(classifiers, llm, is_recording=is_recording)]
        golden = read_golden(GOLDEN / "stage_cases.jsonl")
        shares = [llm_share.llm_share(golden, stored.model, settings.llm_share)]
        lists = [review_list.review_list(golden, stored.model)]
        for dataset in real_datasets(data, PROJECT_DIR / "seeds"):
            print(f"reading {dataset.name}", file=sys.stderr)
            reports.append(evaluate(dataset, classifiers))
            if dataset.is_whole:
                shares.append(llm_share.llm_share(dataset, stored.model, settings.llm_share))
                lists.append(review_list.review_list(dataset, stored.model))
        about = list(intents.evaluate_intents(data, GOLDEN / "taxonomies", PROJECT_DIR / "seeds"))
        masked = redaction.evaluate_redaction(GOLDEN)
        again = list(rephrases.evaluate_rephrases(data, GOLDEN, PROJECT_DIR / "seeds"))
    except (OSError, ValueError) as error:
        print(error)
        return 1
    text = f"# How good the stage labels are, {now:%Y-%m-%d %H:%M} UTC\n\n{as_markdown(reports)}"
    text += _held_out(stored.measured) + review_list.as_markdown(lists)
    text += llm_share.as_markdown(shares, settings.llm_share)
    text += intents.as_markdown(about) + rephrases.as_markdown(again) + redaction.as_markdown(masked)
    if len(reports) == 1:
        text += f"No real conversations in {data}; name a folder with star, sgd or tau: make eval DATA=...\n"
    if llm is None:
        text += "No LLM endpoint is configured (COLLOQUY_LLM_BASE_URL): its columns are left out.\n"
    print(text)
    (folder / "evaluation.md").write_text(text, encoding="utf-8")
    content = {
        "measured_at": now.isoformat(),
        "sets": as_json(reports),
        "held_out": dataclasses.asdict(stored.measured),
        "review": review_list.as_json(lists),
        "llm_share": llm_share.as_json(shares),
        "intents": intents.as_json(about),
        "rephrases": rephrases.as_json(again),
        "redaction": redaction.as_json(masked),
    }
    (folder / "evaluation.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"Written to {folder}")
    return 0


def _held_out(measured: Measured) -> str:
    return (
        "## Held out when the model in use was fitted: prefixes of conversations in other phrases\n\n"
        f"Current stage right in {measured.accuracy:.1%} of {measured.conversations:,}; selective accuracy at "
        f"{CONFIDENT_SHARE:.0%} coverage {measured.confident_accuracy:.1%} (aimed at: 98%); calibration "
        f"error {measured.calibration_error:.3f} (aimed at: 0.03 at most).\n\n"
    )


def _classifiers(own_model: Path) -> dict[str, Classifier]:
    """Return the shipped classifiers and, once `make train EXTRA=dir` made it, the model of this warehouse."""
    own = {_OWN_MODEL: read_model(own_model).model} if own_model.exists() else {}
    return {**CLASSIFIERS, **own}


def _llm(settings: Settings, now: datetime, dependencies: Dependencies) -> Labeller | None:
    """Return the step that asks the configured LLM, None without an endpoint. Raises ValueError without a price."""
    configuration = LlmConfiguration.of(settings)
    if configuration is None:
        return None
    home = Home(settings.home)
    with scratch_folder() as scratch:
        assemble_project(scratch, settings.seeds)
        price = price_of(scratch / "seeds", configuration.model, now.date())
    log = EvaluationLog(home.evaluation / "llm_answers.json")
    return Labeller(configuration, price, embedded_model(home.model)[1], log, dependencies)


def _golden(classifiers: Mapping[str, Classifier], llm: Labeller | None, *, is_recording: bool) -> SetReport:
    dataset = read_golden(GOLDEN / "stage_cases.jsonl")
    remarks, columns = [], {}
    if llm is not None:
        estimate = estimate_columns(llm, dataset)
        print(
            f"Asking {llm.configuration.model} about {estimate.calls:,} of {len(dataset.examples):,} golden "
            f"conversations ({estimate.cache_hits:,} answered before): about ${estimate.cost_usd:.4f}, at most "
            f"${llm.configuration.budget_usd_per_run:.2f}",
            flush=True,
        )
        found = ask_about(llm, dataset)
        remarks, columns = [found.remark], dict(found.classifiers)
    report = evaluate(dataset, {**classifiers, **columns})
    path = GOLDEN / "baseline.json"
    if is_recording:
        record_baselines(path, [scores for scores in report.scores if scores.classifier in CLASSIFIERS])
    comparisons = list(_comparisons(report, path, dataset))
    if llm is not None:
        # The one whose margin it is.
        comparisons += against_model(report.scores, _OWN_MODEL if _OWN_MODEL in classifiers else "model", dataset)
    return dataclasses.replace(report, comparisons=comparisons, remarks=remarks, prints_slices=True)


def _comparisons(report: SetReport, path: Path, dataset: Dataset) -> Iterator[Comparison]:
    """Compare each classifier with what was recorded of the rules, and each with what was recorded of itself."""
    baselines = read_baselines(path)
    for scores in report.scores:
        for name in dict.fromkeys(("rules", scores.classifier)):
            if name in baselines:
                yield compare(scores, baselines[name], dataset)
