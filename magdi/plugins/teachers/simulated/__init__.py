"""Simulated teachers: programs that play language models in a discussion of word problems; no language model at all.

What one does is in docs/simulated.md; where its results are shown, it is said that they are simulated.
"""

from magdi.plugins.teachers.simulated.profiles import PROFILES, SimulatedConfig
from magdi.plugins.teachers.simulated.teacher import SimulatedTeacher

__all__ = ["PROFILES", "SimulatedConfig", "SimulatedTeacher"]
