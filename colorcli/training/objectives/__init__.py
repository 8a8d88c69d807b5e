"""Ways of training: one file for each, all with the one method `step` (see base.Objective)."""
