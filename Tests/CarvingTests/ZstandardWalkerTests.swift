import EvidenceModel
import Testing

@testable import Carving

@Suite struct ZstandardWalkerTests {
    /// What zstd(1) made of text with a few random bytes (levels 19 and 1), of letters without matches, and of zeros.
    static let frames = [
        """
        28b52ffd6499091d1000d28e2d25904d07f83cb0d43428e88f6e9ae9265770140071784a95f818934c29a59464ea38fcec0e0aa6c0a0
        13fa582a0bb341685aa6901a890807c3424f284f8993220140aa9580e14858ca94ad2b63ff6688c94d733bd1dba9e732771fc3f67d6f
        fedec8baf7158fedb67f5666bed9ec7acab21d6ff7d959f33ea327eb62bbedc3e6f364d6bcadc98a0d5defdf9b91f330b3b95bb515b5
        b1e947aecbe358dbcae5605c906b4cae7deff32e8782c2fd775d2692b34014972580aca8c10a6da2ecb519208420e494d90612e03078
        046a20ac22652e402ad7d8ff0ec8057e5aac01da31d92a29a14526778cd3ac5ea23ceca2f1d01e1a2612d579a8c8ad6ee3b515048396
        252649908893c2d1e106876fc2b25bb2167bbbf03de74cd32510a382bf4f974d20cdd94ebf8edd5e0c7b2e89188e9ff0622d00081838
        98f67d47768c063d4402cb23fc45aa6bde125da502069d6794208e6d38450c630eb93065450a06cc82f95b7bd0fa77e4e19a95bb583e
        de0abb28dc42669bae76cd72e252f3fd27c444fc1c4d18436a4262fdbfc8b57fe23d20b01fa309d1bd789492f67218b936738512a2be
        c5ae2e6526d849322b8f27cc1625a04c0a9dbc2e5bd49723c7fc61af262e1e6cc5fcc9a4f1e58fa8370cff8edc2c3568d60ca9f3b0e9
        d7a150e55127fae6c9c435e48b9df47b4112c7fadcf971d6103baf8934b8c2c1b61c95f58732a7aaa3a327
        """,
        """
        28b52ffd649909e513008610352c804bd201a0a5a94898b2d1e0227c5808a4b3c1a1f1965568b5ddb9591a43e84e6e29a594d21d9cc1
        82861f1b290022002200777aa95f4f7d5ae8f8a9199acbc20fc2d47f682893a6f2d4d7c5b3bda1481c52f9cda51b6ea9481a4bc8f9d4
        6b7958e8a8a5f9b54c7df4a913f5a9ef2c2f75a1da3bf3a655dacbca345503e8b7f6d498a95a87bc6879b58eea1a5ffd2062ce3b8b66
        4fadb9f73ba65b47e4dc0c1e0103151917914c04620241024514603634080e0c14ee03c4a28302c301809109119850122288f81cee53
        df49d65365890cad368102a8014b55d024fbb1062104084a13db750312c8154aae884c412a1bfbff1ba8c0ef19c269b49e12871b1a42
        c6f294c45a8fc2098db72501753f0859a89c12982a5f3b0070f78c1f240310e27ff0026c2a2824a2431281352dfac07dd6af5bc293ae
        c1c96b15247b3e62478112bcd275b992bbca2aa51a61169f605f1557338f46ff03a61819f4244f17420cbea9288d74e84d825b1dc927
        5199bd05da4969a4e225f57843cddc084219c58a1a0344271e580743edd5883fca43b24ec48be94288132c741373db95d28e2f043074
        65345b61dfa6fd903319a2849e0f2e554a815b9d76b16b0a0effbe218ec30fe70363660f33541509c8adee688061c1c70cfdc0821606
        ac291dc14ed7eb45309321a2e7060f89c74fb54a64b03a8c16e20b07da296939ce12780bcc51be15a6839c7e998189339c60c0842f28
        54fb56e2f72e23a8a93245710a5e29b4f293c3ef8531bc86bb3b6bf0f7b89581a3fe6f502a1375fc6051d06b18b72185921009abb402
        885064cd76d74668a2408a5bf219fa104d4f8856894660a4fbc01fe20c123108b0ddd816e653674007dd34f3a4805ee5d030da29aaa3
        a327
        """,
        """
        28b52ffd645801ad09008624490bd03da9146b46034041580b450045004400bdebd20360a5df49e0b92cba14c4f4d8b449c12b238c7d
        f3cd35a6e04482b224f2a6c485a4f3e7b2e18c08349e9242550cb9803b6495c91228ac8a8e43a913a88b248b1b32f7df66e8e82e6b95
        87222751b060e6405c128a7969e6be4fa8001c72012288d919744e906a201699fa58c82209806c30fd4d2d297914a4203c48e6afbdb6
        d1afe42a852e3074a2f359d594ad8671138736a49ddbd9933788f5320a5f7c4542ad23da2d26ba79085a0f233185cf564d4e8750c2a4
        808863a9de8d9391f6ffa8ee82a57900d64489bb5941d7938ead64f45fb5ab5bde42554f9781e1f4fc8a04b33bdb1c3805bf551e7d34
        301be2c479ac6be49907525c560fa35d0171900c523034950e277b6d4d04c21b06e3030404010037a0af13ef16fdc6ae290922c279
        """,
        """
        28b52ffd6488124d0000100000010083d3032c25b73230
        """,
    ].map { text in
        Hex.decode(text.filter(\.isHexDigit)) ?? []
    }

