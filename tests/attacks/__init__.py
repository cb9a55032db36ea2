"""Hostile files, and what they must not do."""
