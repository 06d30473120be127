"""`asha run`: any program as a worker. Parameters go in, metrics come out, signals end it.

Read `training.py` first: one trial trained by one program. Around it:

* `template.py`, `briefing.py`: what the program is told (words of the command, environment, file).
* `report_line.py`, `metrics_file.py`, `step_count.py`: what it tells, line by line.
* `program.py`, `line_stream.py`: the process group, its output and its end.
* `crew.py`: several workers side by side, signals, the exit status. `command.py`: the options.

Everything said to the server goes through `asha_client.aio`, as any user's code would.
"""

from asha_server.cli.run.command import command

__all__ = ["command"]
