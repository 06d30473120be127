"""Experiment configurations of Determined AI (0.12 to 0.38), read as experiments of ours.

`translation.py` reads a file, `searcher.py` its search and `hyperparameters.py` its search space;
`searcher_fields.py` knows the fields of every version and their defaults, `differences.py` what
the same search does otherwise here, and `template.py` lays a file over a template.
"""
