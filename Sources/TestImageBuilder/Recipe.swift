/// How one image of test-images is made.
public struct Recipe: Sendable {
    /// The folder's name under test-images.
    public let name: String
    /// The seed of its layout.
    public let seed: String
    /// What RECIPE.md says.
    let page: String
    /// Builds it from the samples and the seed.
    let build: @Sendable (SampleLibrary, String) throws -> BuiltImage

    /// Every recipe.
    public static let all: [Recipe] = [.fatStick, .contiguous, .fragmented, .hostile, .folderExport]
}

/// What a recipe gives.
public struct BuiltImage: Sendable {
    /// The medium itself: a raw image, or the entries of a folder.
    public enum Content: Sendable {
        case image([UInt8])
        case folder([FolderEntry])
    }

    /// The medium.
    public let content: Content
    /// What lies where in it.
    public let truth: Truth
}
