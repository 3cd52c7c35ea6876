"""Settings shared by all tests: reproducible property tests, single-threaded matrix products left as they are."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "hypernorm", derandomize=True, deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("hypernorm")
