import EvidenceModel

/// What a container says of the medium, of its making and of the case.
enum AFF4Properties {
    /// Most values that are kept.
    static let mostValues = 1000

    private static let ofImage: [(word: String, name: String)] = [
        ("diskMake", "make"), ("diskModel", "model"), ("diskSerial", "serial"), ("diskFirmware", "firmware"),
        ("diskInterfaceType", "interface"), ("diskDeviceName", "device_name"), ("diskDeviceType", "device_type"),
        ("diskPartitionTableType", "partition_table"), ("acquisitionCompletionState", "completion"),
    ]

    private static let ofOthers: [(type: String, words: [(word: String, name: String)])] = [
        (
            "CaseDetails",
            [("caseName", "case_name"), ("caseDescription", "case_description"), ("examiner", "examiner")]
        ),
        (
            "CaseNotes",
            [
                ("caseNumber", "case_number"), ("evidenceNumber", "evidence_number"), ("examiner", "examiner"),
                ("notes", "notes"),
            ]
        ),
        ("TimeStamps", [("startTime", "acquired"), ("endTime", "acquisition_ended")]),
    ]

    static func all(of image: String?, in volume: AFF4Volume) -> [SourceProperty] {
        let graph = volume.graph
        var found: [SourceProperty] = []
        func add(_ name: String, _ value: String?) {
            guard let value, !value.isEmpty, found.count < mostValues else { return }
            let property = SourceProperty(name, AFF4Text.shown(value))
            if !found.contains(property) { found.append(property) }
        }
        if !volume.urn.isEmpty { add("volume", volume.urn) }
        add("software", volume.version["tool"])
        if let image {
            add("image", image)
            for (word, name) in ofImage { add(name, graph.text(image, AFF4Lexicon.word(word))) }
        }
        for (type, words) in ofOthers {
            for subject in graph.subjects(ofType: AFF4Lexicon.word(type)) {
                for (word, name) in words { add(name, graph.text(subject, AFF4Lexicon.word(word))) }
            }
        }
        return found
    }

    /// Nil unless the image says that its making ended otherwise than it should.
    static func incompletion(of image: String?, in volume: AFF4Volume) -> String? {
        guard let image, let state = volume.graph.text(image, AFF4Lexicon.word("acquisitionCompletionState")),
            state != "Completed Normally"
        else { return nil }
        return "the image says of its making: \(AFF4Text.shown(state))"
    }
}
