import PackagePlugin

@main
struct AuditCustody: CommandPlugin {
    func performCommand(context: PluginContext, arguments: [String]) async throws {}
}
