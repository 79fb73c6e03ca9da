from micrographia.metadata.remembering import SHORT, remembered


def test_answers_to_short_texts_are_kept_and_long_ones_are_not() -> None:
    asked: list[str] = []

    @remembered
    def answer(text: str) -> int:
        asked.append(text)
        return len(text)

    short, long = "a" * SHORT, "a" * (SHORT + 1)
    assert [answer(text) for text in (short, long, short, long)] == [SHORT, SHORT + 1] * 2
    assert asked == [short, long, long]
