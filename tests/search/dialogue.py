"""Dialogues: a search as one reads it, what is said to it and what it answers.

A dialogue is a text file of exchanges, separated by blank lines. An exchange is one command, a
line of dashes, and the lines of the answer; lines that begin with `#` tell the story. The first
command is `experiment`, with the fields of the traces' configs. An attempt that is not named is
the trial's latest.

    report trial=0 step=1 value=0.9
    ----
    PAUSE AWAITING_PROMOTION, rank 0 of 1
    rung 0: 0=0.9 (candidates 0)

An answer shows what it says, then what it changed: the rungs with their entries, best first, and
how many are candidates for promotion (in the stopping variant: go on); the trials that ended or
wait again; the brackets that take more trials; the experiment, if it changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

import msgspec

from asha_server.errors import AshaError
from asha_server.search import command as c
from asha_server.search.event import Decision
from asha_server.search.experiment import Experiment
from asha_server.search.method import method_of
from asha_server.search.space import IntRange, ParameterSpec
from asha_server.search.terms import FailureKind, TrialState

from .drive import spec_of

DIVIDER = "----"
SECOND_US = 1_000_000
UPPER = ("variant", "goal")
Word: TypeAlias = int | float | bool | str | list[int]


@dataclass
class Exchange:
    """One thing said.

    Attributes:
        story: the comment lines before it.
        said: the command's line.
        answer: the lines that were answered.
    """

    story: list[str]
    said: str
    answer: list[str] = field(default_factory=list)


def parse(text: str) -> list[Exchange]:
    """The exchanges of a dialogue's text."""
    exchanges: list[Exchange] = []
    for paragraph in text.strip().split("\n\n"):
        lines = paragraph.split("\n")
        story = [line for line in lines if line.startswith("#")]
        said, *rest = [line for line in lines if not line.startswith("#")]
        assert not rest or rest[0] == DIVIDER, f"{DIVIDER} must follow {said!r}, not {rest[0]!r}"
        exchanges.append(Exchange(story, said, rest[1:]))
    return exchanges


def write(exchanges: list[Exchange]) -> str:
    """The text of a dialogue."""
    return "\n\n".join("\n".join([*e.story, e.said, DIVIDER, *e.answer]) for e in exchanges) + "\n"


def converse(exchanges: list[Exchange]) -> list[Exchange]:
    """The same dialogue with the answers that the core gives."""
    dialogue = Dialogue()
    return [Exchange(e.story, e.said, dialogue.say(e.said)) for e in exchanges]


