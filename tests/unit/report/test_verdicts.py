from seaway.core.verdict import Verdict
from seaway.report.verdicts import badge, counts, verdict_list


def verdict(code, outcome, **more):
    return Verdict(code=code, outcome=outcome, subject=f"subject of {code}", message=f"message of {code}", **more)


FOUR = [verdict("p1", "pass"), verdict("w1", "warn"), verdict("n1", "not-applicable"), verdict("f1", "fail", fix="mend it"), verdict("w2", "warn")]  # fmt: skip


def codes(read, markup):
    return [text for text in read(markup).text if len(text) == 2 and text[1].isdigit()]


def test_the_gravest_come_first_and_otherwise_the_order_is_kept(read):
    assert codes(read, verdict_list(FOUR)) == ["f1", "w1", "w2", "p1", "n1"]


def test_what_passed_is_folded_only_beside_something_else(read):
    assert [attributes.get("open") for attributes in read(verdict_list(FOUR)).named("details")] == [None]
    assert read(verdict_list(FOUR)).text.count("1 passed, 1 not applicable") == 1
    assert read(verdict_list([FOUR[0]])).named("details") == []
    assert read(verdict_list(FOUR, is_folded=False)).named("details") == []


def test_each_outcome_is_counted_in_words():
    assert [word in counts(FOUR) for word in ("1 failed", "2 warnings", "1 passed", "1 not applicable")] == [True] * 4
    assert "failed" not in counts([FOUR[0]])


def test_everything_a_person_needs_is_there(read):
    one = verdict(
        "M7",
        "fail",
        fix="retrain",
        value=0.31234567,
        limit=0.2,
        evidence={"rows": 1200, "shares": {"a": 0.25, "b": [1, 2]}, "many": list(range(50))},
    )
    text = " ".join(read(verdict_list([one])).text)
    for part in (
        "M7",
        "subject of M7",
        "message of M7",
        "What to do:",
        "retrain",
        "0.3123",
        "0.2000",
        "1200",
        "a: 0.2500, b: 1, 2",
        "30 others",
    ):
        assert part in text, part


def test_no_verdicts_is_never_a_pass():
    assert "Nothing was checked." in verdict_list([])
    assert "Pass" not in verdict_list([])


def test_a_badge_is_a_word_not_only_a_colour(read):
    assert read(badge("not-applicable")).text == ["Not applicable"]
    assert read(badge("warn", "3 findings")).text == ["3 findings"]
