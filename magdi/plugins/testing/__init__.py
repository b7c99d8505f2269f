"""The conformance kit: checks that every component, shipped or third-party, has to pass."""
