"""Questions over TLS: who is answered, and what fleetqshape says when certificates stand in the way.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v integration.test_query_tls
"""

import contextlib
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support.certificates import Authority
from support.fleet import Aggregator, Answer, ask, environment, program
from support.waiting import wait_until

ERROR, USAGE = 1, 2
# What an aggregator answers that has no relays: the question has reached it.
REACHED = "no relay has reported yet"


class TestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.class_stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.class_stack.close)
        cls.directory = Path(cls.class_stack.enter_context(tempfile.TemporaryDirectory(prefix="tls-")))
        cls.authority = Authority(cls.directory, "authority")
        cls.other = Authority(cls.directory, "other")

    def setUp(self) -> None:
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def aggregator(self, certificate: tuple[str, str] | None = None, *options: str) -> Aggregator:
        tls = ["--query-tls-certificate", certificate[0], "--query-tls-key", certificate[1]] if certificate else []
        return self.stack.enter_context(Aggregator(*tls, *options))

    def assert_says(self, answer: Answer, what: str, status: int = ERROR) -> None:
        self.assertEqual((answer.status, answer.stdout), (status, b""), answer.stderr)
        self.assertRegex(answer.stderr, r"\Afleetqshape: [^\n]*\n\Z")
        self.assertIn(what, answer.stderr)


class Servers(TestCase):
    def test_trusted_server_answers(self) -> None:
        aggregator = self.aggregator(self.authority.issue())
        self.assert_says(aggregator.ask("--tls-ca", self.authority.ca), REACHED)
        localhost = aggregator.query_address.replace("127.0.0.1", "localhost")
        self.assert_says(ask("--server", localhost, "relays", variables={"FLEETQSHAPE_TLS_CA": self.authority.ca}),
                         REACHED)

    def test_authorities_of_the_system(self) -> None:
        aggregator = self.aggregator(self.authority.issue())
        self.assert_says(ask("--server", aggregator.query_address, "--tls",
                             variables={"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": self.authority.ca}), REACHED)

    def test_unknown_authority(self) -> None:
        aggregator = self.aggregator(self.authority.issue())
        self.assert_says(aggregator.ask("--tls-ca", self.other.ca),
                         f"another authority than those in {self.other.ca}")
        self.assert_says(aggregator.ask("--tls"), "an authority that this system does not know")

    def test_wrong_name(self) -> None:
        aggregator = self.aggregator(self.authority.issue("DNS:mx.example"))
        self.assert_says(aggregator.ask("--tls-ca", self.authority.ca),
                         "its certificate is for mx.example, not for 127.0.0.1: ask it by the name")

    def test_plain_text_and_tls_that_meet(self) -> None:
        self.assert_says(self.aggregator().ask("--tls-ca", self.authority.ca), "it speaks plain text, not TLS")
        self.assert_says(self.aggregator(self.authority.issue()).ask(), "it speaks TLS: give --tls-ca FILE")

    def test_expired_while_it_ran_and_renewed(self) -> None:
        files = self.authority.issue()
        aggregator = self.aggregator(files)
        self.assert_says(aggregator.ask("--tls-ca", self.authority.ca), REACHED)
        self.authority.issue(begin="20200101000000Z", end="20210102030405Z", files=files)

        def says(what: str) -> bool:
            return what in aggregator.ask("--tls-ca", self.authority.ca).stderr
        wait_until(lambda: says("its certificate expired on 2021-01-02 03:04:05 UTC: renew it there"), 30,
                   "the aggregator has read its certificate again")
        self.authority.issue(begin="20900101000000Z", end="20910101000000Z", files=files)
        wait_until(lambda: says("its certificate is not valid before 2090-01-01 00:00:00 UTC"), 30, "it has so again")
        self.authority.issue(files=files)
        wait_until(lambda: says(REACHED), 30, "the aggregator has its new certificate")