class Dialogue:
    """An experiment that is spoken to in lines of text."""

    def __init__(self) -> None:
        self.experiment: Experiment | None = None
        self.now_us = 0

    def say(self, line: str) -> list[str]:
        """Carries out one line and shows the answer."""
        verb, *rest = line.split()
        words = {name: _word(text) for name, _, text in (word.partition("=") for word in rest)}
        if verb == "experiment":
            return self._begin(words)
        assert self.experiment is not None, "a dialogue begins with `experiment`"
        self.now_us += 1
        if verb == "wait":
            self.now_us += _whole(words, "seconds") * SECOND_US
            return []
        if verb == "look":
            return self._look()
        before = _Look(self.experiment)
        try:
            outcome = self.experiment.decide(self._command(verb, words), self.now_us)
        except AshaError as error:
            return [f"refused: {error.reason}"]
        self.experiment.check()
        return self._reply(outcome.reply) + _Look(self.experiment).changes_since(before)

    def _begin(self, words: dict[str, Word]) -> list[str]:
        ranges = [(name, text) for name, text in words.items() if ".." in str(text)]
        config = {
            name: str(word).upper() if name in UPPER else word
            for name, word in words.items()
            if (name, word) not in ranges
        }
        parameters = []
        for name, text in ranges:
            low, _, high = str(text).partition("..")
            parameters.append(ParameterSpec(name, IntRange(int(low), int(high))))
        spec = spec_of(config)
        if parameters:
            spec = msgspec.structs.replace(spec, parameters=tuple(parameters))
        seed = _whole(words, "seed", 1)
        self.experiment, _ = Experiment.create("dialogue", spec, seed=seed, now_us=0)
        brackets = self.experiment.state.brackets
        return [
            f"{_place(len(brackets), bracket.index)}rungs "
            + " ".join(str(rung.length) for rung in bracket.rungs)
            for bracket in brackets
        ]

    def _look(self) -> list[str]:
        """Every trial, and how far the search is."""
        assert self.experiment is not None
        state = self.experiment.state
        best = state.incumbent()
        return [
            *(f"trial {trial.number}: {_state(self.experiment, trial.number)}"
              for trial in state.trials),
            f"progress {state.progress:.3f}, {state.total_length} units trained"
            + (f", best trial {best.number}" if best else ""),
        ]  # fmt: skip

    # --- Said -------------------------------------------------------------------------------------

    def _command(self, verb: str, words: dict[str, Word]) -> c.Command:  # noqa: PLR0911, PLR0912 - a table
        match verb:
            case "suggest":
                return c.GetSuggestion(
                    str(words["worker"]),
                    incarnation_id=str(words.get("process", "")),
                    request_id=str(words.get("request", "")),
                    release_held="release_held" in words,
                )
            case "create":
                return _create(words)
            case "pause":
                return c.PauseExperiment()
            case "resume":
                return c.ResumeExperiment()
            case "stop":
                return c.StopExperiment()
            case "update":
                return c.UpdateExperiment(dict(words))
            case "cancel":
                return c.CancelTrial(_whole(words, "trial"))
        assert self.experiment is not None
        trials = self.experiment.state.trials
        trial = _whole(words, "trial")
        attempt = _whole(words, "attempt", trials[trial].attempt_number)
        match verb:
            case "report":
                metrics = {
                    "loss" if name == "value" else name: float(str(word))
                    for name, word in words.items()
                    if name not in ("trial", "attempt", "step", "checkpoint")
                }
                uri = str(words.get("checkpoint", ""))
                step = _whole(words, "step")
                return c.ReportMetric(trial, attempt, step, tuple(metrics.items()), uri)
            case "checkpoint":
                uri = str(words["checkpoint"])
                return c.ReportCheckpoint(trial, attempt, _whole(words, "step"), uri)
            case "heartbeat":
                return c.Heartbeat(trial, attempt)
            case "should_stop":
                return c.ShouldStop(trial, attempt)
            case "complete":
                return c.CompleteTrial(trial, attempt)
            case "fail":
                return c.FailTrial(trial, attempt, FailureKind(str(words["kind"]).upper()))
            case "release":
                return c.ReleaseTrial(trial, attempt)
            case "expire":
                return c.ExpireLease(trial, attempt)
        raise AssertionError(f"{verb!r} is no command")

    # --- Answered ---------------------------------------------------------------------------------

    def _reply(self, reply: c.Reply) -> list[str]:
        assert self.experiment is not None
        match reply:
            case c.Assignment():
                return [self._assignment(reply)]
            case c.Wait():
                seconds = math.ceil(reply.retry_after_us / SECOND_US)
                return [f"wait: {reply.reason}" + (f", {seconds} s" if seconds else "")]
            case c.Finished():
                return [f"finished: {reply.state}, {reply.end_reason}"]
            case c.Answer():
                told = [_decision(reply.decision)]
                if reply.deletable:
                    told.append(f"may be deleted: {', '.join(reply.deletable)}")
                return told
            case c.TrialRef():
                return [f"trial {reply.trial_number}"]
            case c.Done():
                return [str(reply.state)]
        assert_never(reply)

    def _assignment(self, reply: c.Assignment) -> str:
        assert self.experiment is not None
        brackets = self.experiment.state.brackets
        parts = [
            f"trial {reply.trial_number}: {reply.kind.lower()}",
            f"{_place(len(brackets), reply.bracket)}rung {reply.rung}",
            f"next decision at {reply.next_decision_step}",
        ]
        if reply.attempt > 1:
            parts.append(f"attempt {reply.attempt}")
        if reply.checkpoint_uri:
            parts.append(f"from step {reply.start_step} with {reply.checkpoint_uri}")
        parts += [f"{name}={value}" for name, value in reply.configuration if name != "points"]
        return ", ".join(parts)


