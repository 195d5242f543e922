internal import EvidenceModel
internal import Glibc

/// The files under `Resources`: texts, templates, style sheet, and the programs that the child processes run.
enum ReportResources {
    /// A resource is small; a larger file is not ours.
    private static let sizeLimit = 1 << 20

    /// Name of the resource bundle that the package manager lays beside the executable.
    private static let bundle = "exhibit_Reporting.resources"

    static func text(_ name: String) throws(ReportError) -> String {
        let path = try folder() + "/" + name
        do throws(FileError) {
            let bytes = try DurableFile.read(path, limit: sizeLimit)
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            throw ReportError(.resource, "\(error.message). The installation is incomplete; install Exhibit again.")
        }
    }

    /// Absolute path of a resource.
    static func path(_ name: String) throws(ReportError) -> String { try folder() + "/" + name }

    /// Beside the executable, where a build puts it, or in `share/exhibit` of an installation's prefix.
    private static func folder() throws(ReportError) -> String {
        guard let executable = unsafe realpath("/proc/self/exe", nil) else {
            throw ReportError(.resource, "/proc/self/exe cannot be resolved. Mount /proc.")
        }
        defer { unsafe free(executable) }
        let path = unsafe String(cString: executable)
        let binaries = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
        for candidate in ["\(binaries)/\(bundle)", "\(binaries)/../share/exhibit/\(bundle)"] {
            let resources = candidate + "/Resources"
            if unsafe access(resources, R_OK) == 0 { return resources }
        }
        throw ReportError(
            .resource,
            "The folder \(bundle) is not beside \(path). The installation is incomplete; install Exhibit again.")
    }
}
