"""Makes the pages of docs/reference from what the code itself says; `docs/generate.py` runs it.

One module a page, most with `page() -> str`:

* `contract.py`   the protos with their comments; `rpc.py` and `errors.py` print it.
* `limits.py`     what a server bears, from `config.Limits`.
* `commands.py`   the help of every command.
* `schema.py`     the tables, from the migrations; `facts.py` says where each fact stands.
* `methods.py`    the search methods and the fields of an experiment.
* `example.py`    the example of the explanation of ASHA, played; `picture.py` draws it.
* `served.py`     which calls this server carries out.
* `markdown.py`   sentences, tables and links, as all of them write them.
"""
