"""`asha watch`: events as they happen."""

from __future__ import annotations

from collections.abc import Iterator

import click
from asha_client.errors import AshaError

from asha_server.cli import experiment_text
from asha_server.cli.connecting import LONG_PATIENCE_S, Server, server_option
from asha_server.cli.event_line import event_line
from asha_server.cli.json_output import json_option, print_json
from asha_server.pb.event_pb2 import ExperimentEvent
from asha_server.pb.experiment_service_pb2 import GetExperimentRequest, WatchExperimentRequest


@click.command(
    short_help="Print events as they happen.",
    epilog="Example: asha watch digits; asha watch digits --after 0 --json > events.jsonl",
)
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--after",
    type=click.IntRange(min=0),
    metavar="N",
    help="Begin after the event of this sequence; 0 = with the first.  [default: from now]",
)
@json_option
@server_option
def command(server: Server, experiment_id: str, after: int | None, is_json: bool) -> None:
    """Print events as they happen, each once, until the experiment ends or Ctrl-C.

    A connection that breaks is taken up again after the last event printed.
    """
    try:
        for event in watched(server, experiment_id, after):
            if is_json:
                print_json(event)
            else:
                click.echo(event_line(event))
    except KeyboardInterrupt:
        return  # how a person leaves


def watched(server: Server, experiment_id: str, after: int | None) -> Iterator[ExperimentEvent]:
    """The events after a sequence (None: from now), across broken connections.

    Raises:
        ServerRefusal: the server's word, or it stays away for too long.
    """
    request = GetExperimentRequest(experiment_id=experiment_id)
    experiment = server.call(server.experiments.GetExperiment, request).experiment
    if after is None:
        after = experiment.sequence
        if experiment.state in experiment_text.ENDED:
            click.echo(f"{experiment_text.headline(experiment)}; --after 0 shows it all", err=True)
    server.patience_s = LONG_PATIENCE_S
    while True:
        asked = WatchExperimentRequest(experiment_id=experiment_id, after_sequence=after)
        begun = after
        try:
            for response in server.stream(server.experiments.WatchExperiment, asked):
                after = response.event.sequence
                yield response.event
        except AshaError as error:
            has_lagged = error.reason == "WATCH_LAGGED" and after > begun
            if not has_lagged:
                server.wait_after(error, server.backoff())
                # Answered again: only now is it worth while to watch again.
                server.call(server.experiments.GetExperiment, request)
        else:
            return
