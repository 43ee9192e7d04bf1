"""How often the judge is right: runs whose outcome is known, what it said about them, and how far it was from saying something else."""
