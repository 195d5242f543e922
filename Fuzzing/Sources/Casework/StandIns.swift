/// What the linked files name of the rest of Casework, which is not compiled here.
public enum KnownComparison {
    /// The words of a comparison with given digests.
    public enum Result: String {
        case matched, differs, renamed, missing, unlisted
        case notCompared = "not_compared"
    }
}
