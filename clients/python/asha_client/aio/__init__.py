"""The asyncio twin: the same names, the same rules, awaited.

    from asha_client import aio as asha

    experiment = asha.connect("localhost:50051").experiment("digits")
    async for trial in experiment.trials():
        async for step in trial.steps():
            await trial.report(step, {"val_loss": await train(...)}, checkpoint=model.save)

Checkpoint functions and broadcasts may be coroutine functions. The keep-alive is a thread here
too, so that training code that holds the event loop up does not lose its lease; what a dying
process still has to say (SIGTERM, an exception) goes over a blocking connection of its own.
"""

from asha_client.aio.client import Client, connect
from asha_client.aio.experiment import Experiment, Trials
from asha_client.aio.trial import Trial

__all__ = ["Client", "Experiment", "Trial", "Trials", "connect"]
