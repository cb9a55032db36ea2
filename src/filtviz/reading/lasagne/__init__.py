"""Lasagne's layers, as their pickles describe them: their graph, their geometry, their parameters."""
