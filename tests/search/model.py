"""The slow, obvious model of the search: an oracle, not an implementation.

What it is for: the real core (`asha_server`) must decide exactly as `search.md` says. This file
says the same rules a second time, written independently and as literally as possible, so that
hypothesis can drive both with the same conversation and compare every answer.
`test_model_vectors.py` holds this model to the fixed traces first; only then is it worth
comparing anything with it.

It must stay naive. Plain lists and loops; every question (who is promotable, is this rung final,
who is active, was this reported before) is answered by scanning everything again, because an
incremental structure is precisely what the fast core may get wrong. Nothing from `asha_server` is
imported, and a mistake is fixed here from the page and the vectors, never by looking at the core.
Costs are cubic and worse: fit for some dozens of trials.

How to use it: `Model(config)` with the config of the trace files, then one method per step. Each
returns a dict in the shape of the traces' `expect` (a refused call is `{"error": REASON}`, and
changes nothing), and in it, where the step caused such: `closed` (sorted numbers of the trials that
the close-out after the step ended) and `experiment` (the new experiment state). `final()` has the
shape of the traces' `final`. There is no clock but `advance(seconds)`, which only
`worker_failure_limit` looks at; leases run out by `expire(trial)` alone.

Not modelled: parameters and samplers, request ids, deletable checkpoints, deadlines
(`max_wall_time`, `progress_timeout`), the bound of 64 remembered reports (here every report is
remembered), limits of sizes, and the methods other than single, random, grid, async_halving and
adaptive_asha. A grid is `max_trials` points.

MODEL_NOTES: readings of search.md chosen where the page leaves room (no vector decides them,
unless one is said to).

 1. Close-out guarantee: the condition is "nobody was ever promoted out of it", judged by the
    entries that are in the rung now; the parenthesis "(fewer than d entries)" is taken as the
    usual cause, not as a condition. So a rung whose best 1/d ended by themselves or were
    cancelled still sends its best paused trial on. An INFEASIBLE trial takes its promotion out
    with its entry.
 2. An exact duplicate of a report answered CONTINUE, on an attempt that was answered STOP or
    PAUSE later, gets its own recorded CONTINUE (section 10 over the broad sentence of section 7).
    The same holds where Complete, Fail or Cancel ended the *trial*, or the experiment was
    stopped; where the attempt left the trial QUEUED (release, retryable failure), everything is
    LEASE_LOST. Once a paused trial is handed on, PAUSE is the answer to everything about the
    attempt that was answered so: its reports are not looked at again.
 3. A step reported in parts has one record with one decision: the latest. A part that decides
    nothing (without the search metric, or out of order) gets it and changes neither it nor the
    attempt's present decision. Nothing is added to a record once the attempt was answered STOP or
    PAUSE.
 4. "In order" is step >= every step reported in the attempt so far, with or without the search
    metric.
 5. A checkpoint attached to a report is stored with a new report and with a new part of one; on
    an attempt answered STOP or PAUSE it is stored until the trial is handed on, as by
    ReportCheckpoint. With an exact duplicate (or a conflict) nothing is stored. Of two at one
    step the later holds.
 6. CHECKPOINT_UNREADABLE drops every checkpoint of the trial, whichever attempt reported it.
 7. Coming back: any call with the token that is not refused (Heartbeat and ReportCheckpoint too;
    METRIC_CONFLICT is refused) brings an overdue trial back. Whether C' is full is asked at each
    call; ShouldStop says CONTINUE meanwhile. Having *been assigned* anything since fences the
    overdue attempt for good, even if that work is over. An expiry counts when it happens and is
    taken back when the holder comes back; the expiry that exceeds max_restarts fails the trial at
    once (a vector), and its attempt is then LEASE_LOST.
 8. A person's cancel, stop or pause reaches the holder of an overdue trial like that of a live
    one.
 9. "The same call again" is the same call with the same kind. `release_held` is a release:
    ReleaseTrial for that attempt afterwards is "again".
10. An attempt ended by a call answers later calls by how it left the trial: ended (TRIAL_ENDED)
    or queued (LEASE_LOST), whatever became of the trial since.
11. Promotions in equal rungs of brackets with equally many rungs: best value, then earlier
    arrival, across those brackets.
12. target and max_total_length: a decision that is STOP by itself stays; everything else becomes
    STOP, keeping rung, rank, competitors and cutoff (a vector); the entry keeps its promotion (a
    vector). Target before budget. The target looks at in-order values between rungs, too. Units
    trained: per attempt the highest step reported (by ReportMetric) less its start step, if
    positive.
13. RESUMED beyond max_restarts fails the trial, and the call goes on to the next rules: finished,
    if that was the last. Only a report (any metric) counts as "has reported", a checkpoint does
    not.
14. Wait reasons, first that applies: EXPERIMENT_PAUSED, WORKER_FAILING, CONCURRENCY_LIMIT
    (something could be handed out, but C' is full), AWAITING_RESULTS.
15. worker_failure_limit: RETRYABLE, PERMANENT and CHECKPOINT_UNREADABLE failures, expiries and
    RESUMED-away attempts (the process died) count if the attempt has no report; any other end, a
    pause of the experiment too, breaks the row. The term starts at the last of them: lease_ttl *
    2^(failures beyond the limit), at most 3600 s. It holds for the worker's own RESUMED, too.
16. Raising max_trials: the *added* trials are split by floor(w_b/sum of w) over the open
    brackets, the remainder to the first open one. Closed out: all its trials are created, none
    lives. n < N, and anything after the end: IMMUTABLE_FIELD. max_infeasible keeps the N of
    creation as its default. Shares and C' follow at once.
17. Given configurations, waiting ones included, are at most N: LIMIT_EXCEEDED. One cancelled before
    it was handed out takes no place in N. A finished one that joins the rungs goes to the first
    bracket with a place, enters the rungs that its observations reached, promoted from all but
    the last (PROMOTION), and is never on its way anywhere; it counts in N and breaks the
    infeasible row; it reaches no target and trains no units. One that does not join takes no place
    in N. A grid takes none.
18. Stopping a stopped experiment is a no-op; stopping one that ended otherwise, and pause, resume
    and CreateTrial after any end: EXPERIMENT_ENDED.
19. A live attempt's decision in Heartbeat, ReportCheckpoint and ShouldStop is the one last
    answered in it, before any report BETWEEN_RUNGS.
20. A paused experiment whose last trials are cancelled ends.
21. "Every trial failed" needs a trial that counts: a grid of infeasible points is COMPLETED.
22. The synchronous methods (ADR 0011): m_i trials are planned to enter rung i. Of those in it,
    whoever ranks before m_{i+1} less all that may still come is promotable. Into rung i + 1 as
    many may still come as rung i has not promoted yet, at least one, until nobody is to come into
    rung i and nobody there is promotable. A wait while somebody is paused is a BARRIER.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

Config = Mapping[str, object]
Answer = dict[str, object]

TERMINAL = ("COMPLETED", "STOPPED", "FAILED", "INFEASIBLE", "CANCELLED")


# --- Reading a config -----------------------------------------------------------------------------


def _whole(config: Config, name: str, default: int) -> int:
    value = config.get(name, default)
    assert isinstance(value, int), name
    return value


def _text(config: Config, name: str, default: str) -> str:
    value = config.get(name, default)
    assert isinstance(value, str), name
    return value


def _divisor(config: Config) -> Fraction:
    return exact(config.get("divisor", 4))


def exact(divisor: object) -> Fraction:
    """The divisor as the decimal that was written: 2.2 is 11/5."""
    return Fraction(str(divisor))


# --- Geometry (search.md section 2) ---------------------------------------------------------------


@dataclass
class Bracket:
    """One bracket: the lengths at which it compares (lowest first), its trials, its share.

    planned: how many enter each rung, as far as it is known; nominal in the asynchronous methods.
    """

    lengths: list[int]
    max_trials: int
    share: int
    weight: Fraction
    planned: list[int]


def rung_limit(n: int, divisor: Fraction) -> int:
    """1 + the largest p with divisor^p <= n."""
    p = 0
    while divisor ** (p + 1) <= n:
        p += 1
    return 1 + p


def rung_lengths(num_rungs: int, max_length: int, divisor: Fraction) -> list[int]:
    """u_i = max(floor(L / d^(k-1-i)), 1), lowest first."""
    return [
        max(math.floor(max_length / divisor ** (num_rungs - 1 - i)), 1) for i in range(num_rungs)
    ]


def bracket_rungs(config: Config) -> list[int]:
    """How many rungs each bracket of the config has, most first."""
    method = _text(config, "method", "")
    if method in ("single", "random", "grid"):
        return [1]
    if method == "async_halving":
        return [_whole(config, "num_rungs", 0)]
    assert method == "adaptive_asha", method
    given = config.get("bracket_rungs")
    if given:
        assert isinstance(given, list)
        return sorted(given, reverse=True)
    divisor = _divisor(config)
    most = min(
        _whole(config, "max_rungs", 5),
        rung_limit(_whole(config, "max_length", 0), divisor),
        rung_limit(_whole(config, "max_trials", 0), divisor),
    )
    lowest = {"aggressive": most, "standard": (most - 1) // 2 + 1, "conservative": 1}
    return list(range(most, lowest[_text(config, "mode", "standard")] - 1, -1))


def geometry(config: Config) -> tuple[list[Bracket], int | None]:
    """The brackets, most rungs first, and C' (None: no limit)."""
    method = _text(config, "method", "")
    divisor = _divisor(config)
    max_length = _whole(config, "max_length", 0)
    trials = 1 if method == "single" else _whole(config, "max_trials", 0)
    rungs = bracket_rungs(config)

    weights = [divisor ** (k - 1) / k for k in rungs]
    counts = [max(math.floor(w / sum(weights) * trials), 1) for w in weights]
    counts[0] += max(trials - sum(counts), 0)

    asked = _whole(config, "max_concurrent_trials", 16)
    limit, shares = share_out(method, asked, counts, rungs, divisor)
    brackets = [
        Bracket(
            rung_lengths(k, max_length, divisor),
            counts[i],
            shares[i],
            weights[i],
            nominal(counts[i], k, divisor),
        )
        for i, k in enumerate(rungs)
    ]
    return brackets, limit


