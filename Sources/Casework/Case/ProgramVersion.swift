/// The program's version for people: release and commit.
public enum ProgramVersion {
    public static var text: String {
        "exhibit \(BuildStamp.version) (\(BuildStamp.commit)\(BuildStamp.isDirty == true ? "+dirty" : ""))"
    }
}
