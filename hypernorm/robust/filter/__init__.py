"""The moment filter: remove weight from samples until no direction looks contaminated."""
