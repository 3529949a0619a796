"""The verbs as functions, and the objects a notebook shows: the only place, with update and deploy, that composes rooms."""