    @Test(arguments: 0..<4) func theChecksumProvesTheContent(index: Int) {
        let file = Self.frames[index]
        #expect(file.count > 10)
        expectExact(ZstandardWalker(), file, .proven, format: "zst")
        expectNeverWholeWhenTruncated(ZstandardWalker(), file, every: 3)
        expectNeverTraps(ZstandardWalker(), file, rounds: 1500)
        expectLiesAreFound(ZstandardWalker(), file, from: 4, head: 200)
        expectDecoyRefused(ZstandardWalker(), file, keeping: 4)
        expectDecoyRefused(ZstandardWalker(), file, keeping: 9)
        #expect(verdict(of: ZstandardWalker(), on: file).completed?.facts["frames"] == .size(1))
    }

    @Test func damageInTheContentShows() {
        for file in Self.frames.prefix(3) {
            for index in 12..<file.count {
                var damaged = file
                damaged[index] ^= 0x10
                let found = verdict(of: ZstandardWalker(), on: damaged)
                // A changed bit that gives the same content is no damage to it.
                guard found.completed?.confidence == .proven else { continue }
                #expect(
                    found.completed?.facts["content_bytes"]
                        == verdict(of: ZstandardWalker(), on: file).completed?
                        .facts["content_bytes"])
            }
        }
    }

    /// A raw block and a repeated byte, without a checksum.
    @Test func withoutChecksumItIsNotProven() {
        let blocks = joined([0x18, 0, 0], [1, 2, 3], [0x0B | 0x20, 0, 0], [7])
        let file = joined([0x28, 0xB5, 0x2F, 0xFD, 0x20, 8], blocks)
        let found = verdict(of: ZstandardWalker(), on: file + [9]).completed
        #expect(found?.length == file.count)
        #expect(found?.confidence == .structural)
        #expect(found?.facts["content_bytes"] == .size(8))
    }

    @Test func aFrameOfAnotherSizeIsRefused() {
        let file = joined([0x28, 0xB5, 0x2F, 0xFD, 0x20, 9], [0x19, 0, 0], [1, 2, 3])
        #expect(verdict(of: ZstandardWalker(), on: file).completed == nil)
    }

    /// Repeated bytes that grow thirty-two thousand times.
    @Test func aBombStopsAtItsLimit() {
        var file: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x38]
        for _ in 0..<4000 { file += [0x02, 0x00, 0x10, 0x41] }
        let found = verdict(of: ZstandardWalker(), on: file + [0x03, 0x00, 0x10, 0x41])
        #expect(found.completed == nil)
        #expect((found.brokenPrefix ?? 0) < 4000)
    }
}
