"""Mutated model files."""
