"""Which messages of a customer say nothing but thanks, approval or goodbye."""

import re

import pytest
import yaml

from orchestration.classification.cues import shipped_cues
from orchestration.classification.messages.courtesy import FILE, is_courtesy

COURTESY = {
    "en": [
        "Thanks!",
        "Great, thank you so much for your help.",
        "ok",
        "Perfect, that works now. Bye!",
        "No, thanks. That's all.",
        "Nope, that will be all, thank you",
        "You too, have a nice evening",
        "cheers mate",
        "Thanks \N{PERSON WITH FOLDED HANDS}",
        "Wonderful.",
    ],
    "de": [
        "Danke!",
        "Super, vielen Dank für die schnelle Hilfe",
        "Nein danke, das war alles.",
        "Alles klar, tschüss",
        "Prima, jetzt geht es wieder.",
        "Ihnen auch einen schönen Abend, danke",
    ],
    "es": [
        "Gracias",
        "Perfecto, muchas gracias por la ayuda",
        "No, gracias, eso es todo.",
        "Vale, hasta luego",
        "Genial, ya funciona",
    ],
    "fr": [
        "Merci beaucoup !",
        "Non merci, c'est tout",
        "Parfait, merci pour votre aide",
        "D'accord, bonne journée",
        "Super, ça marche",
    ],
    "pt": [
        "Obrigada!",
        "Muito obrigado pela ajuda",
        "Não, obrigado, é só isso.",
        "Perfeito, agora funcionou",
        "Valeu, até logo",
    ],
}
MORE = {
    "en": [
        "Thanks, but it still fails",
        "Thanks for nothing",
        "no good",
        "No.",
        "Yes",
        "Yes please",
        "Great, and when does it arrive?",
        "ok, order 4711",
        "Not good",
        "That did not work",
        "Nothing is fine",
        "It is broken again",
        "Thank you, one question",
        "great " * 21,
    ],
    "de": ["Danke für nichts", "Danke, geht aber nicht", "Nein", "Nicht gut", "Super, und wann?", "Noch immer kaputt"],
    "es": ["Gracias, pero no funciona", "No", "No está bien", "Gracias por nada", "¿Está bien?"],
    "fr": ["Merci mais ça ne marche pas", "Non", "Pas bien", "Merci pour rien", "C'est toujours en panne"],
    "pt": ["Obrigado, mas não funcionou", "Não", "Não está bem", "Obrigado por nada", "Continua sem funcionar"],
}


def test_every_shipped_language_has_cases() -> None:
    assert COURTESY.keys() == MORE.keys() == {cues.language for cues in shipped_cues()}


@pytest.mark.parametrize(("language", "text"), [(one, text) for one in COURTESY for text in COURTESY[one]])
def test_thanks_approval_and_goodbye_are_courtesy(language: str, text: str) -> None:
    assert is_courtesy(text, language) is True


@pytest.mark.parametrize(("language", "text"), [(one, text) for one in MORE for text in MORE[one]])
def test_who_says_more_says_more(language: str, text: str) -> None:
    assert is_courtesy(text, language) is False


def test_one_word_more_is_more() -> None:
    """A text of courtesies is none with a word of another kind among them."""
    for language, texts in COURTESY.items():
        for text in texts:
            for other in ("4711", "invoice", "Rechnung", "factura", "facture", "fatura"):
                assert is_courtesy(f"{text} {other}", language) is False, (text, other)


def test_every_listed_word_can_be_found() -> None:
    """YAML reads an unquoted yes, no or on as a truth value, and a word of one letter is never looked up."""
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    words = [word for name, lists in content.items() if name != "signs" for words in lists.values() for word in words]
    assert len(words) > 500
    assert [word for word in words if not isinstance(word, str) or not re.fullmatch(r"[^\W\d_A-Z]{2,}", word)] == []


def test_without_words_of_a_language_it_is_not_known() -> None:
    assert is_courtesy("Grazie mille", "it") is None
    assert is_courtesy("Grazie mille", None) is None


def test_signs_need_no_language() -> None:
    assert is_courtesy("\N{THUMBS UP SIGN}", None) is True
    assert is_courtesy("\N{THUMBS UP SIGN} 12", None) is False
    assert is_courtesy("...", None) is False
    assert is_courtesy("", None) is False
