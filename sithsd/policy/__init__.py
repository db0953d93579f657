"""What a site may decide: rules for new PINs, budgets, the checklist of an activation, advice for people."""
