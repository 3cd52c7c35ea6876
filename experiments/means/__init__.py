"""The experiment on robust means: methods, trials, and the summary of the rows."""
