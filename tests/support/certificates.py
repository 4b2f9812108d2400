"""Certificates for tests, made with the openssl command."""

import subprocess
from pathlib import Path

__all__ = ["Authority"]


class Authority:
    """A certificate authority with its files in `directory`, which exists.

    ca    the path of its own certificate
    """

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._name = name
        self.ca = str(directory / f"{name}.pem")
        self._key = str(directory / f"{name}.key")
        self._made = 0
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                 "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.ca)

    def issue(self, names: str = "IP:127.0.0.1,DNS:localhost", *, begin: str = "", end: str = "",
              files: tuple[str, str] | None = None) -> tuple[str, str]:
        """A new certificate for these names and its key, in new files, or in place of `files`; returns their paths.

        begin and end are as 20200101000000Z; else it is valid now.
        """
        self._made += 1
        stem = str(self._directory / f"{self._name}-{self._made}")
        request, extensions = f"{stem}.csr", Path(f"{stem}.ext")
        certificate, key = files or (f"{stem}.pem", f"{stem}.key")
        extensions.write_text(f"subjectAltName={names}\n", encoding="ascii")
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test",
                 "-keyout", f"{stem}.new-key", "-out", request)
        database = self._directory / f"{self._name}.index"
        database.write_text("", encoding="ascii")
        configuration = Path(f"{stem}.cnf")
        configuration.write_text(
            f"[ca]\ndefault_ca=a\n[a]\ndatabase={database}\nnew_certs_dir={self._directory}\nrand_serial=yes\n"
            "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n", encoding="ascii")
        times = [*(("-startdate", begin) if begin else ()), *(("-enddate", end) if end else ("-days", "20"))]
        _openssl("ca", "-batch", "-notext", "-config", str(configuration), "-cert", self.ca, "-keyfile", self._key,
                 "-in", request, "-out", f"{stem}.new", "-extfile", str(extensions), *times)
        Path(f"{stem}.new").rename(certificate)
        Path(f"{stem}.new-key").rename(key)
        return certificate, key


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr}")
