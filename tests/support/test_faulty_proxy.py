"""The proxy breaks what it says it breaks, and nothing else.

    PYTHONPATH=tests /usr/bin/python3 -m unittest -v support.test_faulty_proxy
"""

import socket
import time
import unittest

from support.faulty_proxy import FaultyProxy

_ARRIVES_SECONDS = 10
_SILENT_SECONDS = 0.3  # in which something would have arrived


class FaultyProxyTest(unittest.TestCase):
    def setUp(self) -> None:
        self.server = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.server.settimeout(_ARRIVES_SECONDS)
        host, port = self.server.getsockname()
        self.proxy = self.enterContext(FaultyProxy(f"{host}:{port}"))
        self.near = self.connect()
        self.far = self.accept()

    def connect(self) -> socket.socket:
        host, _, port = self.proxy.ingest_address.rpartition(":")
        return self.enterContext(socket.create_connection((host, int(port)), timeout=_ARRIVES_SECONDS))

    def accept(self) -> socket.socket:
        far = self.enterContext(self.server.accept()[0])
        far.settimeout(_ARRIVES_SECONDS)
        return far

    def assert_passes(self, source: socket.socket, target: socket.socket) -> None:
        source.sendall(b"word")
        self.assertEqual(target.recv(100), b"word")

    def assert_silent(self, *targets: socket.socket) -> None:
        for target in targets:
            target.settimeout(_SILENT_SECONDS)
            self.assertRaises(TimeoutError, target.recv, 100)
            target.settimeout(_ARRIVES_SECONDS)

    def test_passes_data_and_ends(self) -> None:
        self.assert_passes(self.near, self.far)
        self.assert_passes(self.far, self.near)
        self.near.close()
        self.assertEqual(self.far.recv(100), b"")

    def test_silence_holds_back_data_and_ends(self) -> None:
        self.proxy.silence()
        self.near.sendall(b"up")
        self.far.sendall(b"down")
        self.far.shutdown(socket.SHUT_WR)
        self.assert_silent(self.near, self.far)
        self.proxy.heal()
        self.assertEqual(self.far.recv(100), b"up")
        self.assertEqual(self.near.recv(100), b"down")
        self.assertEqual(self.near.recv(100), b"")

    def test_silence_of_one_direction(self) -> None:
        for up, source, target in ((True, self.near, self.far), (False, self.far, self.near)):
            self.proxy.silence(up=up, down=not up)
            self.assert_passes(target, source)
            source.sendall(b"held")
            self.assert_silent(target)
            self.proxy.heal()
            self.assertEqual(target.recv(100), b"held")

    def test_connections_that_are_opened_in_silence_hang(self) -> None:
        self.proxy.silence(up=False)
        near = self.connect()
        near.sendall(b"hello")
        self.server.settimeout(_SILENT_SECONDS)
        self.assertRaises(TimeoutError, self.server.accept)
        self.server.settimeout(_ARRIVES_SECONDS)
        self.proxy.heal()
        self.assertEqual(self.accept().recv(100), b"hello")

    def test_reset(self) -> None:
        self.proxy.reset()
        self.assertRaises(ConnectionResetError, self.near.recv, 100)
        self.assertRaises(ConnectionResetError, self.far.recv, 100)
        self.assert_passes(self.connect(), self.accept())

    def test_refusal(self) -> None:
        self.proxy.refuse()
        self.assertRaises(ConnectionResetError, self.near.recv, 100)
        self.assertRaises(ConnectionRefusedError, self.connect)
        self.proxy.heal()
        self.assert_passes(self.connect(), self.accept())

    def test_delay(self) -> None:
        self.proxy.delay(_SILENT_SECONDS)
        began = time.monotonic()
        self.assert_passes(self.near, self.far)
        self.assertGreaterEqual(time.monotonic() - began, _SILENT_SECONDS)

    def test_a_target_that_is_not_there(self) -> None:
        self.server.close()
        with self.assertRaises(ConnectionResetError):
            self.connect().recv(100)


if __name__ == "__main__":
    unittest.main()
