"""Checks of keys: the project's own, those it trusts, those that callers hold, and the server's certificate."""

from __future__ import annotations

from datetime import datetime

from seaway.core import chance
from seaway.core.verdict import Verdict
from seaway.registry.source import RegistrySource
from seaway.security import certificates, private, sign
from seaway.security import keys as access_keys
from seaway.security.sign import TrustFolder
from seaway.workflow.doctor.patient import DAY_S, Patient, say

SOON_DAYS = 14.0


def trusted(patient: Patient) -> Verdict:
    """The signing key can be used by its owner alone, and every file among the trusted keys is one."""
    folder = patient.home.keys
    known = TrustFolder(folder).keys()
    if not known and not (folder / sign.PRIVATE).exists():
        return say("H021", "trusted keys", "not-applicable", "There is no key yet; the first release makes one")
    if (folder / sign.PRIVATE).exists():
        private.read(folder / sign.PRIVATE, "signing key")
    unreadable = sorted({path.name for path in folder.glob("*.pub")} - {path.name for path in known.values()})
    shown = ", ".join(f"{path.name} is {key}" for key, path in sorted(known.items(), key=lambda one: one[1].name))
    if unreadable:
        fix = "Remove it, or replace it by the signing.pub of who is to be trusted."
        return say("H021", "trusted keys", "warn", f"{', '.join(unreadable)} holds no Ed25519 public key; {shown}", fix)
    evidence = {key: path.name for key, path in known.items()}
    return say("H021", "trusted keys", "pass", f"Trusted: {shown}", keys=evidence)


def callers(patient: Patient) -> Verdict:
    """The keys of callers can be told, and none ends unseen."""
    if not patient.home.registry.exists():
        return say("H022", "API keys", "not-applicable", "No key was ever made")
    source = RegistrySource(patient.home.state)
    try:
        known = source.keys()
    finally:
        source.close()
    if known is None:
        message = "No key was ever made: on this machine the door is open, elsewhere it stays shut"
        return say("H022", "API keys", "pass", message)
    access_keys.load_secret(patient.home.keys)
    valid = [key for key in known.values() if not access_keys.ended(key, chance.now())]
    days = {key.name: (_seconds(key.expires) - chance.now()) / DAY_S for key in valid if key.expires}
    soon = sorted((left, name) for name, left in days.items() if left < SOON_DAYS)
    if not valid:
        fix = "Make one: `seaway keys make NAME --role predictor --every-model`."
        return say("H022", "API keys", "warn", f"None of {len(known)} keys opens the door any more", fix)
    if soon:
        shown = ", ".join(f"{name} in {left:.1f} days" for left, name in soon[:5])
        return say(
            "H022",
            "API keys",
            "warn",
            f"{len(soon)} of {len(valid)} keys end soon: {shown}",
            "Run: seaway keys rotate ID",
        )
    return say("H022", "API keys", "pass", f"{len(valid)} keys open the door, none ends within {SOON_DAYS:.0f} days")


def certificate(patient: Patient) -> Verdict:
    """The server's TLS certificate can be read and lasts for a while."""
    named = patient.settings.serve.tls_cert
    if not named:
        return say("H023", "TLS", "not-applicable", "The settings name no certificate")
    path = patient.home.folder / named
    ends = certificates.ends(path)
    if ends is None:
        fix = "Name a certificate in PEM by `tls_cert` under [serve]."
        return say("H023", "TLS", "fail", f"{path.name} cannot be read as a certificate", fix)
    days = (ends.timestamp() - chance.now()) / DAY_S
    fix = "" if days >= SOON_DAYS else "Renew it and restart the server."
    message = f"{path.name} ends on {ends:%Y-%m-%d}"
    return say("H023", "TLS", "fail" if days <= 0 else "warn" if days < SOON_DAYS else "pass", message, fix)


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
