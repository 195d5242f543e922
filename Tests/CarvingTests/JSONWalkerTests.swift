import EvidenceModel
import Testing

@testable import Carving

@Suite struct JSONWalkerTests {
    private let keystore = """
        {"address":"008aeeda4d805471df9b2a5b0f38a0c3bcba786b","crypto":{"cipher":"aes-128-ctr","ciphertext":"00ff",\
        "cipherparams":{"iv":"83dbcc02"},"kdf":"scrypt","kdfparams":{"dklen":32,"n":262144,"p":1,"r":8,"salt":"ab0c"},\
        "mac":"2103"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}
        """

    private func found(_ text: String, _ tail: [UInt8] = [UInt8](repeating: 0, count: 4096)) -> WalkedFile? {
        judgedVerdict(of: JSONWalker(), on: Array(text.utf8) + tail)
    }

    @Test func aKeystoreIsToldApart() {
        let file = found(keystore)
        #expect(file?.length == keystore.utf8.count)
        #expect(file?.confidence == .structural)
        #expect(file?.format == "ethereum-keystore")
        #expect(file?.facts["address"] == "008aeeda4d805471df9b2a5b0f38a0c3bcba786b")
        expectSteadfast(JSONWalker(), Array(keystore.utf8), decoy: 60)
    }

    @Test(arguments: [
        "{\"a\":[1,-0.5e+3,true,null,{}],\"b\":\"\\u00e9\\n é\"}", "[\n  {\"x\": [[], [1]]}\n]\n",
        "{\r\n\"k\" : 0}\r\n",
        "\u{FEFF}{\"k\":\"v\"}",
    ]) func valuesEndWithTheirBracket(text: String) {
        #expect(found(text)?.length == text.utf8.count)
        #expect(found(text)?.confidence == .structural)
        // Noise behind it does not show the end.
        #expect(found(text, [0x81, 0x90, 0x01])?.confidence == .header)
    }

    @Test(arguments: [
        "{\"a\":1,}", "{\"a\":01}", "{\"a\":.5}", "{\"a\":1.}", "{\"a\":tru}", "{\"a\" 1}", "{\"a\":\"\u{1}\"}",
        "{\"a\":1]",
        "{\"a\":\"\\x\"}", "{\"a\":1}, {\"b\":2}", "{\"a\":1}];", "{\"a\":1} and more", "{\"\":", "{\"a\":+1}",
    ]) func whatIsNotJSONIsRefused(text: String) {
        #expect(found(text) == nil)
    }

    @Test func malformedTextInStringsIsRefused() {
        for bytes: [UInt8] in [[0xFF], [0xC3, 0x28], [0xE2, 0x82], [0x80]] {
            let text = Array("{\"a\":\"".utf8) + bytes + Array("\"}".utf8)
            #expect(judgedVerdict(of: JSONWalker(), on: text + [0, 0, 0]) == nil)
        }
    }

    @Test func lineByLineHasNoEndOfItsOwn() {
        let text = String(repeating: "{\"event\":\"login\",\"user\":\"a\"}\n", count: 30)
        let file = found(text)
        #expect(file?.length == text.utf8.count)
        #expect(file?.format == "jsonl")
        #expect(file?.confidence == .header)
        #expect(file?.facts["lines"] == 30)
    }

    @Test func exportsAreToldApart() {
        let chat = "{\"name\":\"Group\",\"type\":\"private_group\",\"id\":7,\"messages\":[{\"id\":1,\"text\":\"hi\"}]}"
        #expect(found(chat)?.facts["kind"] == "Telegram export")
        #expect(found(chat)?.facts["chat"] == "Group")
        let slack = "[{\"type\":\"message\",\"user\":\"U1\",\"text\":\"x\",\"ts\":\"1.0\"},{\"type\":\"message\"}]"
        #expect(found(slack)?.facts["kind"] == "Slack export")
        #expect(found(slack)?.facts["elements"] == 2)
        let wallet = "{\"seed_version\": 18, \"wallet_type\": \"standard\", \"keystore\": {\"xpub\": \"x\"}}"
        #expect(found(wallet)?.format == "electrum-wallet")
        #expect(found(wallet)?.facts["wallet_type"] == "standard")
    }

    @Test func nestingHasALimit() {
        let deep = "{\"a\":" + String(repeating: "[", count: 100_000)
        #expect(found(deep) == nil)
    }
}
