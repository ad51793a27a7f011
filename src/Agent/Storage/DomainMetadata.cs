using System.Text;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>The text of <c>dom_md/metadata</c>: oVirt's keys as far as they mean something here, and OWNER, the installation that
/// has the domain.</summary>
internal static class DomainMetadata
{
    /// <summary>Agents of 0.1.0 wrote it for every installation.</summary>
    public const string AnyOwner = "orchestrator";

    /// <returns>Null: it is no domain of ours.</returns>
    public static DomainLabel? Read(string text)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n'))
            if (line.IndexOf('=', StringComparison.Ordinal) is > 0 and var at) values[line[..at]] = line[(at + 1)..].TrimEnd('\r');
        if (!Guid.TryParse(values.GetValueOrDefault("SDUUID"), out var domain) || !values.TryGetValue("OWNER", out var owner)) return null;
        var role = values.GetValueOrDefault("CLASS") switch { "Iso" => "iso", "Backup" => "export", _ => "data" };
        return new DomainLabel(
            domain, owner, values.GetValueOrDefault("DESCRIPTION") ?? "", role,
            Guid.TryParse(values.GetValueOrDefault("POOL_UUID"), out var pool) ? pool : null);
    }

    public static string Text(DomainLabel label)
    {
        var text = new StringBuilder();
        text.Append("CLASS=").Append(label.Role switch { "iso" => "Iso", "export" => "Backup", _ => "Data" }).Append('\n');
        text.Append("DESCRIPTION=").Append(OneLine(label.Name)).Append('\n');
        text.Append("OWNER=").Append(OneLine(label.Owner)).Append('\n');
        text.Append("POOL_UUID=").Append(label.DataCenter?.ToString() ?? "").Append('\n');
        text.Append("ROLE=Regular\nSDUUID=").Append(label.Domain).Append("\nVERSION=5\n");
        return text.ToString();
    }

    public static bool Belongs(this DomainLabel label, string installation) => label.Owner == installation || label.Owner == AnyOwner;

    private static string OneLine(string text) => string.Concat(text.Where(c => !char.IsControl(c)));
}
