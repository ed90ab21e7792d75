"""A certificate for flared, signed by itself."""
import subprocess

from .processes import Failed


def files(folder):
    """Certificate and key (ECDSA P-256) in a folder, by Debian's openssl."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=bench", "-keyout", key, "-out", certificate]
    try:
        made = subprocess.run(words, capture_output=True, text=True, timeout=60)
    except OSError as error:
        raise Failed(f"openssl: {error.strerror}") from None
    if made.returncode != 0:
        raise Failed(f"openssl req: {made.stderr.strip()}")
    return certificate, key
