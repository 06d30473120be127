"""A search as a moving picture: rungs, trials that rise to them, and workers that train or idle.

From the history of an experiment to what a person sees, each step pure but the last:

* `story.py`    who trained which trial from when to when, and how each stretch ended.
* `shape.py`    circles, boxes, lines and words, each property a number or one that moves in time.
* `panel.py`    one search as shapes: its ladder of rungs, and its workers over time.
* `scene.py`    one or two searches under one clock: the whole drawing.
* `palette.py`  the colours of what things mean, on light paper and on dark.
* `svg.py`      a scene at one moment as SVG; `timeline.py` what changes in it, as data.
* `page.py`     a scene as a web page that plays it; `gif.py` as a GIF.

Read `scene.py` first. Page and GIF know nothing of searches: both are drawn from the same scene.
"""
