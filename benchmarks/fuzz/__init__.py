"""Bad input by the thousand; see `__main__`."""
