import Foundation
import Testing

/// A time-stamping authority of the test's own, on this machine: Python's HTTP server before `openssl ts`, with all the ways
/// in which an answer can be wrong.
final class OutsideAuthority {
    private let server: RunningProgram
    let root: String
    /// For example "http://127.0.0.1:40123".
    let base: String

    init(in lab: Laboratory) throws {
        try lab.file("authority.py", Array(Self.program.utf8))
        let made = try lab.shell(Self.certificates)
        try #require(made.status == 0, "\(made.errors)")
        root = lab.path("tsa/root.pem")
        server = try lab.start(program: "/usr/bin/python3", ["authority.py", lab.path("tsa")])
        var port: String?
        for _ in 0..<200 where port == nil {
            Thread.sleep(forTimeInterval: 0.05)
            port = try? String(contentsOfFile: lab.path("tsa/port"), encoding: .utf8)
        }
        base = "http://127.0.0.1:\(try #require(port, "the server did not start"))"
    }

    deinit { server.kill() }

    private static let certificates = """
        mkdir tsa && cd tsa && exec 2>&1
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem \
            -subj "/O=Outside/CN=Outside Root" -days 30 || exit 1
        issue() {
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.csr \
                -subj "/O=Outside/CN=Outside $1" && printf '%b' "$3" >$1.ext &&
                openssl x509 -req -in $1.csr -CA root.pem -CAkey root.key -CAcreateserial -out $1.pem -days $2 -extfile $1.ext
        }
        issue tsa 20 'extendedKeyUsage=critical,timeStamping\\nkeyUsage=critical,digitalSignature' || exit 1
        issue eku 20 'extendedKeyUsage=clientAuth\\nkeyUsage=critical,digitalSignature' || exit 1
        issue expired -1 'extendedKeyUsage=critical,timeStamping\\nkeyUsage=critical,digitalSignature' || exit 1
        echo 01 >serial
        cat >ts.cnf <<END
        [tsa]
        default_tsa = here
        [here]
        dir = .
        serial = serial
        crypto_device = builtin
        signer_digest = sha256
        default_policy = 1.2.3.4
        digests = sha256
        accuracy = secs:1
        ess_cert_id_chain = no
        ess_cert_id_alg = sha256
        END
        """

    private static let program = #"""
        import http.server, os, subprocess, sys, time
        os.chdir(sys.argv[1])
        def run(*words, data=b""):
            return subprocess.run(words, input=data, capture_output=True, check=True).stdout
        def der(tag, content):
            n = len(content)
            size = bytes([n]) if n < 128 else (lambda b: bytes([0x80 | len(b)]) + b)(n.to_bytes((n.bit_length() + 7) // 8, "big"))
            return bytes([tag]) + size + content
        def reply(query, *more):
            open("q.tsq", "wb").write(query)
            return run("openssl", "ts", "-reply", "-config", "ts.cnf", "-queryfile", "q.tsq", "-signer", "tsa.pem",
                       "-inkey", "tsa.key", *more)
        def info(query):
            token = reply(query, "-token_out")
            return run("openssl", "cms", "-verify", "-noverify", "-binary", "-inform", "DER", data=token)
        def signed(info, name):
            token = run("openssl", "cms", "-sign", "-cades", "-binary", "-nodetach", "-nosmimecap", "-md", "sha256",
                        "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-outform", "DER", "-signer", name + ".pem",
                        "-inkey", name + ".key", data=info)
            return der(0x30, der(0x30, der(2, b"\0")) + token)
        def content(element):
            n = element[1]
            return element[2:] if n < 128 else element[2 + (n & 127):]
        def other(query):
            open("other", "wb").write(os.urandom(16))
            return run("openssl", "ts", "-query", "-data", "other", "-sha256", "-cert")
        def renonced(query):
            at = query.rfind(b"\x02\x08")
            return query[:at + 9] + bytes([query[at + 9] ^ 1]) + query[at + 10:]
        class Authority(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def log_message(self, *words): pass
            def answer(self, body, kind="application/timestamp-reply", status=200, headers=()):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                for name, value in headers: self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def do_HEAD(self): self.answer(b"", "text/html", 405)
            def do_POST(self):
                query = self.rfile.read(int(self.headers["Content-Length"]))
                way = self.path.strip("/")
                open("seen", "a").write(way + " " + str(self.headers["Content-Type"]) + " "
                                        + str(self.headers["Authorization"]) + "\n")
                if way == "ok": self.answer(reply(query))
                elif way == "nonce": self.answer(reply(renonced(query)))
                elif way == "imprint": self.answer(reply(other(query)))
                elif way == "eku": self.answer(signed(info(query), "eku"))
                elif way == "expired": self.answer(signed(info(query), "expired"))
                elif way == "qualified":
                    statement = der(0x30, der(0x30, der(6, bytes.fromhex("0400") + bytes.fromhex("81975e") + b"\1\1")))
                    more = der(0xA1, der(0x30, der(6, bytes.fromhex("2b06010505070103")) + der(4, statement)))
                    self.answer(signed(der(0x30, content(info(query)) + more), "tsa"))
                elif way == "ahead":
                    day = lambda seconds: time.strftime("%Y%m%d", time.gmtime(seconds)).encode()
                    ahead = info(query).replace(day(time.time()), day(time.time() + 10 * 86400), 1)
                    self.answer(signed(ahead, "tsa"))
                elif way == "status":
                    text = der(0x30, der(0x0C, "not today \u001b[31m".encode()))
                    self.answer(der(0x30, der(0x30, der(2, b"\2") + text)))
                elif way == "500": self.answer(b"broken", "text/plain", 500)
                elif way == "html": self.answer(b"<html>log in</html>", "text/html; charset=utf-8")
                elif way == "garbage": self.answer(os.urandom(300))
                elif way == "empty": self.answer(b"")
                elif way == "redirect": self.answer(b"", status=302, headers=[("Location", "/ok")])
                elif way == "slow": time.sleep(600)
                elif way in ("huge", "announced"):
                    self.send_response(200)
                    self.send_header("Content-Type", "application/timestamp-reply")
                    if way == "announced": self.send_header("Content-Length", str(1 << 40))
                    else: self.send_header("Connection", "close")
                    self.end_headers()
                    try:
                        while True: self.wfile.write(bytes(1 << 16))
                    except OSError: pass
                    self.close_connection = True
        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
        server = Server(("127.0.0.1", 0), Authority)
        open("port.new", "w").write(str(server.server_address[1]))
        os.rename("port.new", "port")
        server.serve_forever()
        """#
}
