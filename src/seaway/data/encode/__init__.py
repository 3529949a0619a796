"""The contract at work: checking a row and turning it into numbers is one pass, the same in training and serving.

A value is repaired (`rules`), read as its column's kind (`cell`), and put into the matrix; `generate` writes that as one
function per contract, `arrays` applies it to whole columns. Both give the same bits; property tests hold them to it.
"""
