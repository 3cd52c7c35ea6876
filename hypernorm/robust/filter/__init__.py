"""The moment filter: take weight from samples until no direction looks contaminated."""
