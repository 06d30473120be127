"""The Python client of the ASHA server."""
