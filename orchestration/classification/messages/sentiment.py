"""How a customer's English message sounds: the compound score of VADER, a lexicon and its rules."""

import re
from functools import cache

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

# The one language of the lexicon.
LANGUAGE = "en"
# A single word is an answer, without a sentiment.
_LEAST_WORDS = 2
# In a service chat these ask and answer; the lexicon scores them.
_NO_MOOD = ("please", "help", "yes", "no", "ok", "okay", "cancel", "cancels", "cancelled", "canceled", "cancelling")
_WORD = re.compile(r"[^\W\d_]+")


def sentiment_of(text: str) -> float | None:
    """Return the sentiment of an English text, -1 (bad) to 1 (good); None when it holds too few words."""
    if len(_WORD.findall(text)) < _LEAST_WORDS:
        return None
    return float(_analyzer().polarity_scores(text)["compound"])


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    analyzer = SentimentIntensityAnalyzer()
    for word in _NO_MOOD:
        analyzer.lexicon.pop(word, None)
    return analyzer
