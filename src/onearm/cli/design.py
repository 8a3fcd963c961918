"""``onearm design``: designs of a single-arm trial as tables, a sentence, JSON and a figure."""

from __future__ import annotations

from collections.abc import Callable

import typer

from onearm.cli import design_ahead, design_rules, design_stages, design_times

design_app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Sizes, cuts and stopping boundaries of a single-arm trial, with exact error rates.",
)

COMMANDS: dict[str, Callable[..., None]] = {
    "one-stage": design_stages.one_stage_command,
    "simon": design_stages.simon_command,
    "two-stage": design_stages.two_stage_command,
    "after-two-stages": design_stages.after_two_stages_command,
    "changed-first-stage": design_stages.changed_first_stage_command,
    "changed-second-stage": design_stages.changed_second_stage_command,
    "early-activity": design_stages.early_activity_command,
    "response-toxicity": design_rules.response_toxicity_command,
    "predictive": design_rules.predictive_command,
    "bop2": design_rules.bop2_command,
    "posterior": design_rules.posterior_command,
    "toxicity": design_rules.toxicity_command,
    "toxicity-crossing": design_rules.toxicity_crossing_command,
    "log-rank": design_times.log_rank_command,
    "landmark": design_times.landmark_command,
    "exponential": design_times.exponential_command,
    "assurance": design_ahead.assurance_command,
    "enrolment": design_ahead.enrolment_command,
    "events": design_ahead.events_command,
    "outcomes": design_ahead.outcomes_command,
}
"""Every command by its name, in the order of the course in ``docs/guides/design``."""

for name, command in COMMANDS.items():
    design_app.command(name)(command)
