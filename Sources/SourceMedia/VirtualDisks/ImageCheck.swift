/// What qemu itself finds wrong with an image, asked for in a confined process.
enum ImageCheck {
    /// Seconds that it may take: it reads all tables, not the medium.
    static let patience = 900

    /// What was found: damage, and what is odd.
    struct Findings {
        var damage: [String] = []
        var warnings: [String] = []
    }

    /// Runs `qemu-img check`; it repairs nothing.
    ///
    /// - Parameter node: of the image itself; what it rests on is not looked at.
    static func run(_ node: QEMUTools.Node, _ descriptors: [Int32], keepsUser: Bool) throws(SourceError) -> Findings {
        var program = ConfinedChild.Program(path: QEMUTools.image)
        program.arguments = ["check", "--output=human", QEMUTools.filename([node])]
        program.environment = ["LC_ALL=C"]
        program.descriptors = descriptors
        program.keepsUser = keepsUser
        let child = try ConfinedChild(program)
        guard let (ending, output) = child.wait(seconds: patience) else {
            return Findings(warnings: ["the image was not checked: qemu-img check took longer than \(patience) s"])
        }
        if ending == .exited(ConfinedChild.cannotRead), !keepsUser {
            return try run(node, descriptors, keepsUser: true)
        }
        return findings(ending, output, child.complaint)
    }

    /// qemu-img(1): 0 nothing found, 1 not completed, 2 corrupt, 3 leaked clusters only, 63 not supported.
    private static func findings(
        _ ending: ConfinedChild.Ending, _ output: [UInt8], _ complaint: String
    ) -> Findings {
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n").map { headerText(Array($0.utf8)) }
        switch ending {
        case .exited(0), .exited(63): return Findings()
        case .exited(2):
            let count = lines.first { $0.contains("were found on the image") || $0.contains("was found on the image") }
            let errors = (lines.filter { $0.hasPrefix("ERROR") }).prefix(3)
            let words = ([count ?? "errors were found"] + errors + (complaint.isEmpty ? [] : [complaint]))
            return Findings(damage: ["qemu-img check: " + String(words.joined(separator: "; ").prefix(600))])
        case .exited(3):
            return Findings(warnings: [
                "qemu-img check: clusters of the file belong to nothing: left over from a crash, or an entry of its tables was lost"
            ])
        default:
            return Findings(
                warnings: [
                    "the image was not checked: qemu-img \(ending.words)" + (complaint.isEmpty ? "" : ": \(complaint)")
                ])
        }
    }
}
