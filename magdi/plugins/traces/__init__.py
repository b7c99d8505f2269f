"""Traces while they are made: received over OTLP, recorded in this process, and sent of our own discussions."""
