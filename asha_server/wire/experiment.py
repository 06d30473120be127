"""Experiments as shown to people: spec, state, counts, brackets with their rungs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.pb import experiment_pb2 as pb
from asha_server.pb import experiment_service_pb2 as service_pb
from asha_server.search.control import etag
from asha_server.search.method import method_of
from asha_server.search.rung_rule import present_cutoff
from asha_server.search.terms import RungRule, TrialState
from asha_server.wire import enums
from asha_server.wire.spec import format_spec
from asha_server.wire.times import duration, timestamp
from asha_server.wire.trial import format_trial, shown_trial

if TYPE_CHECKING:
    from asha_server.search.bracket import Geometry
    from asha_server.search.rung import Rung
    from asha_server.search.state import Bracket, State


def format_experiment(state: State, now_us: int, *, has_brackets: bool = True) -> pb.Experiment:
    """An experiment and what became of it. O(rungs · log n).

    Args:
        state: of the experiment.
        now_us: wall clock, microseconds.
        has_brackets: whether to tell of its brackets.
    """
    incumbent = state.incumbent()
    return pb.Experiment(
        experiment_id=state.experiment_id,
        spec=format_spec(state.spec),
        state=enums.EXPERIMENT_STATE.of(state.state),
        end_reason=enums.END_REASON.of(state.end_reason),
        end_message=state.end_message,
        etag=etag(state),
        sequence=state.sequence,
        progress=state.progress,
        trial_counts=_format_counts(state),
        total_length=state.total_length,
        incumbent=format_trial(shown_trial(state, incumbent.number)) if incumbent else None,
        brackets=[_format_bracket(state, b) for b in state.brackets] if has_brackets else (),
        create_time=timestamp(state.created_us),
        update_time=timestamp(state.updated_us),
        end_time=timestamp(state.ended_us),
        wall_time=duration(state.running_us(now_us)),
    )


def _format_counts(state: State) -> pb.TrialCounts:
    counts = state.counts
    return pb.TrialCounts(
        created=len(state.trials),
        queued=counts[TrialState.QUEUED],
        running=counts[TrialState.RUNNING],
        paused=counts[TrialState.PAUSED],
        completed=counts[TrialState.COMPLETED],
        stopped=counts[TrialState.STOPPED],
        failed=counts[TrialState.FAILED],
        infeasible=counts[TrialState.INFEASIBLE],
        cancelled=counts[TrialState.CANCELLED],
    )


def _format_bracket(state: State, bracket: Bracket) -> pb.Bracket:
    return pb.Bracket(
        bracket=bracket.index,
        num_rungs=len(bracket.rungs),
        rung_lengths=[rung.length for rung in bracket.rungs],
        max_trials=bracket.max_trials,
        concurrency_share=bracket.share,
        created_trials=bracket.created_count,
        planned_trials=bracket.nominal,
        rung_summaries=[
            _format_rung(state, bracket, index, rung) for index, rung in enumerate(bracket.rungs)
        ],
    )


def _format_rung(state: State, bracket: Bracket, index: int, rung: Rung) -> pb.RungSummary:
    is_top = index == len(bracket.rungs) - 1
    cutoff = None
    if state.spec.rung_rule is RungRule.PERCENTILE:
        cutoff = present_cutoff(state.spec.rung_rule, rung, state.divisor, state.goal)
    elif not is_top:
        places = method_of(state.spec).places(state, bracket, index)
        cutoff = rung.value_at(places - 1, state.goal)
    is_closed = bracket.is_full and not any(bracket.heading[: index + 1]) and not rung.waiting
    return pb.RungSummary(
        rung=index,
        length=rung.length,
        entries=len(rung),
        promoted=rung.promoted_count,
        paused=len(rung.waiting),
        best_value=rung.value_at(0, state.goal),
        cutoff=None if is_top else cutoff,
        closed=state.state.is_ended or is_closed,
    )


def format_plan(index: int, geometry: Geometry) -> pb.Bracket:
    """A bracket before anything happened in it."""
    return pb.Bracket(
        bracket=index,
        num_rungs=len(geometry.rung_lengths),
        rung_lengths=geometry.rung_lengths,
        max_trials=geometry.max_trials,
        concurrency_share=geometry.share,
        planned_trials=geometry.entries,
    )


def format_rung_entries(
    state: State, bracket: int, rung: int, first: int, most: int
) -> list[service_pb.RungEntry]:
    """Entries of a rung, best first, from a 0-based rank on. O(most · log n)."""
    entries = state.brackets[bracket].rungs[rung].entries
    found = []
    for rank, (_, _, arrival, number) in enumerate(entries.islice(first, first + most), first):
        entry = state.trials[number].entry(rung)
        found.append(
            service_pb.RungEntry(
                bracket=bracket,
                rung=rung,
                trial_number=number,
                value=entry.value,
                rank=rank,
                promoted=entry.is_promoted,
                arrival=arrival,
            )
        )
    return found
