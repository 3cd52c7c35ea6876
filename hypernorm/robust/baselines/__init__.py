"""Standard robust estimators of location, for comparison and as starting points of other methods."""
