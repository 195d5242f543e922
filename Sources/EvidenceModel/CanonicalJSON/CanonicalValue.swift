/// A JSON value that has exactly one encoding (RFC 8785, JSON Canonicalization Scheme).
///
/// Narrower than JSON so that no reader can see two meanings: no floating-point numbers, integers below 2^53, and
/// keys that match `[a-z][a-z0-9_]*`, whose bytewise order is the UTF-16 order that RFC 8785 demands.
/// Anything larger than 2^53 travels as a decimal string.
public enum CanonicalValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case string(String)
    case array([CanonicalValue])
    case object([String: CanonicalValue])

    /// The largest integer that every JSON reader keeps exactly: 2^53 − 1 (RFC 8785, 3.2.2.3; RFC 7493, 2.2).
    public static let largestInteger = 9_007_199_254_740_991

    /// The member of an object; nil for another kind of value or a key that is absent.
    public subscript(key: String) -> CanonicalValue? {
        guard case .object(let members) = self else { return nil }
        return members[key]
    }

    /// The text, when this is a string.
    public var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The number, when this is an integer.
    public var integer: Int? {
        guard case .integer(let number) = self else { return nil }
        return number
    }

    /// The truth value, when this is one.
    public var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The elements, when this is an array.
    public var array: [CanonicalValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// A byte count or offset: an integer, or a decimal string when it is 2^53 or more.
    public static func size(_ value: Int) -> CanonicalValue {
        value <= largestInteger && value >= -largestInteger ? .integer(value) : .string(String(value))
    }

    /// Reads what ``size(_:)`` wrote.
    public var size: Int? { integer ?? string.flatMap { Int($0) } }

    /// An object without the members whose value is nil.
    public static func object(compacting members: [String: CanonicalValue?]) -> CanonicalValue {
        .object(members.compactMapValues { $0 })
    }
}

extension CanonicalValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: CanonicalValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, CanonicalValue)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}
