import EvidenceModel
import SourceMedia

extension EvidenceManifest {
    /// The bytes that are signed.
    public var encoded: [UInt8] { canonical.encoded }

    var canonical: CanonicalValue {
        .object(compacting: [
            "v": .integer(Self.version), "type": .string(Self.type), "case": .string(caseNumber),
            "item": item.canonical,
            "source": .object(compacting: [
                "kind": .string(kind.rawValue), "files": .array(files.map(\.canonical)),
                "media_size": .size(mediaSize), "sector_size": .integer(sectorSize),
                "stored": .array(stored.map(\.canonical)), "device": device.map(Self.canonical),
                "properties": properties.isEmpty ? nil : .array(properties.map(\.canonical)),
                "damage": damage.isEmpty ? nil : .array(damage.map { .string($0) }),
            ]),
            "image": image?.canonical,
            "digests": .array(digests.map { ["alg": .string($0.algorithm.rawValue), "hex": .string($0.hex)] }),
            "blocks": [
                "alg": "sha256", "size": .integer(blocks.size), "count": .size(blocks.count),
                "root": .string(blocks.root.hex),
            ],
            "files": fileTree.map {
                [
                    "count": .size($0.count), "bytes": .size($0.bytes), "root": .string($0.root.hex),
                    "sha256": .string($0.sha256.hex),
                ]
            },
            "known": known.map(\.canonical),
            "unreadable": .array(
                unreadable.map {
                    [
                        "offset": .size($0.extent.offset), "length": .size($0.extent.length),
                        "error": .string($0.error),
                    ]
                }),
            "warnings": .array(warnings.map { .string($0) }),
            "started": .string(started.rfc3339), "ended": .string(ended.rfc3339), "bytes_read": .size(bytesRead),
            "clock": ["sync": .bool(clock.sync), "src": .string(clock.source), "offset_ms": .integer(clock.offsetMs)],
            "examiner": [
                "name": .string(examiner.name), "id": .string(examiner.id), "org": .string(examiner.org),
                "cert_sha256": .string(examiner.certificate.hex),
            ],
            "tool": tool.canonical,
        ])
    }

    private static func canonical(_ device: DeviceDescription) -> CanonicalValue {
        .object(compacting: [
            "path": .string(device.path), "model": device.model.map { .string($0) },
            "serial": device.serial.map { .string($0) }, "firmware": device.firmware.map { .string($0) },
            "size": .size(device.size), "read_only": .bool(device.isReadOnly),
            "writable_mounts": .array(device.writableMounts.map { .string($0) }),
            "transport": device.transport.map { .string($0) },
            "logical_sector_size": device.logicalSectorSize.map { .integer($0) },
            "physical_sector_size": device.physicalSectorSize.map { .integer($0) },
            "hidden_areas": device.hiddenAreas.map { .string($0) },
        ])
    }
}

extension EvidenceManifest.Item {
    var canonical: CanonicalValue {
        .object(compacting: [
            "id": .string(id), "root_id": rootID.map { .string($0) }, "kind": .string(kind),
            "desc": desc.map { .string($0) }, "make": make.map { .string($0) }, "model": model.map { .string($0) },
            "serial": serial.map { .string($0) }, "seal": seal.map { .string($0) },
            "condition": condition.map { .string($0) },
        ])
    }
}

extension EvidenceManifest.Known {
    var canonical: CanonicalValue {
        .object(compacting: [
            "list": .string(list), "list_sha256": .string(listSHA256.hex), "format": .string(format),
            "counts": .object(counts.mapValues { .size($0) }), "unsupported": .integer(unsupported),
            "not_understood": .integer(notUnderstood), "results_sha256": .string(results.hex),
            "digests": digests.isEmpty ? nil : .array(digests.map(\.canonical)),
        ])
    }
}

extension EvidenceManifest.Known.Entry {
    var canonical: CanonicalValue {
        .object(compacting: [
            "alg": .string(digest.algorithm.rawValue), "hex": .string(digest.hex), "name": name.map { .string($0) },
            "result": .string(result),
        ])
    }
}

extension EvidenceManifest.File {
    var canonical: CanonicalValue {
        .object(compacting: [
            "name": .string(name), "size": .size(size), "sha256": sha256.map { .string($0.hex) },
        ])
    }
}

extension EvidenceManifest.Image {
    var canonical: CanonicalValue {
        .object(compacting: [
            "format": .string(format), "compression": compression.map { .string($0) },
            "files": .array(files.map(\.canonical)), "resumptions": .integer(resumptions),
            "written": .string(written.rfc3339), "read_back": .string(readBack.rawValue),
            "read_back_ended": readBackEnded.map { .string($0.rfc3339) },
        ])
    }
}

extension StoredDigest {
    var canonical: CanonicalValue {
        ["alg": .string(digest.algorithm.rawValue), "hex": .string(digest.hex), "covers": .string(covers)]
    }
}

extension SourceProperty {
    var canonical: CanonicalValue { ["name": .string(name), "value": .string(value)] }
}

extension ToolIdentity {
    var canonical: CanonicalValue {
        [
            "name": .string(name), "version": .string(version), "commit": .string(commit), "openssl": .string(openssl),
            "magic": .string(libmagic), "magic_sha256": .array(magicSHA256.map { .string($0) }),
            "build_sha256": .string(buildSHA256),
        ]
    }
}
