"""The library's front door: everything that the command line does, as calls."""
