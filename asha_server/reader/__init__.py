"""Long reads in processes of their own, so that they never take the serving process's time.

One CPU-bound thread beside the event loop takes the median of 200 workers from milliseconds to
seconds; in another process it costs nothing. `child.py` is the program that answers questions
over its pipes, `questions.py` what can be asked, `queries.py` the answers, `export.py` a program
that writes one history; `process.py` is the serving process's end of them. All read through
read-only connections: they see whole committed transactions and stall nobody. `forecast.py` reads
nothing but its question, and thinks for long: it is a program that simulates one search.
"""
