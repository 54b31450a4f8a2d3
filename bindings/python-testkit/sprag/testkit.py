"""For an app's tests: a clock to turn, a relay in memory, and clients, all from one seed.

It needs the test kit's library in the place of the shipped one. Never in an app: whoever knows the seed knows every key.
"""

from .generated.sprag_testkit import Carried, TestKit

__all__ = ["Carried", "TestKit"]
