"""Data sets and regression methods of `experiments.gauss_markov_study`."""
