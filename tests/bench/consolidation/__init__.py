"""The parts of the bench `consolidation`: what runs, by which system, how it is measured, judged and shown."""
