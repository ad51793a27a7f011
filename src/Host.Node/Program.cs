using Orchestrator.Host.Node;

return args switch
{
    ["--config", var file, .. var settings] => await Node.Run(NodeConfig.Read(file, settings)),
    ["pki", _, ..] => PkiCommands.Run(args[1..]),
    ["admin", "set-password", .. var rest] => await Commands.SetPassword(rest),
    ["database", "status", .. var rest] => await DatabaseCommands.Status(rest),
    ["database", "restored", .. var rest] => await DatabaseCommands.Restored(rest),
    ["database", "migrate", .. var rest] => await DatabaseCommands.Migrate(rest),
    ["host", "token", .. var rest] => await HostCommands.Token(rest),
    ["host", "join", .. var rest] => await HostCommands.Join(rest),
    ["host", "restart", .. var rest] => await HostCommands.Restart(rest),
    ["version"] => Commands.Version(),
    _ => Commands.Help(),
};
