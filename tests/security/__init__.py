"""Attempts at what docs/explanation/security.md says is defended."""
