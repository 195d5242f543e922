import Foundation
import Testing

@testable import BuildStamper

@Suite struct BuildStamperTests {
    /// A package folder that goes away with the test.
    final class Package {
        let folder: URL
        init(version: String = "1.2.3\n") throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "stamp-\(UUID().uuidString)")
            try FileManager.default.createDirectory(
                at: folder.appending(path: "Sources"), withIntermediateDirectories: true)
            try write(version, to: "VERSION")
        }
        deinit { try? FileManager.default.removeItem(at: folder) }

        func write(_ text: String, to path: String) throws {
            let file = folder.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }

        @discardableResult func git(_ arguments: String...) throws -> String {
            let identity = ["-c", "user.name=A. Examiner", "-c", "user.email=a@example.org"]
            let output = run("/usr/bin/env", ["git", "-C", folder.path] + identity + arguments)
            return try #require(output).trimmingCharacters(in: .whitespacesAndNewlines)
        }

        func commitAll(_ message: String) throws {
            try git("add", "-A")
            try git("commit", "-q", "-m", message)
        }

        func state() throws -> BuildState { try BuildState(package: folder, swiftc: nil) }
    }

    @Test func outsideACheckoutTheCommitIsUnknown() throws {
        let state = try Package().state()
        #expect(state == BuildState(version: "1.2.3", commit: "unknown", isDirty: nil, compiler: "unknown"))
        #expect(state.source.contains("static let isDirty: Bool? = nil"))
    }

    @Test(arguments: ["", "1.2", "1.2.3.4", "v1.2.3", "1.2.3 \"+evil+\"", "01.2.3"])
    func aVersionThatIsNoneIsRefused(text: String) throws {
        #expect(throws: StampError.self) { try Package(version: text).state() }
    }

    @Test func theCommitIsGitsAndNewCommitsShow() throws {
        let package = try Package()
        try package.git("init", "-q", "-b", "main")
        #expect(try package.state().commit == "unknown")
        try package.commitAll("one")
        let first = try package.git("rev-parse", "HEAD")
        #expect(try package.state().commit == first)
        #expect(try package.state().isDirty == false)
        try package.write("let a = 1\n", to: "Sources/a.swift")
        #expect(try package.state().isDirty == true)
        try package.commitAll("two")
        let second = try package.git("rev-parse", "HEAD")
        #expect(second != first)
        #expect(try package.state().commit == second)
        #expect(try package.state().isDirty == false)
        try package.write("let a = 2\n", to: "Sources/a.swift")
        #expect(try package.state().isDirty == true)
    }

    @Test func whatIsNotBuiltDoesNotMakeABuildDirty() throws {
        let package = try Package()
        try package.git("init", "-q", "-b", "main")
        try package.commitAll("one")
        try package.write("words\n", to: "README.md")
        #expect(try package.state().isDirty == false)
    }

    @Test func packedReferencesDetachedHeadsAndWorktreesAreRead() throws {
        let package = try Package()
        try package.git("init", "-q", "-b", "topic/long-name")
        try package.commitAll("one")
        let commit = try package.git("rev-parse", "HEAD")
        try package.git("tag", "-a", "v1", "-m", "one")
        try package.git("pack-refs", "--all")
        #expect(try package.state().commit == commit)

        let tree = package.folder.appending(path: "tree")
        try package.git("worktree", "add", "-q", "-b", "other", tree.path)
        #expect(try BuildState(package: tree, swiftc: nil).commit == commit)
        try package.git("checkout", "-q", "--detach")
        #expect(try package.state().commit == commit)
    }

    @Test func theCompilersNameIsTakenFromItsBanner() {
        let banner = "Swift version 6.3.1 (swift-6.3.1-RELEASE)\nTarget: x86_64-unknown-linux-gnu\n"
        #expect(BuildState.compilerName(inBanner: banner) == "6.3.1 (swift-6.3.1-RELEASE)")
        #expect(BuildState.compilerName(inBanner: "no such thing") == nil)
    }

    @Test func theSourceHoldsNothingThatCouldBreakOutOfALiteral() {
        let state = BuildState(version: "1.2.3", commit: "a\"\\(evil)\n", isDirty: true, compiler: "6.3")
        #expect(state.source.contains("static let commit = \"a(evil)\"\n"))
    }
}
