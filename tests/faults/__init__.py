"""Breaks what a server stands on, and looks at what becomes of what it had answered.

`faulty_disk.c` is a disk that fails on command, preloaded into a real server (`disk.py`);
`served.py` is that server as a process, with a worker that notes every answer it got.
"""
