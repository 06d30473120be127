"""Which migrations a file of today has, known without what carries them out.

`migrations.py` needs sqlite-utils, which takes 0.1 s to import; a process that only reads does not.
"""

VERSION_SET = "asha"
"""The name under which sqlite-utils notes them in a file."""
VERSIONS = ("m001_initial", "m002_parent", "m003_access", "m004_quotas")
"""In order; a file that has others is a newer server's and is refused."""
SCHEMA_VERSION = len(VERSIONS)