class _Look:
    """What can be seen of an experiment at one moment."""

    def __init__(self, experiment: Experiment) -> None:
        state = experiment.state
        self.rungs = {
            (bracket.index, index): _rung(experiment, bracket.index, index)
            for bracket in state.brackets
            for index in range(len(bracket.rungs))
        }
        self.sizes = {bracket.index: bracket.max_trials for bracket in state.brackets}
        self.trials = {trial.number: _state(experiment, trial.number) for trial in state.trials}
        self.experiment = f"{state.state}" + (f" {state.end_reason}" if state.end_reason else "")

    def changes_since(self, before: _Look) -> list[str]:
        """The rungs, trials and the experiment that look otherwise now."""
        several = len(self.sizes)
        changed = [
            f"{_place(several, bracket)}{size} trials in all"
            for bracket, size in self.sizes.items()
            if before.sizes[bracket] != size
        ]
        changed += [
            f"{_place(several, bracket)}rung {index}: {shown}"
            for (bracket, index), shown in self.rungs.items()
            if before.rungs[bracket, index] != shown
        ]
        # RUNNING and PAUSED are what the answer itself says.
        changed += [
            f"trial {number}: {shown}"
            for number, shown in self.trials.items()
            if before.trials.get(number) != shown and shown not in ("RUNNING", "PAUSED")
        ]
        if before.experiment != self.experiment:
            changed.append(f"experiment: {self.experiment}")
        return changed


def _rung(experiment: Experiment, bracket: int, index: int) -> str:
    state = experiment.state
    rung = state.brackets[bracket].rungs[index]
    entries = []
    for _, _, _, number in rung.entries:
        entry = state.trials[number].entry(index)
        value = "failed" if entry.value is None else f"{entry.value}"
        entries.append(f"{number}={value}" + (" promoted" if entry.is_promoted else ""))
    is_top = index == len(state.brackets[bracket].rungs) - 1
    suffix = ""
    if not is_top:
        places = method_of(state.spec).places(state, state.brackets[bracket], index)
        suffix = f" (candidates {places})"
    return (", ".join(entries) or "empty") + suffix


def _state(experiment: Experiment, number: int) -> str:
    trial = experiment.state.trials[number]
    reason = experiment.state.end_reason_of(trial)
    state: TrialState = experiment.state.state_of(trial)
    return f"{state}" + (f" {reason}" if reason and str(reason) != str(state) else "")


def _decision(decision: Decision) -> str:
    told = f"{decision.verdict} {decision.reason}"
    if decision.rank is not None:
        told += f", rank {decision.rank} of {decision.competitors}"
    if decision.cutoff is not None:
        told += f", cut-off {decision.cutoff}"
    if decision.next_decision_step:
        told += f", next decision at {decision.next_decision_step}"
    return told


def _create(words: dict[str, Word]) -> c.CreateTrial:
    seen = [pair.partition(":") for pair in str(words.get("observed", "")).split(",") if pair]
    parameters = tuple(
        (name, word)
        for name, word in words.items()
        if name not in ("observed", "joins_rungs") and isinstance(word, int)
    )
    return c.CreateTrial(
        parameters,
        observations=tuple(
            c.Observation(int(step), (("loss", float(value)),)) for step, _, value in seen
        ),
        joins_rungs="joins_rungs" in words,
    )


def _place(several: int, bracket: int) -> str:
    """The bracket, where there are several."""
    return f"bracket {bracket} " if several > 1 else ""


def _word(text: str) -> Word:
    if text in ("true", "false"):
        return text == "true"
    if text.startswith("["):
        return [int(number) for number in text[1:-1].split(",")]
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text


def _whole(words: dict[str, Word], name: str, default: int | None = None) -> int:
    value = words.get(name, default)
    assert isinstance(value, int), f"{name} must be a whole number, not {value!r}"
    return value
