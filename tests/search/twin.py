"""The core and the slow model, held to the same conversation and compared at every step."""

from __future__ import annotations

import math
from typing import Any

from asha_server.errors import AshaError
from asha_server.search import command as c
from asha_server.search.event import Record
from asha_server.search.experiment import Experiment
from asha_server.search.leaderboard import best_trials
from asha_server.search.state import State
from asha_server.search.stored_attempts import StoredAttempts
from asha_server.search.terms import FailureKind

from .drive import closed_out, final_of, spec_of
from .dump import facts
from .model import TERMINAL, Attempt, Model, Trial
from .pbt_model import PbtModel
from .tables import Tables

SECOND_US = 1_000_000
Answer = dict[str, object]


class Twin:
    """One experiment, twice.

    Attributes:
        model: the slow, obvious one.
        core: the one that is tested.
        records: the core's history.
        told: what was asked and answered, for a failure's message.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.model = PbtModel(config) if config["method"] == "pbt" else Model(config)
        spec = spec_of(config)
        self.core, created = Experiment.create("twin", spec, seed=1, now_us=0)
        self.records: list[Record] = [created]
        self.tables = Tables()
        self.told: list[str] = [f"{config}"]
        self._compare()

    # --- Steps ------------------------------------------------------------------------------------

    def get_suggestion(self, worker: str, incarnation: str = "", release_held: bool = False) -> Any:
        return self._both(
            self.model.get_suggestion(worker, incarnation, release_held),
            c.GetSuggestion(worker, incarnation, release_held=release_held),
        )

    def report(
        self,
        trial: int,
        attempt: int,
        step: int,
        value: float | None,
        checkpoint: str = "",
        others: dict[str, float] | None = None,
    ) -> Any:
        metrics = tuple((others or {}).items())
        if value is not None:
            metrics = (("loss", value), *metrics)
        return self._both(
            self.model.report(trial, attempt, step, value, checkpoint, others),
            c.ReportMetric(trial, attempt, step, metrics, checkpoint),
        )

    def checkpoint(self, trial: int, attempt: int, step: int, uri: str) -> Any:
        return self._both(
            self.model.checkpoint(trial, attempt, step, uri),
            c.ReportCheckpoint(trial, attempt, step, uri),
        )

    def heartbeat(self, trial: int, attempt: int) -> Any:
        return self._both(self.model.heartbeat(trial, attempt), c.Heartbeat(trial, attempt))

    def should_stop(self, trial: int, attempt: int | None) -> Any:
        return self._both(self.model.should_stop(trial, attempt), c.ShouldStop(trial, attempt))

    def complete(self, trial: int, attempt: int) -> Any:
        return self._both(self.model.complete(trial, attempt), c.CompleteTrial(trial, attempt))

    def fail(self, trial: int, attempt: int, kind: str) -> Any:
        return self._both(
            self.model.fail(trial, attempt, kind), c.FailTrial(trial, attempt, FailureKind(kind))
        )

    def release(self, trial: int, attempt: int) -> Any:
        return self._both(self.model.release(trial, attempt), c.ReleaseTrial(trial, attempt))

    def expire(self, trial: int) -> Any:
        attempt = self.core.state.trials[trial].attempt_number
        return self._both(self.model.expire(trial), c.ExpireLease(trial, attempt))

    def cancel(self, trial: int) -> Any:
        return self._both(self.model.cancel(trial), c.CancelTrial(trial))

    def stop_experiment(self) -> Any:
        return self._both(self.model.stop_experiment(), c.StopExperiment())

    def pause_experiment(self) -> Any:
        return self._both(self.model.pause_experiment(), c.PauseExperiment())

    def resume_experiment(self) -> Any:
        return self._both(self.model.resume_experiment(), c.ResumeExperiment())

    def create_trial(
        self, observations: tuple[tuple[int, float], ...] = (), joins_rungs: bool = False
    ) -> Any:
        seen = tuple(c.Observation(step, (("loss", value),)) for step, value in observations)
        return self._both(
            self.model.create_trial(observations, joins_rungs),
            c.CreateTrial((), observations=seen, joins_rungs=joins_rungs),
        )

    def update(self, **changes: int | float) -> Any:
        return self._both(self.model.update(**changes), c.UpdateExperiment(changes))

    def advance(self, seconds: int) -> None:
        self.told.append(f"advance({seconds})")
        self.model.advance(seconds)

    # --- Comparing --------------------------------------------------------------------------------

    def _both(self, expected: Answer, command: c.Command) -> Answer:
        """Carries out the command and compares; the model has answered already."""
        before, closed_before = self.core.state.state, closed_out(self.core)
        sequence = self.core.state.sequence
        self.told.append(f"{command}")
        try:
            outcome = self.core.decide(command, int(self.model.now * SECOND_US))
        except AshaError as error:
            got: Answer = {"error": str(error.reason)}
            assert self.core.state.sequence == sequence, self._story("a refusal wrote something")
        else:
            self.records.extend(outcome.records)
            got = self._answer(outcome.reply)
            self._check_deletable(outcome.reply)
            if isinstance(command, c.ExpireLease):
                got = {"trial_state": got["trial_state"]}
        if self.core.state.state is not before:
            got["experiment"] = str(self.core.state.state)
        closed = closed_out(self.core) - closed_before
        if closed:
            got["closed"] = sorted(closed)
        assert got == expected, self._story(f"core  {got}\nmodel {expected}")
        self.told.append(f"    {got}")
        self._compare()
        return got

    def _answer(self, reply: c.Reply) -> Answer:
        match reply:
            case c.Assignment():
                return {
                    "result": "assignment",
                    "kind": str(reply.kind),
                    "trial": reply.trial_number,
                    "attempt": reply.attempt,
                    "bracket": reply.bracket,
                    "rung": reply.rung,
                    "start_step": reply.start_step,
                    "checkpoint": reply.checkpoint_uri,
                    "next_decision_step": reply.next_decision_step,
                }
            case c.Wait():
                return {"result": "wait", "reason": str(reply.reason)}
            case c.Finished():
                return {
                    "result": "finished",
                    "state": str(reply.state),
                    "end_reason": str(reply.end_reason),
                }
            case c.Answer():
                return {"trial_state": str(reply.trial_state)} | _shown(reply)
            case c.TrialRef():
                state = self.core.state
                trial = state.trials[reply.trial_number]
                return {"trial": trial.number, "trial_state": str(state.state_of(trial))}
            case c.Done():
                return {"state": str(reply.state)}

    def _check_deletable(self, reply: c.Reply) -> None:
        """What may be deleted is resumed from by nobody, and is no best trial's."""
        if not isinstance(reply, c.Answer) or not reply.deletable:
            return
        best = self.model.incumbent()
        for trial in self.model.trials:
            kept = {self.model._last_checkpoint(trial)[1]}
            if trial.number == best:  # its own, not the one that it started from
                kept |= {uri for attempt, _, uri in trial.checkpoints if attempt}
            lives = trial.state not in TERMINAL or trial.state == "COMPLETED"
            if lives or trial.number == best:
                assert not kept & {*reply.deletable}, self._story(f"deletable: {reply.deletable}")

    def _compare(self) -> None:
        """Compares what can be looked at, and checks the core's invariants."""
        core, model = self.core.state, self.model
        self.core.check()
        assert final_of(self.core) == model.final(), self._story("final")
        assert best_trials(core, len(core.trials)) == model.best_trials(), self._story(
            "best trials"
        )
        incumbent = core.incumbent()
        assert (incumbent.number if incumbent else None) == model.incumbent(), self._story("best")
        assert core.total_length == model.total_length(), self._story("total_length")
        assert math.isclose(core.progress, model.progress(), abs_tol=1e-9), self._story(
            f"progress: core {core.progress}, model {model.progress()}"
        )
        assert core.state == model.state, self._story("experiment state")
        assert (core.end_reason or "") == model.end_reason, self._story("end reason")
        assert [b.max_trials for b in core.brackets] == [b.max_trials for b in model.brackets]
        for one, other in zip(core.trials, model.trials, strict=True):
            self._compare_trial(one, other)

    def _compare_trial(self, one: Any, other: Trial) -> None:
        reason = self.core.state.end_reason_of(one) or ""
        assert reason == other.end_reason, self._story(f"trial {one.number}: {reason}")
        if other.state not in TERMINAL:
            resumes = (one.checkpoint_step, one.checkpoint_uri)
            assert resumes == self.model._last_checkpoint(other), self._story(f"{one.number}")
            assert one.restarts == other.restarts, self._story(f"trial {one.number}: restarts")

    def compare_copies(self) -> None:
        """Live, made small, reloaded from its rows, replayed from its history: one experiment."""
        state = self.core.state
        state.settle(most=2)
        self.tables.write(state)
        live = facts(state)
        state.stored_attempts = StoredAttempts(self.tables.attempts_with(self.records))
        _leave_to_store(state)
        recalled = facts(state)
        assert recalled == live, self._story(f"recalled: {_difference(live, recalled)}")
        _leave_to_store(state)
        for name, copy in (
            ("reloaded", self.tables.read(self.records)),
            ("replayed", Experiment.replay(self.records)),
        ):
            copy.check()
            again = facts(copy.state)
            assert again == live, self._story(f"{name} differs: {_difference(live, again)}")

    def _story(self, text: str) -> str:
        return "\n".join([*self.told[-60:], text])

    # --- What a history can go on from ------------------------------------------------------------

    def attempts(self) -> list[tuple[Trial, Attempt]]:
        """All attempts, oldest trial first."""
        return [(t, a) for t in self.model.trials for a in t.attempts]


def _shown(reply: c.Answer) -> Answer:
    decision = reply.decision
    shown: Answer = {
        "verdict": str(decision.verdict),
        "reason": str(decision.reason),
        "bracket": decision.bracket,
        "rung": decision.rung,
        "next_decision_step": decision.next_decision_step,
    }
    if decision.rank is not None:
        shown |= {"rank": decision.rank, "competitors": decision.competitors}
    if decision.cutoff is not None:
        shown["cutoff"] = decision.cutoff
    return shown


def _leave_to_store(state: State) -> None:
    """As the server does with attempts that ended long ago."""
    assert state.stored_attempts is not None
    for trial in state.trials:
        trial.leave_to(state.stored_attempts)


def _difference(one: object, other: object, path: str = "") -> str:
    """Where two dumps part ways."""
    if isinstance(one, dict) and isinstance(other, dict):
        parts = [_difference(one.get(k), other.get(k), f"{path}.{k}") for k in {*one, *other}]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        parts = [_difference(a, b, f"{path}[{i}]") for i, (a, b) in pairs]
    else:
        return "" if one == other else f"{path}: {one!r} became {other!r}"
    return "; ".join(part for part in parts if part)
