"""`asha demo`: a server, worker processes and a real search on real data, in one command.

Read `worker.py` first: the program that each worker process runs, the five-line loop of any
training script. Beside it:

* `digits.py`      the data and the model: a small neural network on handwritten digits
* `search.py`      the experiment: which hyperparameters, which method
* `processes.py`   the server and the workers as processes, their logs, their end
* `screen.py`      what is shown while it runs, `outcome.py` what is shown in the end
* `command.py`     the options, and the order of things
"""

from asha_server.cli.demo.command import command

__all__ = ["command"]
