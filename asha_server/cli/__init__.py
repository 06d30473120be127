"""The command `asha`: the server, and everything a person does with it from a shell.

One module per subcommand, of the same name, each with a click command called `command`. They are
imported only when they are called: `asha --help` loads neither gRPC nor rich, `asha serve` what the
server needs. What several commands share has the name of what it is:

* `program.py`          the group and the list of subcommands. Read it first.
* `connecting.py`       the server a command talks to; retries, and refusals in a person's words.
* `experiment_file.py`  the YAML of `asha create -f`, on `yaml_document.py` and `overrides.py`.
* `table.py`, `drawing.py`, `json_output.py`, `wording.py`, `asking.py`   what is shown and asked.
* `explanation.py` on `story.py`, `event_line.py`   a trial's and an event's words: pure.

Exit status: 0 done, 1 refused or failed, 2 wrong usage.
"""

from __future__ import annotations

import logging

from asha_server.cli.program import asha


def main() -> None:
    """Runs the command `asha` and exits with its status."""
    # What the client would warn of is said by `connecting.py`, in a person's words.
    logging.getLogger("asha_client").setLevel(logging.ERROR)
    asha(prog_name="asha")
