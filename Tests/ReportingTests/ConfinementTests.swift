import EvidenceModel
import Foundation
import Testing

@testable import Reporting

/// The programs that see evidence reach neither files nor the network.
struct ConfinementTests {
    /// Each page names something to fetch; the canary's text must not be in what comes out.
    @Test(arguments: [
        "<img src='URL'>", "<link rel=stylesheet href='URL'>", "<link rel=attachment href='URL'>",
        "<a rel=attachment href='URL'>x</a>", "<style>@import 'URL';</style>", "<p style='background: url(URL)'>x</p>",
        "<style>@font-face { font-family: x; src: url(URL) } p { font-family: x }</style><p>x",
        "<object data='URL'></object>", "<embed src='URL'>", "<svg><image href='URL' width='9' height='9'/></svg>",
        "<ul style='list-style-image: url(URL)'><li>x</ul>",
    ])
    func nothingIsFetched(_ page: String) async throws {
        let folder = try TemporaryFolder()
        let canary = "canary-\(UUID().uuidString)"
        try folder.write(Array(canary.utf8), "canary.txt")
        let urls = ["file://" + folder.file("canary.txt"), "http://127.0.0.1:9/x.png", folder.file("canary.txt")]
        let html = urls.map { page.replacing("URL", with: $0) }.joined()
        let outcome = try await ConfinedProgram.run(
            "render_pdf.py", arguments: ["00"], input: Array(html.utf8), outputLimit: 1 << 24)
        if outcome.exitCode == 0 {
            // Not an address to WeasyPrint at all.
            #expect(!String(decoding: outcome.output, as: UTF8.self).contains(canary))
            try folder.write(outcome.output, "page.pdf")
            #expect(try folder.run("pdfdetach", "-list", "page.pdf").output.contains("0 embedded files"))
        } else {
            #expect(outcome.exitCode == 3, "\(outcome.errors)")
            #expect(outcome.output.isEmpty)
        }
    }

    /// The second wall, should the first fall: the process itself can open nothing outside the system's folders.
    @Test func theProcessCannotOpenFilesOrSockets() async throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("secret".utf8), "canary.txt")
        let resources = try ReportResources.path("")
        let script = """
            import sys, socket
            sys.path.insert(0, "\(resources)")
            import confined
            confined.isolate(["/usr", "/lib", "/lib64"])
            for name, act in (
                ("read", lambda: open("\(folder.file("canary.txt"))").read()),
                ("write", lambda: open("\(folder.file("new.txt"))", "w")),
                ("connect", lambda: socket.create_connection(("127.0.0.1", 9), 1)),
            ):
                try:
                    act()
                    print(name, "done")
                except ConnectionRefusedError:
                    print(name, "refused")
                except OSError as error:
                    print(name, "denied", error.errno)
            """
        let output = try folder.run("/usr/bin/python3", "-I", "-c", script).output
        if output.contains("read denied") {
            #expect(output.contains("write denied"))
        } else {
            // A kernel without Landlock: the URL fetcher alone keeps files away.
            #expect(output.contains("read done"))
        }
        #expect(output.contains("connect"))
    }

    /// Without site packages the interpreter has no WeasyPrint: the exit status that becomes "install weasyprint".
    @Test func aMissingRendererIsTold() throws {
        let folder = try TemporaryFolder()
        for program in ["render_pdf.py", "make_thumbnail.py"] {
            let outcome = try folder.run("/usr/bin/python3", "-I", "-S", ReportResources.path(program), "1", "1")
            #expect(outcome.status == 4, "\(outcome.output)")
        }
    }

    @Test func theSamePageGivesTheSamePDF() async throws {
        let html = Array(
            try HTMLRenderer(language: .english).html(
                SampleReport.model(thumbnails: []), signature: SampleReport.signature
            ).utf8)
        let first = try await PDFRenderer.pdf(html: html, identifier: "00ff")
        let second = try await PDFRenderer.pdf(html: html, identifier: "00ff")
        #expect(first == second)
    }
}

struct ThumbnailTests {
    @Test func aPictureBecomesSmallAndLosesItsMetadata() async throws {
        let picture = SampleReport.bitmap(width: 1000, height: 500) { x, y in (UInt8(x & 255), UInt8(y & 255), 7) }
        guard case .made(let first) = await ThumbnailMaker.thumbnail(of: picture) else {
            Issue.record("no thumbnail")
            return
        }
        #expect(await ThumbnailMaker.thumbnail(of: picture) == .made(first))
        let folder = try TemporaryFolder()
        let path = try folder.write(first, "thumbnail.jpg")
        #expect(try folder.run("file", path).output.contains("192x96"))
    }

    @Test(
        arguments: [
            [], [0xFF, 0xD8, 0xFF], Array("GIF89a".utf8), Array("<svg/>".utf8), Array("%!PS\n".utf8),
            [UInt8](repeating: 0, count: 4096),
        ] as [[UInt8]])
    func whatIsNoPictureGivesAReason(_ bytes: [UInt8]) async {
        guard case .failed(let reason) = await ThumbnailMaker.thumbnail(of: bytes) else {
            Issue.record("a thumbnail of nothing")
            return
        }
        #expect(!reason.isEmpty)
    }

    /// A header that promises more pixels than the limit: refused before a pixel is decoded.
    @Test func aBombIsRefused() async {
        var picture = SampleReport.bitmap(width: 8, height: 8) { _, _ in (1, 2, 3) }
        for (offset, byte) in [(18, UInt8(0xFF)), (19, 0x7F), (20, 0), (22, 0xFF), (23, 0x7F), (24, 0)] {
            picture[offset] = byte
        }
        guard case .failed(let reason) = await ThumbnailMaker.thumbnail(of: picture) else {
            Issue.record("a bomb was decoded")
            return
        }
        #expect(reason.contains("pixels"))
    }
}
