"""Data sets and methods of `experiments.gauss_markov_study`."""
