"""`asha sidecar`: the worker beside a training container that stays as it is.

Two forms. Folder: read `folder_training.py` first, one trial handed over as files; around it
`forms.py` (what the files hold), `folder.py` (who writes what where), `metrics_log.py` (the lines,
numbered), `folder_worker.py` (one trial after the other) and `trainer.sh` (the other side, for any
command). Socket: `socket_service.py`, which passes calls on by `proxy.py` if `gate.py` lets them.
Both: `liveness.py`, whether the trainer lives. `command.py`: the options.

What reads metrics and ends attempts is that of `asha run`.
"""

from asha_server.cli.sidecar.command import command

__all__ = ["command"]
