"""Words that say what stands after them, in the languages of the shipped cues; and the prefixes of issued keys.

All of them are found in one pass over a text (Aho and Corasick), however many there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache

import ahocorasick

from orchestration.redaction.issued_keys import IssuedKey, issued_keys


class Cue(Enum):
    """What a word says of what follows it."""

    PHONE = "a telephone number"
    NUMBER = "a number of some kind"
    OTHER_NUMBER = "a number that is no telephone number"
    ACCOUNT = "the number of an account"
    PIN = "a PIN or a security code"
    VERSION = "a version or a section, which looks like an IP address"
    PASSWORD = "a password, whatever it looks like"  # noqa: S105 - what the word announces
    SECRET = "a key, when it looks like one"  # noqa: S105
    AUTHORIZATION = "the header of a request"
    BEARER = "a token"


# Words in lower case without marks; one that ends in * may go on (telefon* is Telefonnummer too).
_WORDS = {
    Cue.PHONE: (
        "phone* telephone* call calling callback tel tlf tfno mobile mobil mobilnummer mobiltelefon cell "
        "cellphone fax whatsapp* whats sms handy* telefon* rufnummer festnetz* anruf* anrufen ruf rufen ruft "
        "telefono* movil* celular* llama llame llamar llamarme llamame llamenos portable* appelez appelle appeler "
        "joindre "
        "telemovel* telemovei* ligue liga ligar cellulare* chiamami chiami chiamate chiamare text reach zap"
    ),
    Cue.NUMBER: "number nummer numero num",
    Cue.OTHER_NUMBER: (
        "order orders serial s/n sn isbn issn imei iccid sku ean upc tracking track invoice ticket reference ref "
        "booking confirmation policy batch lot model part article item version customer member id uuid # "
        "no nr n. nº n° no. nr. zip ups dhl fedex bestellung bestellnummer auftrag* seriennummer rechnung* "
        "sendung* kundennummer artikel* vorgang* buchung* vertrag* pedido* serie factura* fatura* seguimiento "
        "referencia* facture* commande* suivi colis ordine fattura* matricola spedizione rastreio rastreamento "
        "protocolo cpf cnpj nif dni vat iva steuer* timestamp commit"
    ),
    Cue.ACCOUNT: "account acct konto kontonummer cuenta compte conta conto depot",
    Cue.PIN: "pin pins pincode pin-code cvv cvv2 cvc cvc2 security|code prufnummer geheimzahl tan otp",
    Cue.VERSION: (
        "version* versao versione v ver release build firmware section sections chapter kapitel abschnitt driver "
        "update patch kernel capitulo chapitre seccion secao capitolo sezione"
    ),
    Cue.PASSWORD: (
        "password* passwd passwort pwd pw passphrase passcode kennwort pass|word mot|de|passe mdp motdepasse "
        "contrasena contrasenya clave senha palavra-passe palavra|passe parola|d'ordine parola|chiave accountkey "
        "sharedaccesskey sharedaccesssignature"
    ),
    Cue.SECRET: (
        "secret token credentials credential zugangsschlussel api_key api-key api|key apikey access_key "
        "access-key access|key accesskey secret_key secret-key secret|key secretkey private_key private-key "
        "private|key client_key client-key client|key auth_key auth-key auth|key session_key session-key "
        "session|key"
    ),
    Cue.AUTHORIZATION: "authorization",
    Cue.BEARER: "bearer",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A word or prefix and where it stands in the text."""

    start: int
    end: int
    what: Cue | IssuedKey


@dataclass(frozen=True, slots=True)
class _Literal:
    """A word or prefix: `is_inside` when it may follow a letter, `is_whole` when no letter may follow it."""

    length: int
    what: Cue | IssuedKey
    is_inside: bool
    is_whole: bool

    def begins_after(self, letter: str) -> bool:
        if isinstance(self.what, IssuedKey) and letter in "_-":
            return False
        return self.is_inside or not letter.isalnum()


def find_cues(text: str) -> Iterator[Hit]:
    """Yield the cues and prefixes of a normalised text by where they end."""
    lowered = text.lower()
    for last, literals in _automaton().iter(lowered):
        end = last + 1
        for literal in literals:
            start = end - literal.length
            if start and not literal.begins_after(lowered[start - 1]):
                continue
            if literal.is_whole and lowered[end : end + 1].isalnum():
                continue
            yield Hit(start, end, literal.what)


@cache
def _automaton() -> ahocorasick.Automaton:
    literals: dict[str, list[_Literal]] = {}
    for cue, words in _WORDS.items():
        for word in words.split():
            text = word.rstrip("*").replace("|", " ")
            literals.setdefault(text, []).append(_literal(text, cue, is_whole=not word.endswith("*")))
    for key in issued_keys():
        literals.setdefault(key.prefix.lower(), []).append(_literal(key.prefix, key, is_whole=False))
    automaton = ahocorasick.Automaton()
    for text, found in literals.items():
        automaton.add_word(text, tuple(found))
    automaton.make_automaton()
    return automaton


def _literal(text: str, what: Cue | IssuedKey, *, is_whole: bool) -> _Literal:
    return _Literal(len(text), what, not text[0].isalnum(), is_whole and text[-1].isalnum())
