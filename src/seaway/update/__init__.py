"""The loop that keeps a model right: decide, rebuild, compare, shadow, canary, promote or roll back.

`loop` is the state machine, its steps are `steps`, its memory `journal`; `policy`, `rebuild`, `compare`, `live` and `rollback` hold what the
steps decide by; `publish` makes a candidate a registered release.
"""
