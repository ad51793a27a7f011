using Orchestrator.Host.Node;

return args switch
{
    ["--config", var file, .. var settings] => await Node.Run(NodeConfig.Read(file, settings)),
    ["pki", "ca", .. var rest] => Commands.MakeAuthority(rest),
    ["pki", "issue", .. var rest] => Commands.Issue(rest),
    ["admin", "set-password", .. var rest] => await Commands.SetPassword(rest),
    ["version"] => Commands.Version(),
    _ => Commands.Help(),
};