class Clients(TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.aggregator(self.authority.issue(), "--query-tls-client-ca", self.other.ca)

    def ask(self, *files: str) -> Answer:
        options = ["--tls-certificate", files[0], "--tls-key", files[1]] if files else []
        return self.server.ask("--tls-ca", self.authority.ca, *options)

    def test_who_has_a_certificate_is_answered(self) -> None:
        self.assert_says(self.ask(*self.other.issue()), REACHED)
        self.assert_says(self.ask(), "it answers those only who have a certificate: give --tls-certificate and "
                                     "--tls-key")
        certificate, key = self.authority.issue()
        self.assert_says(self.ask(certificate, key),
                         f"it does not take {certificate}: is that from an authority that it knows")

    def test_own_files_are_looked_at_first(self) -> None:
        certificate, key = self.other.issue(begin="20200101000000Z", end="20210102030405Z")
        self.assert_says(self.ask(certificate, key),
                         f"{certificate}: this certificate expired on 2021-01-02 03:04:05 UTC: renew it")
        certificate, key = self.other.issue(begin="20900101000000Z", end="20910101000000Z")
        self.assert_says(self.ask(certificate, key),
                         f"{certificate}: this certificate is not valid before 2090-01-01 00:00:00 UTC")
        certificate, key = self.other.issue()
        self.assert_says(self.ask(certificate, self.other.issue()[1]), f"is not the key of {certificate}")
        self.assert_says(self.ask("/nonexistent", key), "/nonexistent: cannot be read: No such file or directory")
        self.assert_says(self.ask(key, key), f"{key}: holds no certificate in PEM")
        self.assert_says(self.ask(certificate, certificate), f"{certificate}: holds no private key")
        self.assert_says(self.server.ask("--tls-ca", key), f"{key}: holds no certificate in PEM")

    def test_files_that_a_configuration_file_names_are_beside_it(self) -> None:
        certificate, key = self.other.issue()
        home = self.directory / "home"
        (home / "tls").mkdir(parents=True)
        for name, file in (("ca.pem", self.authority.ca), ("me.pem", certificate), ("me.key", key)):
            shutil.copy(file, home / "tls" / name)
        files = ('tls-ca = "tls/ca.pem"\ntls-certificate = "tls/me.pem"\n'
                 f'tls-key = "{home}/tls/me.key"\nserver = "{self.server.query_address}"\n')
        config = home / "config.toml"
        for text in (files, f'context = "a"\n[contexts.a]\n{files}'):
            config.write_text(text, encoding="utf-8")
            for name, directory in ((str(config), "/"), ("config.toml", str(home)), ("../home/config.toml", str(home))):
                self.assert_says(ask("--config", name, "deferred", cwd=directory), REACHED)
        # What is typed is meant from where one is.
        self.assert_says(ask("--config", str(config), "--tls-ca", "tls/ca.pem", "deferred", cwd="/"),
                         "tls/ca.pem: cannot be read: No such file or directory")
        self.assert_says(ask("--config", str(config), "--tls-ca", "ca.pem", "deferred", cwd=str(home / "tls")), REACHED)
        config.write_text(files.replace("tls/me.pem", "gone.pem"), encoding="utf-8")
        self.assert_says(ask("--config", str(config), "deferred", cwd="/"),
                         f"{home}/gone.pem: cannot be read: No such file or directory")

    def test_certificate_without_key(self) -> None:
        self.assert_says(self.server.ask("--tls-certificate", "x"), "--tls-certificate and --tls-key go together",
                         USAGE)


class AggregatorFiles(TestCase):
    def assert_refused(self, status: int, what: str, *options: str) -> None:
        done = subprocess.run([program("fleetqshape-aggregator"), "--data-directory", str(self.directory / "data"),
                               "--ingest-listen", "127.0.0.1:0", "--query-listen", "127.0.0.1:0", *options],
                              stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=20,
                              env=environment(), check=False)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertRegex(done.stderr, r"\Afleetqshape-aggregator: [^\n]*\n\Z")
        self.assertIn(what, done.stderr)

    def test_refused(self) -> None:
        certificate, key = self.authority.issue()
        self.assert_refused(USAGE, "go together", "--query-tls-certificate", certificate)
        self.assert_refused(USAGE, "--query-tls-client-ca needs", "--query-tls-client-ca", self.authority.ca)
        self.assert_refused(ERROR, "/nonexistent: cannot be read", "--query-tls-certificate", "/nonexistent",
                            "--query-tls-key", key)
        self.assert_refused(ERROR, "is not the key of", "--query-tls-certificate", certificate, "--query-tls-key",
                            self.authority.issue()[1])
        expired = self.authority.issue(begin="20200101000000Z", end="20210102030405Z")
        self.assert_refused(ERROR, "expired on 2021-01-02", "--query-tls-certificate", expired[0], "--query-tls-key",
                            expired[1])


if __name__ == "__main__":
    unittest.main()
