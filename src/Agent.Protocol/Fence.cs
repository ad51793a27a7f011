using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Serialization;

namespace Orchestrator.Agent.Protocol;

/// <summary>A power order through a fence device. <paramref name="Agent"/>: "ipmilan", "apc"… or "simulated".</summary>
public sealed record FenceOrder(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] Stamp? Stamp,
    string Agent,
    string Address,
    FenceAction Action,
    int? Port = null,
    string? Username = null,
    string? Password = null,
    int TimeoutSeconds = 0)
{
    /// <summary>Further options of the fence program, by its own names ("lanplus" = "1").</summary>
    public ImmutableDictionary<string, string> Options
    {
        get => field ?? ImmutableDictionary<string, string>.Empty;
        init;
    }

    /// <summary>Without the password and the options, which may hold one.</summary>
    private bool PrintMembers(StringBuilder text)
    {
        text.Append($"{Action} of {Agent} at {Address}:{Port} as {Username}");
        return true;
    }
}

/// <summary>
/// <paramref name="Ok"/>: the device did what was asked, or answered the status. Only a <see cref="FencePower.Off"/>
/// with Ok is proof that a host is dead.
/// </summary>
public sealed record FenceResult(FencePower Power, bool Ok, string Message);

[JsonConverter(typeof(SnakeCaseEnum<FenceAction>))]
public enum FenceAction { Status, Off, On, Reboot }

[JsonConverter(typeof(SnakeCaseEnum<FencePower>))]
public enum FencePower { Unknown, On, Off }

/// <summary>What turns the power of machines.</summary>
public interface IFenceDevices
{
    /// <summary>Never throws for what a device or program does; what is not known is <see cref="FencePower.Unknown"/>.</summary>
    Task<FenceResult> Run(FenceOrder order, CancellationToken cancel = default);
}
