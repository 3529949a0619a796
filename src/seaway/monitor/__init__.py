"""Events become windows, windows become verdicts: whether what comes in, what goes out and what came true are still as they were.

`log` reads segments as they grow, `index` joins and numbers what they hold, `window` hands out comparable rows, `drift` and `checks` judge
them, `watch` puts a look together and `report` shows it.
"""
