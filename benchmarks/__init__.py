"""Speed, measured against the machine's own matrix product in the same run."""
