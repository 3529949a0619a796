"""The one look of every page and figure: data check, run, monitor, update, card and console.

`page` puts sections together, `elements`, `tables` and `verdicts` make their parts, `figures` draws, `text` writes numbers (for the
terminal too), `notebook` shows objects. All text that comes in is escaped (`markup`); no page asks anything of the network.
"""
