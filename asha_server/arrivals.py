"""Experiments on their way in: taken piece by piece, hidden until they are whole.

What an import brings is written with the engine's batches as it comes, but as rows of a deleted
experiment: nobody sees them, and a server that starts on the file forgets them. The last step
gives the experiment its state, in one commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.hosted import Arrival, Stage
from asha_server.search.command import PauseExperiment
from asha_server.search.terms import ExperimentState

if TYPE_CHECKING:
    from asha_server.accounts import Account
    from asha_server.hosted import ArrivalStep, Batch, Hosted
    from asha_server.roster import Roster
    from asha_server.search.event import Record


class Arrivals:
    """Carries out the steps of imports.

    Args:
        roster: the experiments of the server.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    def carry_out(
        self, batch: Batch, step: ArrivalStep, account: Account
    ) -> Arrival | Hosted | None:
        """One step; the arrival, or at its end the experiment.

        Raises:
            AlreadyExists: EXPERIMENT_EXISTS.
            ResourceExhausted: LIMIT_EXCEEDED, QUOTA_EXCEEDED.
        """
        if step.stage is Stage.ANNOUNCED:
            key = self._roster.reserve(step.experiment_id, account)
            return Arrival(step.experiment_id, key, account)
        arrival = step.arrival
        assert arrival is not None
        match step.stage:
            case Stage.GOES_ON:
                self._take(batch, arrival, step.records)
                return arrival
            case Stage.IS_WHOLE:
                return self._complete(batch, arrival)
            case Stage.IS_GIVEN_UP:
                self._give_up(batch, arrival)
        return None

    def _take(self, batch: Batch, arrival: Arrival, records: list[Record]) -> None:
        """Takes the next events in. O(their number · log n)."""
        for record in records:
            arrival.replay.take(record)
        if arrival.hosted is None:
            arrival.hosted = self._roster.host(
                arrival.key, arrival.replay.experiment, arrival.account
            )
            arrival.hosted.is_arriving = True
        arrival.hosted.records.extend(records)
        arrival.last_us = records[-1].time_us
        batch.touched[arrival.key] = arrival.hosted

    def _complete(self, batch: Batch, arrival: Arrival) -> Hosted:
        """From now on it is there; a search that was running is paused.

        The pause is dated by the last event that was exported, so that the time in between is
        none that the search ran.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED, of trials.
        """
        hosted = arrival.hosted
        assert hosted is not None
        self._roster.check_trials(arrival.account, hosted.trial_count_max)
        if hosted.experiment.state.state is ExperimentState.RUNNING:
            outcome = hosted.experiment.decide(PauseExperiment(), arrival.last_us)
            hosted.records.extend(outcome.records)
        hosted.is_arriving = False
        self._roster.release(arrival.experiment_id)
        self._roster.add(hosted)
        batch.touched[arrival.key] = hosted
        return hosted

    def _give_up(self, batch: Batch, arrival: Arrival) -> None:
        """Nothing of it stays: its rows go like those of a deleted experiment."""
        self._roster.release(arrival.experiment_id)
        if arrival.hosted is None:
            return
        state = arrival.hosted.experiment.state
        state.take_changes()
        state.unsettled.clear()
        arrival.hosted.records = []
        batch.touched.pop(arrival.key, None)
        batch.deleted.append(arrival.key)
