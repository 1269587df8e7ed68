"""Checks the configuration before a run starts: every problem at once, each naming its file, line and column.

What holds between cells is checked once all cells of the row can be read.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import yaml

from orchestration.configuration.ab_tests import Experiment, experiment_problems
from orchestration.configuration.alert_rules import AlertRule, alert_problems
from orchestration.configuration.funnels import Funnel, FunnelStage, funnel_problems
from orchestration.configuration.measures import measure_names
from orchestration.configuration.metrics import (
    MetricDefinition,
    SegmentDimension,
    dimension_problems,
    metric_problems,
)
from orchestration.configuration.problems import Problem, refuse
from orchestration.configuration.reading import Seed
from orchestration.configuration.seeds import key_problems, read_seeds, reference_problems
from orchestration.configuration.sources import SuccessSignal, success_signal_problems
from orchestration.configuration.taxonomy import TaxonomyRow

PhraseProblems = Callable[[Seed[TaxonomyRow]], Iterable[Problem]]


def check_configuration(project: Path, phrase_problems: PhraseProblems) -> None:
    """Check the seeds of an assembled dbt project; raises ConfigurationError naming every problem.

    `phrase_problems` finds what is wrong with phrases of the taxonomy: how texts are read is not known here.
    """
    seeds = read_seeds(project / "seeds")
    metrics, dimensions = seeds.of(MetricDefinition), seeds.of(SegmentDimension)
    variables = yaml.safe_load((project / "dbt_project.yml").read_text())["vars"]
    facts = {name: fact["type"] for name, fact in variables["ab_test_facts"].items()}
    refuse(
        [
            *(problem for seed in seeds.by_file.values() for problem in seed.problems),
            *key_problems(seeds),
            *reference_problems(seeds),
            *success_signal_problems(seeds.of(SuccessSignal)),
            *funnel_problems(seeds.of(Funnel), seeds.of(FunnelStage)),
            *metric_problems(metrics, measure_names(project)),
            *dimension_problems(dimensions),
            *alert_problems(seeds.of(AlertRule), metrics, dimensions),
            *experiment_problems(seeds.of(Experiment), facts),
            *phrase_problems(seeds.of(TaxonomyRow)),
        ]
    )
