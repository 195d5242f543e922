public import EvidenceModel

extension ReportModel {
    /// How the work was done, exactly enough to be repeated.
    public struct Methods: Hashable, Sendable {
        /// The program, its version and its databases.
        public var tool: ToolIdentity
        /// Libraries beside those that the tool identity names.
        public var libraries: [Library]
        /// The command as it was given, without secrets.
        public var commandLine: [String]
        /// The limits that were in force.
        public var limits: [Limit]
        /// The steps that were done, in order.
        public var steps: [Step]
        /// Departures from the method, additions and exclusions (ISO/IEC 17025:2017, 7.8.2.1 n).
        public var deviations: [String]

        /// Creates the value from its parts.
        public init(
            tool: ToolIdentity, libraries: [Library] = [], commandLine: [String], limits: [Limit] = [],
            steps: [Step] = [.acquisition, .digests, .carving], deviations: [String] = []
        ) {
            self.tool = tool
            self.libraries = libraries
            self.commandLine = commandLine
            self.limits = limits
            self.steps = steps
            self.deviations = deviations
        }

        /// A step of the method that the report explains in words.
        public enum Step: String, CaseIterable, Hashable, Sendable {
            /// Reading a source, read-only, once.
            case acquisition
            /// Digests of the whole and of blocks.
            case digests
            /// Finding files by their content.
            case carving
        }
    }

    /// A library and its version.
    public struct Library: Hashable, Sendable {
        /// The name as it is printed.
        public var name: String
        /// The version as the library says it.
        public var version: String

        /// Creates the value from its parts.
        public init(name: String, version: String) {
            self.name = name
            self.version = version
        }
    }

    /// A named limit of the tool.
    public struct Limit: Hashable, Sendable {
        /// The name as it is printed.
        public var name: String
        /// Value with its unit.
        public var value: String
        /// How often it was reached.
        public var hits: Int

        /// Creates the value from its parts.
        public init(name: String, value: String, hits: Int = 0) {
            self.name = name
            self.value = value
            self.hits = hits
        }
    }

    /// Something that was not examined.
    public struct Omission: Hashable, Sendable {
        /// The item; empty when it concerns the whole case.
        public var item: String
        /// What was not examined.
        public var what: String
        /// Why not.
        public var reason: String

        /// Creates the value from its parts.
        public init(item: String = "", what: String, reason: String) {
            self.item = item
            self.what = what
            self.reason = reason
        }
    }

    /// How often finds of one confidence were right, on a sample whose truth is known.
    public struct ErrorRate: Hashable, Sendable {
        /// For example "carving".
        public var method: String
        /// The confidence that is measured.
        public var confidence: Confidence
        /// Finds that were right.
        public var correct: Int
        /// Finds that were compared with the truth.
        public var examined: Int
        /// What the sample is.
        public var sample: String
        /// Version of the tool that was measured.
        public var toolVersion: String
        /// When it was measured.
        public var measured: UTCTime

        /// Creates the value from its parts.
        public init(
            method: String, confidence: Confidence, correct: Int, examined: Int, sample: String, toolVersion: String,
            measured: UTCTime
        ) {
            self.method = method
            self.confidence = confidence
            self.correct = correct
            self.examined = examined
            self.sample = sample
            self.toolVersion = toolVersion
            self.measured = measured
        }
    }
}
