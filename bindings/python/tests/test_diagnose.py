"""What a client tells of itself in a support ticket."""

from __future__ import annotations

import os
import unittest

import sprag


class Diagnose(unittest.TestCase):
    def test_a_client_is_told_in_numbers(self) -> None:
        with self.subTest("as a record"):
            client = sprag.Client.create(None, os.urandom(32), b"Quastenflosser")
            self.addCleanup(client.shut)
            client.deliver([sprag.Incoming(bytes=b"Wolpertinger")])
            diagnosis = client.diagnose()
            numbers = {figure.name: figure.value for figure in diagnosis.figures}
            self.assertEqual((diagnosis.version, diagnosis.format), (sprag.version(), 100))
            self.assertEqual((numbers["contacts"], numbers["devices"], numbers["verdict_foreign"]), (1, 1, 1))
            [foreign] = [figure for figure in diagnosis.figures if figure.name == "verdict_foreign"]
            self.assertEqual((foreign.reason, (foreign.last or 1) % 86_400, diagnosis.since % 86_400), (None, 0, 0))
        with self.subTest("as text"):
            for figure in diagnosis.figures:
                self.assertIn(f"\n{figure.name}: {figure.value}", diagnosis.text)
            for secret in ("Quastenflosser", "Wolpertinger", str(client.device())):
                self.assertNotIn(secret, diagnosis.text)
        client.shut()
        with self.assertRaises(sprag.SpragError.Misuse):
            client.diagnose()


if __name__ == "__main__":
    unittest.main()
