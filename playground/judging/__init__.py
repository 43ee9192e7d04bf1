"""The accuracy of the collapse judge: runs with known outcomes, its verdicts, and its margins."""
