import EvidenceModel
import Foundation
import Testing
import Trust

@Suite("Time stamps of RFC 3161")
struct TimestampTests {
    private let data = Array("signature bytes".utf8)
    private static let moment = UTCTime(milliseconds: 1_800_000_000_123)

    private func authority(
        _ laboratory: Laboratory, to end: UTCTime = Laboratory.end, clock: UTCTime = Self.moment
    ) throws -> TimestampAuthority {
        let key = try PrivateKey.generateP256()
        let certificate = try TrialCertificates.timestampAuthority(
            organization: "Test Lab", key: key, notBefore: Laboratory.start, notAfter: end, issuer: laboratory.root,
            issuerKey: laboratory.rootKey)
        return try TimestampAuthority(
            signer: Signer(key: key, certificate: certificate), clock: { clock })
    }

    private func problem(_ verdict: TimestampVerdict) -> TimestampProblem? {
        if case .invalid(let problem) = verdict { problem } else { nil }
    }

    @Test("a stamp verifies here and with the stock openssl, and states time, policy and accuracy")
    func roundTrip() throws {
        let laboratory = try Laboratory()
        let authority = try authority(laboratory)
        let response = try authority.stamp(data)
        guard
            case .valid(let stamp) = TimestampVerifier.verify(
                response: response, data: data, roots: [laboratory.root])
        else {
            Issue.record(
                "refused: \(TimestampVerifier.verify(response: response, data: data, roots: [laboratory.root]))")
            return
        }
        #expect(stamp.genTime == Self.moment)
        #expect(stamp.accuracyMicroseconds == 1_000_000)
        #expect(stamp.policy == TimestampAuthority.laboratoryPolicy)
        #expect(stamp.signer == authority.certificate)
        #expect(stamp.serialHex.count == 40)
        #expect(stamp.isTrial)
        #expect(stamp.trust == .laboratory)
        #expect(
            problem(TimestampVerifier.verify(token: stamp.token, data: data, roots: [laboratory.root])) == nil)

        let folder = try TemporaryFolder()
        try folder.write(laboratory.root.pem, "ca.pem")
        try folder.write(response, "f.tsr")
        try folder.write(data, "f")
        let verified = try folder.openssl(
            "ts", "-verify", "-data", "f", "-in", "f.tsr", "-CAfile", "ca.pem", "-attime", "1800000000")
        #expect(verified.status == 0, "\(verified.output)")
        let text = try folder.openssl("ts", "-reply", "-in", "f.tsr", "-text").output
        #expect(text.contains("Status: Granted."))
        #expect(text.contains("Hash Algorithm: sha256"))
        #expect(text.contains("Laboratory time stamps"))
        try folder.write(stamp.token, "token.der")
        let token = try folder.openssl("cms", "-cmsout", "-print", "-inform", "DER", "-in", "token.der").output
        #expect(token.contains("signingCertificateV2"))
        #expect(!token.contains("id-smime-aa-signingCertificate "))
    }

    @Test("serial numbers do not repeat, whoever asks at once")
    func serials() async throws {
        let laboratory = try Laboratory()
        let authority = try authority(laboratory)
        let serials = try await withThrowingTaskGroup(of: String.self) { group in
            for index in 0..<64 {
                group.addTask {
                    let bytes = Array("\(index)".utf8)
                    let response = try authority.stamp(bytes)
                    guard
                        case .valid(let stamp) = TimestampVerifier.verify(
                            response: response, data: bytes, roots: [laboratory.root])
                    else { return "refused" }
                    return stamp.serialHex
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(serials.count == 64)
    }

    @Test("each flipped bit and cut is caught; changed data are told apart")
    func tampering() throws {
        let laboratory = try Laboratory()
        let response = try authority(laboratory).stamp(data)
        func check(_ bytes: [UInt8]) -> TimestampProblem? {
            problem(TimestampVerifier.verify(response: bytes, data: data, roots: [laboratory.root]))
        }
        #expect(check(response) == nil)
        for position in response.indices {
            for mask: UInt8 in [0x01, 0x80] {
                var changed = response
                changed[position] ^= mask
                #expect(check(changed) != nil, "byte \(position), mask \(mask)")
            }
        }
        for count in stride(from: 0, to: response.count, by: 7) { #expect(check(Array(response[..<count])) != nil) }
        #expect(check(response + [0]) != nil)
        #expect(
            problem(TimestampVerifier.verify(response: response, data: data + [0], roots: [laboratory.root]))
                == .dataChanged)
    }

    @Test("judged at its own time; expired authorities, strangers and other certificates are refused")
    func certificates() throws {
        let laboratory = try Laboratory()
        let end = UTCTime(seconds: 1_790_000_000)
        let before = try authority(laboratory, to: end, clock: UTCTime(seconds: 1_780_000_000)).stamp(data)
        #expect(problem(TimestampVerifier.verify(response: before, data: data, roots: [laboratory.root])) == nil)
        let stranger = try Laboratory()
        guard
            case .certificate(.unknownIssuer)? = problem(
                TimestampVerifier.verify(response: before, data: data, roots: [stranger.root]))
        else {
            Issue.record("a stranger's stamp was not refused for its issuer")
            return
        }
        let after = try authority(laboratory, to: end, clock: UTCTime(seconds: 1_790_000_001)).stamp(data)
        guard
            case .certificate(.expired)? = problem(
                TimestampVerifier.verify(response: after, data: data, roots: [laboratory.root]))
        else {
            Issue.record("an expired authority's stamp was not refused for it")
            return
        }
        let examiner = try laboratory.examiner()
        #expect(throws: TrustError.self) { try TimestampAuthority(signer: examiner) }
    }

    @Test("requests of the stock openssl are answered, others refused in the response")
    func requests() throws {
        let laboratory = try Laboratory()
        let authority = try authority(laboratory)
        let folder = try TemporaryFolder()
        try folder.write(laboratory.root.pem, "ca.pem")
        try folder.write(data, "f")
        for (digest, isServed) in [("-sha256", true), ("-sha512", true), ("-sha1", false)] {
            try folder.openssl("ts", "-query", "-data", "f", digest, "-cert", "-out", "f.tsq")
            let response = try authority.respond(toRequest: folder.read("f.tsq"))
            try folder.write(response, "f.tsr")
            let stock = try folder.openssl(
                "ts", "-verify", "-queryfile", "f.tsq", "-in", "f.tsr", "-CAfile", "ca.pem", "-attime", "1800000000")
            #expect((stock.status == 0) == isServed, "\(stock.output)")
            let own = problem(TimestampVerifier.verify(response: response, data: data, roots: [laboratory.root]))
            #expect((own == nil) == isServed)
        }
        let refusal = try authority.respond(toRequest: [1, 2, 3])
        #expect(problem(TimestampVerifier.verify(response: refusal, data: data, roots: [laboratory.root])) != nil)
        try folder.write(try TimestampRequest.make(for: data), "own.tsq")
        let request = try folder.openssl("ts", "-query", "-in", "own.tsq", "-text").output
        #expect(request.contains("Certificate required: yes"))
        #expect(request.contains("Hash Algorithm: sha256"))
    }
}