SYNCHRONOUS = ("sync_halving", "adaptive", "adaptive_simple", "hyperband")
PLANNED = (*SYNCHRONOUS, "pbt")  # pbt's other rules: pbt_model.py


def synchronous_geometry(config: Config) -> tuple[list[Bracket], int | None]:
    """The brackets of a synchronous method, in the order of their starts, and C'."""
    plans = synchronous_plans(config)
    asked = _whole(config, "max_concurrent_trials", 16)
    counts = [planned[0] for _, planned in plans]
    limit, shares = share_out_synchronously(_text(config, "method", ""), asked, counts)
    brackets = [
        Bracket(lengths, planned[0], share, Fraction(1), planned)
        for (lengths, planned), share in zip(plans, shares, strict=True)
    ]
    return brackets, limit


def share_out_synchronously(
    method: str, asked: int, counts: list[int]
) -> tuple[int | None, list[int]]:
    """C' (None: no limit) and every bracket's share."""
    if asked == 0:
        return None, counts
    if method in ("sync_halving", "hyperband", "pbt"):
        return asked, [asked for _ in counts]
    limit = max(asked, len(counts))
    each, rest = limit // len(counts), limit % len(counts)
    return limit, [each + (1 if i < rest else 0) for i in range(len(counts))]


def synchronous_plans(config: Config) -> list[tuple[list[int], list[int]]]:
    """Lengths and planned trials of every bracket."""
    method = _text(config, "method", "")
    max_length = _whole(config, "max_length", 0)
    if method == "hyperband":
        return hyperband_plans(config)
    if method == "pbt":
        rounds = _whole(config, "num_rounds", 0)
        ends = [_whole(config, "length_per_round", 0) * n for n in range(1, rounds + 1)]
        return [(ends, [_whole(config, "population_size", 0) for _ in ends])]
    divisor = _divisor(config)
    if method == "sync_halving":
        rungs = [_whole(config, "num_rungs", 0)]
    else:
        most = _whole(config, "max_rungs", 5)
        lowest = {"aggressive": most, "standard": (most - 1) // 2 + 1, "conservative": 1}
        rungs = list(range(most, lowest[_text(config, "mode", "standard")] - 1, -1))
        given = config.get("bracket_rungs")
        if given:
            assert isinstance(given, list)
            rungs = sorted(given, reverse=True)
    plans = []
    for b, k in enumerate(rungs):
        lengths = rung_lengths(k, max_length, divisor)
        if method == "adaptive_simple":
            trials = _whole(config, "max_trials", 0)
            n = max(trials // len(rungs) + (1 if b < trials % len(rungs) else 0), 1)
            planned = simply_halved(n, k, divisor)
        else:
            budget = _whole(config, "total_length", 0) // len(rungs)
            planned = paid_for(lengths, budget, divisor)
        plans.append((lengths, planned))
    return plans


def simply_halved(trials: int, num_rungs: int, divisor: Fraction) -> list[int]:
    """n, n/d, n/d^2, ... rounded down, none below 1."""
    return [max(math.floor(trials / divisor**i), 1) for i in range(num_rungs)]


def paid_for(lengths: list[int], budget: int, divisor: Fraction) -> list[int]:
    """d^(k-1), ..., d, 1 trials, all times what makes them train the budget."""
    k = len(lengths)
    shape = [max(math.floor(divisor ** (k - 1 - i)), 1) for i in range(k)]
    units = sum(shape[i] * (lengths[i] - (lengths[i - 1] if i > 0 else 0)) for i in range(k))
    planned: list[int] = []
    for n in shape:
        wanted = math.floor(Fraction(budget, units) * n)
        planned.append(max(min([wanted, *planned[-1:]]), 1))
    return planned


def hyperband_plans(config: Config) -> list[tuple[list[int], list[int]]]:
    """Algorithm 1 of the paper; its outer loop again and again while the units last."""
    divisor = exact(config.get("divisor", 3))
    max_length = _whole(config, "max_length", 0)
    s_max = rung_limit(max_length, divisor) - 1
    once = []
    for s in range(s_max, -1, -1):
        n = math.ceil((s_max + 1) * divisor**s / (s + 1))
        once.append((rung_lengths(s + 1, max_length, divisor), simply_halved(n, s + 1, divisor)))
    total = config.get("total_length")
    if total is None:
        return once
    assert isinstance(total, int)
    plans: list[tuple[list[int], list[int]]] = []
    while True:
        lengths, planned = once[len(plans) % len(once)]
        total -= sum(
            n * (lengths[i] - (lengths[i - 1] if i > 0 else 0)) for i, n in enumerate(planned)
        )
        if total < 0:
            return plans
        plans.append((lengths, planned))


def share_out(
    method: str, asked: int, counts: list[int], rungs: list[int], divisor: Fraction
) -> tuple[int | None, list[int]]:
    """C' (None: no limit) and every bracket's share."""
    if asked > 0:
        limit = max(asked, len(rungs))
        each, rest = limit // len(rungs), limit % len(rungs)
        return limit, [each + (1 if i < rest else 0) for i in range(len(rungs))]
    if method == "async_halving":
        share = min(max(1, math.floor(divisor ** (rungs[0] - 1))), counts[0])
    else:
        share = max(counts[-1], math.floor(divisor))
    return None, [share for _ in rungs]


def nominal(trials: int, num_rungs: int, divisor: Fraction) -> list[int]:
    """m_0 = n_b, m_{i+1} = max(floor(m_i / d), 1): trials planned per rung."""
    planned = [trials]
    while len(planned) < num_rungs:
        planned.append(max(math.floor(planned[-1] / divisor), 1))
    return planned


def preview(config: Config) -> Answer:
    """The nominal plan, as in vectors/preview.json."""
    is_synchronous = _text(config, "method", "") in SYNCHRONOUS
    brackets, _ = synchronous_geometry(config) if is_synchronous else geometry(config)
    ends: dict[int, int] = {}
    for bracket in brackets:
        planned = bracket.planned
        for i, length in enumerate(bracket.lengths):
            goes_on = planned[i + 1] if i + 1 < len(planned) else 0
            ends[length] = ends.get(length, 0) + planned[i] - goes_on
    plan = [[length, ends[length]] for length in sorted(ends) if ends[length] > 0]
    return {
        "plan": plan,
        "total_trials": sum(trials for _, trials in plan),
        "total_units": sum(length * trials for length, trials in plan),
    }


# --- What is remembered ---------------------------------------------------------------------------


@dataclass
class Entry:
    """A trial's place in a rung. value None: failed or cancelled on its way there."""

    trial: int
    value: float | None
    arrival: int
    promoted: bool = False


@dataclass
class Report:
    """All that was said about one step of one attempt, and the latest decision about it."""

    step: int
    value: float | None
    others: dict[str, float]
    decision: Answer


@dataclass
class Attempt:
    """One assignment of a trial to a worker.

    status: live (holds its lease), overdue (the lease ran out, nobody has the trial yet), answered
    (STOP or PAUSE was said: `verdict`), ended (by Complete, Fail or Release: `ending`), lost.
    """

    number: int
    serial: int
    worker: str
    incarnation: str
    assignment: Answer
    start_step: int
    status: str = "live"
    reports: list[Report] = field(default_factory=list)
    verdict: Answer | None = None
    last_decision: Answer | None = None
    ending: tuple[str, str] | None = None
    ending_state: str = ""
    restarts_before_expiry: int = 0
    bad_at: float | None = None  # failed or expired without one report, at this time


@dataclass
class Trial:
    number: int
    bracket: int = -1
    state: str = "QUEUED"
    end_reason: str = ""
    attempts: list[Attempt] = field(default_factory=list)
    last_value: float | None = None  # the last in-order value, of any attempt
    restarts: int = 0
    queued_at: int = 0
    checkpoints: list[tuple[int, int, str]] = field(default_factory=list)  # attempt, step, uri


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _shown(value: float | None) -> object:
    """A value as the vectors write it."""
    if value is None or math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


# --- The model ------------------------------------------------------------------------------------


class Model:
    """One experiment. Methods mirror the steps of the trace files."""

    def __init__(self, config: Config) -> None:
        self.method = _text(config, "method", "")
        self.promotion = _text(config, "variant", "PROMOTION") == "PROMOTION"
        self.maximize = _text(config, "goal", "MINIMIZE") == "MAXIMIZE"
        self.divisor = _divisor(config)
        self.synchronous = self.method in PLANNED
        if self.synchronous:
            self.brackets, self.limit = synchronous_geometry(config)
        else:
            self.brackets, self.limit = geometry(config)
        planned = sum(b.max_trials for b in self.brackets)
        self.max_trials = _whole(config, "max_trials", planned)
        self.max_concurrent_trials = _whole(config, "max_concurrent_trials", 16)
        self.max_restarts = _whole(config, "max_restarts", 5)
        self.max_infeasible = _whole(config, "max_infeasible", self.max_trials)
        target = config.get("target")
        assert target is None or isinstance(target, (int, float))
        self.target = target
        self.max_total_length = _whole(config, "max_total_length", 0)  # 0: no budget
        self.rung_rule = _text(config, "rung_rule", "TOP_K")
        self.guarantee = bool(config.get("guarantee_full_length", True))
        self.worker_failure_limit = _whole(config, "worker_failure_limit", 0)
        self.lease_ttl = _whole(config, "lease_ttl", 60)

        self.state = "RUNNING"
        self.end_reason = ""
        self.trials: list[Trial] = []
        self.rungs: list[list[list[Entry]]] = [[[] for _ in b.lengths] for b in self.brackets]
        self.arrivals = 0
        self.ticks = 0
        self.now = 0.0
        self.infeasible_row = 0
        self.high_water = Fraction(0)
        self.closed: list[int] = []
        self.state_before = self.state

    # --- Steps ------------------------------------------------------------------------------------

    def get_suggestion(
        self, worker: str, incarnation: str = "", release_held: bool = False
    ) -> Answer:
        self._begin()
        return self._finish(self._get_suggestion(worker, incarnation, release_held))

    def report(
        self,
        trial: int,
        attempt: int,
        step: int,
        value: float | None,
        checkpoint: str = "",
        others: Mapping[str, float] | None = None,
    ) -> Answer:
        self._begin()
        return self._finish(
            self._report(trial, attempt, step, value, checkpoint, dict(others or {}))
        )

    def checkpoint(self, trial: int, attempt: int, step: int, uri: str) -> Answer:
        self._begin()
        return self._finish(self._checkpoint(trial, attempt, step, uri))

    def heartbeat(self, trial: int, attempt: int) -> Answer:
        self._begin()
        return self._finish(self._checkpoint(trial, attempt, 0, ""))

    def complete(self, trial: int, attempt: int) -> Answer:
        self._begin()
        return self._finish(self._end_attempt(trial, attempt, "complete", ""))

    def fail(self, trial: int, attempt: int, kind: str) -> Answer:
        self._begin()
        return self._finish(self._end_attempt(trial, attempt, "fail", kind))

    def release(self, trial: int, attempt: int) -> Answer:
        self._begin()
        return self._finish(self._end_attempt(trial, attempt, "release", ""))

    def should_stop(self, trial: int, attempt: int | None) -> Answer:
        """Reads only; never an error for a trial that ended or a lease that is lost.

        Without an attempt it asks about the latest.
        """
        if not 0 <= trial < len(self.trials):
            return {"error": "TRIAL_NOT_FOUND"}
        t = self.trials[trial]
        if attempt is None and not t.attempts:
            ended = t.state in TERMINAL
            decision = self._said(t, "STOP", "TRIAL_ENDED") if ended else self._between(t)
            return self._stated(t, decision)
        a = t.attempts[-1] if attempt is None else self._find_attempt(t, attempt)
        if a is None or a.status == "lost":
            return self._stated(t, self._said(t, "STOP", "LEASE_LOST"))
        if a.status == "ended":
            gone = a.ending_state in TERMINAL
            return self._stated(t, self._said(t, "STOP", "TRIAL_ENDED" if gone else "LEASE_LOST"))
        return self._stated(t, self._present(t, a))

    def expire(self, trial: int) -> Answer:
        """This trial's lease runs out (nothing happens where there is no live lease)."""
        self._begin()
        t = self.trials[trial]
        a = self._live_attempt(t)
        if a is not None:
            a.status = "overdue"
            a.restarts_before_expiry = t.restarts
            if not a.reports:
                a.bad_at = self.now
            if not self._requeue_counted(t):
                a.status = "lost"
        return self._finish({"trial_state": t.state})

    def cancel(self, trial: int) -> Answer:
        """A person cancels a trial."""
        self._begin()
        if not 0 <= trial < len(self.trials):
            return self._finish({"error": "TRIAL_NOT_FOUND"})
        t = self.trials[trial]
        if t.state == "CANCELLED":
            return self._finish({"trial": t.number, "trial_state": "CANCELLED"})
        if t.state in TERMINAL:
            return self._finish({"error": "TRIAL_ENDED"})
        for a in t.attempts:
            if a.status in ("live", "overdue"):
                self._answer(a, self._said(t, "STOP", "CANCELLED"))
        if t.state != "PAUSED" and t.bracket >= 0:
            self._enter(t, self._heading(t), None)
        self._end_trial(t, "CANCELLED", "CANCELLED")
        return self._finish({"trial": t.number, "trial_state": t.state})

    def stop_experiment(self) -> Answer:
        self._begin()
        if self._ended():
            if self.end_reason == "STOPPED_BY_USER":
                return self._finish({"state": self.state})
            return self._finish({"error": "EXPERIMENT_ENDED"})
        self._end_experiment("COMPLETED", "STOPPED_BY_USER")
        return self._finish({"state": self.state})

    def pause_experiment(self) -> Answer:
        self._begin()
        if self._ended():
            return self._finish({"error": "EXPERIMENT_ENDED"})
        self.state = "PAUSED"
        for t in self.trials:
            for a in t.attempts:
                if a.status == "live":
                    t.state = "QUEUED"
                    t.queued_at = self.ticks
                if a.status in ("live", "overdue"):
                    self._answer(a, self._said(t, "PAUSE", "EXPERIMENT_PAUSED"))
        return self._finish({"state": self.state})

    def resume_experiment(self) -> Answer:
        self._begin()
        if self._ended():
            return self._finish({"error": "EXPERIMENT_ENDED"})
        self.state = "RUNNING"
        return self._finish({"state": self.state})

    def create_trial(
        self, observations: tuple[tuple[int, float], ...] = (), joins_rungs: bool = False
    ) -> Answer:
        """A configuration given beforehand; which one does not matter to the search.

        With observations, (step, value) each, it is a finished trial.
        """
        self._begin()
        if self.method == "grid" or (self.method == "pbt" and joins_rungs):  # whatever the state
            return self._finish({"error": "INVALID_REQUEST"})
        if self._ended():
            return self._finish({"error": "EXPERIMENT_ENDED"})
        waiting = sum(t.bracket < 0 and t.state == "QUEUED" for t in self.trials)
        places = sum(
            max(bracket.max_trials - len(self._members(b)), 0)
            for b, bracket in enumerate(self.brackets)
        )
        takes_place = joins_rungs or not observations
        if takes_place and places <= waiting:
            return self._finish({"error": "LIMIT_EXCEEDED"})
        t = Trial(len(self.trials))
        if joins_rungs:
            t.bracket = min(
                b
                for b, bracket in enumerate(self.brackets)
                if len(self._members(b)) < bracket.max_trials
            )
        self.trials.append(t)
        if observations:
            self._observe(t, observations)
            t.state = "COMPLETED"
            t.end_reason = "ENDED_BY_ITSELF"
        return self._finish({"trial": t.number, "trial_state": t.state})

    def _observe(self, t: Trial, observations: tuple[tuple[int, float], ...]) -> None:
        """The places of a finished trial that joins the rungs: promoted from all but the last."""
        if t.bracket < 0:
            return
        before: Entry | None = None
        for step, value in sorted(observations, key=lambda seen: seen[0]):
            lengths = self.brackets[t.bracket].lengths
            while self._heading(t) < len(lengths) and step >= lengths[self._heading(t)]:
                entry = self._enter(t, self._heading(t), value)
                if before is not None and self.promotion:
                    before.promoted = True
                before = entry

    def update(self, **changes: int | float) -> Answer:
        """New values of max_trials and the fields that are named like ours."""
        self._begin()
        changed = {name: new for name, new in changes.items() if new != self._field(name)}
        fixed = "max_trials" in changed and self._field("max_trials") is None
        lowered = changed.get("max_trials", self.max_trials) < self.max_trials
        if (changed and self._ended()) or fixed or lowered:
            return self._finish({"error": "IMMUTABLE_FIELD"})
        for name, new in changed.items():
            if name == "max_trials":
                self._raise_max_trials(int(new))
            else:
                setattr(self, name, new)
        self._share_out()
        return self._finish({"state": self.state})

    def _field(self, name: str) -> object:
        fixed = ("single", "grid", "sync_halving", "adaptive", "hyperband", "pbt")
        if name == "max_trials" and self.method in fixed:
            return None  # not theirs to give
        held: object = getattr(self, name)
        return held

    def _raise_max_trials(self, n: int) -> None:
        added = n - self.max_trials
        self.max_trials = n
        takers = [b for i, b in enumerate(self.brackets) if not self._is_over(i)]
        assert takers, "every trial of a running search has ended"
        weight = sum((b.weight for b in takers), Fraction(0))
        parts = [math.floor(b.weight / weight * added) for b in takers]
        if self.synchronous:
            rest = added - sum(parts)
            parts = [part + (1 if i < rest else 0) for i, part in enumerate(parts)]
        parts[0] += added - sum(parts)
        for b, part in zip(takers, parts, strict=True):
            b.max_trials += part
            plan = simply_halved if self.synchronous else nominal
            b.planned = plan(b.max_trials, len(b.lengths), self.divisor)

    def _is_over(self, b: int) -> bool:
        """Closed out: all its trials are created, and none of them lives."""
        members = self._members(b)
        return len(members) >= self.brackets[b].max_trials and all(
            t.state in TERMINAL for t in members
        )

    def _share_out(self) -> None:
        """C' and the shares, from the C and the n_b that hold now (section 2)."""
        counts = [b.max_trials for b in self.brackets]
        rungs = [len(b.lengths) for b in self.brackets]
        if self.synchronous:
            self.limit, shares = share_out_synchronously(
                self.method, self.max_concurrent_trials, counts
            )
        else:
            self.limit, shares = share_out(
                self.method, self.max_concurrent_trials, counts, rungs, self.divisor
            )
        for b, share in zip(self.brackets, shares, strict=True):
            b.share = share

    def advance(self, seconds: float) -> None:
        """Move the clock. No lease runs out by this; see `expire`."""
        self.now += seconds

    # --- What can be looked at --------------------------------------------------------------------

    def final(self) -> Answer:
        return {
            "experiment_state": self.state,
            "trials": [
                {
                    "trial": t.number,
                    "bracket": t.bracket,
                    "state": t.state,
                    "attempt": len(t.attempts),
                }
                for t in self.trials
            ],
            "rungs": [
                [
                    [[e.trial, _shown(e.value), e.promoted] for e in self._ordered(b, i)]
                    for i in range(len(self.rungs[b]))
                ]
                for b in range(len(self.brackets))
            ],
        }

    def progress(self) -> float:
        return float(self.high_water)

    def total_length(self) -> int:
        """Units really trained, retraining included."""
        total = 0
        for t in self.trials:
            for a in t.attempts:
                furthest = max([r.step for r in a.reports], default=a.start_step)
                total += max(furthest - a.start_step, 0)
        return total

    def incumbent(self) -> int | None:
        """The trial with the best finite value in the highest rung length that has one."""
        return next(iter(self.best_trials()), None)

    def best_trials(self) -> list[int]:
        """All trials with a finite value: longest length of one first, then value, then arrival."""
        found: list[tuple[int, float, int, int]] = []
        for b in range(len(self.brackets)):
            for i, length in enumerate(self.brackets[b].lengths):
                found.extend(
                    (-length, self._cost(e.value), e.arrival, e.trial)
                    for e in self.rungs[b][i]
                    if e.value is not None and math.isfinite(e.value)
                )
        best: list[int] = []
        for _, _, _, number in sorted(found):
            if number not in best:
                best.append(number)
        return best

    # --- Handing out work (section 3) -------------------------------------------------------------

    def _get_suggestion(self, worker: str, incarnation: str, release_held: bool) -> Answer:
        given_back: Trial | None = None
        for t in self.trials:
            a = self._live_attempt(t)
            if a is None or a.worker != worker:
                continue
            if release_held:
                self._end_attempt(t.number, a.number, "release", "")
                given_back = t
            elif a.incarnation == incarnation and not a.reports:
                return dict(a.assignment)
            else:
                a.status = "lost"
                if not a.reports:
                    a.bad_at = self.now
                if self._requeue_counted(t):
                    if self._is_failing(worker):
                        return {"result": "wait", "reason": "WORKER_FAILING"}
                    return self._assign(t, worker, incarnation, "RESUMED")
                self._settle()
        return self._hand_out(worker, incarnation, given_back)

    def _hand_out(  # noqa: PLR0911 - the rules in their order, at one glance
        self, worker: str, incarnation: str, given_back: Trial | None
    ) -> Answer:
        if self._ended():
            return {"result": "finished", "state": self.state, "end_reason": self.end_reason}
        if self.state == "PAUSED":
            return {"result": "wait", "reason": "EXPERIMENT_PAUSED"}
        if self._is_failing(worker):
            return {"result": "wait", "reason": "WORKER_FAILING"}

        retries = [
            t for t in self.trials if t.state == "QUEUED" and t.bracket >= 0 and t is not given_back
        ]
        promotions = self._all_promotable()
        copied = self._to_copy()
        bracket = self._bracket_for_new()
        if self.limit is not None and self._active() >= self.limit:
            something = bool(retries or promotions or copied or bracket is not None)
            reason = "CONCURRENCY_LIMIT" if something else self._nothing()
            return {"result": "wait", "reason": reason}
        if retries:
            t = min(retries, key=lambda t: (t.queued_at, t.number))
            return self._assign(t, worker, incarnation, "RETRIED")
        if copied is not None:
            t = self._copy(*copied)
            return self._assign(t, worker, incarnation, "NEW")
        if promotions:
            promotions[0].promoted = True
            t = self.trials[promotions[0].trial]
            return self._assign(t, worker, incarnation, "PROMOTED")
        if bracket is not None:
            given = [t for t in self.trials if t.state == "QUEUED" and t.bracket < 0]
            if given:
                t, kind = given[0], "ENQUEUED"
            else:
                t, kind = Trial(len(self.trials)), "NEW"
                self.trials.append(t)
            t.bracket = bracket
            return self._assign(t, worker, incarnation, kind)
        assert self._active() or given_back, "nothing to wait for, yet the experiment runs"
        return {"result": "wait", "reason": self._nothing()}

    def _to_copy(self) -> tuple[Trial, int] | None:
        """The trial to be copied next, and the rung that the copy trains towards."""
        return None

    def _copy(self, parent: Trial, rung: int) -> Trial:
        raise AssertionError(f"{self.method} copies no trial: {parent}, {rung}")

    def _nothing(self) -> str:
        """Why there is nothing to hand out."""
        paused = any(t.state == "PAUSED" for t in self.trials)
        return "BARRIER" if self.synchronous and paused else "AWAITING_RESULTS"

    def _bracket_for_new(self) -> int | None:
        for b, bracket in enumerate(self.brackets):
            if self._active_in(b) < bracket.share and len(self._members(b)) < bracket.max_trials:
                return b
        for b, bracket in enumerate(self.brackets):
            if len(self._members(b)) < bracket.max_trials:
                return b
        return None

    def _assign(self, t: Trial, worker: str, incarnation: str, kind: str) -> Answer:
        for other in self.trials:  # the former holder of this trial; this worker's overdue trials
            for a in other.attempts:
                if a.status == "overdue" and (other is t or a.worker == worker):
                    a.status = "lost"
        start_step, uri = self._last_checkpoint(t)
        rung = self._heading(t)
        assignment: Answer = {
            "result": "assignment",
            "kind": kind,
            "trial": t.number,
            "attempt": len(t.attempts) + 1,
            "bracket": t.bracket,
            "rung": rung,
            "start_step": start_step,
            "checkpoint": uri,
            "next_decision_step": self.brackets[t.bracket].lengths[rung],
        }
        serial = 1 + sum(len(other.attempts) for other in self.trials)
        t.attempts.append(
            Attempt(len(t.attempts) + 1, serial, worker, incarnation, assignment, start_step)
        )
        t.state = "RUNNING"
        return dict(assignment)

    def _is_failing(self, worker: str) -> bool:
        if self.worker_failure_limit == 0:
            return False
        attempts = [
            a
            for t in self.trials
            for a in t.attempts
            if a.worker == worker and (a.bad_at is not None or a.reports or a.status != "live")
        ]
        attempts.sort(key=lambda a: a.serial, reverse=True)
        row = 0
        while row < len(attempts) and attempts[row].bad_at is not None:
            row += 1
        if row < self.worker_failure_limit:
            return False
        last = max(a.bad_at for a in attempts[:row] if a.bad_at is not None)
        term: int = min(self.lease_ttl * 2 ** (row - self.worker_failure_limit), 3600)
        return self.now < last + term

    # --- Reports (sections 4, 5, 7) ---------------------------------------------------------------

    def _report(  # noqa: PLR0911, PLR0912 - the rules in order, at one glance
        self,
        trial: int,
        attempt: int,
        step: int,
        value: float | None,
        checkpoint: str,
        others: dict[str, float],
    ) -> Answer:
        if not 0 <= trial < len(self.trials):
            return {"error": "TRIAL_NOT_FOUND"}
        t = self.trials[trial]
        a = self._find_attempt(t, attempt)
        if a is None or not self._holds_lease(t, a):
            return {"error": "LEASE_LOST"}

        if a.status == "answered" and a is not t.attempts[-1]:
            return self._stated(t, self._present(t, a))
        record = self._record(a, step)
        again = None
        if record is not None:
            again = self._again(record, value, others)
            if again is not None and "error" in again:
                return again
        self._renew(t, a)
        if again is not None:
            return self._stated(t, again)
        if a.status == "answered":
            self._keep_checkpoint(t, a, step, checkpoint)
            return self._stated(t, self._present(t, a))
        if a.status == "ended":
            return {"error": "TRIAL_ENDED"}

        in_order = all(step >= r.step for r in a.reports)
        decides = value is not None and (record is None or record.value is None)
        is_new = record is None
        if record is None:
            record = Report(step, value, others, self._between(t))
            a.reports.append(record)
        else:
            record.others.update(others)
            if decides:
                record.value = value
        self._keep_checkpoint(t, a, step, checkpoint)
        if decides and in_order:
            assert value is not None
            record.decision = self._decide(t, step, value)
        decision = dict(record.decision)

        reached = decides and in_order and _finite(value) and self._reaches_target(value)
        spent = 0 < self.max_total_length <= self.total_length()
        if reached or spent:
            if decision["verdict"] != "STOP":
                decision["verdict"] = "STOP"
                decision["reason"] = "TARGET_REACHED" if reached else "BUDGET_EXHAUSTED"
                decision["next_decision_step"] = 0
            record.decision = decision
            self._answer(a, decision)
            self._end_experiment("COMPLETED", "TARGET_REACHED" if reached else "BUDGET_EXHAUSTED")
        elif decision["verdict"] != "CONTINUE":
            self._answer(a, decision)
        if is_new or (decides and in_order):
            a.last_decision = decision
        return self._stated(t, decision)

    def _record(self, a: Attempt, step: int) -> Report | None:
        for r in a.reports:
            if r.step == step:
                return r
        return None

    def _again(
        self, record: Report, value: float | None, others: dict[str, float]
    ) -> Answer | None:
        """The answer to a step said before; None: there is something new in it."""
        is_new = value is not None and record.value is None
        if value is not None and record.value is not None and not _same(record.value, value):
            return {"error": "METRIC_CONFLICT"}
        for name, other in others.items():
            if name not in record.others:
                is_new = True
            elif not _same(record.others[name], other):
                return {"error": "METRIC_CONFLICT"}
        return None if is_new else dict(record.decision)

    def _reaches_target(self, value: float | None) -> bool:
        return (
            self.target is not None
            and value is not None
            and self._cost(value) <= self._cost(self.target)
        )

    def _decide(self, t: Trial, step: int, value: float) -> Answer:
        """An in-order value of the search metric: through every rung that the step has reached."""
        t.last_value = value
        b = t.bracket
        lengths = self.brackets[b].lengths
        top = len(lengths) - 1
        decision = self._between(t)
        while self._heading(t) <= top and step >= lengths[self._heading(t)]:
            i = self._heading(t)
            entry = self._enter(t, i, value)
            order = self._ordered(b, i)
            rank = order.index(entry)
            places = self._places(b, i)
            if not self.promotion:
                places = self._stopping_places(b, i, entry)
            decision = {"bracket": b, "rung": i, "rank": rank, "competitors": len(order)}
            if i < top and self.rung_rule == "PERCENTILE":
                limit = self._percentile(b, i, entry)
                if limit is not None:
                    decision["cutoff"] = limit
            elif i < top and places > 0 and _finite(order[places - 1].value):
                decision["cutoff"] = order[places - 1].value
            decision["next_decision_step"] = lengths[i + 1] if i < top else 0

            if i == top:
                self._end_trial(t, "COMPLETED", "MAX_LENGTH")
                return self._with(decision, "STOP", "MAX_LENGTH")
            if self.promotion:
                t.state = "PAUSED"  # as which it is looked at like every other
                if entry not in self._promotable(b, i):
                    reason = "AWAITING_PROMOTION" if _finite(value) else "NON_FINITE"
                    return self._with(decision, "PAUSE", reason)
                t.state = "RUNNING"
                entry.promoted = True
                reason = "PROMOTED" if rank < places else "PROMOTED_AT_CLOSE_OUT"
            else:
                if not _finite(value):
                    self._end_trial(t, "STOPPED", "NON_FINITE")
                    return self._with(decision, "STOP", "NON_FINITE")
                if rank >= places:
                    self._end_trial(t, "STOPPED", "RUNG_CUTOFF")
                    return self._with(decision, "STOP", "RUNG_CUTOFF")
                reason = "TOP_FRACTION"
            decision = self._with(decision, "CONTINUE", reason)
        return decision

    def _stopping_places(self, b: int, i: int, entry: Entry) -> int:
        """How many of the best go on, by the rung rule; for PERCENTILE: all, or none of this."""
        n = len(self.rungs[b][i])
        if self.rung_rule == "RANK_FRACTION":
            return sum(Fraction(rank, n) <= 1 / self.divisor for rank in range(n))
        if self.rung_rule == "PERCENTILE":
            limit = self._percentile(b, i, entry)
            assert entry.value is not None
            if limit is None or not _finite(entry.value):
                return n
            return n if self._cost(entry.value) <= self._cost(limit) else 0
        return max(self._places(b, i), 1)

    def _percentile(self, b: int, i: int, entry: Entry) -> float | None:
        """The interpolated percentile of the finite values before an entry; None without one."""
        earlier = [e.value for e in self.rungs[b][i] if e is not entry and _finite(e.value)]
        costs = sorted(self._cost(value) for value in earlier if value is not None)
        if not costs:
            return None
        # The best 1/d: so far along the way from the best to the worst.
        place = Fraction(len(costs) - 1) / self.divisor
        below = math.floor(place)
        limit = costs[below]
        if below + 1 < len(costs) and costs[below + 1] > limit:
            limit += float(place - below) * (costs[below + 1] - limit)
        return self._cost(limit)

    def _with(self, decision: Answer, verdict: str, reason: str) -> Answer:
        answer = {**decision, "verdict": verdict, "reason": reason}
        if verdict != "CONTINUE":
            answer["next_decision_step"] = 0
        return answer

    def _between(self, t: Trial) -> Answer:
        """CONTINUE / BETWEEN_RUNGS, from where the trial stands."""
        rung = self._heading(t) if t.bracket >= 0 else 0
        return {
            "verdict": "CONTINUE",
            "reason": "BETWEEN_RUNGS",
            "bracket": t.bracket,
            "rung": self._compared(t),
            "next_decision_step": self.brackets[t.bracket].lengths[rung] if t.bracket >= 0 else 0,
        }

    def _compared(self, t: Trial) -> int:
        """The highest rung that it is in; -1 if in none."""
        rungs = self.rungs[t.bracket] if t.bracket >= 0 else []
        return max([i for i, es in enumerate(rungs) if any(e.trial == t.number for e in es)] + [-1])

    def _said(self, t: Trial, verdict: str, reason: str) -> Answer:
        """A decision that compares nothing."""
        return {
            "verdict": verdict,
            "reason": reason,
            "bracket": t.bracket,
            "rung": self._compared(t),
            "next_decision_step": 0,
        }

    def _present(self, t: Trial, a: Attempt) -> Answer:
        """The attempt's present decision."""
        return dict(a.verdict or a.last_decision or self._between(t))

    def _answer(self, a: Attempt, decision: Answer) -> None:
        """STOP or PAUSE: from now on the answer to every question about the attempt."""
        a.status = "answered"
        a.verdict = dict(decision)

    # --- The other calls of a worker --------------------------------------------------------------

    def _checkpoint(self, trial: int, attempt: int, step: int, uri: str) -> Answer:
        """ReportCheckpoint; without a uri a Heartbeat."""
        if not 0 <= trial < len(self.trials):
            return {"error": "TRIAL_NOT_FOUND"}
        t = self.trials[trial]
        a = self._find_attempt(t, attempt)
        if a is None or not self._holds_lease(t, a):
            return {"error": "LEASE_LOST"}
        if a.status == "ended":
            return {"error": "TRIAL_ENDED"}
        self._renew(t, a)
        self._keep_checkpoint(t, a, step, uri)
        return self._stated(t, self._present(t, a))

    def _end_attempt(self, trial: int, attempt: int, call: str, kind: str) -> Answer:
        """CompleteTrial, FailTrial, ReleaseTrial."""
        if not 0 <= trial < len(self.trials):
            return {"error": "TRIAL_NOT_FOUND"}
        t = self.trials[trial]
        a = self._find_attempt(t, attempt)
        if a is not None and a.status == "ended" and a.ending == (call, kind):
            return self._over(t, a.ending_state)
        if a is None or not self._holds_lease(t, a):
            return {"error": "LEASE_LOST"}
        if a.status == "ended":
            return {"error": "TRIAL_ENDED"}
        if a.status == "answered":
            return self._stated(t, self._present(t, a))

        self._renew(t, a)
        a.status = "ended"
        a.ending = (call, kind)
        if call == "fail" and kind != "INFEASIBLE" and not a.reports:
            a.bad_at = self.now
        self._apply_ending(t, call, kind)
        a.ending_state = t.state
        return self._over(t, t.state)

    def _over(self, t: Trial, state: str) -> Answer:
        """What ends the caller's attempt leaves to say: the trial ended, or is another's."""
        reason = "TRIAL_ENDED" if state in TERMINAL else "LEASE_LOST"
        return {"trial_state": state, **self._said(t, "STOP", reason)}

    def _stated(self, t: Trial, decision: Answer) -> Answer:
        return {"trial_state": t.state, **decision}

    def _apply_ending(self, t: Trial, call: str, kind: str) -> None:
        """What the end of its attempt makes of the trial."""
        if call == "release":
            self._requeue(t)
        elif call == "complete":
            if t.last_value is None:
                self._fail_trial(t, "NO_METRIC")
            else:
                self._enter(t, self._heading(t), t.last_value)
                self._end_trial(t, "COMPLETED", "ENDED_BY_ITSELF")
        elif kind == "PERMANENT":
            self._fail_trial(t, "PERMANENT_FAILURE")
        elif kind == "INFEASIBLE":
            self._make_infeasible(t)
        elif kind == "CHECKPOINT_UNREADABLE" and t.checkpoints:
            t.checkpoints = []
            self._requeue(t)
        else:
            assert kind in ("RETRYABLE", "CHECKPOINT_UNREADABLE"), kind
            self._requeue_counted(t)

    def _holds_lease(self, t: Trial, a: Attempt) -> bool:
        """Whether the token is still good for anything."""
        if a.status == "overdue":
            return self._may_come_back()
        return a.status != "lost" and not (a.status == "ended" and a.ending_state not in TERMINAL)

    def _may_come_back(self) -> bool:
        return self.limit is None or self._active() < self.limit

    def _renew(self, t: Trial, a: Attempt) -> None:
        """A call that is carried out: whoever was overdue goes on, as if nothing had been."""
        if a.status == "overdue":
            a.status = "live"
            a.bad_at = None
            t.state = "RUNNING"
            t.restarts = a.restarts_before_expiry

    def _keep_checkpoint(self, t: Trial, a: Attempt, step: int, uri: str) -> None:
        if uri and a is t.attempts[-1]:
            t.checkpoints.append((a.number, step, uri))

    def _last_checkpoint(self, t: Trial) -> tuple[int, str]:
        """The highest step of the latest attempt that reported one; (0, "") if there is none."""
        best: tuple[int, int, str] = (0, 0, "")
        for made in t.checkpoints:
            if made[:2] >= best[:2]:
                best = made
        return best[1], best[2]

    # --- Trials that wait again, and trials that end (section 6) ----------------------------------

    def _requeue(self, t: Trial) -> None:
        t.state = "QUEUED"
        t.queued_at = self.ticks

    def _requeue_counted(self, t: Trial) -> bool:
        """Queue the trial again for a failure; False: that was one too many, it is FAILED."""
        t.restarts += 1
        if t.restarts > self.max_restarts:
            self._fail_trial(t, "RESTARTS_EXHAUSTED")
            return False
        self._requeue(t)
        return True

    def _fail_trial(self, t: Trial, reason: str) -> None:
        self._enter(t, self._heading(t), None)
        self._end_trial(t, "FAILED", reason)

    def _make_infeasible(self, t: Trial) -> None:
        for rungs in self.rungs:
            for i in range(len(rungs)):
                rungs[i] = [e for e in rungs[i] if e.trial != t.number]
        t.state = "INFEASIBLE"
        t.end_reason = "INFEASIBLE"
        self.infeasible_row += 1
        if self.infeasible_row > self.max_infeasible:
            self._end_experiment("FAILED", "TOO_MANY_INFEASIBLE")

    def _end_trial(self, t: Trial, state: str, reason: str) -> None:
        t.state = state
        t.end_reason = reason
        self.infeasible_row = 0

    def _enter(self, t: Trial, i: int, value: float | None) -> Entry:
        self.arrivals += 1
        entry = Entry(t.number, value, self.arrivals)
        self.rungs[t.bracket][i].append(entry)
        t.restarts = 0
        self.infeasible_row = 0
        return entry

    # --- Rungs ------------------------------------------------------------------------------------

    def _cost(self, value: float) -> float:
        """Smaller is better, whatever the goal."""
        return -value if self.maximize else value

    def _ordered(self, b: int, i: int) -> list[Entry]:
        """Best first: finite ones by value, then the others; the earlier of equals first."""
        finite = [e for e in self.rungs[b][i] if e.value is not None and math.isfinite(e.value)]
        others = [e for e in self.rungs[b][i] if e not in finite]
        finite.sort(key=lambda e: (self._cost(e.value if e.value is not None else 0), e.arrival))
        others.sort(key=lambda e: e.arrival)
        return finite + others

    def _places(self, b: int, i: int) -> int:
        """How many of the best go on now."""
        if self.synchronous:
            top = i == len(self.rungs[b]) - 1
            return 0 if top else max(self.brackets[b].planned[i + 1] - self._coming(b, i), 0)
        return math.floor(len(self.rungs[b][i]) / self.divisor)

    def _coming(self, b: int, i: int) -> int:
        """How many may still come into a rung of a synchronous bracket."""
        members = self._members(b)
        underway = sum(t.state in ("RUNNING", "QUEUED") and self._heading(t) == i for t in members)
        if i == 0:
            return underway + max(self.brackets[b].max_trials - len(members), 0)
        if self._coming(b, i - 1) == 0 and not self._promotable(b, i - 1):
            return underway
        promoted = sum(e.promoted for e in self.rungs[b][i - 1])
        return underway + max(self.brackets[b].planned[i] - promoted, 1)

    def _waits(self, e: Entry) -> bool:
        """Paused at this entry with a finite value, not yet promoted."""
        return not e.promoted and _finite(e.value) and self.trials[e.trial].state == "PAUSED"

    def _promotable(self, b: int, i: int) -> list[Entry]:
        """Who is promotable out of this rung, best first."""
        if not self.promotion or i == len(self.rungs[b]) - 1:
            return []
        order = self._ordered(b, i)
        found = [e for e in order[: self._places(b, i)] if self._waits(e)]
        if found or not self.guarantee or any(e.promoted for e in order):
            return found
        waiting = [e for e in order if self._waits(e)]
        return waiting[:1] if waiting and self._is_final(b, i) else []

    def _all_promotable(self) -> list[Entry]:
        """Highest rung first, then the bracket with most rungs, then best value."""
        found: list[tuple[int, int, float, int, Entry]] = []
        for b in range(len(self.brackets)):
            for i in range(len(self.rungs[b])):
                for e in self._promotable(b, i):
                    assert e.value is not None
                    found.append((-i, -len(self.rungs[b]), self._cost(e.value), e.arrival, e))
        return [f[4] for f in sorted(found, key=lambda f: f[:4])]

    def _is_final(self, b: int, i: int) -> bool:
        """Nothing will enter this rung any more (section 4, close-out)."""
        members = self._members(b)
        if len(members) < self.brackets[b].max_trials:
            return False
        for t in members:
            if t.state in TERMINAL:
                continue
            if all(e.trial != t.number for e in self.rungs[b][0]):
                return False
            if t.state in ("RUNNING", "QUEUED") and self._heading(t) <= i:
                return False
        return all(not self._promotable(b, j) for j in range(i))

    def _heading(self, t: Trial) -> int:
        """The rung this trial trains towards: the number of rungs that it is in."""
        return sum(any(e.trial == t.number for e in rung) for rung in self.rungs[t.bracket])

    # --- Counting by looking ----------------------------------------------------------------------

    def _members(self, b: int) -> list[Trial]:
        """The trials of a bracket that count: the infeasible ones do not."""
        replaced = () if self.method == "grid" else ("INFEASIBLE",)
        return [t for t in self.trials if t.bracket == b and t.state not in replaced]

    def _active(self) -> int:
        return sum(t.state == "RUNNING" for t in self.trials)

    def _active_in(self, b: int) -> int:
        return sum(t.state == "RUNNING" for t in self.trials if t.bracket == b)

    def _find_attempt(self, t: Trial, attempt: int) -> Attempt | None:
        for a in t.attempts:
            if a.number == attempt:
                return a
        return None

    def _live_attempt(self, t: Trial) -> Attempt | None:
        for a in t.attempts:
            if a.status == "live":
                return a
        return None

    # --- After every step: close-out, end, progress -----------------------------------------------

    def _begin(self) -> None:
        self.ticks += 1
        self.closed = []
        self.state_before = self.state

    def _finish(self, answer: Answer) -> Answer:
        self._settle()
        self.high_water = max(self.high_water, self._progress_now())
        for t in self.trials:  # a trial runs exactly while a worker holds its lease
            assert (t.state == "RUNNING") == (self._live_attempt(t) is not None), t
        if self.closed:
            answer["closed"] = sorted(self.closed)
        if self.state != self.state_before:
            answer["experiment"] = self.state
        return answer

    def _settle(self) -> None:
        if self._ended():
            return
        for b in range(len(self.brackets)):
            for i in range(len(self.rungs[b]) - 1):
                if not self.promotion or not self._is_final(b, i) or self._promotable(b, i):
                    continue
                for e in self.rungs[b][i]:
                    t = self.trials[e.trial]
                    if t.state == "PAUSED" and not e.promoted:
                        self._end_trial(t, "STOPPED", "NOT_PROMOTED")
                        self.closed.append(t.number)
        full = all(
            len(self._members(b)) >= bracket.max_trials for b, bracket in enumerate(self.brackets)
        )
        given = [t for t in self.trials if t.bracket >= 0 or t.state != "QUEUED"]
        if full and all(t.state in TERMINAL for t in given):
            judged = [t for t in given if t.state != "INFEASIBLE"]
            if judged and all(t.state == "FAILED" for t in judged):
                self._end_experiment("FAILED", "ALL_TRIALS_FAILED")
            else:
                self._end_experiment("COMPLETED", "ALL_TRIALS_ENDED")

    def _ended(self) -> bool:
        return self.state in ("COMPLETED", "FAILED")

    def _end_experiment(self, state: str, reason: str) -> None:
        self.state = state
        self.end_reason = reason
        for t in self.trials:
            for a in t.attempts:
                if a.status in ("live", "overdue"):
                    self._answer(a, self._said(t, "STOP", "EXPERIMENT_STOPPED"))
            if t.state not in TERMINAL:
                self._end_trial(t, "STOPPED", "EXPERIMENT_ENDED")

    def _progress_now(self) -> Fraction:
        if self._ended():
            return Fraction(1)
        done, planned = 0, 0
        for b, bracket in enumerate(self.brackets):
            below = 0
            for i, m in enumerate(bracket.planned):
                piece = bracket.lengths[i] - below
                below = bracket.lengths[i]
                done += min(len(self.rungs[b][i]), m) * piece
                planned += m * piece
        now = Fraction(done, planned)
        if self.max_total_length > 0:
            now = max(now, Fraction(self.total_length(), self.max_total_length))
        return min(now, Fraction(1))
